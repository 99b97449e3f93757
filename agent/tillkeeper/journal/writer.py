"""The one thread that writes the journal: group commit.

All batches that wait are written in one transaction, each under its own savepoint, so that a bad one fails alone. A batch is
answered after COMMIT returned, which with `synchronous=FULL` is after the sync.
"""

import queue
import threading
from collections.abc import Callable
from typing import NamedTuple

import apsw

from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.journal.commit import Head, Log, Prepared, prune_commands, write_batch
from tillkeeper.journal.faults import AlreadyDone, BadBatch
from tillkeeper.journal.storage import Storage, StorageState

MAX_GROUP = 256
"""Batches in one transaction."""


class Erase(NamedTuple):
    """Delete personal texts and every trace of them in the file and its log."""

    digests: tuple[str, ...]


Work = Prepared | Erase
class Done(NamedTuple):
    """`head`: the end of the log after the work. `erased`: texts that it deleted."""

    head: Head
    erased: int = 0


Outcome = Done | TillkeeperError
Outcomes = list[tuple[int, Outcome]]
_BATCH_FAULTS = (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError, AlreadyDone, ValueError, OverflowError, TypeError)


class Writer:
    """`deliver(outcomes, state)` is called in the thread after each group, with the tickets that `submit` was given; `ended`
    is the last call of all. The caller bounds how much waits."""

    def __init__(
        self,
        log: Log,
        storage: Storage,
        deliver: Callable[[Outcomes, StorageState], None],
        ended: Callable[[], None],
        now_ms: Callable[[], int],
        idle_s: float,
    ) -> None:
        self._log, self._storage, self._idle_s = log, storage, idle_s
        self._deliver, self._ended, self._now_ms = deliver, ended, now_ms
        self._waiting: queue.SimpleQueue[tuple[int, Work] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, ticket: int, work: Work) -> None:
        self._waiting.put((ticket, work))

    def stop(self) -> None:
        """Finish what waits, then end."""
        self._waiting.put(None)

    def join(self) -> None:
        self._thread.join()

    def _run(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            self._storage.close()
            self._ended()

    def _turn(self) -> bool:
        """Write one group. False once there is nothing more to come."""
        try:
            item = self._waiting.get(timeout=self._idle_s)
        except queue.Empty:
            self._while_idle()
            return True
        group = []
        while item is not None:
            group.append(item)
            if len(group) == MAX_GROUP or self._waiting.empty():
                break
            item = self._waiting.get()
        if group:
            outcomes = self._write(group)
            told = self._storage.state
            self._deliver(outcomes, told)
            self._storage.checkpoint()
            if self._storage.state != told:
                self._deliver([], self._storage.state)
        return item is not None

    def _while_idle(self) -> None:
        before = self._storage.state
        self._storage.recover()
        if self._storage.trouble is None:
            self._storage.attempt(lambda connection: prune_commands(connection, self._now_ms()))
        if self._storage.state != before:
            self._deliver([], self._storage.state)

    def _write(self, group: list[tuple[int, Work]]) -> Outcomes:
        storage = self._storage
        if storage.out_of_space:
            storage.hold_reserve()
        outcomes: Outcomes = [(ticket, self._erase(work)) for ticket, work in group if isinstance(work, Erase)]
        batches = [(ticket, work) for ticket, work in group if isinstance(work, Prepared)]
        sales = [entry for entry in batches if entry[1].batch.command is not None]
        others = [entry for entry in batches if entry[1].batch.command is None]
        if not storage.out_of_space:
            done = self._together(batches)
            if not storage.out_of_space:
                return outcomes + done
            # The reserve has just been given up: what is no sale gets a second chance with that room.
        outcomes += [(ticket, storage.refusal()) for ticket, _ in sales]
        return outcomes + self._together(others)

    def _together(self, batches: list[tuple[int, Prepared]]) -> Outcomes:
        if not batches:
            return []
        done = self._storage.attempt(lambda connection: self._transaction(connection, [work for _, work in batches]))
        if isinstance(done, StorageRefused):
            return [(ticket, self._storage.refusal()) for ticket, _ in batches]  # each caller raises its own
        return [(ticket, outcome) for (ticket, _), outcome in zip(batches, done, strict=True)]

    def _transaction(self, connection: apsw.Connection, works: list[Prepared]) -> list[Outcome]:
        head = self._storage.head
        outcomes: list[Outcome] = []
        connection.execute("BEGIN IMMEDIATE")
        for work in works:
            if len(works) > 1:
                connection.execute("SAVEPOINT batch")
            try:
                head = write_batch(connection, self._log, head, work)
                outcomes.append(Done(head))
            except AlreadyDone as error:
                outcomes.append(error)
            except _BATCH_FAULTS as error:
                outcomes.append(BadBatch("append", self._log.register, str(error)))
            if len(works) > 1:
                if isinstance(outcomes[-1], TillkeeperError):
                    connection.execute("ROLLBACK TO batch")
                connection.execute("RELEASE batch")
        failed_alone = len(works) == 1 and isinstance(outcomes[0], TillkeeperError)
        connection.execute("ROLLBACK" if failed_alone else "COMMIT")
        self._storage.written(head)
        return outcomes

    def _erase(self, work: Erase) -> Outcome:
        def delete(connection: apsw.Connection) -> Done:
            with connection:
                erased = 0
                for digest in work.digests:
                    connection.execute("DELETE FROM personal WHERE digest = ?", (digest,))
                    erased += connection.changes()
            # Older pages with the text are in the log until it is emptied.
            self._storage.empty_log(connection)
            self._storage.written(self._storage.head)
            return Done(self._storage.head, erased)

        return self._storage.attempt(delete)
