"""What follows from a decision: kitchen tickets, drawer pulse, receipt - events and jobs for one transaction. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tillkeeper.config.model import Config, Terminal
from tillkeeper.contract.base import Event
from tillkeeper.contract.caller import INTEGRATION, Caller
from tillkeeper.contract.commands import CommandResult, JobRef
from tillkeeper.contract.documents import DrawerKicked, NoSaleRecorded, ReceiptIssued
from tillkeeper.contract.values import Totals
from tillkeeper.journal.records import KeptAnswer, NewEvent, PersonalText
from tillkeeper.kitchen.tickets import revise
from tillkeeper.sales.checks import apply
from tillkeeper.sales.context import Decision
from tillkeeper.sales.model import Check, Refund
from tillkeeper.sales.receipt import paper_mark, receipt_data
from tillkeeper.sales.stock import Change
from tillkeeper.sales.training import kitchen_of
from tillkeeper.spool.model import Job, PulseData


@dataclass(frozen=True)
class Draft:
    """Everything that one command changes, not yet durable."""

    events: tuple[NewEvent, ...]
    check: Check | None
    jobs: tuple[Job, ...]
    personal: tuple[PersonalText, ...]
    result: CommandResult
    settings: dict[str, bytes] = field(default_factory=dict)
    answers: tuple[KeptAnswer, ...] = ()
    """Of other commands that came to their end with this one."""
    stock: Change | None = None
    """What it takes of what is counted down, or says to be sold out."""
    dropped: Callable[[], None] = lambda: None
    """Called where it did not become durable; a desk that already held something back gives it free again."""


@dataclass(frozen=True)
class Moment:
    """When, where, for whom and with which ids a draft is made."""

    config: Config
    business_day: str
    now_ms: int
    new_id: Callable[[], str]
    caller: Caller = INTEGRATION

    @property
    def place(self) -> Terminal:
        return self.config.place(self.caller.terminal)

    def stamp(self, event: Event) -> NewEvent:
        """All events of one command have one stamp: the fold of the stored events is what was decided."""
        return NewEvent(event, self.business_day, self.now_ms)


def compose(decision: Decision, moment: Moment, by: str) -> Draft:
    """The decision with its documents. The drawer comes before the receipt: a pulse waits behind buffered data."""
    events = list(decision.events)
    jobs: list[Job] = []
    check = decision.check
    if check is not None:
        for fired, job in revise(check, kitchen_of(moment.config, check), moment.now_ms, moment.new_id):
            check = apply(check, fired, moment.business_day, moment.now_ms)
            events.append(fired)
            jobs.append(job)
    drawer = next((e.drawer for e in events if isinstance(e, NoSaleRecorded)), moment.place.drawer or "")
    if decision.opens_drawer and drawer and not (check and check.training):
        kicked, job = pulse(drawer, decision.opens_drawer, moment, check.check_id if check else "", by)
        events.append(kicked)
        jobs.append(job)
    if check is not None and decision.totals is not None and (decision.closed or decision.refund_minor):
        refund = check.refunds[-1] if decision.refund_minor and check.refunds else None
        if (made := receipt(check, decision.totals, moment, refund=refund)) is not None:
            issued, job = made
            check = apply(check, issued, moment.business_day, moment.now_ms)
            events.append(issued)
            jobs.append(job)
    result = CommandResult(
        events=len(events),
        check_id=check.check_id if check else "",
        ticket_code=check.ticket_code if check else "",
        state=check.state if check else None,
        totals=decision.totals,
        line_ids=decision.line_ids,
        change_minor=decision.change_minor,
        refund_minor=decision.refund_minor,
        jobs=tuple(JobRef(job.job_id, job.document_class, job.device, job.station) for job in jobs),
        entity_id=decision.entity_id,
    )
    stamped = tuple(map(moment.stamp, events))
    return Draft(stamped, check, tuple(jobs), decision.personal, result, stock=decision.stock)


def pulse(drawer: str, cause: str, moment: Moment, check_id: str, by: str) -> tuple[DrawerKicked, Job]:
    job = Job(
        job_id=moment.new_id(),
        device=drawer,
        document_class="drawer_pulse",
        data=PulseData(drawer=drawer, cause=cause),
        created_at_ms=moment.now_ms,
        check_id=check_id,
    )
    return DrawerKicked(drawer=drawer, job_id=job.job_id, device=drawer, cause=cause, check_id=check_id, by=by), job


def receipt(
    check: Check, totals: Totals, moment: Moment, *, copy: int = 0, refund: Refund | None = None
) -> tuple[ReceiptIssued, Job] | None:
    """None where this place has no receipt printer."""
    printer = moment.place.receipt_printer
    if not printer:
        return None
    personal = {"name": check.name.digest} if check.name is not None else {}
    job = Job(
        job_id=moment.new_id(),
        device=printer,
        document_class="receipt",
        data=receipt_data(check, totals, moment.config, moment.now_ms, copy=copy, refund=refund),
        created_at_ms=moment.now_ms,
        check_id=check.check_id,
        marks=(paper_mark(check.slip, moment.config.store.timezone),) if check.slip is not None else (),
        personal=personal,
    )
    refund_id = refund.refund_id if refund else ""
    return ReceiptIssued(check_id=check.check_id, job_id=job.job_id, device=printer, copy=copy, refund_id=refund_id), job
