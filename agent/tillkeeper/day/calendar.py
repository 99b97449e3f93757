"""What the calendar says, where clocks may be wrong. Pure.

Two have to say that a day has come before closes far after it are believed: this register's clock, HQ's, and what the clocks of
all registers, this one included, have shown in their logs. So one clock that is ahead makes nobody believe it, and one that
was set back (a dead battery) makes nobody doubt what is closed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tillkeeper.diagnostics.advisories import NEVER_BEFORE_MS

KEEP_S = 1.0
"""An answer is good for so long."""


def witnessed_ms(own_ms: int, others: list[int]) -> int:
    """The latest time that two of the clocks have reached, or the only one, in ms since the epoch. A clock that shows a time
    before this program was made is no witness; where it is the own one, which could doubt nobody, the latest of the others."""
    sound = sorted(vote for vote in (own_ms, *others) if vote >= NEVER_BEFORE_MS)
    if own_ms < NEVER_BEFORE_MS or len(sound) < 2:
        return sound[-1] if sound else own_ms
    return sound[-2]


@dataclass(frozen=True, kw_only=True)
class CalendarParts:
    """`register`: this one. `now_ms`: this machine's wall clock. `hq_ms`: HQ's, None where it is not known. `stamps`: the
    latest that each register has stamped. `day`: the business day of a time, whatever is closed. `now_s`: boot clock."""

    register: str
    now_ms: Callable[[], int]
    hq_ms: Callable[[], int | None]
    stamps: Callable[[], Mapping[str, int]]
    day: Callable[[int], str]
    now_s: Callable[[], float]


class Calendar:
    def __init__(self, parts: CalendarParts) -> None:
        self._ = parts
        self._kept: tuple[float, int, str] | None = None

    def today(self) -> str:
        """The business day that two witnesses have reached."""
        return self._look()[1]

    def now_ms(self) -> int:
        """The latest time that two witnesses have reached, `KEEP_S` old at most, or this machine's clock: after days on which
        nothing was sold the newest stamps are old, and what is said here now has to count here."""
        return max(self._look()[0], self._.now_ms())

    def _look(self) -> tuple[int, str]:
        parts, now_s = self._, self._.now_s()
        if self._kept is None or not 0 <= now_s - self._kept[0] < KEEP_S:
            hq_ms = parts.hq_ms()
            now_ms = witnessed_ms(parts.now_ms(), [*parts.stamps().values(), *([] if hq_ms is None else [hq_ms])])
            self._kept = now_s, now_ms, parts.day(now_ms)
        return self._kept[1:]

    def elsewhere_today(self) -> str | None:
        """The latest business day that HQ or another register has come to; None where HQ's clock is not known: then nobody
        knows how late it is elsewhere."""
        parts, hq_ms = self._, self._.hq_ms()
        if hq_ms is None or hq_ms < NEVER_BEFORE_MS:
            return None
        return parts.day(max([hq_ms, *(at_ms for name, at_ms in parts.stamps().items() if name != parts.register)]))
