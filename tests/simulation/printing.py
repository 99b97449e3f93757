"""The printer of a register in the simulation, and the jobs that wait for it."""

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
from tests.simulation.disk import MemoryJournal

from tillkeeper.config.model import Config
from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import DocumentRerouted
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.adopting import Orphan, adopt, adopted_id
from tillkeeper.spool.elsewhere import Outcome, seen
from tillkeeper.spool.keeping import settled_event
from tillkeeper.spool.model import Job
from tillkeeper.spool.policy import POSSIBLE_DUPLICATE

PRINT_S = (0.2, 2.0)


class Cook(Protocol):
    """Who sees what comes out."""

    def printed(self, machine: str, job: Job) -> None: ...

    def moved(self, job_id: str, new_job_id: str) -> None: ...

    def known_before(self, job_id: str) -> None: ...

    def doubted_late(self, job_id: str) -> None: ...


class Luck(Protocol):
    """`printer_out`: share of tickets before which the printer is out for a minute."""

    printer_out: float


class Spool:
    """One printer. A ticket whose attempt was cut off is printed again with its mark."""

    def __init__(
        self, name: str, journal: MemoryJournal, config: Config, luck: Luck, chance: random.Random, witness: Cook,
        *, wall_ms: Callable[[], int], stamp: Callable[[Event], NewEvent], notify: Callable[[], None],
    ) -> None:  # fmt: skip
        self._name, self._journal, self._config, self._luck, self._chance = name, journal, config, luck, chance
        self._witness, self._wall_ms, self._stamp, self._notify = witness, wall_ms, stamp, notify
        self._queue: list[str] = []
        self._printing = ""
        self._wake = asyncio.Event()

    def prepare(self, jobs: Sequence[Job]) -> tuple[Job, ...]:
        """As they are going to be stored."""
        return tuple(jobs)

    def submit(self, jobs: Iterable[Job]) -> None:
        self._queue += [job.job_id for job in jobs]
        self._wake.set()

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]:
        known = {adopted_id(one.job.job_id, self._journal.register): one.job for one in tickets}
        wanted = adopt(tickets, originator, self._config)
        jobs = tuple(job for job in wanted if self._journal.job(job.job_id) is None)
        events = [
            DocumentRerouted(
                job_id=known[job.job_id].job_id, new_job_id=job.job_id, from_device=known[job.job_id].device,
                to_device=job.device, reason=job.reason,
            )
            for job in jobs
        ]  # fmt: skip
        if jobs:
            await self._store(jobs, events)
            for job in jobs:
                self._witness.moved(known[job.job_id].job_id, job.job_id)
            self.submit(jobs)
        return jobs

    async def given_up(self, job_ids: Iterable[str], register: str) -> None:
        for job_id in job_ids:
            row = self._journal.job(job_id)
            if row is not None and row.state == "queued" and job_id != self._printing:
                settled = steps.settle(steps.decode(row.body), "was_rerouted", self._wall_ms(), reason=f"by {register}")
                await self._store((settled,), [settled_event(settled, register)])

    async def settled_before(self, outcomes: Mapping[str, Outcome]) -> int:
        """As `spool.elsewhere`: there is no event, it is in the log that others hold."""
        found = []
        for job_id, outcome in outcomes.items():
            row = self._journal.job(job_id)
            if row is not None and not row.settled and outcome.state in steps.SETTLED and job_id != self._printing:
                job = steps.decode(row.body)
                found.append(steps.recall(job, outcome.state, self._wall_ms(), reason="told", evidence=outcome.evidence))
                self._witness.known_before(job_id)
        if found:
            await self._store(found, [])
        return len(found)

    def doubt(self) -> None:
        """It is looked at before each attempt."""

    async def run(self) -> None:
        """What was not settled comes first, in its order."""
        waiting = [row for row in self._journal.platter.jobs.values() if not row.settled]
        self._queue = [row.job_id for row in waiting]
        while True:
            while not self._queue:
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._print(self._queue[0])
            except StorageRefused:
                await asyncio.sleep(1.0)
                continue
            del self._queue[0]

    async def _print(self, job_id: str) -> None:
        if self._chance.random() < self._luck.printer_out:
            await asyncio.sleep(60.0)
        self._printing = job_id
        row = self._journal.job(job_id)
        if row is None or row.settled:
            return
        job = seen(row)
        if job.state == "sending":
            marks = job.marks if POSSIBLE_DUPLICATE in job.marks else (*job.marks, POSSIBLE_DUPLICATE)
            job = msgspec.structs.replace(job, marks=marks, may_have_printed=True)
        job = msgspec.structs.replace(job, state="sending")
        await self._store((job,), [])
        await asyncio.sleep(self._chance.uniform(*PRINT_S))
        before, row = row.doubtful, self._journal.job(job_id)
        if row is not None and row.doubtful and not before:  # that came while it was sent
            self._witness.doubted_late(job_id)
        self._witness.printed(self._name, job)
        settled = steps.settle(job, "was_confirmed", self._wall_ms(), evidence="GS ( H")
        await self._store((settled,), [settled_event(settled, "GS ( H")])

    async def _store(self, jobs: Collection[Job], events: Sequence[Event]) -> None:
        news = tuple(map(self._stamp, events))
        await self._journal.append(Batch(events=news, jobs=tuple(map(steps.job_row, jobs))))
        self._notify()
