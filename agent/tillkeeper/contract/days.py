"""In which business day an event is: one rule, for every register and for HQ. Pure.

An event that is stamped with day D is in the first closed day from D on whose tails cover it. One that no close covers is in
the first day from D on that is not closed: if that is not D, it is an adjustment "of D". Days close in order, so every day up
to the last closed one counts as closed. Days before the first that was ever closed (a store that has only now begun to close
its days) are as they are stamped.

A close of a day that is far ahead does not count as long as it is (`believed`): a register whose clock is wrong, or one that is
out of its mind, must not end days for all that have not come.

The rule reads nothing but the event's identity and stamp and the set of closes that is known: in which order they came makes
no difference, and whoever knows the same closes gives the same answer.
"""

import datetime
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tillkeeper.contract.day import DayClosed, Tails
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.roles import Epoch, leaps

_DAY = datetime.timedelta(days=1)
LAST = datetime.date.max.isoformat()
JUMP_DAYS = 7
"""So far a close may be ahead of the calendar, or of the close before it: some close a day before midnight, and twice."""
AHEAD_DAYS = 62
"""And so far ahead of the calendar in all."""


class Place(NamedTuple):
    """The identity of an event within its store."""

    register: str
    incarnation: str
    seq: int


class Close(NamedTuple):
    """One `day_closed`. `at`: where it stands in its author's log."""

    day: str
    epoch: Epoch
    z: int
    tails: Tails
    at: Place

    @property
    def rank(self) -> tuple[Epoch, Place]:
        return self.epoch, self.at


def close_of(envelope: Envelope, event: DayClosed) -> Close:
    at = Place(envelope.register, envelope.incarnation, envelope.seq)
    return Close(event.day, event.epoch, event.z, event.tails, at)


def counting(closes: Iterable[Close]) -> dict[str, Close]:
    """day -> the close that counts, in order of days: of two the one of the higher epoch. Of one epoch (its holder was restored
    from an older copy of itself) the one that stands later in the order of names. What is no day of a calendar counts not."""
    best: dict[str, Close] = {}
    for close in closes:
        if not is_day(close.day):
            continue
        before = best.get(close.day)
        if before is None or close.rank > before.rank:
            best[close.day] = close
    return dict(sorted(best.items()))


def is_day(day: str) -> bool:
    """Whether it is the date of a calendar, YYYY-MM-DD, that has a day after it."""
    try:
        return datetime.date.fromisoformat(day).isoformat() == day and day < LAST
    except ValueError:
        return False


def next_day(day: str) -> str:
    """Raises: ValueError where `day` is not YYYY-MM-DD."""
    return (datetime.date.fromisoformat(day) + _DAY).isoformat()


def later(day: str, days: int) -> str:
    """So many days after `day`, the last of the calendar at most. Raises: ValueError where `day` is not YYYY-MM-DD."""
    ordinal = datetime.date.fromisoformat(day).toordinal() + days
    return datetime.date.fromordinal(min(ordinal, datetime.date.max.toordinal())).isoformat()


def reach(closes: Iterable[Close], today: str) -> str:
    """The latest day whose close is believed. `today`: what the calendar says. In which order closes came makes no difference,
    and as days pass more of them are believed, never fewer."""
    end, most = later(today, JUMP_DAYS), later(today, AHEAD_DAYS)
    for day in sorted({close.day for close in closes if today < close.day <= most and is_day(close.day)}):
        if day > end:
            break
        end = max(end, later(day, JUMP_DAYS))
    return min(end, most)


def believed(closes: Iterable[Close], today: str) -> list[Close]:
    """Those that count, or stand beside one that does: of no day beyond `reach`, of no epoch that `leaps` over the others."""
    known = sorted(closes, key=lambda close: close.rank)
    end, highest = reach(known, today), Epoch()
    found = []
    for close in known:
        if close.day <= end and not leaps(close.epoch, highest):
            highest = close.epoch
            found.append(close)
    return found


class Days:
    """The closes that count, ready to be asked. `closes`: all that are known, in any order."""

    def __init__(self, closes: Iterable[Close] = ()) -> None:
        self._counting = counting(closes)
        self._days = list(self._counting)

    @property
    def closes(self) -> Mapping[str, Close]:
        """day -> the close that counts, oldest day first."""
        return self._counting

    @property
    def last_closed(self) -> str:
        """Empty where no day was ever closed."""
        return self._days[-1] if self._days else ""

    @property
    def open_from(self) -> str:
        """The first day that is not closed; empty where no day was ever closed."""
        return next_day(self._days[-1]) if self._days else ""

    def posted(self, stamped: str, place: Place) -> str:
        """The one business day of an event that is stamped `stamped` (YYYY-MM-DD). Of one log and stamp, a later place is never
        in an earlier day."""
        if not self._days or stamped < self._days[0]:
            return stamped
        for day in self._days[bisect_left(self._days, stamped) :]:
            tails = self._counting[day].tails.get(place.register)
            if tails is not None and place.seq <= tails.get(place.incarnation, 0):
                return day
        return max(stamped, self.open_from)

    def is_closed(self, day: str) -> bool:
        """Also where the day itself had no events and a later one was closed; not those before the first close."""
        return bool(self._days) and self._days[0] <= day <= self._days[-1]

    def may_close(self, day: str) -> bool:
        """Whether it comes after all that are closed."""
        return day > self.last_closed
