"""The loaded jobs of one device, in the order in which they are to be done. No I/O."""

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import NamedTuple

from tillkeeper.contract.values import DocumentClass
from tillkeeper.spool.model import Job, TicketData
from tillkeeper.spool.ordered import Ordered, by_age
from tillkeeper.spool.policy import wait_ms

MAX_LOADED = 500
"""Of the queued jobs, and again of the held ones, of one device. What is beyond stays in the journal until there is room."""


def _turn(job: Job) -> tuple[bool, int]:
    """Pulses first: a guest waits for the change, and a pulse is of no use a few seconds later."""
    return (job.document_class != "drawer_pulse", job.order)


class Kind(NamedTuple):
    """What decides, for all jobs alike, whether another device can take them over."""

    device: str
    station: str
    document_class: DocumentClass
    home: str
    visited: tuple[str, ...]
    round: int
    terminal: str
    training: bool


def kind_of(job: Job) -> Kind:
    ticket = job.data if isinstance(job.data, TicketData) else None
    terminal, training = ("", False) if ticket is None else (ticket.terminal, ticket.training)
    return Kind(job.device, job.station, job.document_class, job.home, job.visited, job.round, terminal, training)


class DeviceQueue:
    """What is asked at every wake does not depend on how much waits: a dead device must not cost the others time.

    `more` is True while the journal holds jobs of this device that are not loaded: until those are, every later print job stays
    out as well, or it would overtake them."""

    def __init__(self, limit: int = MAX_LOADED) -> None:
        self._limit = limit
        self._queued = Ordered(_turn)
        self._aged = Ordered(by_age)
        """The queued ones again."""
        self._kinds: dict[Kind, dict[str, Job]] = {}
        self._timed: dict[str, Job] = {}
        """Those with a time of their own."""
        self._held = Ordered(by_age)
        self._interrupted: dict[str, Job] = {}
        self._ids: set[str] = set()
        self.more = False
        self._more_held = False

    @property
    def queued(self) -> tuple[Job, ...]:
        return tuple(self._queued)

    @property
    def more_in_journal(self) -> bool:
        return self.more or self._more_held

    @property
    def held(self) -> tuple[Job, ...]:
        return tuple(sorted(self._held, key=lambda job: job.order))

    @property
    def counts(self) -> tuple[int, int]:
        """How many are queued, and how many are held."""
        return len(self._queued), len(self._held)

    @property
    def oldest_queued(self) -> Job | None:
        return next(iter(self._aged), None)

    def by_age(self, *, held: bool) -> Iterator[Job]:
        """Oldest first; `held`: only those that a person has to decide. To be used before anything changes."""
        return iter(self._held) if held else merge(self._aged, self._held, key=by_age)

    def find(self, job_id: str) -> Job | None:
        return self._held.find(job_id) or self._queued.find(job_id) or self._interrupted.get(job_id)

    def submit(self, job: Job) -> None:
        """A job that was just accepted."""
        if job.document_class != "drawer_pulse" and (self.more or len(self._queued) >= self._limit):
            self.more = True
            return
        self.put(job)

    def put(self, job: Job) -> None:
        """A job that waits (again): queued, or held; or one whose attempt nobody saw the end of."""
        self.take(job.job_id)
        if job.state == "sending":
            self._interrupted[job.job_id] = job
        elif job.state == "held":
            if len(self._held) >= self._limit:
                self.drop(job.job_id)
                self._more_held = True
                return
            self._held.put(job)
        else:
            self._queued.put(job)
            self._aged.put(job)
            self._kinds.setdefault(kind_of(job), {})[job.job_id] = job
            if job.next_try_at_ms:
                self._timed[job.job_id] = job
        self._ids.add(job.job_id)

    def take(self, job_id: str) -> None:
        """The job is in somebody's hands: nobody else gets it, `load` neither, until it is put back or dropped."""
        self._held.take(job_id)
        self._interrupted.pop(job_id, None)
        job = self._queued.take(job_id)
        if job is not None:
            self._aged.take(job_id)
            alike = self._kinds[kind_of(job)]
            del alike[job_id]
            if not alike:
                del self._kinds[kind_of(job)]
            self._timed.pop(job_id, None)
        self._ids.add(job_id)

    def drop(self, job_id: str) -> None:
        """The job is settled, and the journal knows."""
        self.take(job_id)
        self._ids.discard(job_id)

    # --- from the journal ---

    def wants_more(self) -> bool:
        room = self._limit // 2
        return (self.more and len(self._queued) <= room) or (self._more_held and len(self._held) <= room)

    @property
    def window(self) -> int:
        """So many of the oldest jobs of a state tell what there is room for, and whether there are more."""
        return len(self._ids) + self._limit + 1

    def load(self, jobs: Iterable[Job], *, more: bool = False) -> None:
        """Take in what the journal holds, oldest first, as far as there is room. `more`: it holds queued ones behind these."""
        self.more, self._more_held, full = more, False, False
        for job in jobs:
            if job.job_id in self._ids:
                continue
            if job.state in ("sending", "held"):
                self.put(job)
            elif full or len(self._queued) >= self._limit:
                self.more = full = True
            else:
                self.put(job)

    @property
    def interrupted(self) -> Job | None:
        """The first of those that are `sending`, though nobody sends them: an agent died, or the journal is an older copy."""
        return next(iter(self._interrupted.values()), None)

    # --- whose turn it is ---

    def ready(self, now_ms: int) -> Iterator[Job]:
        """The jobs that may be done now. One that waits for its own time keeps back only later ones of its check, so that a
        void never comes out before what it voids."""
        waiting: set[str] = set()
        for job in tuple(self._queued):
            if job.check_id and job.check_id in waiting and job.document_class != "drawer_pulse":
                continue
            if wait_ms(job, now_ms) > 0:
                waiting.add(job.check_id)
            else:
                yield job

    def samples(self) -> tuple[Job, ...]:
        """One queued job of each kind."""
        return tuple(next(iter(alike.values())) for alike in self._kinds.values())

    def soonest_ms(self, now_ms: int) -> int | None:
        """How long until the next job's own time comes; None where none waits for one."""
        waits = [wait for job in self._timed.values() if (wait := wait_ms(job, now_ms)) > 0]
        return min(waits, default=None)

    def follows_held(self, job: Job) -> bool:
        """A change slip whose ticket is held and was never printed: the kitchen would be told to cancel what it does not
        know, and later get the uncancelled ticket."""
        if job.document_class != "change_slip":
            return False
        return any(
            held.check_id == job.check_id
            and held.station == job.station
            and held.order < job.order
            and held.document_class in ("kitchen_ticket", "change_slip")
            and not held.may_have_printed
            for held in self._held
        )
