"""What the spool needs from its neighbours, and what it shows of itself."""

import asyncio
from collections.abc import Sequence
from typing import Literal, Protocol, cast, runtime_checkable

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.journal.records import Appended, Batch, JobRow
from tillkeeper.spool.chain import Chain
from tillkeeper.spool.model import Job
from tillkeeper.spool.policy import Route
from tillkeeper.spool.queue import DeviceQueue
from tillkeeper_drivers.api import Device, Document, Reason, Status

REFUSES_MS, BUSY_MS = 10_000, 60_000
"""What a device refuses for a shorter time is no trouble to be told; least of all where another register prints on it."""


class JobJournal(Protocol):
    """The journal, as far as jobs are concerned."""

    async def append(self, batch: Batch) -> Appended:
        """Durable when it returns. Raises `StorageRefused` or `Overloaded`: nothing of the batch counts."""
        ...

    def unsettled_jobs(self, device: str = "", state: str = "", limit: int = -1) -> Sequence[JobRow]:
        """Oldest first; of one device, in one state, at most `limit` where so asked. Raises `StorageRefused` where the disk or
        the file fails."""
        ...

    def devices_with_jobs(self) -> Sequence[str]:
        """Those that an unsettled job waits for."""
        ...

    def job(self, job_id: str) -> JobRow | None:
        """Any that was ever stored here."""
        ...


class Devices(Protocol):
    """The devices that have a worker. A drawer has none: its pulses are its printer's work."""

    def worker_ids(self) -> tuple[str, ...]: ...

    def worker_of(self, device_id: str) -> str | None:
        """The device whose worker does the jobs of `device_id`; None where the config has no such device."""
        ...

    def device(self, worker_id: str) -> Device: ...

    def document(self, job: Job) -> Document:
        """The job laid out for its device."""
        ...

    def withheld(self, job: Job) -> str:
        """Why nobody answers for the job any more, so that no byte of it may leave; else empty."""
        ...


@runtime_checkable
class Recallable(Protocol):
    """A device that has a document in hand before it begins with it."""

    def recall(self, job_id: str) -> None:
        """If it has not begun, it is not to begin any more: `deliver` soon says that nothing was sent."""
        ...


class DeviceSnapshot(msgspec.Struct, frozen=True):
    """One device as of now. Times are wall clock in ms since the epoch."""

    device: str
    queued: int
    held: int
    oldest_ms: int | None
    """When the oldest job that waits was accepted."""
    current_job: str
    status: Status | None
    """As last heard; None before the first time."""
    status_at_ms: int | None
    trouble: str
    """Why nothing is printed now: a `Reason`, "storage", or empty."""
    refusing_since_ms: int | None
    more_in_journal: bool
    """More jobs wait than are loaded."""
    open_level: Literal["high", "low", "unknown"] = "unknown"
    """Which level of its drawer's switch means "open", as far as kicks have taught."""
    drawers_stuck: tuple[str, ...] = ()
    """Kicked last, and their switch did not move."""
    drawers_missed: tuple[tuple[str, int], ...] = ()
    """Drawers whose last pulse was given up unsent, and when."""

    @property
    def busy(self) -> bool:
        """Something waits because somebody else holds its one connection: no trouble yet, but why it waits."""
        return self.trouble == "busy" and self.queued > 0

    def refuses(self, now_ms: int) -> Reason | None:
        """Why it has been taking no documents for some time, whatever it says about itself."""
        since_ms = self.refusing_since_ms
        if since_ms is None or self.trouble == "storage":
            return None
        long_ms = BUSY_MS if self.trouble == "busy" else REFUSES_MS
        return cast(Reason, self.trouble) if now_ms - since_ms >= long_ms else None


class Spooling(Protocol):
    """What a worker needs of the spool. `looks`: room for those that ask a device how it is which is idle, or away."""

    looks: asyncio.Semaphore

    def now_ms(self) -> int: ...
    def new_id(self) -> str: ...
    def jitter(self) -> float: ...
    def token(self) -> str: ...
    def route(self, job: Job) -> Route: ...
    def document(self, job: Job) -> Document: ...
    def withheld(self, job: Job) -> str: ...

    @property
    def chain(self) -> Chain: ...

    def load(self, worker_id: str, queue: DeviceQueue) -> None: ...
    def prepare_one(self, job: Job) -> Job: ...
    def take_over(self, job: Job) -> None: ...
    def drop(self, job: Job) -> None: ...
    def changed(self, worker_id: str) -> None: ...
    async def store(self, jobs: tuple[Job, ...], events: tuple[Event, ...]) -> None: ...
