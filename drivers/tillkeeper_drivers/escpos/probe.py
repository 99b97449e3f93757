"""Who an ESC/POS printer is and what it can do, by asking it.

Safe for what is something else: before anything has answered like a printer, `DLE EOT 1` is all that is sent; it prints nothing
on a printer, and a text display has no character for it. `GS (H` function 48 comes last and only to one that told its name.

Source: Epson ESC/POS reference: DLE EOT; GS I (n = 1 model id, 2 type id with bit 1 for the cutter, 65 firmware, 66 maker,
67 model, 68 serial number; the names come as `5Fh ... NUL`); GS r; GS a; GS ( H function 48.
"""

from collections.abc import Callable

import msgspec

from tillkeeper_drivers.api import Transport, Tri
from tillkeeper_drivers.escpos.status import Answer, Automatic, Block, Event, ProcessId, StatusParser, Stray
from tillkeeper_drivers.printing.ear import Ear
from tillkeeper_drivers.printing.sending import ECHOES
from tillkeeper_drivers.printing.told import Told, plain

_TOKEN = b"tKpr"
_CUTTER = 0x02
_NAMES = {"model": 67, "maker": 66, "firmware": 65, "serial": 68}
_NAME_HEADER = 0x5F
_OFFLINE = "it is offline (cover, paper or an error), and tells no more of itself until that is over"
_SILENT = "it does not answer as an ESC/POS printer does"


Done = Callable[[list[Event]], bool]
"""Whether new events end a wait."""


class Limits(msgspec.Struct, frozen=True):
    """In seconds. `answer`: for one question; `longest`: for all of them."""

    connect: float = 3.0
    answer: float = 0.8
    longest: float = 10.0


class Conversation:
    """What was asked and what it means. Pure but for `Ear`."""

    def __init__(self, ear: Ear, limits: Limits) -> None:
        self._ear, self._limits = ear, limits
        self._parser = StatusParser()
        self.events: list[Event] = []

    async def alive(self) -> Answer | None:
        """The answer to `DLE EOT 1`; asked twice, for one that wakes up."""
        for _ in range(2):
            if not any(self._parser.outstanding()):
                self._parser.asked("realtime_1")
            came = await self._until(b"\x10\x04\x01", lambda new: any(isinstance(event, Answer) for event in new))
            if came:
                return next(event for event in self.events if isinstance(event, Answer))
        return None

    async def name(self, n: int) -> str:
        before = len(self.events)
        await self._until(b"\x1dI" + bytes((n,)), lambda new: any(_is_name(event) for event in new))
        found = (event.data for event in self.events[before:] if isinstance(event, Block) and _is_name(event))
        return plain(next(found, b""))

    async def number(self, n: int) -> int | None:
        """A one-byte answer of `GS I`: none of the parser's own, so it comes as stray."""
        before = len(self.events)
        await self._until(b"\x1dI" + bytes((n,)), lambda new: any(isinstance(event, Stray) for event in new))
        found = (event.data[0] for event in self.events[before:] if isinstance(event, Stray) and len(event.data) == 1)
        return next(found, None)

    async def paper(self) -> Tri:
        self._parser.asked("paper")
        answered = await self._until(b"\x1dr\x01", lambda new: any(_is_paper(event) for event in new))
        return "yes" if answered else "no"

    async def automatic(self) -> Tri:
        """Leaves the reports as they were."""
        if any(isinstance(event, Automatic) for event in self.events):
            return "yes"
        came = await self._until(b"\x1da\xff", lambda new: any(isinstance(event, Automatic) for event in new))
        await self._until(b"\x1da\x00", lambda new: True, 0.05)
        return "yes" if came else "no"

    async def process_id(self) -> Tri:
        ask = b"\x1d(H\x06\x00\x30\x30" + _TOKEN
        came = await self._until(ask, lambda new: any(isinstance(event, ProcessId) and event.token == _TOKEN for event in new))
        return "yes" if came else "no"

    async def _until(self, data: bytes, done: Done, deadline_s: float = 0.0) -> bool:
        def heard(portion: bytes) -> bool:
            new = self._parser.feed(portion)
            self.events += new
            return done(new)

        return await self._ear.ask(data, heard, deadline_s or self._limits.answer)


def _is_name(event: Event) -> bool:
    return isinstance(event, Block) and event.header == _NAME_HEADER


def _is_paper(event: Event) -> bool:
    return isinstance(event, Answer) and event.question == "paper"


async def probe(transport: Transport, limits: Limits | None = None) -> Told:
    """Ask the device over a connection of its own.

    Raises:
        TransportError: it can not be reached, or the connection broke.
    """
    limits = limits or Limits()
    async with transport.connect(limits.connect) as connection:
        ear = Ear(connection, limits.longest)
        talk = Conversation(ear, limits)
        first = await talk.alive()
        if ear.echoes:
            return Told(detail=ECHOES.detail)
        if first is None:
            return Told(detail=_SILENT)
        told = Told(speaks="escpos", real_time_status="yes")
        if first.byte & 0x08:
            return msgspec.structs.replace(told, detail=_OFFLINE)
        return await _identity(talk, told)


async def _identity(talk: Conversation, told: Told) -> Told:
    model_id, type_id = await talk.number(1), await talk.number(2)
    names = {"model": await talk.name(_NAMES["model"])}
    if names["model"]:
        names |= {name: await talk.name(n) for name, n in _NAMES.items() if name != "model"}
    paper, automatic = await talk.paper(), await talk.automatic()
    cutter: Tri = "unknown" if type_id is None else "yes" if type_id & _CUTTER else "no"
    return msgspec.structs.replace(
        told,
        **names,
        model_id=model_id,
        cutter=cutter,
        paper_query=paper,
        automatic_status=automatic,
        process_id=await talk.process_id() if names["model"] else "unknown",
    )
