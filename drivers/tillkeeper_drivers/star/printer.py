"""One Star printer: what `BasePrinter` leaves open, by the automatic status, the ETB counter and `ESC GS ETX`.

The ladder of evidence: the echo of `ESC GS ETX 1` with the document's own number, which only the session that asked is sent;
else the count of its ETB (`counting`), which is good where no other computer prints; else a clean status after the drain.

Before a document goes out the printer has said how it is, and has carried out a command that stands behind all that it was
given before. So it is not just connected: it is at work, and no document is written to one that does not come to it.
"""

import asyncio
from collections.abc import Callable, Mapping

from tillkeeper_drivers.api import Connection, PrintDocument, PulseDocument, Transport
from tillkeeper_drivers.escpos.logo import Raster
from tillkeeper_drivers.printing import pace
from tillkeeper_drivers.printing.printer import BasePrinter, Evidence
from tillkeeper_drivers.printing.sending import ECHOES, SILENT, Refusal
from tillkeeper_drivers.printing.settings import Deadlines, PinUse
from tillkeeper_drivers.star import commands, encoder
from tillkeeper_drivers.star.counting import Counting
from tillkeeper_drivers.star.profile import Profile
from tillkeeper_drivers.star.session import StarSession

_LINE_S = 0.08
"""For a line of 4 mm on the slowest of these (100 mm/s), twice."""
_GREETING_S = 0.1
"""A network printer whose automatic status is on tells it to who connects."""
_BEHIND = "it has not come to the end of what it was given before"


class StarPrinter(BasePrinter[StarSession]):
    """A `Device` that prints and pulses.

    Args:
        device_id: the device's id in the config.
        transport: where it is.
        profile: its model.
        pin_use: what hangs on the pins of the drawer connector; a pin not named has nothing on it.
        deadlines: see `Deadlines`.
        hold: it is this register's alone, and its connection stands while it is attended.
        picture: the logo, prepared for this model.
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
        self._profile, self._picture = profile, picture
        self._counting = Counting()
        self._start = 0
        self._signs = 0

    # --- hooks, see `BasePrinter` ---

    def new_session(self, connection: Connection) -> StarSession:
        return StarSession(connection)

    async def encode(self, document: PrintDocument, token: bytes) -> bytes:
        if self._profile.language == "raster":
            return await asyncio.to_thread(encoder.encode, document, self._profile, token, self._picture)
        return encoder.encode(document, self._profile, token, self._picture)

    def printing_s(self, document: PrintDocument) -> float:
        return pace.printing_s(document.blocks, self._profile.columns, _LINE_S)

    def pulse(self, document: PulseDocument) -> bytes:
        return commands.pulse(document.pin, document.on_ms)

    def on_ms(self, document: PulseDocument) -> int:
        return document.on_ms if document.pin == 2 else commands.SECOND_DEVICE_MS

    async def greet(self, session: StarSession) -> bool:
        if not await self._told(session):
            return False
        if session.status.trouble() is None:
            await self._answers(session)
        return True

    def beat_s(self, session: StarSession) -> float:
        return self._deadlines.beat if session.automatic else self._deadlines.idle_poll

    async def beat(self, session: StarSession) -> bool:
        if session.status.trouble() is None and await self._answers(session):
            return True
        return await self._asked_now(session)

    async def ask_all(self, session: StarSession) -> None:
        if not session.automatic:
            await self._told(session)
        elif not await self.beat(session):
            session.status = type(session.status)(reachable="yes")  # what it said before may be over
            self.learned(session)

    async def preflight(self, session: StarSession) -> Refusal | None:
        if not session.automatic and not await self._told(session):
            return ECHOES if session.echoes else SILENT
        ready = session.status.trouble() is None and (self._profile.print_end == "none" or await self._answers(session))
        trouble = session.status.trouble()
        if trouble is not None:
            return Refusal(trouble, "the device says so before printing")
        return None if ready else Refusal("no_answer" if session.automatic else "busy", _BEHIND)

    def expect(self, session: StarSession, token: bytes) -> None:
        if self._profile.print_end == "etb":
            session.expect_count(self._start)
        elif self._profile.print_end == "document":
            session.expect_number(commands.number_of(token))

    async def evidence(self, session: StarSession) -> Evidence:
        limits = self._deadlines
        if self._profile.print_end == "none":
            await session.connection.drain(limits.write + self._prints_s)
            await self.worked_off(session, asyncio.get_running_loop().time())
            return Evidence("sent", "Star status")
        if not await self.confirmed(session, limits.confirm):
            await session.connection.drain(0.05)  # "stalled" tells more than "no answer"
            self.unknown(session, f"no confirmation within {self._prints_s + limits.confirm:.0f} s")
        self._counting.settled()
        return Evidence("confirmed", session.confirmed_by or "none")

    @property
    def answers(self) -> bool:
        """Nothing is sent to one that did not."""
        return True

    async def look(self, session: StarSession, longest_s: float) -> bool:
        """Where it reports by itself it has told all there is, and must not be asked (`commands.ASK_STATUS`)."""
        return session.automatic or await self._asked_now(session, longest_s)

    async def ask_pin(self, session: StarSession, deadline_s: float) -> bool:
        if not session.automatic:
            return await self._asked_now(session, deadline_s)
        heard = session.statuses
        return await session.until(lambda: session.statuses > heard, deadline_s)

    # --- asking ---

    async def _told(self, session: StarSession) -> bool:
        """How it is: as it says by itself to who connects, else as it answers. Whether it said anything."""
        if not session.statuses and await session.until(lambda: session.statuses > 0, _GREETING_S):
            return not session.echoes
        return await self._asked_now(session)

    async def _asked_now(self, session: StarSession, longest_s: float | None = None) -> bool:
        deadline = self._deadlines.answer if longest_s is None else min(longest_s, self._deadlines.answer)
        heard = session.statuses
        await session.write(commands.ASK_STATUS, max(deadline, 0.01))
        return await session.until(lambda: session.echoes or session.statuses > heard, deadline) and not session.echoes

    async def _answers(self, session: StarSession) -> bool:
        """Whether it carries out what it is sent, and so has come to the end of all that it was sent before. Waits no longer
        than for an answer, or until it names a trouble. Afterwards the automatic status is on."""
        if self._profile.print_end == "none":
            return False
        if self._profile.print_end == "etb":
            came = await self._counts(session)
        else:
            came = await self._echoes_number(session)
        session.automatic = session.automatic or came
        return came

    async def _counts(self, session: StarSession) -> bool:
        start = self._counting.start(session.counter or 0)
        if start is None:
            return False
        self._start = start
        session.forget_counter()
        await session.write(commands.opening(start), self._deadlines.write)
        await self._until_or_trouble(session, lambda: session.counter == start)
        came = session.counter == start
        if came:
            self._counting.answered()
        return came

    async def _echoes_number(self, session: StarSession) -> bool:
        self._signs = (self._signs + 1) % (commands.PRINTABLE * commands.PRINTABLE)
        number = bytes(0x20 + digit for digit in divmod(self._signs, commands.PRINTABLE))
        await session.write(commands.sign_of_life(number), self._deadlines.write)
        await self._until_or_trouble(session, lambda: session.alive == number)
        return session.alive == number

    async def _until_or_trouble(self, session: StarSession, done: Callable[[], bool]) -> None:
        await session.until(lambda: done() or session.echoes or session.status.trouble() is not None, self._deadlines.answer)
