"""What is known of jobs from elsewhere: those of a register that died, printed here, and this register's own, whose end it did
not see itself. A restored copy of a register is the one that knows less than happened."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

import msgspec

from tillkeeper.config.model import Config
from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import DocumentRerouted
from tillkeeper.contract.values import JobState
from tillkeeper.journal.records import JobRow
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.adopting import Orphan, adopt, adopted_id, wired_id
from tillkeeper.spool.keeping import settled_event
from tillkeeper.spool.model import Job
from tillkeeper.spool.policy import unknown_mark
from tillkeeper.spool.ports import Devices, JobJournal, Recallable, Spooling
from tillkeeper.spool.queue import DeviceQueue

IN_HAND_S = 0.5
RECALL_S = 2.0
DOUBTED = "it may have been printed in a time that this register does not know"


class Outcome(NamedTuple):
    """The end of a job, as its own register told the others before it forgot. `evidence`: as in the event."""

    state: JobState
    evidence: str = ""


class Place(Protocol):
    """A worker, as far as it is looked at here."""

    queue: DeviceQueue
    current: Job | None

    def doubt(self, job_ids: Iterable[str]) -> None: ...


def seen(row: JobRow) -> Job:
    """The job of a row. One that waits in an older copy of the journal is taken for interrupted: what follows is what follows
    from an unknown outcome, by its class. One that a person has to release anyway gets the mark for then."""
    job = steps.decode(row.body)
    return doubted(job) if row.doubtful else job


def doubted(job: Job) -> Job:
    """As `seen` of a doubtful row; as it is where its doubt is known already."""
    if job.may_have_printed:
        return job
    if job.state == "held":
        mark = unknown_mark(job)
        marks = steps.with_mark(job.marks, mark) if mark else job.marks
        return msgspec.structs.replace(job, may_have_printed=True, marks=marks)
    return steps.move(job, "was_doubted", reason=DOUBTED) if job.state == "queued" else job


class Elsewhere:
    """Of one spool. `workers`: by the id of their device."""

    def __init__(
        self, journal: JobJournal, config: Config, devices: Devices, workers: Mapping[str, Place], spool: Spooling
    ) -> None:
        self._journal, self._config, self._devices = journal, config, devices
        self._workers, self._spool = workers, spool
        self._adopting = asyncio.Lock()

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]:
        """Print here what a register that died had fired, or this one before it was restored; see `spool.adopting`. What was
        adopted before is left out.

        Raises:
            StorageRefused: nothing has changed.
        """
        async with self._adopting:
            known = {adopted_id(orphan.job.job_id, self._config.this_register): orphan.job for orphan in tickets}
            wanted = adopt(tickets, originator, self._config)
            fresh = (job for job in wanted if self._journal.job(job.job_id) is None and not self._came_out(job))
            jobs = tuple(map(self._spool.prepare_one, fresh))
            events = tuple(
                DocumentRerouted(
                    job_id=known[job.job_id].job_id,
                    new_job_id=job.job_id,
                    from_device=known[job.job_id].device,
                    to_device=job.device,
                    reason=job.reason,
                )
                for job in jobs
            )
            if jobs:
                await self._spool.store(jobs, events)
                for job in jobs:
                    self._spool.take_over(job)
            return jobs

    def _came_out(self, job: Job) -> bool:
        """Whether it was printed here already, for the register that died: its device is wired to this one."""
        row = self._journal.job(wired_id(job.origin, job.device))
        return row is not None and row.state in ("sent", "confirmed")

    async def given_up(self, job_ids: Iterable[str], register: str) -> None:
        """Another register has adopted these while this one was away: what waits here, also for a person or for the end of an
        attempt, is not printed here.

        Raises:
            StorageRefused: those that come after are not given up yet; handing them over again is safe.
        """
        for job_id in job_ids:
            await self._out_of_hand(job_id)
            row = self._journal.job(job_id)
            if row is not None and not row.settled:
                job, reason = steps.decode(row.body), f"printed by register {register}"
                settled = steps.recall(job, "rerouted", self._spool.now_ms(), reason=reason)
                await self._end(settled, (settled_event(settled, register),))

    async def settled_before(self, outcomes: Mapping[str, Outcome]) -> int:
        """What this register had done, and does not know any more, it does not do again; how many jobs ended so. There is no
        event: it is in the log that the others hold.

        Raises: as `given_up`.
        """
        count = 0
        for job_id, outcome in outcomes.items():
            await self._out_of_hand(job_id)
            row = self._journal.job(job_id)
            if row is not None and not row.settled and outcome.state in steps.SETTLED:
                now_ms, reason = self._spool.now_ms(), "told by another register"
                settled = steps.recall(
                    steps.decode(row.body), outcome.state, now_ms, reason=reason, evidence=outcome.evidence
                )  # fmt: skip
                count += await self._end(settled, ())
        return count

    async def give_back(self, job_id: str, reason: str) -> bool:
        """A job of another register that waits here is not done. False where it has begun, is about to, or is settled.

        Raises: as `given_up`.
        """
        row = self._journal.job(job_id)
        if row is None or row.state != "queued":
            return False
        settled = steps.settle(steps.decode(row.body), "was_rejected", self._spool.now_ms(), reason=reason)
        return await self._end(settled, ())

    def doubt(self) -> None:
        """The journal was found to be an older copy while the spool runs: see `seen`."""
        for worker in self._workers.values():
            loaded = [worker.current] if worker.current is not None else []
            loaded += worker.queue.by_age(held=False)
            rows = (self._journal.job(job.job_id) for job in loaded)
            worker.doubt([row.job_id for row in rows if row is not None and row.doubtful])

    async def recall(self, job_id: str) -> None:
        """A person wants to decide about this job: where another register has it in hand, and has not begun, it comes back."""
        for name, worker in self._workers.items():
            device = self._devices.device(name)
            if worker.current is not None and worker.current.job_id == job_id and isinstance(device, Recallable):
                device.recall(job_id)
                await self._out_of_hand(job_id, RECALL_S)

    async def _out_of_hand(self, job_id: str, within_s: float = IN_HAND_S) -> None:
        """For a moment: a job whose state is being stored is back in its queue soon; one that is being sent is not."""
        till_s = asyncio.get_running_loop().time() + within_s
        while any(worker.current is not None and worker.current.job_id == job_id for worker in self._workers.values()):
            if asyncio.get_running_loop().time() >= till_s:
                return
            await asyncio.sleep(IN_HAND_S / 20)

    async def _end(self, settled: Job, events: tuple[Event, ...]) -> bool:
        """False where it is being sent right now."""
        worker = self._workers.get(self._devices.worker_of(settled.device) or "")
        if worker is None:
            await self._spool.store((settled,), events)
            return True
        if worker.current is not None and worker.current.job_id == settled.job_id:
            return False
        loaded = worker.queue.find(settled.job_id)
        worker.queue.take(settled.job_id)
        try:
            await self._spool.store((settled,), events)
        except BaseException:  # not durable: it is to be printed after all
            if loaded is not None:
                worker.queue.put(loaded)
            else:
                worker.queue.drop(settled.job_id)
            raise
        self._spool.drop(settled)
        return True
