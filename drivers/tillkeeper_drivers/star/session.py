"""One conversation with a Star printer: what it said, and what it adds up to."""

from tillkeeper_drivers.api import Connection
from tillkeeper_drivers.printing.session import Session
from tillkeeper_drivers.star.status import Automatic, PrintEnd, StatusParser, apply

BY_COUNTER = "Star ETB"
BY_NUMBER = "ESC GS ETX"


class StarSession(Session):
    """See `Session`."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.statuses = 0
        """How many automatic statuses came."""
        self.counter: int | None = None
        """The ETB counter, as last told."""
        self.automatic = False
        """Whether it reports each change by itself: it has carried out what turns that on."""
        self.alive = b""
        """The number of the last sign of life that came back."""
        self._start = 0
        self._number: bytes | None = None
        self._parser = StatusParser()

    @property
    def in_order(self) -> bool:
        return not (self.echoes or self.cut_short) and (self.confirmed_by is not None or not self.document_left)

    def begin(self) -> None:
        super().begin()
        self._number, self._start = None, 0

    def forget_counter(self) -> None:
        """Only what is told from now on counts."""
        self.counter = None

    def expect_count(self, start: int) -> None:
        """The document's print end is the count after `start`, where the counter is now."""
        self._start = start

    def expect_number(self, number: bytes) -> None:
        """The document's print end is the echo of `number`."""
        self._number = number

    def digest(self, data: bytes) -> None:
        """See `Session.digest`."""
        for event in self._parser.feed(data):
            self.status = apply(self.status, event)
            if isinstance(event, Automatic):
                self.statuses += 1
                self.complete = True
                self.counter = event.counter
                self._counted(event)
            elif isinstance(event, PrintEnd):
                if event.what == 1 and event.number == self._number:
                    self.confirmed_by = BY_NUMBER
                elif event.what == 0:
                    self.alive = event.number

    def _counted(self, event: Automatic) -> None:
        if not self.document_left or self.confirmed_by is not None:
            return
        if event.overflowed:
            self.cut_short = "its buffer overflowed: some of the document is lost"
        elif self._start and event.counter == self._start + 1:
            self.confirmed_by = BY_COUNTER
        elif self._start and event.counter == 0:
            self.cut_short = "it was switched off and on in the middle of the document"
