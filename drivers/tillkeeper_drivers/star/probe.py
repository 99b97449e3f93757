"""Whether a printer speaks one of Star's languages, and who it is, by asking it.

Source: Line Mode Command Specifications: `ESC ACK SOH` is answered by the automatic status at once; `ESC # * LF NUL` asks for
model and version, answered by `ESC # * , model Ver version LF NUL` (the form of the answer is not verified, see docs/star.md).
The question for the version, of which another printer might print a character, goes only to one that has answered the first.
"""

import re

from tillkeeper_drivers.api import Transport, Tri
from tillkeeper_drivers.printing.ear import Ear
from tillkeeper_drivers.printing.told import Told, plain
from tillkeeper_drivers.star.commands import ASK_STATUS
from tillkeeper_drivers.star.status import Automatic, StatusParser

_VERSION = b"\x1b#*\n\x00"
_ANSWER = re.compile(rb"\x1b#\*,([\x20-\x7e]{1,40}?)\s*Ver\.?\s*([\x20-\x7e]{1,16})\n\x00")
_OFFLINE = 0x08
_SILENT = "it does not answer as a Star printer does"


async def probe(transport: Transport, connect_s: float = 3.0, answer_s: float = 0.8) -> Told:
    """Ask the device over a connection of its own.

    Raises:
        TransportError: it can not be reached, or the connection broke.
    """
    async with transport.connect(connect_s) as connection:
        ear, parser = Ear(connection, 4 * answer_s), StatusParser()
        statuses: list[Automatic] = []

        def told(portion: bytes) -> bool:
            statuses.extend(event for event in parser.feed(portion) if isinstance(event, Automatic))
            return bool(statuses)

        if not await ear.ask(ASK_STATUS, told, answer_s) or ear.echoes:
            return Told(detail=_SILENT)
        begin = len(ear.heard)
        await ear.ask(_VERSION, lambda _portion: b"\n\x00" in ear.heard[begin:], answer_s)
        model, firmware = named(bytes(ear.heard[begin:]))
        counts: Tri = "yes" if statuses[-1].counter is not None else "no"
        detail = "it is offline (cover, paper or an error)" if statuses[-1].frame[2] & _OFFLINE else ""
        return Told(
            speaks="star",
            maker="Star",
            model=model,
            firmware=firmware,
            real_time_status="yes",
            automatic_status="yes",
            process_id=counts,
            detail=detail,
        )


def named(answer: bytes) -> tuple[str, str]:
    """Model and version in an answer to `ESC # *`; empty where it holds none."""
    found = _ANSWER.search(answer)
    return (plain(found[1]), plain(found[2])) if found else ("", "")
