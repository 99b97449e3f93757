"""The database: one thread that writes, with group commit, and one connection that reads."""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

import apsw

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper_hq.ingest import Ingest

FILE_NAME = "hq.sqlite3"
QUEUE_BATCHES = 256
"""Batches that wait for the writer; one more is answered 503."""
GROUP_BATCHES = 64
SCHEMA_VERSION = 1

T = TypeVar("T")


class DatabaseUnusable(Exception):
    """The file cannot be opened, or another version of HQ made it."""


class StoreFailed(Exception):
    """A commit failed (disk full, I/O error): nothing of the batch is stored, sending it again is safe."""


class Overloaded(Exception):
    """The queue to the writer is full, or HQ is stopping."""


class _Job:
    def __init__(self, batch: HqBatch) -> None:
        self.batch = batch
        self.answer: Future[HqAnswer] = Future()


class Database:
    """Use as a context manager. `write` may be called from any thread, `read` from coroutines through the future."""

    def __init__(self, folder: Path, first_number: int = 1) -> None:
        self._path = folder / FILE_NAME
        self._first_number = first_number
        self._jobs: queue.Queue[_Job | None] = queue.Queue(QUEUE_BATCHES)
        self._writer = threading.Thread(target=self._run, name="hq-writer")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="hq-reader")
        self._stopping = False

    def __enter__(self) -> "Database":
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._write_db = _open(self._path)
            self._read_db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        except (OSError, apsw.Error) as error:
            raise DatabaseUnusable(f"{self._path}: {error}") from error
        self._read_db.set_busy_timeout(5_000)
        self._writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Commits what is queued, then closes."""
        self._stopping = True
        self._jobs.put(None)
        self._writer.join()
        self._reading.shutdown()
        self._read_db.close()
        self._write_db.close()

    @property
    def is_writing(self) -> bool:
        return self._writer.is_alive() and not self._stopping

    def write(self, batch: HqBatch) -> Future[HqAnswer]:
        """The future's answer comes after the commit. It raises StoreFailed.

        Raises:
            Overloaded: at once; nothing was queued.
        """
        if not self.is_writing:
            raise Overloaded("HQ is stopping")
        job = _Job(batch)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Overloaded(f"{QUEUE_BATCHES} batches wait for the disk") from None
        return job.answer

    def read(self, query: Callable[[apsw.Connection], T]) -> Future[T]:
        """`query` runs in the reading thread, in one snapshot."""
        return self._reading.submit(self._in_snapshot, query)

    def _in_snapshot(self, query: Callable[[apsw.Connection], T]) -> T:
        self._read_db.execute("BEGIN")
        try:
            return query(self._read_db)
        finally:
            self._read_db.execute("ROLLBACK")

    def _run(self) -> None:
        try:
            ingest = Ingest(self._write_db, self._first_number)
            is_last = False
            while not is_last:
                group, is_last = self._next_group()
                self._store(ingest, group)
        finally:
            self._stopping = True
            while not self._jobs.empty():
                job = self._jobs.get_nowait()
                if job is not None and job.answer.set_running_or_notify_cancel():
                    job.answer.set_exception(StoreFailed("HQ is stopping"))

    def _next_group(self) -> tuple[list[_Job], bool]:
        """What waits, up to a bound, and whether it is the last. Blocks for the first."""
        group: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            # From here on the asking coroutine may be cancelled, its future not: the answer is then for nobody.
            if job.answer.set_running_or_notify_cancel():
                group.append(job)
            if len(group) == GROUP_BATCHES:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _store(self, ingest: Ingest, group: list[_Job]) -> None:
        try:
            self._commit(ingest, group)
        except apsw.Error:
            # One batch may be to blame for all: each for itself now.
            for job in group:
                try:
                    self._commit(ingest, [job])
                except apsw.Error as error:
                    job.answer.set_exception(StoreFailed(str(error)))
        finally:
            for job in group:
                if not job.answer.done():
                    job.answer.set_exception(StoreFailed("HQ is stopping"))

    def _commit(self, ingest: Ingest, group: list[_Job]) -> None:
        """One transaction, one sync, for the whole group; nobody is answered before it. Raises apsw.Error: nothing counts."""
        if not group:
            return
        now_ms = time.time_ns() // 1_000_000
        self._write_db.execute("BEGIN IMMEDIATE")
        try:
            answers = [ingest.take(job.batch, now_ms) for job in group]
            self._write_db.execute("COMMIT")
        finally:
            if self._write_db.in_transaction:
                self._write_db.execute("ROLLBACK")
        for job, answer in zip(group, answers, strict=True):
            job.answer.set_result(answer)


def _open(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.set_busy_timeout(5_000)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA journal_size_limit = 16777216")
    db.execute("PRAGMA foreign_keys = ON")
    version = db.execute("PRAGMA user_version").get
    if version not in (0, SCHEMA_VERSION):
        db.close()
        raise DatabaseUnusable(f"{path.name}: schema version {version}, this HQ knows {SCHEMA_VERSION}")
    with db:
        db.execute((files("tillkeeper_hq") / "schema.sql").read_text(encoding="utf-8"))
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    return db
