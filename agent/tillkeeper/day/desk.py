"""The desk of the end of day: closing, gaps, parked registers, the Z again; and what can be asked about days."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

from tillkeeper.contract.base import Command, Event
from tillkeeper.contract.commands import CommandResult, JobRef
from tillkeeper.contract.day import (
    CloseDay,
    ClosedDay,
    ClosedDayList,
    DayClosed,
    DayReport,
    DayReportPrinted,
    DayStatus,
    DeclareGap,
    GapDeclared,
    ParkRegister,
    PrintDayReport,
    RegisterParked,
    RegisterUnparked,
    UnparkRegister,
)
from tillkeeper.day.books import StoreDays
from tillkeeper.day.close import Closing, Duty
from tillkeeper.day.end_of_day import summary
from tillkeeper.day.index import DayIndex, KnownClose
from tillkeeper.day.members import DayMembers
from tillkeeper.day.paper import day_paper
from tillkeeper.errors import NotFound, Refused
from tillkeeper.sales.decide import require_plain_text
from tillkeeper.sales.refusals import reason_needed
from tillkeeper.spool.model import Job
from tillkeeper.till.compose import Draft, Moment
from tillkeeper.till.stamp import Stamp

Decided = CloseDay | DeclareGap | ParkRegister | UnparkRegister | PrintDayReport
COPIES_SETTING = "day_report_copies/"


@dataclass(frozen=True, kw_only=True)
class DayParts:
    """`known`: names of the store's registers, also of those that only its logs know. `setting`: of the journal."""

    register: str
    currency: str
    minor_digits: int
    stamp: Stamp
    index: DayIndex
    members: DayMembers
    books: StoreDays
    closing: Closing
    duty: Duty
    caught_up: Callable[[], Awaitable[None]]
    setting: Callable[[str], bytes | None]
    now_ms: Callable[[], int]


class DayDesk:
    """A `till.desk.Desk`."""

    name = "day"
    commands: tuple[type[Command], ...] = (CloseDay, DeclareGap, ParkRegister, UnparkRegister, PrintDayReport)

    def __init__(self, parts: DayParts) -> None:
        self._ = parts

    # --- the desk ---

    async def draft(self, command: Command, moment: Moment) -> Draft:
        """See `till.desk.Desk`; for the refusals `docs/refusals.md`."""
        asked = cast(Decided, command)
        require_plain_text(asked, _operation(asked))
        match asked:
            case CloseDay():
                return await self._close(asked, moment)
            case DeclareGap():
                return await self._gap(asked)
            case ParkRegister() | UnparkRegister():
                return await self._park(asked)
            case PrintDayReport():
                return await self._print(asked, moment)

    def accepted(self, draft: Draft) -> None:
        """Nothing is kept here: what is durable comes by the index."""

    async def _close(self, command: CloseDay, moment: Moment) -> Draft:
        closed = await self._.closing.close(command.day, command.by)
        # From here to the journal nothing is awaited.
        if isinstance(closed, KnownClose):
            return Draft((), None, (), (), CommandResult(events=0, entity_id=closed.close.day))
        return self._with_paper([closed], closed, moment, moment.now_ms, command.by, 0, paper=command.print_report)

    async def _gap(self, command: DeclareGap) -> Draft:
        operation, subject = _operation(command), f"register {command.register}"
        reason_needed(command.reason, operation, subject)
        await self._.caught_up()
        day = command.day or self._.closing.day_to_close()
        if day is None or not self._.index.days.may_close(day):
            cause = f"{day or 'no day'} is not open" if day else "no day is to be closed"
            raise Refused("nothing_to_close", operation, subject, cause, "see `tillkeeper day`")
        member = next((one for one in self._.members.look(day) if one.register == command.register), None)
        if member is None:
            raise self._unknown(operation, command.register)
        own, lost = member.register == self._.register, member.state == "lost"
        if (own and not lost) or member.state in ("ready", "to_be_asked"):
            cause = "it is there: nothing of its log is missing, or it says so itself when the day is closed"
            raise Refused("no_gap", operation, subject, cause, "close the day")
        held = {log.incarnation: log.held for log in member.logs if log.held}
        there = own or member.register in self._.members.heard()
        event = GapDeclared(
            day=day, register=command.register, held=held, reason=command.reason, by=command.by, lost=member.lost,
            rest=not (lost and there),
        )  # fmt: skip
        return self._draft([event], [], f"{day}/{command.register}")

    async def _park(self, command: ParkRegister | UnparkRegister) -> Draft:
        operation, subject, register = _operation(command), f"register {command.register}", command.register
        await self._.caught_up()
        day = self._.closing.day_to_close() or self._.stamp.today()
        if register not in {one.register for one in self._.members.look(day)}:
            raise self._unknown(operation, register)
        n, parked = self._.index.parkings(register) + 1, self._.index.parked(register) is not None
        if isinstance(command, UnparkRegister):
            if not parked:
                raise Refused("not_parked", operation, subject, "it is not parked")
            return self._draft([RegisterUnparked(register=register, n=n, reason=command.reason, by=command.by)], [], register)
        reason_needed(command.reason, operation, subject)
        if parked:
            raise Refused("parked_already", operation, subject, "it is parked already")
        return self._draft([RegisterParked(register=register, n=n, reason=command.reason, by=command.by)], [], register)

    async def _print(self, command: PrintDayReport, moment: Moment) -> Draft:
        operation, subject = _operation(command), f"day {command.day}"
        if not moment.place.receipt_printer:
            cause = "this terminal has no receipt printer"
            raise Refused("no_receipt_printer", operation, subject, cause, "look at it on the screen")
        await self._.caught_up()
        known, closed = await self._closed(command.day, operation)
        copy = int(self._.setting(COPIES_SETTING + command.day) or b"0") + 1
        return self._with_paper([], closed, moment, known.at_ms, command.by, copy)

    def _with_paper(
        self,
        events: list[Event],
        closed: DayClosed,
        moment: Moment,
        closed_at_ms: int,
        by: str,
        copy: int,
        *,
        paper: bool = True,
    ) -> Draft:
        jobs: list[Job] = []
        settings = {COPIES_SETTING + closed.day: str(copy).encode()} if copy else {}
        if paper and (printer := moment.place.receipt_printer):
            data = day_paper(closed, moment.config, closed_at_ms=closed_at_ms, at_ms=moment.now_ms, by=by, copy=copy)
            job = Job(
                job_id=moment.new_id(), device=printer, document_class="report", data=data, created_at_ms=moment.now_ms
            )  # fmt: skip
            jobs.append(job)
            events.append(DayReportPrinted(day=closed.day, z=closed.z, job_id=job.job_id, device=printer, copy=copy, by=by))
        return self._draft(events, jobs, closed.day, settings)

    def _draft(self, events: list[Event], jobs: list[Job], entity_id: str, settings: dict[str, bytes] | None = None) -> Draft:
        refs = tuple(JobRef(job.job_id, job.document_class, job.device) for job in jobs)
        result = CommandResult(events=len(events), entity_id=entity_id, jobs=refs)
        # Stamped now, not when the command came: the own tail has been declared since.
        return Draft(tuple(map(self._.stamp, events)), None, tuple(jobs), (), result, settings or {})

    async def _closed(self, day: str, operation: str) -> tuple[KnownClose, DayClosed]:
        known = self._.index.closed(day)
        event = await self._.books.closed(known) if known is not None else None
        if known is None or event is None:
            raise NotFound(operation, f"day {day}", "it is not closed", "see the list of days")
        return known, event

    def _unknown(self, operation: str, register: str) -> NotFound:
        cause = "the store has no register of this name"
        return NotFound(operation, f"register {register}", cause, "see `tillkeeper day`")

    # --- what can be asked ---

    async def status(self) -> DayStatus:
        """What would be closed next, and what that waits for. Raises: StorageUnreadable."""
        await self._.caught_up()
        index, today = self._.index, self._.stamp.today()
        day = self._.closing.day_to_close()
        members = self._.members.look(day or today)
        holds = self._.duty.holds()
        last = index.closed(index.days.last_closed)
        return DayStatus(
            today=today,
            day=day,
            open=tuple(index.open_days()),
            primary=self._.duty.primary,
            may_close=holds,
            ready=holds and day is not None and not any(one.blocks for one in members),
            words=self._words(day, summary(day, members) + self._ahead()),
            members=members,
            last_closed=last.close.day if last else "",
            last_z=last.close.z if last else 0,
        )

    def _ahead(self) -> str:
        """Of closes that do not count: somebody's clock is wrong."""
        said = [f"register {one.close.at.register} has closed {one.close.day}" for one in self._.index.ahead]
        return f"; {said[-1]}, which is far ahead and does not count: look at its clock" if said else ""

    def _words(self, day: str | None, words: str) -> str:
        if day is None or self._.duty.holds():
            return words
        primary = self._.duty.primary
        where = "at this register as soon as it is sure of its role" if primary == self._.register else f"at register {primary}"
        return f"{words}; it is to be closed {where}"

    async def days(self, before: str | None, limit: int) -> ClosedDayList:
        """Closed days, newest first, with the closes that do not count."""
        await self._.caught_up()
        index = self._.index
        names = sorted({one.close.day for one in index.closes if before is None or one.close.day < before}, reverse=True)
        shown = set(names[:limit])
        days = tuple(self._view(one) for one in reversed(index.closes) if one.close.day in shown)
        return ClosedDayList(days=days, next_before=names[limit - 1] if len(names) > limit else None)

    async def report(self, day: str) -> DayReport:
        """A closed day as it was closed, with what came later; an open one as it stands.

        Raises:
            NotFound: nothing is stamped with it.
            StorageUnreadable: what is held can not be read now.
        """
        await self._.caught_up()
        index = self._.index
        known = index.closed(day)
        event = await self._.books.closed(known) if known is not None else None
        if known is None and not any(one.stamped == day for one in index.all_ranges()):
            raise NotFound("find", f"day {day}", "nothing is known of it here", "see the list of days")
        return DayReport(
            day=day,
            closed=self._view(known) if known is not None else None,
            figures=event.figures if event is not None else await self._.books.figures(day),
            currency=self._.currency,
            minor_digits=self._.minor_digits,
            tails=event.tails if event is not None else {},
            gaps=event.gaps if event is not None else (),
            parked=event.parked if event is not None else (),
            others=tuple(self._view(one) for one in index.closes if one.close.day == day and one is not known),
            late=await self._.books.late(day),
            at_ms=known.at_ms if known is not None else self._.now_ms(),
        )

    def _view(self, known: KnownClose) -> ClosedDay:
        close = known.close
        return ClosedDay(
            day=close.day,
            z=close.z,
            closed_at_ms=known.at_ms,
            by=known.by,
            register=close.at.register,
            epoch=close.epoch,
            counts=self._.index.days.closes.get(close.day) == close,
            sales=known.sales,
            gross_minor=known.gross_minor,
            adjustments=known.adjustments,
            gaps=known.gaps,
            parked=known.parked,
        )


def _operation(command: Command) -> str:
    return str(command.__struct_config__.tag).replace("_", " ")
