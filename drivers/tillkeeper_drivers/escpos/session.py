"""One conversation with an ESC/POS printer: what was asked, what came back, what it adds up to."""

from msgspec.structs import replace

from tillkeeper_drivers.api import Connection, HasPortStatus
from tillkeeper_drivers.escpos.status import Answer, Automatic, Block, PowerOn, ProcessId, Question, StatusParser, Stray, apply
from tillkeeper_drivers.printing.session import Session

_REQUEST: dict[Question, bytes] = {
    "realtime_1": b"\x10\x04\x01",
    "realtime_2": b"\x10\x04\x02",
    "realtime_3": b"\x10\x04\x03",
    "realtime_4": b"\x10\x04\x04",
}
"""`DLE EOT n` (Epson ESC/POS reference)."""

_RESET_S = 0.02
"""A reset that answers to what was sent is here by then."""
_RESUME, _LEAVE_ERROR = b"\x10\x05\x01", b"\x10\x05\x02"
_ASK_PAPER = b"\x1dr\x01"
_AUTOMATIC_ON = b"\x1da\x0f"
"""`GS a`: drawer, on/offline, error and paper sensor."""


class EscPosSession(Session):
    """See `Session`. `automatic`: the device has reported by itself on this connection."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.automatic = False
        self.paper_answers = 0
        """How many answers to `GS r` came."""
        self.asks_paper = False
        """Whether a `GS r` that confirms was sent with the document."""
        self.cover_was_open = False
        """Since a cutter error somebody opened the cover."""
        self._token: bytes | None = None
        self._port_said_paper_out = False
        self._noise = False
        """Something unintelligible came since the document began: a single byte proves nothing then."""
        self._parser = StatusParser()

    @property
    def in_order(self) -> bool:
        return not (self.echoes or self.cut_short or self._parser.outstanding())

    def begin(self) -> None:
        super().begin()
        self._token, self.asks_paper, self._noise, self.cover_was_open = None, False, False, False

    def expect(self, token: bytes, *, paper: bool) -> None:
        """The document is about to be sent, with the question for its `token` or, where `paper`, with `GS r 1`."""
        self._token, self.asks_paper, self._noise = token, paper, False
        if paper:
            self._parser.asked("paper")

    async def ask(self, question: Question, deadline_s: float) -> bool:
        """Ask one real-time question. Returns whether it was answered; False at once while another is outstanding.

        Returns early, too, when the document's confirmation comes in between.

        Raises:
            TransportError: the connection broke.
        """
        if self.echoes or self._realtime_outstanding():
            return False
        self._parser.asked(question)
        await self.write(_REQUEST[question], deadline_s)
        before = self.confirmed_by
        await self.until(
            lambda: self.echoes or not self._realtime_outstanding() or self.confirmed_by != before, deadline_s
        )
        return not self._realtime_outstanding()

    async def poke(self, deadline_s: float) -> None:
        """Send a question to which no answer is expected, and wait until its bytes are acknowledged: one that is off does not.

        Raises:
            TransportError: the connection broke, or the bytes were not taken.
        """
        await self.write(_REQUEST["realtime_1"], deadline_s)
        await self.connection.drain(deadline_s)
        await self.until(lambda: False, _RESET_S)

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
            with self.in_one_piece():
                self.status = replace(self.status, paper_out="yes" if port.paper_out else "unknown")

    async def owed(self, answers: int, deadline_s: float) -> int:
        """Ask `GS r 1` by itself where `answers` to earlier ones never came, so that none of those passes for the next
        document's: the device answers them in turn. Returns how many came, the last one for this question.

        Raises:
            TransportError: the connection broke.
        """
        self._parser.asked("paper", answers + 1)
        before = self.paper_answers
        await self.write(_ASK_PAPER, deadline_s)
        await self.until(lambda: self.echoes or self.paper_answers - before > answers, deadline_s)
        self._parser.forget_paper()
        return self.paper_answers - before

    async def automatic_on(self, deadline_s: float) -> None:
        """`GS a`: report changes from now on, and the present state at once. It stands in line behind what is printed.

        Raises:
            TransportError: the connection broke.
        """
        self.automatic = False
        await self.write(_AUTOMATIC_ON, deadline_s)
        await self.until(lambda: self.automatic, deadline_s)

    async def leave_error(self, deadline_s: float) -> None:
        """`DLE ENQ 2`: leave a recoverable error whose cause is gone, and forget what is buffered (Epson ESC/POS reference, DLE
        ENQ). Only where the outcome of everything sent before is settled: what is forgotten must not be owed any more.

        Raises:
            TransportError: the connection broke.
        """
        await self.write(_LEAVE_ERROR, deadline_s)

    async def resume(self, deadline_s: float) -> None:
        """`DLE ENQ 1`: leave a recoverable error whose cause is gone, and go on at the line where it came (Epson ESC/POS
        reference, DLE ENQ): that line may be printed twice. Only for the document that is under way.

        Raises:
            TransportError: the connection broke.
        """
        await self.write(_RESUME, deadline_s)

    def digest(self, data: bytes) -> None:
        """See `Session.digest`."""
        for event in self._parser.feed(data):
            self.status = apply(self.status, event)
            if isinstance(event, ProcessId):
                if event.token == self._token:
                    self.confirmed_by = "GS ( H"
            elif isinstance(event, Answer):
                if event.question == "paper":
                    self._paper_answered()
            elif isinstance(event, Automatic):
                self.automatic = True
            elif isinstance(event, PowerOn):
                self._switched_on()
            elif isinstance(event, Stray | Block):
                self._noise = True
        if self._parser.held != (self.status.buffer_full == "yes"):
            self.status = replace(self.status, buffer_full="yes" if self._parser.held else "no")
        if self.status.cutter_error == "yes" and self.status.cover_open == "yes":
            self.cover_was_open = True  # it may be told by itself, and be shut again before the next look

    def _paper_answered(self) -> None:
        self.paper_answers += 1
        if self.asks_paper and not self._noise:
            self.confirmed_by = "GS r"

    def _switched_on(self) -> None:
        """All that it had buffered is gone, ids too, and automatic status is as its switches say."""
        self.complete = self.automatic = False
        self._parser.forget_paper()
        if self.document_left and self.confirmed_by is None:
            self.cut_short = "it was switched off and on in the middle of the document"

    def _realtime_outstanding(self) -> bool:
        return any(question != "paper" for question in self._parser.outstanding())
