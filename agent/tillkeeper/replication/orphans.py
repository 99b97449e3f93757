"""The kitchen tickets of a register that died, as its log tells of them. Pure: events come in, jobs come out.

An event never says that an attempt began, so of every ticket without an outcome it is unknown whether it is on paper.
"""

from collections.abc import Collection

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import DocumentRerouted, DocumentSettled, TicketFired, TicketItemFired, TicketReprinted
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckNumbered, CheckOpened
from tillkeeper.contract.placing import read_event
from tillkeeper.kitchen.tickets import DUPLICATE
from tillkeeper.spool.adopting import Orphan
from tillkeeper.spool.jobs import is_settled
from tillkeeper.spool.model import Job, TicketData, TicketLine

NEWEST = 20_000
"""So many events of a log are looked at, the newest: some days of a register."""
_KINDS = frozenset(
    {"check_opened", "check_numbered", "ticket_fired", "ticket_reprinted", "document_settled", "document_rerouted"}
)


class Orphans:
    """A fold over the logs of the register that died, then over those of the others. `texts`: digest -> personal text, of its
    checks."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._checks: dict[str, CheckOpened] = {}
        self._numbers: dict[str, int] = {}
        self._jobs: dict[str, Job] = {}
        self._with: dict[str, str] = {}
        """Which register has the job now."""

    def take(self, envelope: Envelope) -> None:
        """The next event of a log. What this agent does not know, or can not read, is passed over."""
        if envelope.type not in _KINDS:
            return
        self.texts |= {digest: text for digest, (_salt, text) in envelope.personal.items()}
        event = read_event(envelope)
        if event is not None:
            self._fold(event, envelope)

    def waiting(self, dead: Collection[str], not_before_ms: int) -> tuple[Orphan, ...]:
        """Tickets without an outcome that a register of `dead` has, in the order in which they were fired. Those fired before
        `not_before_ms` nobody needs any more."""
        found = []
        for job in self._jobs.values():
            if self._with[job.job_id] not in dead or is_settled(job.state) or job.created_at_ms < not_before_ms:
                continue
            if isinstance(job.data, TicketData):
                number = self._numbers.get(job.check_id)
                job = msgspec.structs.replace(job, data=msgspec.structs.replace(job.data, check_number=number))
            found.append(Orphan(job=job, printed="unknown"))
        return tuple(found)

    def _fold(self, event: Event, at: Envelope) -> None:
        match event:
            case CheckOpened():
                self._checks[event.check_id] = event
            case CheckNumbered():
                self._numbers[event.check_id] = event.number
            case TicketFired():
                self._fire(event, at)
            case TicketReprinted():
                self._reprint(event, at)
            case DocumentSettled():
                if (job := self._jobs.get(event.job_id)) is not None and self._with[event.job_id] == at.register:
                    self._jobs[event.job_id] = msgspec.structs.replace(job, state=event.outcome)
            case DocumentRerouted():
                self._move(event, at)

    def _fire(self, event: TicketFired, at: Envelope) -> None:
        check = self._checks.get(event.check_id)
        data = TicketData(
            check_id=event.check_id,
            ticket_code=check.ticket_code if check is not None else "?",
            revision=event.revision,
            station=event.station,
            order_type=event.order_type,
            fired_at_ms=at.at_ms,
            items=tuple(map(_line, event.items)),
            table=check.table if check is not None else "",
            server=check.server if check is not None else "",
            terminal=check.terminal if check is not None else "",
            covers=check.covers if check is not None else 0,
            training=check.training if check is not None else False,
            car=check.car if check is not None else 0,
        )
        texts = {"name": check.name, "note": check.note} if check is not None else {}
        job = Job(
            job_id=event.job_id,
            device=event.device,
            document_class=event.document_class,
            data=data,
            created_at_ms=at.at_ms,
            check_id=event.check_id,
            station=event.station,
            personal={key: text.digest for key, text in texts.items() if text is not None},
        )
        self._add(job, at)

    def _reprint(self, event: TicketReprinted, at: Envelope) -> None:
        original = self._jobs.get(event.original_job_id)
        if original is not None:
            again = msgspec.structs.replace(
                original, job_id=event.job_id, device=event.device, state="queued", marks=(DUPLICATE,), created_at_ms=at.at_ms
            )
            self._add(again, at)

    def _move(self, event: DocumentRerouted, at: Envelope) -> None:
        job = self._jobs.get(event.job_id)
        if job is None:
            return
        self._jobs[event.job_id] = msgspec.structs.replace(job, state="rerouted")
        home = job.home or job.device
        moved = msgspec.structs.replace(job, job_id=event.new_job_id, device=event.to_device, home=home, state="queued")
        if event.new_job_id not in self._jobs:
            self._add(moved, at)

    def _add(self, job: Job, at: Envelope) -> None:
        self._jobs[job.job_id] = msgspec.structs.replace(job, order=len(self._jobs) + 1)
        self._with[job.job_id] = at.register


def _line(item: TicketItemFired) -> TicketLine:
    return TicketLine(
        line_id=item.line_id,
        action=item.action,
        quantity=item.quantity,
        name=item.name,
        modifiers=item.modifiers,
        note=item.note,
        seat=item.seat,
        course=item.course,
        order_type=item.order_type,
    )
