"""A Logic Controls (Bematech, KitchenGo) display as a `Device`: XML as files in a shared folder, or over TCP.

**Not verified against a real display.** There is no confirmation that we know of: a file that the display's program has taken
out of the folder, or bytes that its stack acknowledged, end as "sent". A file that nobody takes is taken back, so it is not
sent. Over TCP a query (TransType 5) asks for an order before it goes out again; in a folder there is nobody to ask.
"""

import asyncio
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

from tillkeeper_drivers.api import BoardEvent, NotSent, OutcomeUnknown, Reason, Ticket, Transport, TransportError
from tillkeeper_drivers.kds import logic_controls_xml as xml
from tillkeeper_drivers.kds.cards import Move
from tillkeeper_drivers.kds.foreign import ForeignDisplay
from tillkeeper_drivers.kds.logic_controls_xml import BadXml
from tillkeeper_drivers.kds.tcp import CONNECT_S, look_at
from tillkeeper_drivers.kds.wire import Look, Saying, Told

LOOK_EVERY_S = 0.05
"""At a file that waits to be taken."""
DISK_S = 5.0
"""The longest that a shared folder may keep us waiting."""
QUERY_S = 2.0

T = TypeVar("T")


class Way(Protocol):
    """How a transaction gets there. Both raise NotSent and OutcomeUnknown as `Device.deliver` does."""

    evidence: str

    async def put(self, name: str, data: bytes, query: bytes) -> None: ...

    async def knows(self, name: str, order: str, query: bytes) -> bool | None:
        """Whether transaction `name` about `order` arrived earlier; None: nobody can tell."""
        ...

    async def look(self) -> Look: ...


class Folder:
    """Files in a shared folder: under a temporary name, fsync, rename; then wait until it is taken.

    Args:
        take_s: so long a file may lie there before it is taken back.
    """

    evidence = "file taken"

    def __init__(self, device_id: str, path: Path, take_s: float) -> None:
        self._id, self._path, self._take_s = device_id, path, take_s
        self._disk: asyncio.Future[Any] | None = None

    async def put(self, name: str, data: bytes, query: bytes) -> None:
        file = self._path / f"{name}.xml"
        await self._on_disk(lambda: _write(self._path / f".{name}.tmp", file, data), left=False, late=True)
        loop = asyncio.get_running_loop()
        end = loop.time() + self._take_s
        while await self._on_disk(file.exists, left=True):
            if loop.time() >= end:
                if await self._on_disk(lambda: _remove(file), left=True):
                    detail = f"nobody takes files from {self._path}"
                    raise NotSent("show", self._id, "no_answer", detail, "is the display's program running?")
                return
            await asyncio.sleep(LOOK_EVERY_S)

    async def knows(self, name: str, order: str, query: bytes) -> bool | None:
        """A file that still lies there was not taken, and is taken back."""
        file, temporary = self._path / f"{name}.xml", self._path / f".{name}.tmp"
        removed = await self._on_disk(lambda: _remove(file) or _remove(temporary), left=False)
        return False if removed else None

    async def look(self) -> Look:
        try:
            usable = await self._on_disk(lambda: os.access(self._path, os.W_OK | os.X_OK) and self._path.is_dir(), left=False)
        except NotSent as error:
            return Look("no", detail=error.detail)
        return Look("yes", "yes") if usable else Look("no", detail=f"there is no folder {self._path} to write to")

    async def _on_disk(self, work: Callable[[], T], *, left: bool, late: bool = False) -> T:
        """Do it in a thread: a share whose server is gone hangs. One that still does is not called again.

        Args:
            left: whether a file may be with the display by now; `late`: or may yet, where this hangs.
        """
        if self._disk is not None and not self._disk.done():
            raise self._trouble("stalled", f"{self._path} does not answer", left=left)
        doing = asyncio.ensure_future(asyncio.to_thread(work))
        self._disk = doing
        try:
            async with asyncio.timeout(DISK_S):
                return await asyncio.shield(doing)
        except TimeoutError as error:
            raise self._trouble("stalled", f"{self._path} does not answer within {DISK_S:g} s", left=left or late) from error
        except OSError as error:
            raise self._trouble("unreachable", f"{self._path}: {error.strerror or error}", left=left) from error

    def _trouble(self, reason: Reason, detail: str, *, left: bool) -> NotSent | OutcomeUnknown:
        error = OutcomeUnknown if left else NotSent
        return error("show", self._id, reason, detail, "is the share mounted, and may the agent write there?")


def _write(temporary: Path, file: Path, data: bytes) -> None:
    """Whole or not at all, also over a power cut."""
    with temporary.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    temporary.rename(file)


def _remove(file: Path) -> bool:
    """Whether it was there."""
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    return True


class Tcp:
    """One connection a transaction."""

    evidence = "TCP drained"

    def __init__(self, device_id: str, transport: Transport, send_s: float) -> None:
        self._id, self._transport, self._send_s = device_id, transport, send_s

    async def put(self, name: str, data: bytes, query: bytes) -> None:
        left = False
        try:
            async with self._transport.connect(CONNECT_S) as connection:
                await connection.write(data, self._send_s)
                left = True
                await connection.drain(self._send_s)
        except TransportError as error:
            kind = OutcomeUnknown if left or error.bytes_left else NotSent
            raise kind("show", self._id, error.reason, error.detail, "is the display on?") from error

    async def knows(self, name: str, order: str, query: bytes) -> bool | None:
        try:
            async with self._transport.connect(CONNECT_S) as connection:
                await connection.write(query, QUERY_S)
                data = b""
                async with asyncio.timeout(QUERY_S):
                    while xml.END not in data and len(data) <= xml.MAX_ANSWER:
                        chunk = await connection.read(QUERY_S)
                        if not chunk:
                            break
                        data += chunk
            return order in xml.known_orders(data)
        except TransportError as error:
            if not error.bytes_left:
                raise NotSent("show", self._id, error.reason, error.detail, "is the display on?") from error
            return None
        except (TimeoutError, BadXml):
            return None

    async def look(self) -> Look:
        return await look_at(self._transport)


class LogicControlsWire:
    """See `wire.Wire`.

    Args:
        way: `Folder` or `Tcp`.
        kds_station: the number of the station in the display's own settings.
    """

    sent_is_shown = False

    def __init__(self, way: Way, kds_station: int) -> None:
        self._way, self._kds_station = way, kds_station
        self.evidence = way.evidence

    def listen(self, told: Told) -> None:
        """How it would tell a bump is not known."""

    def name(self, ticket: Ticket, n: int) -> str:
        return xml.order_name(ticket, n)

    def parts(self, move: Move) -> tuple[str, ...]:
        return ("add",) if move.creates else ("delete",) if move.ends else ("modify",)

    async def say(self, saying: Saying) -> None:
        await self._way.put(_file_name(saying), self._transaction(saying), self._query(saying))

    def _transaction(self, saying: Saying) -> bytes:
        move, ticket = saying.move, saying.ticket
        if move.ends:
            return xml.short(xml.DELETE, move.card, ticket)
        adds = (*(now for _before, now in move.changes), *move.adds)
        deletes = (*move.voids, *(before for before, _now in move.changes))
        trans_type = xml.ADD if move.creates else xml.MODIFY
        return xml.order(trans_type, move.card, ticket, saying.marks, self._kds_station, adds=adds, deletes=deletes)

    def _query(self, saying: Saying) -> bytes:
        return xml.short(xml.QUERY, saying.move.card, saying.ticket)

    async def has(self, saying: Saying) -> bool | None:
        known = await self._way.knows(_file_name(saying), saying.move.card, self._query(saying))
        # That the display knows an order tells nothing about a change of it.
        return known if saying.part == "add" or known is False else None

    async def look(self) -> Look:
        return await self._way.look()

    async def close(self) -> None:
        """Each transaction has its own connection or file."""


def _file_name(saying: Saying) -> str:
    """The same for each try: what lies there already is written over, and no second file comes beside it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", f"{saying.job_id}-{saying.part}-{saying.move.card}")[:150]


def logic_controls_display(
    device_id: str,
    place: Transport | Path,
    on_event: Callable[[BoardEvent], None],
    *,
    kds_station: int = 1,
    answer_s: float = 15.0,
) -> ForeignDisplay:
    """A Logic Controls display, at a TCP address or behind a shared folder; see `LogicControlsWire`."""
    way = Folder(device_id, place, answer_s) if isinstance(place, Path) else Tcp(device_id, place, answer_s)
    return ForeignDisplay(device_id, LogicControlsWire(way, kds_station), on_event)
