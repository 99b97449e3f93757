"""The time clock: entries, breaks, tips. Kept by the day on which a shift began, one setting a day; `people/hours.py` has the
rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

import msgspec
from msgspec.structs import replace

from tillkeeper.contract.base import Command
from tillkeeper.contract.commands import CommandResult
from tillkeeper.contract.people import (
    Clocked,
    DeclareTips,
    RecordTimeEntry,
    StaffList,
    StaffMember,
    TimeEntriesQuery,
    TimeEntryList,
    TimeEntryRecorded,
    TimeEntryView,
    TipsDeclared,
    WorkedView,
)
from tillkeeper.errors import Refused
from tillkeeper.people import hours
from tillkeeper.people.hours import Day, Entry, Standing
from tillkeeper.people.roster import Member
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.stamp import Stamp

STANDING_SETTING, DAY_SETTING = "time_clock", "time_entries:"

_KIND_WORDS = {
    "clock_in": "clock in",
    "clock_out": "clock out",
    "break_start": "begin a break",
    "break_end": "end the break",
}
_CLOCKED_WORDS: dict[Clocked, str] = {"out": "not clocked in", "in": "clocked in", "break": "on a break"}


@dataclass(frozen=True, kw_only=True)
class HoursParts:
    """`staff`: who is on the roster, None where there is none: then any name will do."""

    setting: Callable[[str], bytes | None]
    stamp: Stamp
    now_ms: Callable[[], int]
    staff: Callable[[], Mapping[str, Member] | None]


class HoursDesk:
    """Implements `till.desk.Desk`."""

    name = "hours"
    commands: tuple[type[Command], ...] = (RecordTimeEntry, DeclareTips)

    def __init__(self, parts: HoursParts) -> None:
        self._ = parts
        stored = parts.setting(STANDING_SETTING)
        self._standing = {} if stored is None else msgspec.json.decode(stored, type=dict[str, Standing])

    def clocked(self, employee: str) -> Clocked:
        return self._standing.get(employee, Standing()).clocked

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """Raises `Refused`: unknown_employee, time_entry_order, time_entry_time."""
        if isinstance(command, DeclareTips):
            return self._tips(command, moment)
        return self._entry(cast(RecordTimeEntry, command), moment)

    def accepted(self, draft: Draft) -> None:
        if (stored := draft.settings.get(STANDING_SETTING)) is not None:
            self._standing = msgspec.json.decode(stored, type=dict[str, Standing])

    def _entry(self, command: RecordTimeEntry, moment: Moment) -> Draft:
        employee = command.employee
        self._require_known(employee, "record time entry")
        before = self._standing.get(employee, Standing())
        at_ms = self._time(command, before, moment.now_ms)
        after = hours.entered(before, command.kind, at_ms, self._.stamp.day(at_ms))
        if after is None:
            allowed = hours.allowed(before)
            raise Refused(
                "time_entry_order", "record time entry", employee,
                f"{employee} is {_CLOCKED_WORDS[before.clocked]} and can not {_KIND_WORDS[command.kind]}",
                f"possible now: {', '.join(_KIND_WORDS[kind] for kind in allowed)}",
                allowed=list(allowed), clocked=before.clocked,
            )  # fmt: skip
        by = "" if command.by == employee else command.by
        event = TimeEntryRecorded(entry_id=moment.new_id(), employee=employee, kind=command.kind, entered_at_ms=at_ms, by=by)
        day = self._day(after.day)
        entry = Entry(event.entry_id, employee, command.kind, at_ms, by)
        settings = self._kept(after.day, replace(day, entries=(*day.entries, entry)))
        settings[STANDING_SETTING] = msgspec.json.encode(self._standing | {employee: after})
        result = CommandResult(events=1, entity_id=event.entry_id)
        return Draft((moment.stamp(event),), None, (), (), result, settings)

    @staticmethod
    def _time(command: RecordTimeEntry, before: Standing, now_ms: int) -> int:
        """Now, or what the command says: then after the last entry, and not ahead."""
        if command.at_ms is None:
            return now_ms
        if command.at_ms > now_ms or (before.since_at_ms is not None and command.at_ms <= before.since_at_ms):
            since_ms = before.since_at_ms or 0
            raise Refused(
                "time_entry_time", "record time entry", command.employee,
                "the time lies ahead, or before the last entry", "an entry comes after the last one and not after now",
                after_ms=since_ms, until_ms=now_ms,
            )  # fmt: skip
        return command.at_ms

    def _tips(self, command: DeclareTips, moment: Moment) -> Draft:
        employee = command.employee
        self._require_known(employee, "declare tips")
        name = self._standing.get(employee, Standing()).day or moment.business_day
        day = hours.declared(self._day(name), employee, command.cash_tips_minor)
        event = TipsDeclared(
            declaration_id=moment.new_id(),
            employee=employee,
            cash_tips_minor=command.cash_tips_minor,
            by="" if command.by == employee else command.by,
        )
        result = CommandResult(events=1, entity_id=event.declaration_id)
        return Draft((moment.stamp(event),), None, (), (), result, self._kept(name, day))

    def _require_known(self, employee: str, operation: str) -> None:
        """On the roster, or somebody who left it while clocked in."""
        staff = self._.staff()
        if staff is not None and employee not in staff and self.clocked(employee) == "out":
            raise Refused("unknown_employee", operation, employee, "nobody of this name is on the roster")

    def _day(self, day: str) -> Day:
        stored = self._.setting(DAY_SETTING + day)
        return Day() if stored is None else msgspec.json.decode(stored, type=Day)

    @staticmethod
    def _kept(name: str, day: Day) -> dict[str, bytes]:
        return {DAY_SETTING + name: msgspec.json.encode(day)}

    # --- reading ---

    def staff(self) -> StaffList:
        """Everybody on the roster, and whoever is clocked in without being on it."""
        known = self._.staff() or {}
        left = sorted(name for name, one in self._standing.items() if one.clocked != "out" and name not in known)
        rows = [(member.employee, member.name, member.roles) for member in known.values()]
        rows += [(employee, employee, ()) for employee in left]
        return StaffList(
            staff=tuple(
                StaffMember(
                    employee=employee,
                    name=name,
                    roles=roles,
                    clocked=self.clocked(employee),
                    since_at_ms=self._standing.get(employee, Standing()).since_at_ms,
                )
                for employee, name, roles in rows
            )
        )

    def time_entries(self, query: TimeEntriesQuery) -> TimeEntryList:
        """The shifts that began on a day."""
        name = query.day or self._.stamp.today()
        day, known = self._day(name), self._.staff() or {}

        def wanted(employee: str) -> bool:
            return query.employee in (None, employee)

        def called(employee: str) -> str:
            return known[employee].name if employee in known else employee

        return TimeEntryList(
            entries=tuple(
                TimeEntryView(
                    entry_id=entry.entry_id,
                    employee=entry.employee,
                    name=called(entry.employee),
                    kind=entry.kind,
                    entered_at_ms=entry.entered_at_ms,
                    business_day=name,
                    by=entry.by,
                )
                for entry in day.entries
                if wanted(entry.employee)
            ),
            worked=tuple(
                WorkedView(
                    employee=employee,
                    name=called(employee),
                    worked_min=one.worked_ms // 60_000,
                    break_min=one.break_ms // 60_000,
                    cash_tips_minor=one.cash_tips_minor,
                    open=one.open,
                )
                for employee, one in hours.worked(day, self._.now_ms()).items()
                if wanted(employee)
            ),
        )
