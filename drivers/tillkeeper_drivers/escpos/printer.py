"""One ESC/POS printer: what `BasePrinter` leaves open, by `DLE EOT n`, `GS a`, `GS r 1` and `GS ( H` function 48.

The ladder of evidence: `GS ( H` function 48, else `GS r 1`, else a clean `DLE EOT` after the drain.
"""

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from tillkeeper_drivers.api import Connection, PrintDocument, PulseDocument, Transport, Tri
from tillkeeper_drivers.drawer import pulse_bytes
from tillkeeper_drivers.escpos import encoder
from tillkeeper_drivers.escpos.logo import Raster
from tillkeeper_drivers.escpos.profile import Profile
from tillkeeper_drivers.escpos.session import EscPosSession
from tillkeeper_drivers.escpos.status import REALTIME
from tillkeeper_drivers.printing import pace
from tillkeeper_drivers.printing.printer import BasePrinter, Evidence
from tillkeeper_drivers.printing.sending import ECHOES, SILENT, Refusal
from tillkeeper_drivers.printing.session import PeerClosed
from tillkeeper_drivers.printing.settings import Deadlines, PinUse

_MOST_OWED = 8
_TRIES = 3


class EscPosPrinter(BasePrinter[EscPosSession]):
    """A `Device` that prints and pulses.

    Args:
        device_id: the device's id in the config.
        transport: where it is.
        profile: its model.
        pin_use: what hangs on the pins of the drawer connector; a pin not named has nothing on it.
        deadlines: see `Deadlines`.
        hold: it is this register's alone, and its connection stands while it is attended.
        picture: the store's logo, prepared for this model.
    """

    def __init__(
        self,
        device_id: str,
        transport: Transport,
        profile: Profile,
        pin_use: Mapping[int, PinUse] | None = None,
        deadlines: Deadlines | None = None,
        *,
        hold: bool = False,
        picture: Raster | None = None,
    ) -> None:
        super().__init__(device_id, transport, profile.drawer_pins, pin_use, deadlines, hold=hold)
        self._profile = profile
        self._picture = picture
        self._realtime: Tri = profile.real_time_status
        self._paper: Tri = profile.paper_query
        self._paper_left_out = False
        self._reports_missed = 0
        """How often in a row automatic status was turned on and nothing came."""
        self._owed = 0
        """Answers to `GS r` that never came and still may."""

    # --- hooks, see `BasePrinter` ---

    def new_session(self, connection: Connection) -> EscPosSession:
        return EscPosSession(connection)

    async def encode(self, document: PrintDocument, token: bytes) -> bytes:
        if not encoder.is_warm():
            await asyncio.to_thread(encoder.warm)
        encoder.check_token(token)
        return encoder.encode(document, self._profile, token, self._picture)

    def printing_s(self, document: PrintDocument) -> float:
        return pace.printing_s(document.blocks, self._profile.columns, self._profile.line_ms / 1000)

    def pulse(self, document: PulseDocument) -> bytes:
        return pulse_bytes(document.pin, document.on_ms)

    async def greet(self, session: EscPosSession) -> bool:
        answered = await self._ask(session, tuple(REALTIME))
        if not answered and self._realtime == "yes":
            return False
        if not answered:
            await session.ask_port(self._deadlines.answer)
        await self._leave_cutter_error(session)
        if self._may_report(session):
            await session.automatic_on(self._deadlines.maybe)
            self._reports_missed = 0 if session.automatic else self._reports_missed + 1
        session.complete = True
        return True

    def beat_s(self, session: EscPosSession) -> float:
        # A stuck cutter is made to try again seldom: a hand may be in it.
        slow = session.automatic or session.status.trouble() == "cutter"
        return self._deadlines.beat if slow else self._deadlines.idle_poll

    async def beat(self, session: EscPosSession) -> bool:
        before = session.status
        with session.in_one_piece():
            answered = await self._ask(session, (1,) if session.automatic else tuple(REALTIME))
            if answered and session.automatic and session.status != before:
                session.complete = False  # it should have told: it was off meanwhile, or somebody switched reports off
                answered = await self._ask(session, (2, 3, 4))
        if not answered:
            if self._realtime == "yes":
                return False
            await session.ask_port(self._deadlines.answer)
            return True
        if session.status.trouble() == "cutter":
            await self._leave_cutter_error(session)
        if not session.automatic and self._may_report(session):
            session.complete = False
        return True

    async def ask_all(self, session: EscPosSession) -> None:
        with session.in_one_piece():
            answered = await self._ask(session, tuple(REALTIME))
        if not answered:
            await session.ask_port(self._deadlines.answer)
        await self._leave_cutter_error(session)

    async def preflight(self, session: EscPosSession) -> Refusal | None:
        # Where it reports by itself, a sign of life is enough.
        told = session.automatic and session.complete
        with session.in_one_piece():
            answered = await self._ask(session, (1,) if told else self._profile.preflight)
            if answered and (session.status.online == "no" or session.status.trouble() is not None):
                await self._ask(session, (2, 3, 4))
        await self._leave_cutter_error(session)
        if not answered:
            await session.ask_port(self._deadlines.answer)
        if session.echoes:
            return ECHOES
        trouble = session.status.trouble()
        if trouble is not None:
            return Refusal(trouble, "the device says so before printing")
        if not answered and self._realtime == "yes":
            return SILENT
        return await self._collect_owed(session)

    def expect(self, session: EscPosSession, token: bytes) -> None:
        session.expect(token, paper=self._asks_paper())

    async def evidence(self, session: EscPosSession) -> Evidence:
        try:
            return await self._climb(session)
        finally:
            if session.asks_paper and session.confirmed_by is None and not session.cut_short:
                self._owed = min(_MOST_OWED, self._owed + 1)

    @property
    def answers(self) -> bool:
        return self._realtime == "yes"

    async def look(self, session: EscPosSession, longest_s: float) -> bool:
        answer_s = self._deadlines.answer if self._realtime == "yes" else self._deadlines.maybe
        deadline = min(answer_s, longest_s)
        with session.in_one_piece():
            if self._realtime == "no" or deadline <= 0 or not await session.ask(REALTIME[1], deadline):
                await session.ask_port(max(0.0, deadline))
                return False
            if session.status.trouble() is None and session.status.online != "no":
                return True
            if await self._ask(session, (2, 3, 4)):  # the cause, and whether that is over
                await self._help(session)
        return True

    async def ask_pin(self, session: EscPosSession, deadline_s: float) -> bool:
        return await session.ask(REALTIME[1], deadline_s)

    # --- status ---

    def _may_report(self, session: EscPosSession) -> bool:
        """`GS a` stands in line behind what is printed: one that is offline does not come to it."""
        tried = self._reports_missed >= _TRIES
        return self._profile.automatic_status and session.status.online == "yes" and not tried

    async def _ask(self, session: EscPosSession, questions: tuple[int, ...]) -> bool:
        """Ask `DLE EOT n` one after the other, stopping at the first that stays unanswered."""
        if self._realtime == "no":
            return False
        for n in questions:
            deadline = self._deadlines.maybe if self._realtime == "unknown" else self._deadlines.answer
            if not await session.ask(REALTIME[n], deadline):
                return False
            self._realtime = "yes"  # one that answered once can answer
        return True

    async def _leave_cutter_error(self, session: EscPosSession) -> None:
        """A jam leaves an error behind that outlasts its cause. No document is under way here: what an earlier one left in the
        buffer was given up as unknown, and its repeat is marked."""
        if session.status.trouble() == "cutter":
            await session.leave_error(self._deadlines.answer)
            self._owed = 0
            await self._ask(session, (1, 3))

    async def _help(self, session: EscPosSession) -> None:
        """A document is under way, and the printer stands still for a reason that was just asked for."""
        status = session.status
        if status.cutter_error == "yes":
            if status.cover_open != "yes" and session.cover_was_open:
                # Somebody opened it, had a hand in it and shut it again: now it may cut. Never before.
                session.cover_was_open = False
                await session.resume(self._deadlines.answer)
        elif status.trouble() == "offline" and session.document_left:
            # It names no cause, and it has a document to print: it is full, and at work.
            session.status = replace(status, buffer_full="yes")

    # --- evidence ---

    def _asks_paper(self) -> bool:
        return not self._profile.process_id and self._paper != "no"

    async def _collect_owed(self, session: EscPosSession) -> Refusal | None:
        """An answer that an earlier document was owed must not confirm the next one."""
        if not self._owed or not self._asks_paper():
            return None
        short = self._deadlines.answer if self._paper == "yes" else self._deadlines.maybe
        owed = self._owed
        came = await session.owed(owed, short)
        settled = came > owed
        if 0 < came <= owed:
            # Some were dropped, or are to come yet. Nothing to print stands between two such questions, so one answer to the
            # second is its own.
            owed = owed + 1 - came
            settled = await session.owed(owed, short) in (1, owed + 1)
        if settled:
            self._owed = 0
        elif self._paper == "yes":
            self._owed = min(_MOST_OWED, owed)
            return Refusal("no_answer", "it has not come to the end of what it was given before")
        else:
            self._owed, self._paper = 0, "no"  # it answers everything but this
        return None

    async def _climb(self, session: EscPosSession) -> Evidence:
        limits = self._deadlines
        if self._profile.process_id or (session.asks_paper and self._paper == "yes"):
            if not await self.confirmed(session, limits.confirm):
                await session.connection.drain(0.05)  # "stalled" tells more than "no answer"
                self.unknown(session, f"no confirmation within {self._prints_s + limits.confirm:.0f} s")
            return Evidence("confirmed", session.confirmed_by or "none")
        try:
            await session.connection.drain(limits.write + self._prints_s)
            taken_at = asyncio.get_running_loop().time()
            if session.asks_paper:
                if await self.confirmed(session, limits.maybe if self._paper_left_out else limits.maybe_confirm):
                    self._paper = "yes"
                    return Evidence("confirmed", session.confirmed_by or "none")
                self._paper_left_out = True
            if await self.worked_off(session, taken_at):
                return Evidence("sent", "DLE EOT")
            # Over TCP the stack of one that is still there acknowledges even what it does not answer.
            await session.poke(limits.write)
            return Evidence("sent", "none")
        except PeerClosed:
            if self._realtime == "yes":
                raise
            # Took all and ended in order, as some of the mute ones do; had it left bytes unread, this drain would say.
            await session.connection.drain(limits.write)
            return Evidence("sent", "none")
