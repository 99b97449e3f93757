"""When this register goes on to the next business day, and where its log belongs to the one before."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from tillkeeper.contract.day import DayAsk, DayTail, DayTailDeclared
from tillkeeper.contract.days import is_day, later, next_day
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.index import DayIndex
from tillkeeper.errors import Refused, TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.till.stamp import Stamp

log = logging.getLogger(__name__)

SETTING = "day_not_before"
DRAIN_S = 1.0
"""A command that is being made durable gets so long: its stamp is of the day that ends."""
LOOK_S = 0.01
AGAIN_S = 10.0
"""A clock that was set changes what is believed, and nobody says so."""


@dataclass(frozen=True, kw_only=True)
class TailParts:
    """`caught_up`: the index has all that is durable. `admit`: False for an epoch lower than one that was seen. `in_hand`: a
    command is on its way to being durable. `changed`: told after an append."""

    journal: Journal
    stamp: Stamp
    index: DayIndex
    caught_up: Callable[[], Awaitable[None]]
    admit: Callable[[Epoch], Awaitable[bool]]
    in_hand: Callable[[], bool]
    changed: Callable[[], None]


class DayTails:
    """`closed_somewhere` is to be called when the index has changed."""

    def __init__(self, parts: TailParts) -> None:
        self._ = parts
        self._one = asyncio.Lock()
        self._ending = ""
        self._kept = (parts.journal.setting(SETTING) or b"").decode()
        parts.stamp.not_before = max(parts.stamp.not_before, self._kept)
        self._changed = asyncio.Event()

    def closed_somewhere(self) -> None:
        """A close, or a tail of an older run, that the index has learned of: this register stamps a later day. What it kept of
        a close that is not believed (some clock was wrong) is let go."""
        index, journal, stamp = self._.index, self._.journal, self._.stamp
        until = max(index.days.last_closed, index.last_tail(journal.register, journal.incarnation), self._ending)
        if stamp.not_before > later(index.reach, 1):
            stamp.not_before = next_day(until) if until else ""
        elif until:
            stamp.end(until)
        if stamp.not_before != self._kept:
            self._changed.set()

    async def run(self) -> None:
        """Keeps where stamping goes on, so that a restart does not go back. Until cancelled."""
        await self._.caught_up()
        while True:
            self.closed_somewhere()
            with suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    await self._changed.wait()
            if not self._changed.is_set():
                continue
            self._changed.clear()
            day = self._.stamp.not_before
            try:
                await self._.journal.append(Batch(settings={SETTING: day.encode()}))
                self._kept = day
            except TillkeeperError as error:  # it is in the logs as well, and comes with the next change
                log.warning("the day from which on is stamped is not kept: %s", error)

    async def asked(self, ask: DayAsk) -> DayTail:
        """By the register that closes.

        Raises:
            Refused: `epoch_too_low`: another register has the role since. `day_ahead`: here the day has not come. `no_day`: the
                calendar has no such day.
            StorageRefused: the tail could not be declared.
        """
        if not is_day(ask.day):
            raise Refused("no_day", "end", f"day {ask.day}", "there is no such day")
        if not await self._.admit(ask.epoch):
            cause = f"epoch {ask.epoch} is lower than one that was seen here: another register is primary"
            raise Refused("epoch_too_low", "end", f"day {ask.day}", cause)
        if ask.day > next_day(self._.stamp.today()):
            cause = f"here it is {self._.stamp.today()}: one of the two clocks is wrong"
            raise Refused("day_ahead", "end", f"day {ask.day}", cause, "set the clocks of the registers")
        return await self.declare(ask.day, ask.epoch)

    async def declare(self, day: str, epoch: Epoch) -> DayTail:
        """End `day` on this register: what it writes from now on is stamped later. The same day again has the same tail.

        Raises:
            StorageRefused, Overloaded: the journal takes nothing; asking again is safe.
        """
        parts = self._
        async with self._one:
            await parts.caught_up()
            if (known := self._known(day)) is not None:
                return known
            self._ending = day
            try:
                return await self._declared(day, epoch)
            finally:
                self._ending = ""

    async def _declared(self, day: str, epoch: Epoch) -> DayTail:
        parts = self._
        parts.stamp.end(day)
        for _ in range(int(DRAIN_S / LOOK_S)):
            if not parts.in_hand():
                break
            await asyncio.sleep(LOOK_S)
        event = parts.stamp(DayTailDeclared(day=day, epoch=epoch))
        not_before = parts.stamp.not_before
        appended = await parts.journal.append(Batch(events=(event,), settings={SETTING: not_before.encode()}))
        self._kept = not_before
        parts.changed()
        await parts.caught_up()
        return self._known(day) or DayTail(appended.incarnation, appended.last_seq)

    def _known(self, day: str) -> DayTail | None:
        """In the log that is being written: a tail in an older one says nothing about this."""
        journal = self._.journal
        seq = self._.index.tail(journal.register, journal.incarnation, day)
        return None if seq is None else DayTail(journal.incarnation, seq)
