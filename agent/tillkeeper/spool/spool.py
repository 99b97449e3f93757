"""The spool: every accepted document, durable, on its way to its device. One worker per device; none waits for another."""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from heapq import merge

import msgspec

from tillkeeper.clock import IdSource, WallClock
from tillkeeper.config.model import Config
from tillkeeper.contract.base import Event
from tillkeeper.errors import Conflict, NotFound
from tillkeeper.journal.records import Batch, JobRow, KeptCommand, NewEvent
from tillkeeper.kitchen.routing import backups
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.adopting import Orphan
from tillkeeper.spool.chain import Chain
from tillkeeper.spool.elsewhere import Elsewhere, Outcome, seen
from tillkeeper.spool.jobs import job_row
from tillkeeper.spool.keeping import settled_event, settled_events
from tillkeeper.spool.model import Job, TicketData, WiredData
from tillkeeper.spool.ordered import by_age
from tillkeeper.spool.policy import Route
from tillkeeper.spool.ports import Devices, DeviceSnapshot, JobJournal
from tillkeeper.spool.queue import DeviceQueue
from tillkeeper.spool.worker import Worker
from tillkeeper_drivers.api import Document

_TOKEN_DIGITS = 0x7E - 0x20 + 1
_TOKENS = _TOKEN_DIGITS**4


Keep = Callable[[Job], KeptCommand]
"""The answer to the command that changed this job, to be kept with its idempotency key."""
KeepAll = Callable[[tuple[Job, ...]], KeptCommand]


LOOKS = 2
"""So many devices that are idle or away are asked at a time how they are. One that is switched off costs an ARP request a
second while the kernel looks for it, and some switches shut the port of a register for 15 in a second."""


class Spool:
    """Belongs to one event loop.

    Args:
        stamp: gives an event its business day and time.
        seed: of the jitter and of the first confirmation token.
        on_change: told the device id whenever one of its jobs or its status changed; must not block.
        island: whether this register is known to be cut off from the store's network.
    """

    def __init__(
        self,
        journal: JobJournal,
        config: Config,
        devices: Devices,
        *,
        stamp: Callable[[Event], NewEvent],
        now_ms: WallClock,
        new_id: IdSource,
        seed: int,
        on_change: Callable[[str], None] | None = None,
        island: Callable[[], bool] = lambda: False,
    ) -> None:
        self._journal = journal
        self._config = config
        self._devices = devices
        self._stamp = stamp
        self._now_ms = now_ms
        self._new_id = new_id
        self._chance = random.Random(seed)  # noqa: S311 - not for secrets
        self._token = self._chance.randrange(_TOKENS)
        self._on_change = on_change
        self._order = 0
        self.looks = asyncio.Semaphore(LOOKS)
        self._routes: dict[str, Route] = {}
        self._workers = {name: Worker(name, devices.device(name), self) for name in devices.worker_ids()}
        self.chain = Chain(config, self._workers, island)
        self._elsewhere = Elsewhere(journal, config, devices, self._workers, self)

    # --- jobs come in ---

    def prepare(self, jobs: Iterable[Job]) -> tuple[Job, ...]:
        """The jobs with their places in the order of acceptance; to be called right before their batch is made."""
        return tuple(map(self.prepare_one, jobs))

    def submit(self, jobs: Iterable[Job]) -> None:
        """Jobs whose batch is durable. Wakes their workers; never waits for a device."""
        for job in jobs:
            self.take_over(job)

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]:
        """As `Elsewhere.adopt`."""
        return await self._elsewhere.adopt(tickets, originator)

    async def given_up(self, job_ids: Iterable[str], register: str) -> None:
        """As `Elsewhere.given_up`."""
        await self._elsewhere.given_up(job_ids, register)

    async def settled_before(self, outcomes: Mapping[str, Outcome]) -> int:
        """As `Elsewhere.settled_before`."""
        return await self._elsewhere.settled_before(outcomes)

    def doubt(self) -> None:
        """As `Elsewhere.doubt`."""
        self._elsewhere.doubt()

    async def give_back(self, job_id: str, reason: str) -> bool:
        """As `Elsewhere.give_back`."""
        return await self._elsewhere.give_back(job_id, reason)

    async def run(self) -> None:
        """Load what is not settled and work until cancelled.

        Raises:
            StorageRefused: the journal can not be read.
        """
        for name, worker in self._workers.items():
            self.load(name, worker.queue)
        for device in self._journal.devices_with_jobs():
            if self._devices.worker_of(device) is None:
                for row in self._journal.unsettled_jobs(device):
                    await self._fail_orphan(steps.decode(row.body))
        async with asyncio.TaskGroup() as group:
            for name, worker in self._workers.items():
                group.create_task(worker.run(), name=f"spool {name}")

    async def _fail_orphan(self, job: Job) -> None:
        """A job for a device that the config does not have any more. Told to the log; left as it is while the disk refuses."""
        if job.state == "sending":
            failed = steps.settle(job, "left_unconfirmed", self._now_ms(), reason="its device is not configured any more")
        elif job.state == "held":
            return
        else:
            failed = steps.settle(job, "was_rejected", self._now_ms(), reason="its device is not configured any more")
        with suppress(Conflict):
            await self.store((failed,), settled_events(failed, ""))

    # --- a person decides ---

    async def release(self, job_id: str, by: str, keep: Keep | None = None) -> Job:
        """Print a held job now. What `keep` makes of it is stored in the same batch.

        Raises:
            NotFound: no loaded job has this id.
            Conflict: it is not held.
            StorageRefused: nothing has changed.
        """
        worker, job = self._find("release", job_id)
        return await self._decide(worker, job, steps.release(job, self._now_ms(), by), (), keep)

    async def release_all(self, by: str, *, training: bool, keep: KeepAll | None = None) -> tuple[Job, ...]:
        """Print all held tickets of the kitchen now, in the order in which they were accepted: practice or real ones. `keep` as
        for `release`.

        Raises:
            StorageRefused: nothing has changed.
        """
        held = [
            (worker, job)
            for worker in self._workers.values()
            for job in worker.queue.held
            if isinstance(job.data, TicketData) and job.data.training == training
        ]
        held.sort(key=lambda one: one[1].order)
        released = tuple(steps.release(job, self._now_ms(), by) for _, job in held)
        for worker, job in held:
            worker.queue.take(job.job_id)
        kept = tuple(job for _, job in held)
        try:
            await self.store(released, (), keep(released) if keep is not None else None)
            kept = released
        finally:
            for (worker, _), job in zip(held, kept, strict=True):
                worker.queue.put(job)
                worker.wake()
        return released

    async def cancel(self, job_id: str, by: str, keep: Keep | None = None) -> Job:
        """Settle a job that waits: `expired`, or `unconfirmed` where it may be on paper already. `keep` as for `release`.

        Raises:
            NotFound: no loaded job has this id.
            Conflict: it is being sent right now.
            StorageRefused: nothing has changed.
        """
        await self._elsewhere.recall(job_id)
        worker, job = self._find("cancel", job_id)
        event: steps.JobEvent = "left_unconfirmed" if job.state == "held" and job.may_have_printed else "was_cancelled"
        after = steps.settle(job, event, self._now_ms(), reason=f"cancelled by {by}" if by else "cancelled")
        return await self._decide(worker, job, after, (settled_event(after, by),), keep)

    def _find(self, operation: str, job_id: str) -> tuple[Worker, Job]:
        for worker in self._workers.values():
            if worker.current is not None and worker.current.job_id == job_id:
                raise Conflict(operation, f"job {job_id}", "it is being sent right now", "wait for what becomes of it")
            job = worker.queue.find(job_id)
            if job is not None and isinstance(job.data, WiredData):
                there = job.data.register
                raise Conflict(operation, f"job {job_id}", f"it is a job of register {there}", f"do it at register {there}")
            if job is not None:
                return worker, job
        raise NotFound(operation, f"job {job_id}", "no job of this id waits", "see `tillkeeper jobs`")

    async def _decide(
        self, worker: Worker, before: Job, after: Job, events: tuple[Event, ...], keep: Keep | None
    ) -> Job:
        worker.queue.take(before.job_id)
        kept = before
        try:
            await self.store((after,), events, keep(after) if keep is not None else None)
            kept = after
        finally:
            if steps.is_settled(kept.state):
                worker.queue.drop(kept.job_id)
            else:
                worker.queue.put(kept)
            worker.wake()
        return after

    # --- the world changes ---

    def device_came(self, device_id: str) -> None:
        """The device was plugged in, or found again: its queue does not wait for the next try. An unknown id is nobody's."""
        worker = self._workers.get(self._devices.worker_of(device_id) or "")
        if worker is not None:
            worker.device_came()

    def device_set_up(self, device_id: str) -> None:
        """The device is another one from now on, or has another driver; what waits for it waits on. An unknown id: nobody's."""
        worker = self._workers.get(self._devices.worker_of(device_id) or "")
        if worker is not None:
            worker.device_set_up()

    # --- seen from outside ---

    def snapshot(self) -> tuple[DeviceSnapshot, ...]:
        return tuple(worker.snapshot() for worker in self._workers.values())

    def snapshot_of(self, worker_id: str) -> DeviceSnapshot | None:
        """Of one device; None where it has no worker."""
        worker = self._workers.get(worker_id)
        return worker.snapshot() if worker is not None else None

    def jobs(self) -> tuple[Job, ...]:
        """All loaded jobs that are not settled."""
        return tuple(job for worker in self._workers.values() for job in worker.jobs())

    def jobs_of(self, worker_id: str) -> tuple[Job, ...]:
        """Those of one device; of an unknown one, none."""
        worker = self._workers.get(worker_id)
        return tuple(worker.jobs()) if worker is not None else ()

    def waiting(self, *, held: bool = False) -> Iterator[Job]:
        """The loaded jobs that are not settled, oldest first; `held`: only those that a person has to decide. To be used before
        anything changes; each costs the same, however many follow."""
        return merge(*(worker.jobs(held=held) for worker in self._workers.values()), key=by_age)

    def find(self, job_id: str) -> Job | None:
        """A loaded job."""
        for worker in self._workers.values():
            if worker.current is not None and worker.current.job_id == job_id:
                return worker.current
            if (job := worker.queue.find(job_id)) is not None:
                return job
        return None

    # --- for the workers ---

    def now_ms(self) -> int:
        return self._now_ms()

    def new_id(self) -> str:
        return self._new_id()

    def jitter(self) -> float:
        return self._chance.random()

    def token(self) -> str:
        """Four characters 20h-7Eh; the same again only after 81 million attempts."""
        self._token = rest = (self._token + 1) % _TOKENS
        characters = []
        for _ in range(4):
            rest, digit = divmod(rest, _TOKEN_DIGITS)
            characters.append(chr(0x20 + digit))
        return "".join(characters)

    def route(self, job: Job) -> Route:
        route = self._routes.get(job.station)
        if route is None:
            station = self._config.stations.get(job.station)
            route = Route()
            if station is not None:
                route = Route(
                    title=station.title,
                    devices=station.devices,
                    carry=station.carry,
                    alarm_after_ms=int(station.alarm_after_s * 1000),
                    backups=backups(job.station, self._config),
                    on_unknown=station.on_unknown,
                    stale_after_ms=int(station.stale_after_s * 1000),
                    reroute_after_ms=int(station.reroute_after_s * 1000),
                )
            # Keyed by configured stations alone: bounded, whatever old jobs name.
            if station is not None:
                self._routes[job.station] = route
        return route

    def document(self, job: Job) -> Document:
        return self._devices.document(job)

    def withheld(self, job: Job) -> str:
        return self._devices.withheld(job) if isinstance(job.data, WiredData) else ""

    def load(self, worker_id: str, queue: DeviceQueue) -> None:
        """As many of its jobs as there is room for. Each state is asked for by itself: no number of held jobs hides those that
        wait, and an interrupted one is always found."""
        devices = [name for name in self._journal.devices_with_jobs() if self._devices.worker_of(name) == worker_id]
        window, rows, more = queue.window, list[JobRow](), False
        for device in devices:
            for state in ("sending", "queued", "held"):
                found = self._journal.unsettled_jobs(device, state, window)
                more |= state == "queued" and len(found) >= window
                rows += found
        queue.load(sorted((self._ordered(seen(row)) for row in rows), key=lambda job: job.order), more=more)

    def _ordered(self, job: Job) -> Job:
        self._order = max(self._order, job.order)
        return job

    def prepare_one(self, job: Job) -> Job:
        # The clock keeps the order over restarts, the counter within one.
        self._order = max(self._order + 1, self._now_ms())
        return msgspec.structs.replace(job, order=self._order)

    def take_over(self, job: Job) -> None:
        """A durable job for the worker of its device."""
        name = self._devices.worker_of(job.device)
        if name is None:
            raise NotFound("print", f"device {job.device}", "no such device is configured")
        worker = self._workers[name]
        worker.queue.submit(job)
        worker.wake()

    def drop(self, job: Job) -> None:
        """A job that another worker has settled."""
        if (worker := self._workers.get(self._devices.worker_of(job.device) or "")) is not None:
            worker.queue.drop(job.job_id)
            self.changed(worker.id)

    def changed(self, worker_id: str) -> None:
        if self._on_change is not None:
            self._on_change(worker_id)

    async def store(self, jobs: tuple[Job, ...], events: tuple[Event, ...], command: KeptCommand | None = None) -> None:
        stamped = tuple(self._stamp(event) for event in events)
        await self._journal.append(Batch(jobs=tuple(map(job_row, jobs)), events=stamped, command=command))
