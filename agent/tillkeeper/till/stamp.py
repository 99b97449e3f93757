"""Gives events their wall-clock stamp and business day."""

from collections.abc import Callable
from contextlib import suppress

from tillkeeper.clock import WallClock
from tillkeeper.config.model import Store
from tillkeeper.contract.base import Event
from tillkeeper.contract.days import next_day
from tillkeeper.diagnostics.advisories import NEVER_BEFORE_MS
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import NewEvent
from tillkeeper.roles.business_day import business_day

LOOKED_AT = 50
"""Events at the end of each log: one of them was stamped last, whatever the clock did since."""


class Stamp:
    """`not_before`: the first day that may be stamped; days before it are closed as far as this register knows, or their tail
    is declared. Selling goes on all the same, on a later day.

    A clock that shows a time before this program was made (a dead battery: 1970) is not believed: then time goes on from
    `newest`, the last that was stamped, so that what is sold falls on no day of 1970."""

    def __init__(self, store: Store, now_ms: WallClock, newest: Callable[[], int] = lambda: 0) -> None:
        self._store = store
        self._now_ms = now_ms
        self._newest = newest
        self.not_before = ""
        self._from: tuple[int, int] | None = None
        """While the clock is not believed: the stamp to go on from, and what the clock showed then."""

    def now_ms(self) -> int:
        """The wall clock, or what time goes on from where it is not believed."""
        return self._sound(self._now_ms())

    def today(self) -> str:
        """What events are stamped with now."""
        return self.stamped(self._now_ms())

    def stamped(self, now_ms: int) -> str:
        """What an event of now is stamped with."""
        return max(self.day(now_ms), self.not_before)

    def day(self, at_ms: int) -> str:
        """What the store's clocks say of a time, whatever is closed."""
        return self._calendar_day(self._sound(at_ms))

    def __call__(self, event: Event) -> NewEvent:
        now_ms = self._sound(self._now_ms())
        return NewEvent(event, max(self._calendar_day(now_ms), self.not_before), now_ms)

    def _calendar_day(self, sound_ms: int) -> str:
        return business_day(sound_ms, self._store.timezone, self._store.day_cutoff)

    def end(self, day: str) -> None:
        """From now on later days are stamped."""
        self.not_before = max(self.not_before, next_day(day))

    def _sound(self, now_ms: int) -> int:
        if now_ms >= NEVER_BEFORE_MS:
            self._from = None
            return now_ms
        if self._from is None:
            self._from = (self._newest(), now_ms)
        stamp_ms, shown_ms = self._from
        return max(now_ms, stamp_ms + max(0, now_ms - shown_ms))


def newest_stamp(journal: Journal) -> int:
    """The latest stamp at the end of any log of this register, in ms since the epoch; 0 where there is none to read."""
    newest = 0
    with suppress(StorageRefused):
        for log in journal.logs():
            events = journal.events(log.incarnation, max(0, log.last_seq - LOOKED_AT), LOOKED_AT)
            newest = max([newest, *(event.at_ms for event in events)])
    return newest
