"""The journal of one register: the truth about what was sold. See `docs/code-flow.md` for its place."""

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType
from typing import Self

import apsw

from tillkeeper.clock import IdSource, WallClock
from tillkeeper.contract.chain import personal_digest
from tillkeeper.errors import Overloaded, StorageRefused, TillkeeperError
from tillkeeper.journal.commit import prepare
from tillkeeper.journal.database import connect_reader, read_pragmas
from tillkeeper.journal.faults import BadBatch
from tillkeeper.journal.files import beside, mark_suspect
from tillkeeper.journal.guard import guard_batch
from tillkeeper.journal.opening import Opened, Register, open_journal
from tillkeeper.journal.reader import JournalReader
from tillkeeper.journal.records import Appended, Batch
from tillkeeper.journal.reserve import RESERVE_BYTES, Reserve
from tillkeeper.journal.storage import Storage, StorageState
from tillkeeper.journal.writer import Done, Erase, Outcome, Outcomes, Work, Writer

MAX_WAITING = 1_024
"""Batches that wait for the disk; one more is Overloaded."""
IDLE_S = 2.0
"""How long nothing must happen before the writer looks whether trouble is over and forgets old idempotency keys."""


class Journal(JournalReader):
    """Made by `open`; belongs to the event loop it was opened in, and all its methods to that loop's thread.

    `alarms`: what a person should know about how it was opened (a journal set aside, another machine).
    `pragmas`: SQLite's settings in force on the writing connection. `incarnation`: of the log being written.
    """

    def __init__(
        self,
        path: Path,
        opened: Opened,
        reader: apsw.Connection,
        reserve: Reserve,
        wall_ms: WallClock,
        idle_s: float,
        vfs: str | None,
    ) -> None:
        super().__init__(path, reader)
        self.store, self.register, self.incarnation = opened.log.store, opened.log.register, opened.log.incarnation
        self.alarms = opened.alarms
        self.pragmas = read_pragmas(opened.connection)
        self._loop = asyncio.get_running_loop()
        self._lock = opened.lock
        storage = Storage(path, opened.log, opened.connection, reserve, vfs)
        self._state = storage.state
        self._waiting: dict[int, asyncio.Future[Done]] = {}
        self._ticket = 0
        self._closing = False
        self._ended = asyncio.Event()
        self._writer = Writer(opened.log, storage, self._deliver, self._end, wall_ms, idle_s)
        self._writer.start()

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
    ) -> Self:
        """Open or make the journal at `path`; a damaged one is set aside and a new incarnation begins (see `alarms`).

        Beside it live `<path>-wal`, `-shm`, `.lock`, `.reserve` and, after damage, `.suspect`.

        Raises:
            JournalLocked, WrongJournal, JournalTooNew: nothing was touched.
            StorageRefused: the disk cannot be written.
        """
        reserve = Reserve(beside(path, ".reserve"), reserve_bytes)
        who = Register(store, register, machine_id)
        opened = await asyncio.to_thread(open_journal, path, who, wall_ms, new_id, reserve, vfs)
        try:
            reader = connect_reader(path, vfs)
            reader.execute("SELECT 1 FROM owner").fetchall()
        except apsw.Error as error:
            opened.connection.close(True)
            opened.lock.release()
            raise StorageRefused("open journal", path.name, str(error), "look at the disk") from error
        return cls(path, opened, reader, reserve, wall_ms, idle_s, vfs)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what was accepted, copy the log into the file, let go of it. May be called twice."""
        if not self._closing:
            self._closing = True
            # Before the writer, which then is the last one and puts the file in order. While the disk refuses, the writer has
            # no connection; then this one is the last and cannot do that.
            with contextlib.suppress(apsw.Error):
                self._reading.close(True)
            self._writer.stop()
        await self._ended.wait()

    @property
    def last_seq(self) -> int:
        return self._state.head.seq

    @property
    def head_hash(self) -> str:
        return self._state.head.hash

    @property
    def trouble(self) -> str | None:
        """Why sales are refused right now, or None. Goes away by itself when the disk is well again, unless `damaged`."""
        return self._state.trouble

    @property
    def damaged(self) -> bool:
        """The file was found damaged while in use, or the writer has died: only a restart gets selling going."""
        return self._state.damaged

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
        done = await self._submit("append", prepared)
        return Appended(done.head.seq, done.head.hash)

    async def erase(self, digests: tuple[str, ...]) -> int:
        """Delete personal texts for good, from the file and from its log; how many there were. The chain still verifies.
        Journals that were set aside are not touched: they are read-only evidence and named in `alarms`.

        Raises: Overloaded, StorageRefused.
        """
        return (await self._submit("erase", Erase(digests))).erased

    def _submit(self, operation: str, work: Work) -> asyncio.Future[Done]:
        if self._closing or self._ended.is_set():
            raise StorageRefused(operation, self.path.name, "the journal is closed", "the agent is stopping")
        if len(self._waiting) >= MAX_WAITING:
            raise Overloaded(operation, self.path.name, f"{MAX_WAITING} batches wait for the disk", "try again in a moment")
        self._ticket += 1
        future = self._waiting[self._ticket] = self._loop.create_future()
        self._writer.submit(self._ticket, work)
        return future

    # --- called in the writer's thread ---

    def _deliver(self, outcomes: Outcomes, state: StorageState) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take, outcomes, state)

    def _end(self) -> None:
        self._lock.release()
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._take_end)

    # --- back in the loop's thread ---

    def _take(self, outcomes: Outcomes, state: StorageState) -> None:
        self._state = state
        for ticket, outcome in outcomes:
            self._settle(self._waiting.pop(ticket), outcome)

    def _take_end(self) -> None:
        for future in self._waiting.values():
            self._settle(future, StorageRefused("append", self.path.name, "the writer has stopped", "restart the agent"))
        self._waiting.clear()
        if not self._closing:  # a fault of ours: a restart is what helps
            self._state = self._state._replace(trouble="the writer has stopped", damaged=True)
        self._ended.set()

    @staticmethod
    def _settle(future: asyncio.Future[Done], outcome: Outcome) -> None:
        if future.done():
            return  # the caller went away
        if isinstance(outcome, TillkeeperError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
