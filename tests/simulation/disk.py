"""What lies on a register's disk, and a journal in memory over it: real chain, real hashes, group commit in virtual time.

A crash drops what no sync has covered; a group whose sync was under way is there wholly or not at all, as after SQLite's.
"""

import asyncio
import hashlib
import random
from collections.abc import Awaitable, Callable

import msgspec
from tests.replication.memory_holdings import MemoryHoldings, content_of
from tests.simulation.reads import Reads
from tests.simulation.shop import STORE

from tillkeeper.contract.base import Event
from tillkeeper.contract.chain import GENESIS, envelope_header, link
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import EVENT_TYPES, TYPE_NAMES, IncarnationBegan, encode_body
from tillkeeper.contract.keys import Mark, marked
from tillkeeper.contract.roster import Signed
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.commit import key_digest
from tillkeeper.journal.faults import AlreadyDone, TooManyRenewals
from tillkeeper.journal.incarnations import DOUBTING
from tillkeeper.journal.records import Appended, Batch, CheckRow, JobRow, KeptAnswer, KeptCommand, LogInfo, NewEvent
from tillkeeper.replication.model import LogId
from tillkeeper.trust.keys import KeyPair

MAX_RENEWALS = 3


class Raw(Event, frozen=True, kw_only=True):
    """An event of a type that this agent does not know, or with a body that nobody can read: written as it is."""

    type: str
    version: int
    body: str


class Rows:
    """One log on a disk."""

    def __init__(self, incarnation: str, began_at_ms: int) -> None:
        self.incarnation, self.began_at_ms = incarnation, began_at_ms
        self.events: list[Envelope] = []

    @property
    def head_hash(self) -> str:
        return self.events[-1].hash if self.events else GENESIS


class Held(MemoryHoldings):
    """What is held for others, on the same disk."""

    def copied(self) -> "Held":
        other = Held(self.store)
        for name, log in self._logs.items():
            twin = other._logs[name] = type(log)()
            twin.held, twin.rows, twin.heads, twin.breaks = log.held, list(log.rows), dict(log.heads), log.breaks
        other._asides, other._seen, other._erased = list(self._asides), dict(self._seen), set(self._erased)
        return other

    def rows(self) -> list[Envelope]:
        """All that is here, quarantine included."""
        found = [envelope for log in self._logs.values() for envelope, _ in log.rows]
        return found + [aside.envelope for aside in self._asides if not aside.in_log]

    def has(self, event: Envelope) -> bool:
        """In its place in the log."""
        log = self._logs.get(LogId(event.register, event.incarnation))
        return log is not None and 0 < event.seq <= len(log.rows) and log.rows[event.seq - 1][0].hash == event.hash

    def lists(self, event: Envelope) -> bool:
        """In quarantine."""
        return content_of(event) in self._seen


class Kept(msgspec.Struct, frozen=True):
    """A row of a check, and in which logs it was written, the newest last."""

    row: CheckRow
    last_seq: int
    logs: tuple[str, ...]


class Platter:
    """Survives the process and power cuts. `lineage`: changes when another disk, or an older state of it, is put in."""

    def __init__(self, register: str, lineage: int, pair: KeyPair, statements: tuple[Signed, ...]) -> None:
        self.register, self.lineage, self.pair, self.statements = register, lineage, pair, statements
        self.logs: list[Rows] = []
        self.settings: dict[str, bytes] = {}
        self.jobs: dict[str, JobRow] = {}
        self.commands: dict[str, KeptCommand] = {}
        self.answers: dict[bytes, KeptAnswer] = {}
        """Of keys that came back with the events of a log that this disk does not have."""
        self.doubted: frozenset[str] = frozenset()
        """Jobs that waited in an older copy."""
        self.checks: dict[str, Kept] = {}
        self.catalogues: dict[str, bytes] = {}
        self.codes: dict[str, int] = {}
        self.practice: dict[str, int] = {}
        self.held = Held(STORE)

    def copied(self, lineage: int) -> "Platter":
        other = Platter(self.register, lineage, self.pair, self.statements)
        for log in self.logs:
            twin = Rows(log.incarnation, log.began_at_ms)
            twin.events = list(log.events)
            other.logs.append(twin)
        other.settings, other.jobs, other.commands = dict(self.settings), dict(self.jobs), dict(self.commands)
        other.answers, other.doubted = dict(self.answers), self.doubted
        other.checks, other.catalogues = dict(self.checks), dict(self.catalogues)
        other.codes, other.practice = dict(self.codes), dict(self.practice)
        other.held = self.held.copied()
        return other

    def own(self) -> list[Envelope]:
        return [event for log in self.logs for event in log.events]

    def everything(self) -> list[Envelope]:
        return self.own() + self.held.rows()


class Drive:
    """How long a sync takes, and whether it works. `trouble`: words while it refuses. `full`: refuses sales and what is held
    for others; what is no sale has the reserve."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.trouble = ""
        self.full = False
        self.slow = 1.0
        self.well_since_s = 0.0

    async def sync(self, *, reserve: bool = False) -> None:
        """Raises: StorageRefused."""
        slow = self.slow
        await asyncio.sleep(self._chance.uniform(0.001, 0.008) * slow)
        if slow > 1.0:  # whoever came meanwhile has waited for this one
            self.well_since_s = asyncio.get_running_loop().time()
        if self.trouble or (self.full and not reserve):
            raise StorageRefused("sync", "disk", self.trouble or "the disk is full")


class MemoryJournal(Reads):
    """As `tillkeeper.journal.journal.Journal`, as far as replication and a till use it. `written`: told of each event in the
    moment in which it is durable. `run` is its writer."""

    def __init__(
        self,
        platter: Platter,
        drive: Drive,
        chance: random.Random,
        *,
        wall_ms: Callable[[], int],
        new_id: Callable[[], str],
        written: Callable[[Envelope], None],
    ) -> None:
        self.platter, self._drive, self._chance = platter, drive, chance
        self._wall_ms, self._new_id, self._written = wall_ms, new_id, written
        self.store, self.register = STORE, platter.register
        self.alarms: list[str] = []
        self._renewals = 0
        self._old_jobs = frozenset(platter.jobs)
        self._queue: list[tuple[Batch | IncarnationBegan, asyncio.Future[Appended]]] = []
        self._wake = asyncio.Event()
        if not platter.logs:
            self._begin(IncarnationBegan(reason="first_start"))

    @property
    def incarnation(self) -> str:
        return self.platter.logs[-1].incarnation

    @property
    def trouble(self) -> str | None:
        return self._drive.trouble or ("the disk is full" if self._drive.full else None)

    @property
    def last_seq(self) -> int:
        return len(self.platter.logs[-1].events)

    @property
    def head_hash(self) -> str:
        return self.platter.logs[-1].head_hash

    def logs(self) -> list[LogInfo]:
        last = self.platter.logs[-1]
        return [
            LogInfo(STORE, self.register, log.incarnation, log.began_at_ms, len(log.events), log.head_hash, log is last)
            for log in self.platter.logs
        ]

    def end_of(self, incarnation: str) -> int:
        return next((len(log.events) for log in self.platter.logs if log.incarnation == incarnation), 0)

    def events(self, incarnation: str, after_seq: int, limit: int) -> list[Envelope]:
        found = next((log.events for log in self.platter.logs if log.incarnation == incarnation), [])
        return found[after_seq : after_seq + limit]

    async def append(self, batch: Batch) -> Appended:
        return await self._submit(batch)

    async def renew(self, reason: str, alarm: str = "") -> str:
        if self._renewals >= MAX_RENEWALS:
            raise TooManyRenewals("begin a new log", self.register, f"{MAX_RENEWALS} began")
        self._renewals += 1
        if reason in DOUBTING:
            await self.doubt_jobs()
        began = IncarnationBegan(reason=reason, previous_incarnation=self.incarnation, previous_last_seq=self.last_seq)
        try:
            done = await self._submit(began)
        except StorageRefused:
            self._renewals -= 1
            raise
        self.alarms.append(alarm)
        return done.incarnation

    async def doubt_jobs(self) -> None:
        """At once; what the real one does where the disk refuses is its tests' business."""
        self.platter.doubted |= self._old_jobs

    def _submit(self, work: Batch | IncarnationBegan) -> Awaitable[Appended]:
        future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._queue.append((work, future))
        self._wake.set()
        return future

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            group, self._queue = self._queue, []
            await self.write(group)

    async def write(self, group: list[tuple[Batch | IncarnationBegan, asyncio.Future[Appended]]]) -> None:
        """Durable first, answered after that."""
        sales = [one for one in group if isinstance(one[0], Batch) and one[0].command is not None]
        others = [one for one in group if one not in sales]
        for part, reserve in ((sales, False), (others, True)):
            if not part:
                continue
            try:
                await self._drive.sync(reserve=reserve)
            except asyncio.CancelledError:
                if self._chance.random() < 0.5:  # the sync had got there, and nobody was told
                    for work, _ in part:
                        self._try(work)
                raise
            except StorageRefused as error:
                for _, future in part:
                    _settle(future, StorageRefused(error.operation, error.subject, error.cause))
                continue
            for work, future in part:
                _settle(future, self._try(work))

    def _try(self, work: Batch | IncarnationBegan) -> Appended | AlreadyDone:
        if isinstance(work, IncarnationBegan):
            self._begin(work)
            return Appended(self.last_seq, self.head_hash, self.incarnation)
        command = work.command
        if command is not None and (kept := self.kept_command(command.key)) is not None:
            return AlreadyDone(kept)
        for place, new in enumerate(work.events):
            mark = Mark(key_digest(command.key).hex(), len(work.events)) if command is not None and not place else None
            self._put(new, mark)
        self.platter.answers |= {one.key_sha256: one for one in work.answers}
        self.platter.jobs |= {row.job_id: row for row in work.jobs}
        self.platter.settings |= work.settings
        self.platter.catalogues |= work.catalogues
        for row in work.checks:
            before = self.platter.checks.get(row.check_id)
            logs = dict.fromkeys((*(before.logs if before is not None else ()), self.incarnation))
            self.platter.checks[row.check_id] = Kept(row, self.last_seq, tuple(logs))
        if command is not None:
            self.platter.commands[command.key] = command
        return Appended(self.last_seq, self.head_hash, self.incarnation)

    def _begin(self, began: IncarnationBegan) -> None:
        now_ms = self._wall_ms()
        self.platter.logs.append(Rows(self._new_id(), now_ms))
        self._put(NewEvent(event=began, business_day="", at_ms=now_ms))

    def _put(self, new: NewEvent, mark: Mark | None = None) -> None:
        log, event = self.platter.logs[-1], new.event
        if isinstance(event, Raw):
            name, version, body = event.type, event.version, event.body
        else:
            name = TYPE_NAMES[type(event)]
            encoded = encode_body(event)
            version, body = EVENT_TYPES[name][1], (marked(encoded, mark) if mark is not None else encoded).decode()
        bare = Envelope(
            STORE, self.register, log.incarnation, len(log.events) + 1, name, version, new.business_day, new.at_ms, body,
            log.head_hash, "",
        )  # fmt: skip
        whole = msgspec.structs.replace(bare, hash=link(bare.prev_hash, envelope_header(bare), body.encode()))
        log.events.append(whole)
        self._written(whole)


def _settle(future: "asyncio.Future[Appended]", outcome: Appended | AlreadyDone | StorageRefused) -> None:
    if future.done():
        return
    if isinstance(outcome, Appended):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)


def fingerprint(platter: Platter) -> str:
    """Of all that lies there."""
    lines = [f"{e.register} {e.incarnation} {e.seq} {e.hash}" for e in platter.everything()]
    lines += [f"{name} {value.hex()}" for name, value in sorted(platter.settings.items())]
    lines += [f"{job.job_id} {job.state}" for job in platter.jobs.values()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
