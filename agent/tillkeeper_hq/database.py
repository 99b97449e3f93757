"""The way to the database: one thread that writes, with group commit, one that reads for registers, and one that looks things
up for people, who may ask much. Each has its own connection."""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

from tillkeeper.contract.envelope import HqAnswer
from tillkeeper_hq.ingest import Ingest, Taking
from tillkeeper_hq.sql import Backend, DatabaseAway, Sql, StoreFailed

logger = logging.getLogger(__name__)

QUEUE_JOBS = 256
"""Batches that wait for the writer; one more is answered 503."""
GROUP_BATCHES = 64

T = TypeVar("T")


class Overloaded(Exception):
    """The queue to the writer is full, or HQ is stopping."""


class _Job:
    """Something to write: a batch, which shares its transaction with others, or an act of its own."""

    def __init__(self, batch: Taking | None, act: Callable[[Sql], object] | None = None) -> None:
        self.batch, self.act = batch, act
        self.answer: Future[object] = Future()


class Database:
    """Use as a context manager. `write`, `change`, `read` and `look` may be called from any thread."""

    def __init__(self, backend: Backend, first_number: int = 1) -> None:
        self._backend = backend
        self._first_number = first_number
        self._jobs: queue.Queue[_Job | None] = queue.Queue(QUEUE_JOBS)
        self._writer = threading.Thread(target=self._run, name="hq-writer")
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="hq-reader")
        self._looking = ThreadPoolExecutor(1, thread_name_prefix="hq-looker")
        self._stopping = False
        self.turns = 0
        """How often the writing thread got something done: it grows, or the thread hangs or has nothing to do."""

    def __enter__(self) -> "Database":
        """Raises DatabaseUnusable."""
        with ExitStack() as opened:
            self._write_sql = self._backend.connect(reading=False)
            opened.callback(self._write_sql.close)
            self._read_sql = self._backend.connect(reading=True)
            opened.callback(self._read_sql.close)
            self._look_sql = self._backend.connect(reading=True)
            opened.callback(self._look_sql.close)
            self._opened = opened.pop_all()
        self._writer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Commits what is queued, then closes."""
        self._stopping = True
        self._jobs.put(None)
        self._writer.join()
        self._reading.shutdown()
        self._looking.shutdown()
        self._opened.close()

    @property
    def is_writing(self) -> bool:
        return self._writer.is_alive() and not self._stopping

    def write(self, batch: Taking) -> Future[HqAnswer]:
        """The future's answer comes after the commit. It raises StoreFailed.

        Raises:
            Overloaded: at once; nothing was queued.
        """
        return self._queued(_Job(batch))

    def change(self, act: Callable[[Sql], T]) -> "Future[T]":
        """`act` runs in the writing thread, in a transaction of its own; the future's answer comes after the commit. It raises
        StoreFailed, and whatever `act` raises; then nothing of it counts.

        Raises:
            Overloaded: at once; nothing was queued.
        """
        return self._queued(_Job(None, act))

    def _queued(self, job: _Job) -> "Future[T]":
        if not self.is_writing:
            raise Overloaded("HQ is stopping")
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Overloaded(f"{QUEUE_JOBS} batches wait for the database") from None
        return job.answer  # type: ignore[return-value]  # what the job answers, its caller knows

    def read(self, query: Callable[[Sql], T]) -> "Future[T]":
        """`query` runs in the reading thread, in one snapshot. The future raises StoreFailed."""
        return self._reading.submit(_in_snapshot, self._read_sql, query)

    def look(self, query: Callable[[Sql], T]) -> "Future[T]":
        """As `read`, for what people ask: it may take its time, no register waits for it."""
        return self._looking.submit(_in_snapshot, self._look_sql, query)

    def _run(self) -> None:
        try:
            ingest = Ingest(self._first_number)
            self._read_older(ingest)
            is_last = False
            while not is_last:
                group, is_last = self._next_group()
                self._store(ingest, [job for job in group if job.batch is not None])
                for job in group:
                    if job.act is not None:
                        self._do(job, job.act)
                if ingest.erased:
                    ingest.erased = not self._write_sql.forget()
        finally:
            self._stopping = True
            while not self._jobs.empty():
                job_left = self._jobs.get_nowait()
                if job_left is not None and job_left.answer.set_running_or_notify_cancel():
                    job_left.answer.set_exception(StoreFailed("HQ is stopping"))

    def _read_older(self, ingest: Ingest) -> None:
        """What an older HQ stored without knowing its type counts from now on."""
        try:
            with self._write_sql.transaction():
                readable = ingest.readable(self._write_sql)
            for log, type_name, version in readable:
                after_seq, more = 0, True
                while more:
                    with self._write_sql.transaction():
                        after_seq = ingest.read(self._write_sql, log, type_name, version, after_seq, _now_ms())
                    self.turns += 1
                    more = after_seq > 0
        except StoreFailed as error:
            logger.error("what an older HQ stored unread is read at the next start: %s", error)

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
        except DatabaseAway as error:
            for job in group:
                job.answer.set_exception(error)
        except StoreFailed:
            # One batch may be to blame for all: each for itself now.
            for job in group:
                try:
                    self._commit(ingest, [job])
                except StoreFailed as error:
                    job.answer.set_exception(error)
        finally:
            for job in group:
                if not job.answer.done():
                    job.answer.set_exception(StoreFailed("HQ is stopping"))

    def _commit(self, ingest: Ingest, group: list[_Job]) -> None:
        """One transaction, one sync, for the whole group; nobody is answered before it. Raises StoreFailed: nothing counts."""
        if not group:
            return
        try:
            with self._write_sql.transaction():
                answers = ingest.take(self._write_sql, [job.batch for job in group if job.batch is not None], _now_ms())
        finally:
            self.turns += 1
        for job, answer in zip(group, answers, strict=True):
            job.answer.set_result(answer)

    def _do(self, job: _Job, act: Callable[[Sql], object]) -> None:
        try:
            with self._write_sql.transaction():
                done = act(self._write_sql)
        except Exception as error:  # noqa: BLE001 - it is the asker's, and raised there
            job.answer.set_exception(error)
        else:
            job.answer.set_result(done)
        self.turns += 1


def _in_snapshot(sql: Sql, query: Callable[[Sql], T]) -> T:
    with sql.transaction(reading=True):
        return query(sql)


def _now_ms() -> int:
    """Wall clock."""
    return time.time_ns() // 1_000_000
