"""At the register that a device is wired to: attempts of the others' jobs, each done once, and only while they are waited for.

The row of a job (`wired_id`) is what is known for ever; the document is in memory. An attempt goes to the spool when its
sender has spoken for it after it was durable here, and no byte leaves once that word is older than `WORD_S`: what the sender
has given up meanwhile, and prints elsewhere, never comes out here behind it. After a restart nobody speaks for what waits: it
is given back.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

import msgspec

from tillkeeper.contract.roles import Epoch
from tillkeeper.devices import wired_wire as wire
from tillkeeper.devices.wired_wire import Ask, Do, Told
from tillkeeper.errors import BadRequest, NotFound, TillkeeperError
from tillkeeper.journal.records import Appended, Batch, JobRow
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.adopting import wired_id
from tillkeeper.spool.model import Job, WiredData
from tillkeeper.spool.ports import DeviceSnapshot
from tillkeeper_drivers.api import Document, Reason

log = logging.getLogger(__name__)

MAX_WORKS = 64
"""Attempts that have not ended; each register has one at each device."""
MAX_STAMPS = 16
LOOK_S = 0.5
NO_WORD = "the register whose job it is does not ask for it any more"
OLD_EPOCH = "another register has decided the roles of the store since"
_DONE = ("sent", "confirmed")


class WiredJournal(Protocol):
    async def append(self, batch: Batch) -> Appended: ...

    def job(self, job_id: str) -> JobRow | None: ...


class Printing(Protocol):
    """The spool."""

    def prepare_one(self, job: Job) -> Job: ...

    def take_over(self, job: Job) -> None: ...

    def snapshot_of(self, worker_id: str) -> DeviceSnapshot | None: ...

    async def give_back(self, job_id: str, reason: str) -> bool: ...


class Fence(Protocol):
    """Of the store's roles (`roles.fence`)."""

    @property
    def highest(self) -> Epoch:
        """That was ever seen here."""
        ...

    async def admit(self, epoch: Epoch) -> bool:
        """False for a lower one than was ever seen; a higher one is durable first. Raises: StorageRefused, Overloaded."""
        ...


class _Work:
    """An attempt in memory. `said`: stamps of our answers -> when they were given; `word_s`: the latest that came back."""

    def __init__(self, job: Job, data: WiredData, epoch: Epoch, document: Document) -> None:
        self.job, self.data, self.epoch, self.document = job, data, epoch, document
        self.said: dict[int, float] = {}
        self.said_s = 0.0
        self.word_s: float | None = None
        self.submitted = False


class Bench:
    """`do`, `state` and `status` answer the topics of `wired_wire`. `run` is its one task.

    Args:
        mine: whether this register drives a device of that name.
        fence: work under a lower epoch than was seen here is not done.
        now_s: CLOCK_BOOTTIME.
    """

    def __init__(
        self,
        journal: WiredJournal,
        spool: Callable[[], Printing],
        mine: Callable[[str], bool],
        fence: Fence,
        now_s: Callable[[], float],
        now_ms: Callable[[], int],
    ) -> None:
        self._journal, self._spool, self._mine, self._fence = journal, spool, mine, fence
        self._now_s, self._now_ms = now_s, now_ms
        self._works: dict[str, _Work] = {}
        self._stamp = 0
        self._turn = asyncio.Lock()

    # --- what the others ask ---

    async def do(self, register: str, body: bytes) -> bytes:
        """Raises: NotFound, BadRequest, StorageRefused, msgspec.DecodeError: nothing of it is done."""
        asked = wire.decode_do(body)
        if len(asked.document) > wire.MAX_DOCUMENT:
            raise BadRequest("print", f"a document of register {register}", "it is larger than any that is printed")
        document = wire.decode_document.decode(asked.document)
        self._check(asked.device)
        async with self._turn:
            return wire.encode(await self._do(register, asked, document))

    async def state(self, register: str, body: bytes) -> bytes:
        """Raises: NotFound, StorageRefused, msgspec.DecodeError."""
        asked = wire.decode_ask(body)
        self._check(asked.device)
        async with self._turn:
            return wire.encode(await self._asked(register, asked))

    async def status(self, _register: str, body: bytes) -> bytes:
        """Raises: NotFound, msgspec.DecodeError."""
        device = wire.decode_ask_status(body).device
        self._check(device)
        seen = self._spool().snapshot_of(device)
        if seen is None:
            return wire.encode(wire.StatusTold())
        return wire.encode(wire.StatusTold(seen.status, seen.refuses(self._now_ms()), seen.open_level))

    def _check(self, device: str) -> None:
        if not self._mine(device):
            hint = "the same [devices] belong into the configuration of all registers"
            raise NotFound("print", f"device {device}", "this register drives no device of this name", hint)

    async def _do(self, register: str, asked: Do, document: Document) -> Told:
        if not await self._fence.admit(asked.epoch):
            return Told("not_begun", "busy", OLD_EPOCH)
        job_id = wired_id(asked.origin, asked.device)
        if (before := await self._before(job_id, register, asked)) is not None:
            return before
        if (busy := self._obstacle(asked)) is not None:
            return busy
        pulse = asked.document_class == "drawer_pulse"
        data = WiredData(register, asked.origin, asked.attempt, pulse, asked.training)
        job = self._spool().prepare_one(
            Job(
                job_id=job_id,
                device=asked.device,
                document_class=asked.document_class,
                data=data,
                created_at_ms=self._now_ms(),
                origin=asked.origin,
            )
        )
        await self._journal.append(Batch(jobs=(steps.job_row(job),)))
        work = self._works[job_id] = _Work(job, data, asked.epoch, document)
        return self._stamped(work, Told("accepted"))

    async def _before(self, job_id: str, register: str, asked: Do) -> Told | None:
        """What is known of this job already, where that answers the question."""
        row = self._journal.job(job_id)
        if row is None:
            return None
        job, data = _read(row)
        if data is None:
            return Told("unknown", detail="what is known of it can not be read")
        if (data.register, data.attempt) == (register, asked.attempt):
            return self._now(job_id, row, job)
        if not row.settled:
            # Another attempt, or another register that prints for the first one: what has not begun makes room for it.
            if row.state == "queued" and await self._give_back(job_id, "another attempt has taken its place"):
                return None
            return Told("not_begun", "busy", "it is being printed for register " + data.register)
        if row.state in _DONE or (row.state == "unconfirmed" and (data.pulse or not asked.marked)):
            return self._now(job_id, row, job)
        return None

    def _obstacle(self, asked: Do) -> Told | None:
        """Why nothing is written for it: it would only come back."""
        if len(self._works) >= MAX_WORKS:
            return Told("not_begun", "busy", "too many documents of other registers wait")
        seen = self._spool().snapshot_of(asked.device)
        if seen is None or asked.document_class == "drawer_pulse":
            return None
        if seen.more_in_journal:
            return Told("not_begun", "busy", "its own documents wait there")
        trouble = seen.status.trouble() if seen.status is not None else None
        return None if trouble is None else Told("not_begun", trouble)

    async def _asked(self, register: str, asked: Ask) -> Told:
        job_id = wired_id(asked.origin, asked.device)
        work = self._works.get(job_id)
        if work is not None and (work.data.register, work.data.attempt) == (register, asked.attempt):
            self._word(work, asked.stamp)
            if asked.recall:
                await self._give_back(job_id, "busy")
        row = self._journal.job(job_id)
        if row is None:
            return Told("unknown", detail="nothing is known of it here")
        job, data = _read(row)
        if data is None or (data.register, data.attempt) != (register, asked.attempt):
            return Told("unknown", detail="another attempt has come since")
        return self._now(job_id, row, job)

    def _word(self, work: _Work, stamp: int) -> None:
        said_s = work.said.get(stamp)
        if said_s is None:
            return
        work.word_s = max(said_s, work.word_s or said_s)
        work.said = {one: at_s for one, at_s in work.said.items() if one >= stamp}
        if not work.submitted and not self.withheld(work.job):
            work.submitted = True
            self._spool().take_over(work.job)

    def _now(self, job_id: str, row: JobRow, job: Job) -> Told:
        reason = wire.reason_of(job.reason)
        detail = "" if reason is not None else job.reason
        match row.state:
            case "queued" | "sending":
                told = Told("accepted" if row.state == "queued" else "begun")
            case "sent" | "confirmed":
                told = Told("sent" if row.state == "sent" else "confirmed", evidence=job.evidence)
            case "unconfirmed":
                told = Told("unconfirmed", reason, detail)
            case "failed" | "expired":
                told = Told("not_begun", reason, detail)
            case _:
                told = Told("unknown", detail=detail)
        if row.settled:
            self._works.pop(job_id, None)
            return told
        work = self._works.get(job_id)
        return told if work is None else self._stamped(work, told)

    def _stamped(self, work: _Work, told: Told) -> Told:
        self._stamp += 1
        work.said_s = work.said[self._stamp] = self._now_s()
        while len(work.said) > MAX_STAMPS:
            del work.said[next(iter(work.said))]
        return msgspec.structs.replace(told, stamp=self._stamp)

    async def _give_back(self, job_id: str, reason: str) -> bool:
        given = await self._spool().give_back(job_id, reason)
        if given:
            self._works.pop(job_id, None)
        return given

    # --- what the spool asks ---

    def document(self, job: Job) -> Document:
        """Raises: LookupError: it was not brought since this start; `withheld` says so first."""
        return self._works[job.job_id].document

    def withheld(self, job: Job) -> str:
        """Why no byte of it may leave (any more); else empty."""
        work = self._works.get(job.job_id)
        if work is None or work.data != job.data or work.word_s is None:
            return NO_WORD
        if work.epoch < self._fence.highest:
            return OLD_EPOCH
        return NO_WORD if self._now_s() - work.word_s >= wire.WORD_S else ""

    # --- in time ---

    async def run(self) -> None:
        """Gives back what nobody asks for any more, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            async with self._turn:
                for job_id, work in tuple(self._works.items()):
                    await self._look(job_id, work)

    async def _look(self, job_id: str, work: _Work) -> None:
        if self._now_s() - max(work.said_s, work.word_s or 0.0) < wire.WORD_S:
            return
        try:
            row = self._journal.job(job_id)
            if row is None or row.settled:
                self._works.pop(job_id, None)
            elif row.state == "queued":
                await self._give_back(job_id, NO_WORD)
        except TillkeeperError as error:
            log.error("job %s of register %s is not given back yet: %s", job_id, work.data.register, error)


def _read(row: JobRow) -> tuple[Job, WiredData | None]:
    job = steps.decode(row.body)
    return job, job.data if isinstance(job.data, WiredData) else None


def known_reason(told: Told) -> Reason:
    """Why an attempt did not begin, as a driver would say it."""
    if told.reason is not None:
        return told.reason
    return "bad_document" if told.detail.startswith("can not be laid out") else "no_answer"
