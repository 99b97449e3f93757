"""The kitchen tickets of a register that died, as its log tells of them. Pure: events come in, jobs come out.

An event never says that an attempt began, so of every ticket without an outcome it is unknown whether it is on paper.
"""

from collections.abc import Collection

import msgspec

from tillkeeper.contract.documents import DocumentRerouted, DocumentSettled, TicketFired, TicketItemFired, TicketReprinted
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckNumbered, CheckOpened
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.values import JobState
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
    """A fold over the logs of the register that died and of the others, in whatever order the logs come. `texts`: digest ->
    personal text, of its checks."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self._checks: dict[str, CheckOpened] = {}
        self._numbers: dict[str, int] = {}
        self._fired: list[tuple[TicketFired, Envelope]] = []
        self._reprinted: list[tuple[TicketReprinted, Envelope]] = []
        self._moved: dict[str, list[tuple[DocumentRerouted, str]]] = {}
        self._outcomes: dict[tuple[str, str], JobState] = {}
        """By the job and the register that says so."""
        self._jobs: dict[str, Job] = {}
        self._with: dict[str, str] = {}
        """Which register has the job, or had it before it was moved."""

    def take(self, envelope: Envelope) -> None:
        """The next event of a log. What this agent does not know, or can not read, is passed over."""
        if envelope.type not in _KINDS:
            return
        self.texts |= {digest: text for digest, (_salt, text) in envelope.personal.items()}
        match read_event(envelope):
            case CheckOpened() as event:
                self._checks[event.check_id] = event
            case CheckNumbered() as event:
                self._numbers[event.check_id] = event.number
            case TicketFired() as event:
                self._fired.append((event, envelope))
            case TicketReprinted() as event:
                self._reprinted.append((event, envelope))
            case DocumentSettled() as event:
                self._outcomes[event.job_id, envelope.register] = event.outcome
            case DocumentRerouted() as event:
                self._moved.setdefault(event.job_id, []).append((event, envelope.register))
            case _:
                pass

    def waiting(self, dead: Collection[str], not_before_ms: int) -> tuple[Orphan, ...]:
        """Tickets without an outcome that a register of `dead` has, in the order in which they were fired. Those fired before
        `not_before_ms` nobody needs any more."""
        self._jobs, self._with = {}, {}
        for fired, at in self._fired:
            self._fire(fired, at)
        for reprinted, at in self._reprinted:
            self._reprint(reprinted, at)
        found = []
        for job in self._jobs.values():
            if self._with[job.job_id] not in dead or is_settled(job.state) or job.created_at_ms < not_before_ms:
                continue
            if isinstance(job.data, TicketData):
                number = self._numbers.get(job.check_id)
                job = msgspec.structs.replace(job, data=msgspec.structs.replace(job.data, check_number=number))
            found.append(Orphan(job=job, printed="unknown"))
        return tuple(found)

    def jobs_of(self, register: str) -> frozenset[str]:
        """All that the register ever had, whatever became of them; as of the last `waiting`."""
        return frozenset(job_id for job_id, who in self._with.items() if who == register)

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
        self._add(job, at.register)

    def _reprint(self, event: TicketReprinted, at: Envelope) -> None:
        original = self._jobs.get(event.original_job_id)
        if original is not None:
            again = msgspec.structs.replace(
                original, job_id=event.job_id, device=event.device, state="queued", marks=(DUPLICATE,), created_at_ms=at.at_ms
            )
            self._add(again, at.register)

    def _add(self, job: Job, register: str) -> None:
        """The job, and what became of it on its way from device to device and from register to register."""
        added = [(job, register)]
        while added:
            job, register = added.pop(0)
            if job.job_id in self._jobs:
                continue
            moves = self._moved.get(job.job_id, ())
            state: JobState = "rerouted" if moves else self._outcomes.get((job.job_id, register), "queued")
            self._jobs[job.job_id] = msgspec.structs.replace(job, order=len(self._jobs) + 1, state=state)
            self._with[job.job_id] = register
            for event, mover in moves:
                home = job.home or job.device
                moved = msgspec.structs.replace(job, job_id=event.new_job_id, device=event.to_device, home=home)
                added.append((moved, mover))


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
