"""A printer in memory whose device speaks by itself, and an attended driver in front of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from tests.drivers.fakes import FakePrinter

from tillkeeper_drivers.api import Connection, PrintDocument, Status, Text, TransportError
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.transport.memory import Faults, MemoryConnection, MemoryTransport

SLIP = PrintDocument("job-1", (Text("2 Burger"), Text("no onions")))
POWER_ON = b"\x3b\x31\x00"


class Wire:
    """A `Transport`. `away`: the reason why it can not be opened. `tries`: how often that was tried."""

    def __init__(self, peer: FakePrinter, faults: Faults | None = None) -> None:
        self.peer = peer
        self.inner = MemoryTransport(peer, faults)
        self.away: TransportError | None = None
        self.tries: list[float] = []
        self._open: MemoryConnection | None = None

    @property
    def name(self) -> str:
        return "wire"

    def connect(self, deadline_s: float) -> AbstractAsyncContextManager[Connection]:
        return self._connect(deadline_s)

    @asynccontextmanager
    async def _connect(self, deadline_s: float) -> AsyncIterator[Connection]:
        self.tries.append(asyncio.get_running_loop().time())
        if self.away is not None:
            raise self.away
        async with self.inner.connect(deadline_s) as connection:
            assert isinstance(connection, MemoryConnection)
            self._open = connection
            try:
                yield connection
            finally:
                self._open = None

    @property
    def is_open(self) -> bool:
        return self._open is not None

    def says(self, data: bytes) -> None:
        """The device says something by itself."""
        assert self._open is not None
        self._open.push(data)

    def changes(self, **state: bool) -> None:
        """Something happens to the device, and it reports that."""
        vars(self.peer).update(state)
        self.says(self.peer.automatic())

    def hangs_up(self) -> None:
        """The device ends the connection in order."""
        assert self._open is not None
        self._open._closed = True
        self._open._changed.set()


class Attended:
    """A driver that is attended, and all that it has told."""

    def __init__(self, wire: Wire, model: str = "tm-t88vi", deadlines: Deadlines | None = None, *, hold: bool = True) -> None:
        self.wire = wire
        self.printer = EscPosPrinter("bar", wire, profile(model), {2: "drawer"}, deadlines, hold=hold)
        self.told: list[tuple[float, Status]] = []
        self.news = asyncio.Event()

    def _changed(self, status: Status) -> None:
        self.told.append((asyncio.get_running_loop().time(), status))
        self.news.set()

    @property
    def last(self) -> Status:
        return self.told[-1][1]

    def troubles(self) -> list[str]:
        """What the device was told to be, change by change."""
        return [status.trouble() or "well" for _at, status in self.told]

    async def next(self, deadline_s: float = 30) -> Status:
        """The next change told."""
        self.news.clear()
        async with asyncio.timeout(deadline_s):
            await self.news.wait()
        return self.last

    @asynccontextmanager
    async def attending(self) -> AsyncIterator["Attended"]:
        task = asyncio.create_task(self.printer.attend(self._changed, asyncio.Semaphore(2)))
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
