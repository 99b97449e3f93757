"""One conversation with a printer over one open connection: what was asked, what came back, what it adds up to."""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from tillkeeper_drivers.api import Connection, HasPortStatus, Status, TransportError
from tillkeeper_drivers.escpos.status import Answer, ProcessId, Question, StatusParser, apply

_REQUEST: dict[Question, bytes] = {
    "realtime_1": b"\x10\x04\x01",
    "realtime_2": b"\x10\x04\x02",
    "realtime_3": b"\x10\x04\x03",
    "realtime_4": b"\x10\x04\x04",
}
"""`DLE EOT n` (Epson ESC/POS reference)."""


_LEAVE_ERROR = b"\x10\x05\x02"


class PeerClosed(TransportError):
    """The device ended the connection in order: all that it sent before has been read."""


class Session:
    """Facts are kept as state rather than handed out as events, so nothing is lost between two waits.

    Args:
        connection: open, nobody else reads it.
        token: whose process id confirms; another job's is ignored.
    """

    def __init__(self, connection: Connection, token: bytes | None = None) -> None:
        self.connection = connection
        self.status = Status()
        self.confirmed_by: str | None = None
        """`GS ( H` or `GS r` once the printer has said so."""
        self.heard = False
        """Whether the device has said anything at all."""
        self.document_left = False
        """Whether a byte of the document may have left; status questions do not count."""
        self._port_said_paper_out = False
        self._token = token
        self._parser = StatusParser()

    def expect_paper_answer(self) -> None:
        """`GS r 1` is about to be sent with the document."""
        self._parser.asked("paper")

    async def ask(self, question: Question, deadline_s: float) -> bool:
        """Ask one real-time question. Returns whether it was answered; False at once while another is outstanding.

        Returns early, too, when the document's confirmation comes in between.

        Raises:
            TransportError: the connection broke.
        """
        if self._realtime_outstanding():
            return False
        self._parser.asked(question)
        await self.connection.write(_REQUEST[question], deadline_s)
        before = self.confirmed_by
        await self.until(lambda: not self._realtime_outstanding() or self.confirmed_by != before, deadline_s)
        return not self._realtime_outstanding()

    async def ask_port(self, deadline_s: float) -> None:
        """Ask the port (USB) whether the paper is out, where the device itself is silent. Its good news is not believed: many
        ports always say that all is well.

        Raises:
            TransportError: the connection broke.
        """
        if not isinstance(self.connection, HasPortStatus):
            return
        port = await self.connection.port_status(deadline_s)
        if port is not None and port.paper_out != self._port_said_paper_out:
            self._port_said_paper_out = port.paper_out
            self.status = replace(self.status, paper_out="yes" if port.paper_out else "unknown")

    async def leave_error(self, deadline_s: float) -> None:
        """`DLE ENQ 2`: leave a recoverable error whose cause is gone, and forget what is buffered (Epson ESC/POS reference, DLE
        ENQ). Only where the outcome of everything sent before is settled: what is forgotten must not be owed any more.

        Raises:
            TransportError: the connection broke.
        """
        await self.connection.write(_LEAVE_ERROR, deadline_s)

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
        return True

    def _realtime_outstanding(self) -> bool:
        return any(question != "paper" for question in self._parser.outstanding())

    def _hear(self, data: bytes) -> None:
        self.heard = True
        for event in self._parser.feed(data):
            self.status = apply(self.status, event)
            if isinstance(event, ProcessId) and event.token == self._token:
                self.confirmed_by = "GS ( H"
            elif isinstance(event, Answer) and event.question == "paper":
                self.confirmed_by = "GS r"
