"""What every receipt printer's driver does alike: a document goes out once, and the printer itself says what became of it.

The way of a document: encode -> a connection -> status (trouble: nothing is sent) -> write -> wait for the strongest evidence
that the model can give. Any byte of the document written and no evidence: `OutcomeUnknown`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Generic, Literal, NamedTuple, NoReturn, TypeVar

from msgspec.structs import replace

from tillkeeper_drivers.api import (
    NOT_THERE,
    STUCK,
    Connection,
    Delivery,
    DeviceGone,
    Document,
    NotSent,
    OutcomeUnknown,
    PrintDocument,
    PulseDocument,
    Reason,
    Status,
    Transport,
    TransportError,
    Tri,
)
from tillkeeper_drivers.drawer import KickGate, PinPolarity, PulseError
from tillkeeper_drivers.printing.attending import Attendant
from tillkeeper_drivers.printing.line import Line
from tillkeeper_drivers.printing.patience import Patience
from tillkeeper_drivers.printing.session import Session
from tillkeeper_drivers.printing.settings import HINTS, Deadlines, PinUse

S = TypeVar("S", bound=Session)

BELL_MS = 100
"""The coil of a bell is as that of a drawer: so long it is on."""


class Refusal(NamedTuple):
    """Why a document is not sent."""

    reason: Reason
    detail: str


class Evidence(NamedTuple):
    """See `Delivery`."""

    how: Literal["confirmed", "sent"]
    by: str


class BasePrinter(ABC, Generic[S]):
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
        self._id = device_id
        self._drawer_pins = drawer_pins
        self._pin_use: dict[int, PinUse] = dict(pin_use or {})
        self._deadlines = deadlines or Deadlines()
        self._hold = hold
        self._line = Line(transport, self._made)
        self._attendant = Attendant[S](self._line, self._deadlines, self)
        self._gate = KickGate()
        self.polarity = PinPolarity()
        """What kicks have taught about the drawer's switch."""
        self.last_status = Status()
        """What was last heard of the device, in a job, by `status` or by itself."""

    # --- what a command set has to say ---

    @abstractmethod
    def new_session(self, connection: Connection) -> S:
        """A session over `connection`, which was just opened."""

    @abstractmethod
    async def encode(self, document: PrintDocument, token: bytes) -> bytes:
        """The bytes of `document`. Raises ValueError where it can not be laid out."""

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
    async def preflight(self, session: S) -> Refusal | None:
        """Right before a document: what speaks against sending it."""

    @abstractmethod
    def expect(self, session: S, token: bytes) -> None:
        """The document with `token` is about to be written."""

    @abstractmethod
    async def evidence(self, session: S) -> Evidence:
        """Wait for what became of the document. Raises `OutcomeUnknown` (by `unknown`)."""

    @abstractmethod
    async def look(self, session: S, longest_s: float) -> bool:
        """While waiting: how it is, and why. Whether it answered."""

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
        try:
            async with self._line.turn():
                await self.ask_all(await self._opened())
        except TransportError as error:
            self.note(error)
        return self.last_status

    async def attend(self, changed: Callable[[Status], None], looks: AbstractAsyncContextManager[object]) -> None:
        """See `Attended.attend`: a connection is kept where `hold` says so."""
        if self._hold:
            await self._attendant.run(changed, looks)

    async def close(self) -> None:
        """Wait for the job that is on; a connection that is kept ends with `attend`."""
        async with self._line.turn():
            pass

    # --- what is known ---

    def _made(self, connection: Connection) -> S:
        session = self.new_session(connection)
        session.status = Status(reachable="yes")
        session.on_change = lambda: self.learned(session)
        return session

    def learned(self, session: S) -> None:
        """Something new was heard."""
        self.last_status = session.status
        if session.complete:
            self._attendant.tell(session.status)

    def note(self, error: TransportError) -> None:
        """What a connection that broke, or did not come about, says of the device."""
        gone = error.reason in NOT_THERE
        self.last_status = replace(
            self.last_status,
            reachable="no" if gone else "yes",
            reason=error.reason if gone else None,
            online="no" if error.reason == "offline" else self.last_status.online,
            detail=f"{error.reason}: {error.detail}",
        )

    async def _opened(self) -> S:
        if self._line.session is None:
            self.last_status = Status()
        session = await self._line.open(self._deadlines.connect)
        self.last_status = session.status
        return session

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
        async with self._sending("print") as session:
            self.expect(session, token)
            if ring is not None:
                self._gate.kicked(loop.time() * 1000, self.on_ms(ring))
            first_byte_ms = (asyncio.get_running_loop().time() - started) * 1000
            await self._write(session, data)
            how, by = await self.evidence(session)
        return Delivery(how, by, first_byte_ms)

    async def confirmed(self, session: S, quiet_s: float) -> bool:
        """Wait for the confirmation, looking at the status now and then; see `Patience`."""
        loop, limits = asyncio.get_running_loop(), self._deadlines
        patience = Patience(loop.time(), quiet_s, limits.clearing, limits.longest)
        while session.confirmed_by is None and not session.cut_short:
            remaining = patience.remaining_s(loop.time(), session.status)
            if remaining <= 0:
                return False
            settled = await session.until(
                lambda: session.confirmed_by is not None or bool(session.cut_short), min(limits.poll, remaining)
            )
            if not settled:
                await self.look(session, max(0.0, patience.remaining_s(loop.time(), session.status)))
        return session.confirmed_by is not None

    def unknown(self, session: S, detail: str) -> NoReturn:
        """Raises `OutcomeUnknown` for a document that was written."""
        if session.cut_short:
            raise self._outcome_unknown("print", "lost", session.cut_short)
        raise self._outcome_unknown("print", session.status.trouble() or "no_answer", detail)

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
        # A kick waits behind what a printer can not print now, and would open the drawer much later: it is asked first.
        async with self._sending("pulse") as session:
            before = session.status.drawer_pin_high
            first_byte_ms = (loop.time() - started) * 1000
            self._gate.kicked(loop.time() * 1000, self.on_ms(document))
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

    # --- sending, and what its errors mean ---

    @asynccontextmanager
    async def _sending(self, operation: str) -> AsyncIterator[S]:
        """The line of a device that can take a document now. A connection that breaks is `NotSent`, and `OutcomeUnknown` once
        a byte of the document left."""
        session: S | None = None
        try:
            async with self._line.turn():
                try:
                    session = await self._ready(operation)
                    yield session
                except TransportError as error:
                    session = self._line.session
                    if session is not None and session.document_left and error.reason == "stalled":
                        await _last_words(session)
                    raise
        except TransportError as error:
            raise self._failed(operation, session, error) from error

    async def _ready(self, operation: str) -> S:
        """A connection over which the device just said that it can print. Raises `NotSent`, `TransportError`."""
        if self._line.session is not None:
            # It may have died unnoticed: then a fresh one tells for sure, and nothing was sent yet.
            try:
                session, refusal = await self._asked()
                if refusal is None:
                    return session
                if refusal.reason != "no_answer":
                    raise self._not_sent(operation, refusal.reason, refusal.detail)
                await self._line.close()
            except TransportError as error:
                await self._line.close(error)
        session, refusal = await self._asked()
        if refusal is not None:
            raise self._not_sent(operation, refusal.reason, refusal.detail)
        return session

    async def _asked(self) -> tuple[S, Refusal | None]:
        session = await self._opened()
        session.begin()
        return session, await self.preflight(session)

    def _failed(self, operation: str, session: S | None, error: TransportError) -> NotSent | OutcomeUnknown:
        if session is None:
            self.last_status = Status(reachable="no", reason=error.reason, detail=error.detail)
            return self._not_sent(operation, error.reason, error.detail)
        if session.document_left:
            return self._outcome_unknown(operation, session.status.trouble() or error.reason, error.detail)
        reason: Reason = "unreachable" if session.heard else "busy"
        if isinstance(error, DeviceGone):
            reason = "not_plugged_in"
        if error.reason == "offline":
            reason = "offline"
        self.note(TransportError(reason, error.detail, bytes_left=False))
        return self._not_sent(operation, reason, error.detail)

    async def _write(self, session: S, data: bytes) -> None:
        session.document_left = True
        try:
            await session.write(data, self._deadlines.write)
        except TransportError as error:
            session.document_left = error.bytes_left
            raise

    def _not_sent(self, operation: str, reason: Reason, detail: str) -> NotSent:
        return NotSent(operation, self._id, reason, detail, HINTS.get(reason, ""))

    def _outcome_unknown(self, operation: str, reason: Reason, detail: str) -> OutcomeUnknown:
        return OutcomeUnknown(operation, self._id, reason, detail, HINTS.get(reason, ""))


async def _last_words(session: Session) -> None:
    """Hear what a device that stopped reading has said about itself by then."""
    with suppress(TransportError):
        await session.until(lambda: False, 0.05)
