"""One conversation with a printer over one open connection: for one job, or from job to job where the connection is kept."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tillkeeper_drivers.api import Connection, Status, TransportError
from tillkeeper_drivers.printing.echo import EchoGuard

_BURST, _PER_S = 16_384, 8_192.0
"""What a printer may say at a time, and how much more each second: no printer says nearly as much."""
_A_READ = 64
"""What a read itself counts for, however little it brings."""
_BABBLE_PAUSE_S = 0.05


class PeerClosed(TransportError):
    """The device ended the connection in order: all that it sent before has been read."""


class Session(ABC):
    """Facts are kept as state rather than handed out as events, so nothing is lost between two waits.

    Args:
        connection: open, nobody else reads it.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.status = Status()
        self.heard = False
        """Whether the device has said anything at all."""
        self.complete = False
        """Whether `status` holds all that the device can tell."""
        self.document_left = False
        """Whether a byte of the document may have left; status questions do not count."""
        self.trouble_told = False
        """Whether a trouble in the middle of the document was told: then its end is told too."""
        self.confirmed_by: str | None = None
        """The evidence, once the printer has given it."""
        self.cut_short = ""
        """Why what was under way is lost: a printer that says that it was switched on again."""
        self.on_change: Callable[[], None] = lambda: None
        """Called where something heard has changed `status`; must not block."""
        self._in_one_piece = 0
        self._echo = EchoGuard()
        self._allowance = float(_BURST)
        self._counted_at = asyncio.get_running_loop().time()

    @property
    def echoes(self) -> bool:
        """It sends back what it gets: nothing that it says means anything."""
        return self._echo.echoes

    @property
    @abstractmethod
    def in_order(self) -> bool:
        """Whether another job may use this connection: no answer to an old question can come any more."""

    @abstractmethod
    def digest(self, data: bytes) -> None:
        """Take in what the device said: `status`, `confirmed_by`, `cut_short`. Never raises for what it is."""

    def begin(self) -> None:
        """Another job on this connection."""
        self.document_left, self.confirmed_by, self.cut_short = False, None, ""
        self.trouble_told = False

    @contextmanager
    def in_one_piece(self) -> Iterator[None]:
        """What is heard meanwhile is told at the end: one answer says that it is offline, and only the next one why."""
        before = self.status
        self._in_one_piece += 1
        try:
            yield
        finally:
            self._in_one_piece -= 1
            if self.status != before and not self._in_one_piece:
                self.on_change()

    async def write(self, data: bytes, deadline_s: float) -> None:
        """See `Connection.write`."""
        self._echo.sent(data)
        await self.connection.write(data, deadline_s)

    async def until(self, done: Callable[[], bool], deadline_s: float) -> bool:
        """Read until `done()` or the deadline. Returns `done()`.

        Raises:
            TransportError: the connection broke (`PeerClosed`: in order).
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + deadline_s
        while not done():
            remaining = end - loop.time()
            if remaining <= 0:
                return False
            try:
                data = await self.connection.read(remaining)
            except TimeoutError:
                return done()
            if not data:
                raise PeerClosed("lost", "the device closed the connection", bytes_left=True)
            self._hear(data)
            if self._babbles(len(data)):
                await asyncio.sleep(min(_BABBLE_PAUSE_S, max(0.0, end - loop.time())))
        return True

    def _hear(self, data: bytes) -> None:
        before = self.status
        if self._echo.heard(data):
            return
        self.heard = True
        self.digest(data)
        if self.status != before and not self._in_one_piece:
            self.on_change()

    def _babbles(self, count: int) -> bool:
        """A device that talks without end is read now and then: it must not cost the others their time."""
        now = asyncio.get_running_loop().time()
        self._allowance = min(_BURST, self._allowance + (now - self._counted_at) * _PER_S) - count - _A_READ
        self._counted_at = now
        if self._allowance >= 0:
            return False
        self._allowance = 0.0
        return True
