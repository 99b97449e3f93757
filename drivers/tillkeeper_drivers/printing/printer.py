"""What every receipt printer's driver does alike: a document goes out once, and the printer itself says what became of it.

The way of a document: encode -> a connection -> status (trouble: nothing is sent) -> write -> wait for the strongest evidence
that the model can give. Any byte of the document written and no evidence: `OutcomeUnknown`.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Literal, NamedTuple, TypeVar

from tillkeeper_drivers.api import (
    STUCK,
    Connection,
    Delivery,
    Document,
    NotSent,
    Perishes,
    PrintDocument,
    PulseDocument,
    Status,
    Transport,
    TransportError,
    Tri,
)
from tillkeeper_drivers.drawer import KickGate, PinPolarity, PulseError
from tillkeeper_drivers.printing.attending import Attendant
from tillkeeper_drivers.printing.sending import Sender, turned_away
from tillkeeper_drivers.printing.session import Session
from tillkeeper_drivers.printing.settings import Deadlines, PinUse

S = TypeVar("S", bound=Session)

BELL_MS = 100
"""The coil of a bell is as that of a drawer: so long it is on."""
KICK_S = 5.0
"""From being told to kick to the kick: what takes longer (a machine that was suspended, a slow printer) opens no drawer."""


class Evidence(NamedTuple):
    """See `Delivery`."""

    how: Literal["confirmed", "sent"]
    by: str


class BasePrinter(Sender[S]):
    """A `Device` that prints and pulses; what depends on the command set is left to the methods marked abstract.

    Args:
        device_id: the device's id in the config.
        transport: where it is.
        drawer_pins: pins of the drawer connector that the model can drive.
        pin_use: what hangs on the pins; one not named has nothing on it.
        deadlines: see `Deadlines`.
        hold: it is this register's alone: while it is attended, one connection stands.
    """

    def __init__(
        self,
        device_id: str,
        transport: Transport,
        drawer_pins: tuple[int, ...],
        pin_use: Mapping[int, PinUse] | None,
        deadlines: Deadlines | None,
        *,
        hold: bool,
    ) -> None:
        super().__init__(device_id, transport, deadlines or Deadlines())
        self._drawer_pins = drawer_pins
        self._pin_use: dict[int, PinUse] = dict(pin_use or {})
        self._hold = hold
        self._attendant = Attendant[S](self._line, self._deadlines, self)
        self._gate = KickGate()
        self.polarity = PinPolarity()
        """What kicks have taught about the drawer's switch."""

    # --- what a command set has to say ---

    @abstractmethod
    async def encode(self, document: PrintDocument, token: bytes) -> bytes:
        """The bytes of `document`. Raises ValueError where it can not be laid out."""

    @abstractmethod
    def printing_s(self, document: PrintDocument) -> float:
        """The longest that `document` takes to print where nothing holds the printer up; see `pace`."""

    @abstractmethod
    def pulse(self, document: PulseDocument) -> bytes:
        """The bytes of a kick. Raises `PulseError`."""

    def on_ms(self, document: PulseDocument) -> int:
        """How long the coil is really on, where a model's time can not be set."""
        return document.on_ms

    @abstractmethod
    async def greet(self, session: S) -> bool:
        """On a connection that is to be kept: turn automatic status on and learn all there is to know, so that `complete`
        holds. Whether the device answers, if it can."""

    @abstractmethod
    async def beat(self, session: S) -> bool:
        """A sign of life of an idle device. Whether it answered, if it can."""

    @abstractmethod
    def beat_s(self, session: S) -> float:
        """How long until the next one."""

    @abstractmethod
    async def ask_all(self, session: S) -> None:
        """Ask for everything that the device tells, and help it out of what it can be helped out of."""

    @abstractmethod
    def expect(self, session: S, token: bytes) -> None:
        """The document with `token` is about to be written."""

    @abstractmethod
    async def evidence(self, session: S) -> Evidence:
        """Wait for what became of the document. Raises `OutcomeUnknown` (by `unknown`)."""

    @abstractmethod
    async def ask_pin(self, session: S, deadline_s: float) -> bool:
        """Ask for the level of the drawer's switch. Whether it answered."""

    # --- Device ---

    @property
    def id(self) -> str:
        return self._id

    def accepts(self, document: Document) -> bool:
        """Paper and pulses; whether a drawer hangs on the pin is answered by `deliver`."""
        return isinstance(document, PrintDocument | PulseDocument)

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        """See `Device.deliver`."""
        started = asyncio.get_running_loop().time()
        if isinstance(document, PrintDocument):
            return await self._print(document, token, started)
        if isinstance(document, PulseDocument):
            return await self._kick(document, started)
        raise NotSent("deliver", self._id, "unsupported", f"a printer takes no {type(document).__name__}")

    async def status(self) -> Status:
        """See `Device.status`. While a job is on, what that job has heard last."""
        if self._line.working:
            return self.last_status
        session: S | None = None
        try:
            async with self._line.turn():
                session = await self._opened()
                await self.ask_all(session)
        except TransportError as error:
            reason = turned_away(session, error) or error.reason
            self.note(TransportError(reason, error.detail, bytes_left=False))
        return self.last_status

    async def attend(self, changed: Callable[[Status], None], looks: AbstractAsyncContextManager[object]) -> None:
        """See `Attended.attend`: a connection is kept where `hold` says so."""
        if self._hold:
            await self._attendant.run(changed, looks)
        else:
            self._attendant.hears_jobs(changed)

    async def close(self) -> None:
        """Wait for the job that is on; a connection that is kept ends with `attend`."""
        async with self._line.turn():
            pass

    def learned(self, session: S) -> None:
        """Something new was heard."""
        self.last_status = session.status
        if session.complete:
            self._attendant.tell(session.status)
        elif session.document_left and (session.trouble_told or session.status.trouble() is not None):
            # Where something is wrong all is asked; of a printer that is well a job need not know all that a look does.
            session.trouble_told = True
            self._attendant.tell(session.status, anew=True)

    # --- a document ---

    async def _print(self, document: PrintDocument, token: bytes, started: float) -> Delivery:
        ring = self._ring(document)
        try:
            data = await self.encode(document, token)
            if ring is not None:
                data = self.pulse(ring) + data
        except ValueError as error:
            raise NotSent("print", self._id, "bad_document", str(error)) from error
        loop = asyncio.get_running_loop()
        if ring is not None:
            await asyncio.sleep(self._gate.wait_ms(loop.time() * 1000) / 1000)
        self._prints_s = self.printing_s(document) * self._deadlines.pace
        async with self._sending("print") as session:
            self.expect(session, token)
            if ring is not None:
                self._gate.kicked(loop.time() * 1000, self.on_ms(ring))
            first_byte_ms = (asyncio.get_running_loop().time() - started) * 1000
            await self._write(session, data)
            how, by = await self.evidence(session)
        return Delivery(how, by, first_byte_ms)

    def _ring(self, document: PrintDocument) -> PulseDocument | None:
        """The kick of the bell, where the document wants one and one hangs here. A drawer never gets it."""
        pin = next((pin for pin in self._drawer_pins if self._pin_use.get(pin) == "bell"), None)
        if not document.bell or pin is None:
            return None
        return PulseDocument(document.job_id, pin=5 if pin == 5 else 2, on_ms=BELL_MS)

    # --- drawer ---

    @property
    def open_level(self) -> Literal["high", "low", "unknown"]:
        """See `Sensing`."""
        return self.polarity.open_level

    async def _kick(self, document: PulseDocument, started: float) -> Delivery:
        use = self._pin_use.get(document.pin, "none")
        if use != "drawer" or document.pin not in self._drawer_pins:
            raise NotSent("pulse", self._id, "unsupported", f"pin {document.pin} has no drawer, but: {use}")
        try:
            data = self.pulse(document)
        except PulseError as error:
            raise NotSent("pulse", self._id, "bad_document", str(error)) from error
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._gate.wait_ms(loop.time() * 1000) / 1000)
        self._prints_s = 0.0
        # A kick waits behind what a printer can not print now, and would open the drawer much later: it is asked first.
        async with self._sending("pulse") as session:
            took_s = loop.time() - started
            if took_s > KICK_S:
                raise self._not_sent("pulse", "no_answer", f"it took {took_s:.0f} s to come to it: a drawer does not open late")
            before = session.status.drawer_pin_high
            first_byte_ms = (loop.time() - started) * 1000
            self._gate.kicked(loop.time() * 1000, self.on_ms(document))
            with _perishable(session.connection):
                await self._write(session, data)
                await session.connection.drain(self._deadlines.write)
            moved = await self._pin_moved(session, before)
            self.polarity = self.polarity.after_kick(before, session.status.drawer_pin_high)
        if moved == "yes":
            return Delivery("confirmed", "drawer pin", first_byte_ms)
        # Whether a switch that never moved means "shut", or that there is none, is known by its polarity alone.
        stuck = moved == "no" and self.polarity.is_open(before) == "no"
        return Delivery("sent", STUCK if stuck else "none", first_byte_ms)

    async def _pin_moved(self, session: S, before: Tri) -> Tri:
        if before == "unknown" or self.polarity.is_open(before) == "yes":
            return "unknown"  # one that stands open can not show it, and the next document would wait for nothing
        loop = asyncio.get_running_loop()
        end = loop.time() + self._deadlines.pin
        while session.status.drawer_pin_high == before:
            remaining = end - loop.time()
            if remaining <= 0:
                return "no"
            if not await self.ask_pin(session, remaining):
                return "unknown"
            await session.until(lambda: session.status.drawer_pin_high != before, min(0.03, remaining))
        return "yes"


@contextmanager
def _perishable(connection: Connection) -> Iterator[None]:
    """What is written in here comes now or never: a drawer does not open once a cable is back. It stays so where this fails."""
    if not isinstance(connection, Perishes):
        yield
        return
    connection.perishable(True)
    yield
    connection.perishable(False)
