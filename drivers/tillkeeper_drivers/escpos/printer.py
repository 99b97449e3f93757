"""One ESC/POS printer: a document goes out once, and the printer itself says what became of it.

The way of a document: encode -> connect -> real-time status (trouble: nothing is sent) -> write -> wait for the
strongest evidence that the model can give: `GS ( H` function 48, else `GS r 1`, else a clean `DLE EOT` after the drain.
Any byte of the document written and no evidence: `OutcomeUnknown`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Literal, NoReturn

import msgspec

from tillkeeper_drivers.api import (
    NOT_THERE,
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
from tillkeeper_drivers.drawer import KickGate, PinPolarity, PulseError, pulse_bytes
from tillkeeper_drivers.escpos import encoder
from tillkeeper_drivers.escpos.profile import Profile
from tillkeeper_drivers.escpos.session import PeerClosed, Session
from tillkeeper_drivers.escpos.settings import HINTS, Deadlines, PinUse
from tillkeeper_drivers.escpos.status import REALTIME


class EscPosPrinter:
    """A `Device` that prints and pulses.

    Args:
        device_id: the device's id in the config.
        transport: where it is; one connection a job.
        profile: its model.
        pin_use: what hangs on the pins of the drawer connector; a pin not named has nothing on it.
        deadlines: see `Deadlines`.
    """

    def __init__(
        self,
        device_id: str,
        transport: Transport,
        profile: Profile,
        pin_use: Mapping[int, PinUse] | None = None,
        deadlines: Deadlines | None = None,
    ) -> None:
        self._id = device_id
        self._transport = transport
        self._profile = profile
        self._pin_use: dict[int, PinUse] = dict(pin_use or {})
        self._deadlines = deadlines or Deadlines()
        self._one_at_a_time = asyncio.Lock()
        self._gate = KickGate()
        self._realtime: Tri = profile.real_time_status
        self._paper: Tri = profile.paper_query
        self._paper_left_out = False
        self.polarity = PinPolarity()
        """What kicks have taught about the drawer's switch."""
        self.last_status = Status()
        """What was last heard of the device, in a job or by `status`."""

    @property
    def id(self) -> str:
        return self._id

    def accepts(self, document: Document) -> bool:
        """Paper and pulses; whether a drawer hangs on the pin is answered by `deliver`."""
        return isinstance(document, PrintDocument | PulseDocument)

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        """See `Device.deliver`."""
        started = asyncio.get_running_loop().time()
        async with self._one_at_a_time:
            if isinstance(document, PrintDocument):
                return await self._print(document, token, started)
            if isinstance(document, PulseDocument):
                return await self._pulse(document, started)
        raise NotSent("deliver", self._id, "unsupported", f"a printer takes no {type(document).__name__}")

    async def status(self) -> Status:
        """See `Device.status`. While a job is on, what that job has heard last."""
        if self._one_at_a_time.locked():
            return self.last_status
        async with self._one_at_a_time:
            try:
                async with self._open(None) as session:
                    if not await self._ask_all(session, tuple(REALTIME)):
                        await session.ask_port(self._deadlines.answer)
                    await self._leave_cutter_error(session)
            except TransportError as error:
                self._note(error)
        return self.last_status

    def _note(self, error: TransportError) -> None:
        """What a connection that broke says of the device."""
        self.last_status = msgspec.structs.replace(
            self.last_status,
            reachable="no" if error.reason in NOT_THERE else "yes",
            reason=error.reason if error.reason in NOT_THERE else None,
            online="no" if error.reason == "offline" else self.last_status.online,
            detail=f"{error.reason}: {error.detail}",
        )

    async def close(self) -> None:
        """Wait for the job that is on; connections live no longer than a job."""
        async with self._one_at_a_time:
            pass

    @asynccontextmanager
    async def _open(self, token: bytes | None) -> AsyncIterator[Session]:
        self.last_status = Status()
        async with self._transport.connect(self._deadlines.connect) as connection:
            session = Session(connection, token)
            session.status = Status(reachable="yes")
            try:
                yield session
            finally:
                self.last_status = session.status

    # --- before ---

    async def _preflight(self, operation: str, session: Session) -> None:
        """Raises `NotSent` where the device says why it can not print, or is silent though it can answer."""
        answered = await self._ask_all(session, self._profile.preflight)
        if answered and session.status.online == "no":
            await self._ask_all(session, (2, 3, 4))
            await self._leave_cutter_error(session)
        elif not answered:
            await session.ask_port(self._deadlines.answer)
        trouble = session.status.trouble()
        if not answered and trouble is None and self._realtime == "yes":
            raise self._not_sent(operation, "no_answer", "connected, but silent when asked for its status")
        if trouble is not None:
            raise self._not_sent(operation, trouble, "the device says so before printing")

    async def _leave_cutter_error(self, session: Session) -> None:
        """A jam leaves an error behind that outlasts its cause. No document is under way here: what an earlier one left in the
        buffer was given up as unknown, and its repeat is marked."""
        if session.status.trouble() == "cutter":
            await session.leave_error(self._deadlines.answer)
            await self._ask_all(session, (1, 3))

    async def _ask_all(self, session: Session, questions: tuple[int, ...]) -> bool:
        """Ask `DLE EOT n` one after the other, stopping at the first that stays unanswered."""
        if self._realtime == "no":
            return False
        for n in questions:
            deadline = self._deadlines.maybe if self._realtime == "unknown" else self._deadlines.answer
            if not await session.ask(REALTIME[n], deadline):
                return False
            self._realtime = "yes"  # one that answered once can answer
        return True

    # --- paper ---

    async def _print(self, document: PrintDocument, token: bytes, started: float) -> Delivery:
        if not encoder.is_warm():
            await asyncio.to_thread(encoder.warm)
        try:
            encoder.check_token(token)
            data = encoder.encode(document, self._profile, token)
        except encoder.EncodingError as error:
            raise NotSent("print", self._id, "bad_document", str(error)) from error
        async with self._sending("print", token) as session:
            await self._preflight("print", session)
            if self._asks_paper():
                session.expect_paper_answer()
            first_byte_ms = (asyncio.get_running_loop().time() - started) * 1000
            await self._write(session, data)
            how, by = await self._evidence(session)
        return Delivery(how, by, first_byte_ms)

    def _asks_paper(self) -> bool:
        return not self._profile.process_id and self._profile.paper_query != "no"

    async def _evidence(self, session: Session) -> tuple[Literal["confirmed", "sent"], str]:
        """Up the ladder. Raises `OutcomeUnknown`, or `TransportError` where the connection broke."""
        if self._profile.process_id or (self._asks_paper() and self._paper == "yes"):
            if not await self._confirmed(session, None):
                await session.connection.drain(0.05)  # "stalled" tells more than "no answer"
                self._unknown(session, f"no confirmation within {self._deadlines.confirm:g} s")
            return "confirmed", session.confirmed_by or "none"
        try:
            if self._asks_paper():
                short = self._deadlines.maybe if self._paper_left_out else self._deadlines.maybe_confirm
                if await self._confirmed(session, short):
                    self._paper = "yes"
                    return "confirmed", session.confirmed_by or "none"
                self._paper_left_out = True
            await session.connection.drain(self._deadlines.write)
            return await self._clean(session)
        except PeerClosed:
            if self._realtime == "yes":
                raise
            # Took all and ended in order, as some of the mute ones do; had it left bytes unread, this drain would say.
            await session.connection.drain(self._deadlines.write)
            return "sent", "none"

    async def _confirmed(self, session: Session, short_s: float | None) -> bool:
        """Wait for the confirmation, looking at the status now and then.

        Args:
            short_s: wait only so long, unless the device has a trouble that a person is clearing. None: to the end.
        """
        loop = asyncio.get_running_loop()
        start = loop.time()
        while session.confirmed_by is None:
            patient = short_s is None or session.status.trouble() is not None
            end = start + (self._deadlines.confirm if patient or short_s is None else short_s)
            remaining = end - loop.time()
            if remaining <= 0:
                return False
            if not await session.until(lambda: session.confirmed_by is not None, min(self._deadlines.poll, remaining)):
                await self._look(session, max(0.0, end - loop.time()))
        return True

    async def _look(self, session: Session, remaining_s: float) -> bool:
        """Ask for the status, and for the cause where it is offline. Returns whether the device answered."""
        answer_s = self._deadlines.answer if self._realtime == "yes" else self._deadlines.maybe
        deadline = min(answer_s, remaining_s)
        if self._realtime == "no" or deadline <= 0 or not await session.ask(REALTIME[1], deadline):
            await session.ask_port(max(0.0, deadline))
            return False
        if session.status.trouble() is not None:  # its cause, and whether that is over
            await self._ask_all(session, (2, 3, 4))
        return True

    async def _clean(self, session: Session) -> tuple[Literal["confirmed", "sent"], str]:
        """The last rung: all bytes are acknowledged, and the status is clean or becomes so before the deadline."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self._deadlines.confirm
        while True:
            answered = await self._look(session, self._deadlines.answer)
            trouble = session.status.trouble()
            if answered and trouble is None:
                return "sent", "DLE EOT"
            if not answered and self._realtime == "yes":
                self._unknown(session, "silent after the document")
            if trouble is None:
                await session.until(lambda: False, 0.02)  # nothing can be learned from it; a reset would still show
                return "sent", "none"
            if loop.time() >= end:
                self._unknown(session, f"not clean within {self._deadlines.confirm:g} s")
            await session.until(lambda: False, min(self._deadlines.poll, max(0.01, end - loop.time())))

    # --- drawer ---

    async def _pulse(self, document: PulseDocument, started: float) -> Delivery:
        use = self._pin_use.get(document.pin, "none")
        if use != "drawer" or document.pin not in self._profile.drawer_pins:
            raise NotSent("pulse", self._id, "unsupported", f"pin {document.pin} has no drawer, but: {use}")
        try:
            data = pulse_bytes(document.pin, document.on_ms)
        except PulseError as error:
            raise NotSent("pulse", self._id, "bad_document", str(error)) from error
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._gate.wait_ms(loop.time() * 1000) / 1000)
        async with self._sending("pulse", None) as session:
            # A kick waits behind what a printer can not print now, and would open the drawer much later.
            await self._preflight("pulse", session)
            before = session.status.drawer_pin_high
            first_byte_ms = (loop.time() - started) * 1000
            self._gate.kicked(loop.time() * 1000, document.on_ms)
            await self._write(session, data)
            await session.connection.drain(self._deadlines.write)
            moved = await self._pin_moved(session, before)
            self.polarity = self.polarity.after_kick(before, session.status.drawer_pin_high)
        return Delivery("confirmed", "drawer pin", first_byte_ms) if moved else Delivery("sent", "none", first_byte_ms)

    async def _pin_moved(self, session: Session, before: Tri) -> bool:
        if before == "unknown" or self.polarity.is_open(before) == "yes":
            return False  # one that stands open can not show it, and the next document would wait for nothing
        loop = asyncio.get_running_loop()
        end = loop.time() + self._deadlines.pin
        while session.status.drawer_pin_high == before:
            remaining = end - loop.time()
            if remaining <= 0 or not await session.ask(REALTIME[1], remaining):
                return False
            await session.until(lambda: session.status.drawer_pin_high != before, min(0.03, remaining))
        return True

    # --- errors ---

    @asynccontextmanager
    async def _sending(self, operation: str, token: bytes | None) -> AsyncIterator[Session]:
        """A session whose broken connection is `NotSent`, and `OutcomeUnknown` once a byte of the document left."""
        session: Session | None = None
        try:
            async with self._open(token) as session:
                try:
                    yield session
                except TransportError as error:
                    if error.reason == "stalled":
                        await _last_words(session)
                    raise
        except TransportError as error:
            if session is None:
                self.last_status = Status(reachable="no", reason=error.reason, detail=error.detail)
                raise self._not_sent(operation, error.reason, error.detail) from error
            if not session.document_left:
                reason: Reason = "unreachable" if session.heard else "busy"
                if isinstance(error, DeviceGone):
                    reason = "not_plugged_in"
                if error.reason == "offline":
                    reason = "offline"
                self._note(TransportError(reason, error.detail, bytes_left=False))
                raise self._not_sent(operation, reason, error.detail) from error
            cause = session.status.trouble() or error.reason
            raise self._outcome_unknown(operation, cause, error.detail) from error

    async def _write(self, session: Session, data: bytes) -> None:
        session.document_left = True
        try:
            await session.connection.write(data, self._deadlines.write)
        except TransportError as error:
            session.document_left = error.bytes_left
            raise

    def _unknown(self, session: Session, detail: str) -> NoReturn:
        trouble = session.status.trouble()
        raise self._outcome_unknown("print", trouble or "no_answer", detail)

    def _not_sent(self, operation: str, reason: Reason, detail: str) -> NotSent:
        return NotSent(operation, self._id, reason, detail, HINTS.get(reason, ""))

    def _outcome_unknown(self, operation: str, reason: Reason, detail: str) -> OutcomeUnknown:
        return OutcomeUnknown(operation, self._id, reason, detail, HINTS.get(reason, ""))


async def _last_words(session: Session) -> None:
    """Hear what a device that stopped reading has said about itself by then."""
    with suppress(TransportError):
        await session.until(lambda: False, 0.05)
