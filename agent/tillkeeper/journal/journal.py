"""The journal of one register: the truth about what was sold. See `docs/code-flow.md` for its place."""

import asyncio
import contextlib
import logging
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from tillkeeper.clock import IdSource, WallClock
from tillkeeper.contract.chain import personal_digest
from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.journal.commit import Tail, prepare, read_head
from tillkeeper.journal.database import Further, connect_reader, read_pragmas
from tillkeeper.journal.faults import BadBatch, TooManyRenewals
from tillkeeper.journal.files import beside, mark_suspect
from tillkeeper.journal.guard import guard_batch
from tillkeeper.journal.handover import Handover
from tillkeeper.journal.incarnations import DOUBTING, JOBS_DOUBTED, newest_job, read_logs
from tillkeeper.journal.opening import Opened, Register, open_journal
from tillkeeper.journal.reader import JournalReader
from tillkeeper.journal.records import Appended, Batch
from tillkeeper.journal.reserve import RESERVE_BYTES, Reserve
from tillkeeper.journal.storage import Storage
from tillkeeper.journal.writer import Done, Erase, Renew, Work, Writer

log = logging.getLogger(__name__)

MAX_WAITING = 1_024
"""Batches that wait for the disk; one more is Overloaded."""
MAX_RENEWALS = 3
"""New logs in one run; what asks for more is a fault that new logs do not cure."""
IDLE_S = 2.0
"""How long nothing must happen before the writer looks whether trouble is over and forgets old idempotency keys."""


class Journal(JournalReader):
    """Made by `open`; belongs to the event loop it was opened in, and all its methods to that loop's thread.

    `alarms`: what a person should know about its logs (a journal set aside, another machine, a log begun anew).
    `pragmas`: SQLite's settings in force on the writing connection. `incarnation`: of the log being written.
    """

    def __init__(
        self,
        path: Path,
        opened: Opened,
        reader: apsw.Connection,
        reserve: Reserve,
        who: Register,
        wall_ms: WallClock,
        new_id: IdSource,
        idle_s: float,
        vfs: str | None,
    ) -> None:
        super().__init__(path, reader)
        self.store, self.register = who.store, who.register
        self.alarms = opened.alarms
        for alarm in self.alarms:
            log.warning("%s", alarm)
        self.pragmas = read_pragmas(opened.connection)
        self._old_jobs = newest_job(opened.connection)
        """Those of this run come behind it (by `n`)."""
        self._machine_id, self._wall_ms, self._new_id = who.machine_id, wall_ms, new_id
        self._renewals = 0
        self._lock = opened.lock
        storage = Storage(path, opened.connection, _read_tail, reserve, vfs, "restart the agent: it checks the journal")
        writer = Writer(storage, wall_ms)
        self._handover: Handover[Work, Done, Tail] = Handover(
            path.name,
            storage,
            writer.write,
            idle=writer.while_idle,
            idle_s=idle_s,
            changed=lambda: None,
            ended=self._lock.release,
            max_waiting=MAX_WAITING,
        )

    @classmethod
    async def open(
        cls,
        path: Path,
        store: str,
        register: str,
        *,
        wall_ms: WallClock,
        new_id: IdSource,
        machine_id: str,
        vfs: str | None = None,
        reserve_bytes: int = RESERVE_BYTES,
        idle_s: float = IDLE_S,
        further: Further = lambda _doing: None,
    ) -> Self:
        """Open or make the journal at `path`; a damaged one is set aside and a new incarnation begins (see `alarms`).

        Beside it live `<path>-wal`, `-shm`, `.lock`, `.reserve` and, after damage, `.suspect`. `further` is called from another
        thread while the file is examined.

        Raises:
            JournalLocked, WrongJournal, JournalTooNew: nothing was touched.
            StorageRefused: the disk cannot be written.
        """
        reserve = Reserve(beside(path, ".reserve"), reserve_bytes)
        who = Register(store, register, machine_id)
        opened = await asyncio.to_thread(open_journal, path, who, wall_ms, new_id, reserve, vfs, further)
        try:
            reader = connect_reader(path, vfs)
            reader.execute("SELECT 1 FROM owner").fetchall()
        except apsw.Error as error:
            opened.connection.close(True)
            opened.lock.release()
            raise StorageRefused("open journal", path.name, str(error), "look at the disk") from error
        return cls(path, opened, reader, reserve, who, wall_ms, new_id, idle_s, vfs)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was accepted, copy the log into the file, let go of it. May be called twice."""
        if not self._handover.closing:
            # Before the writer, which then is the last one and puts the file in order. While the disk refuses, the writer has
            # no connection; then this one is the last and cannot do that.
            with contextlib.suppress(apsw.Error):
                self._reading.close(True)
        await self._handover.close()

    @property
    def incarnation(self) -> str:
        return self._handover.state.known.log.incarnation

    @property
    def last_seq(self) -> int:
        return self._handover.state.known.head.seq

    @property
    def head_hash(self) -> str:
        return self._handover.state.known.head.hash

    @property
    def trouble(self) -> str | None:
        """Why sales are refused right now, or None. Goes away by itself when the disk is well again, unless `damaged`."""
        return self._handover.state.trouble

    @property
    def damaged(self) -> bool:
        """The file was found damaged while in use, or the writer has died: only a restart gets selling going."""
        return self._handover.state.damaged

    async def writer_answers(self) -> None:
        """Returns once the writer's thread has come to it, behind all that waits; a full disk is an answer too. Raises:
        StorageRefused: the thread has ended."""
        await self._handover.answers()

    def suspect(self, cause: str) -> None:
        """Something read from here made no sense: the next start checks the whole file."""
        mark_suspect(self.path, cause)

    async def append(self, batch: Batch) -> Appended:
        """Write one batch; returns after it is on the disk (COMMIT with a full sync). If the caller is cancelled the batch may
        or may not have been written: ask again with the same idempotency key.

        Raises:
            Refused: code `card_number_in_text`; nothing was written.
            AlreadyDone: its idempotency key has been used.
            Overloaded: too much waits.
            StorageRefused: the disk is full or failed (see `trouble`); nothing of it counts, retrying is safe.
            BadBatch: it cannot be stored; a fault of ours.
        """
        try:
            prepared = prepare(batch)
        except (KeyError, TypeError, ValueError) as error:
            raise BadBatch("append", "batch", f"{type(error).__name__}: {error}") from error
        guard_batch("append", batch, ((event.type_name, event.body) for event in prepared.events))
        if any(personal_digest(text.salt, text.text) != text.digest for text in batch.personal):
            raise BadBatch("append", "a personal text", "it does not match its digest")
        done = await self._handover.submit("append", prepared)
        return Appended(done.head.seq, done.head.hash, done.log.incarnation)

    async def renew(self, reason: str, alarm: str = "") -> str:
        """Begin a new log in the same file, in the writer's turn; its incarnation. Batches handed over before are in the old
        log, those after in the new one; checks, jobs, codes and keys go on. Killed in the middle, the file has the old log
        alone or the new one as well. `reason` as in `IncarnationBegan`: where it says that the file may be an older copy, what
        waited when it was opened is `doubtful` from then on. `alarm`: what is added to `alarms`.

        Raises:
            TooManyRenewals: three logs began in this run already; nothing was done.
            Overloaded, StorageRefused: it is the old log still.
        """
        if self._renewals >= MAX_RENEWALS:
            hint = "see who else uses this register's name, and restart the agent"
            raise TooManyRenewals("begin a new log", self.register, f"{MAX_RENEWALS} began since the agent started", hint)
        self._renewals += 1
        if reason in DOUBTING:
            self._doubted = self._old_jobs  # at once: nothing is printed while the disk refuses to write it down
        try:
            new = Renew(self._new_id(), self._machine_id, reason, self._wall_ms(), self._old_jobs)
            done = await self._handover.submit("renew", new)
        except TillkeeperError:
            self._renewals -= 1
            raise
        if alarm:
            self.alarms = (*self.alarms, alarm)
        return done.log.incarnation

    async def doubt_jobs(self) -> None:
        """What waited when this file was opened may have been done since, by another register or by a later state of this one:
        it is `doubtful` from now on. A renewal for such a reason says so by itself.

        Raises: Overloaded, StorageRefused: it is so while this journal is open, and not written down.
        """
        self._doubted = self._old_jobs
        if self._old_jobs:
            await self.append(Batch(settings={JOBS_DOUBTED: str(self._old_jobs).encode()}))

    async def erase(self, digests: tuple[str, ...]) -> int:
        """Delete personal texts for good, from the file and from its log, and remember their digests; how many there were. The
        chain still verifies. The log is emptied before this returns, or where somebody reads the file, soon after that.
        Journals that were set aside are another matter (`privacy/scrub.py`).

        Raises: Overloaded, StorageRefused.
        """
        return (await self._handover.submit("erase", Erase(digests))).erased


def _read_tail(connection: apsw.Connection) -> Tail:
    log = read_logs(connection)[-1]
    return Tail(log, read_head(connection, log))
