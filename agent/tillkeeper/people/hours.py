"""Time entries: what may follow what, and the hours that they come to.

A shift belongs to the business day on which it began, however late it ends: that is the day on which a person looks for it.
Lengths are differences of instants, so a night with 23 or 25 hours counts what was really worked.
"""

import msgspec

from tillkeeper.contract.people import Clocked
from tillkeeper.contract.values import TimeEntryKind

AFTER: dict[Clocked, dict[TimeEntryKind, Clocked]] = {
    "out": {"clock_in": "in"},
    "in": {"break_start": "break", "clock_out": "out"},
    "break": {"break_end": "in"},
}
"""State -> what may be entered -> state after it."""


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one employee stands. `since_at_ms`: the last entry; `day`: the business day on which the last shift began."""

    clocked: Clocked = "out"
    since_at_ms: int | None = None
    day: str = ""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A time entry as kept by the day of its shift."""

    entry_id: str
    employee: str
    kind: TimeEntryKind
    entered_at_ms: int
    by: str = ""


class Tips(msgspec.Struct, frozen=True, omit_defaults=True):
    """`shift`: how many shifts of the day the employee had begun; the last word on a shift counts."""

    employee: str
    cash_tips_minor: int
    shift: int = 0


class Day(msgspec.Struct, frozen=True, omit_defaults=True):
    """All shifts that began on one business day, and the tips declared for them, oldest first."""

    entries: tuple[Entry, ...] = ()
    tips: tuple[Tips, ...] = ()


class Worked(msgspec.Struct, frozen=True):
    """`open`: still clocked in, counted up to now."""

    worked_ms: int
    break_ms: int
    cash_tips_minor: int
    open: bool


def entered(standing: Standing, kind: TimeEntryKind, at_ms: int, day: str) -> Standing | None:
    """The standing after the entry, None where it can not follow. `day`: the business day of `at_ms`."""
    after = AFTER[standing.clocked].get(kind)
    if after is None:
        return None
    return Standing(after, at_ms, day if kind == "clock_in" else standing.day)


def allowed(standing: Standing) -> tuple[TimeEntryKind, ...]:
    return tuple(AFTER[standing.clocked])


def shifts(day: Day, employee: str) -> int:
    """How many shifts of the day the employee has begun."""
    return sum(entry.kind == "clock_in" and entry.employee == employee for entry in day.entries)


def declared(day: Day, employee: str, cash_tips_minor: int) -> Day:
    """Tips for the employee's newest shift of the day; a second word on the same shift replaces the first."""
    shift = shifts(day, employee)
    others = tuple(tips for tips in day.tips if (tips.employee, tips.shift) != (employee, shift))
    return Day(day.entries, (*others, Tips(employee, cash_tips_minor, shift)))


def worked(day: Day, now_ms: int) -> dict[str, Worked]:
    """Employee -> what the day's shifts come to, in the order in which they came. An entry before the one it follows (the clock
    was set back) counts nothing."""
    sums: dict[str, list[int]] = {}
    standing: dict[str, tuple[Clocked, int]] = {}

    def count(employee: str, upto_ms: int) -> None:
        clocked, since_ms = standing.get(employee, ("out", upto_ms))
        if clocked != "out":
            sums[employee][clocked == "break"] += max(0, upto_ms - since_ms)

    for entry in day.entries:
        sums.setdefault(entry.employee, [0, 0])
        count(entry.employee, entry.entered_at_ms)
        before = standing.get(entry.employee, ("out", 0))[0]
        standing[entry.employee] = (AFTER[before].get(entry.kind, before), entry.entered_at_ms)
    for employee in standing:
        count(employee, now_ms)
    tips: dict[str, int] = {}
    for one in day.tips:
        sums.setdefault(one.employee, [0, 0])
        tips[one.employee] = tips.get(one.employee, 0) + one.cash_tips_minor
    return {
        employee: Worked(worked_ms, break_ms, tips.get(employee, 0), standing.get(employee, ("out", 0))[0] != "out")
        for employee, (worked_ms, break_ms) in sums.items()
    }
