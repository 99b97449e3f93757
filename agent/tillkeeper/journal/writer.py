"""What the one thread that writes the journal does with a group of work: group commit.

All batches of a group are written in one transaction, each under its own savepoint, so that a bad one fails alone. A batch is
answered after COMMIT returned, which with `synchronous=FULL` is after the sync. A renewal parts the group: what came before it
is in the old log, what comes after it in the new one.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import apsw

from tillkeeper.contract.events import IncarnationBegan
from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.journal.commit import Head, Log, Prepared, Tail, forget, prune_commands, write_batch
from tillkeeper.journal.faults import AlreadyDone, BadBatch
from tillkeeper.journal.incarnations import begin
from tillkeeper.journal.storage import Storage


class Erase(NamedTuple):
    """Delete personal texts and every trace of them in the file and its log."""

    digests: tuple[str, ...]


class Renew(NamedTuple):
    """Begin a new log, `incarnation`, in the same file. `old_jobs` as of `incarnations.begin`."""

    incarnation: str
    machine_id: str
    reason: str
    at_ms: int
    old_jobs: int


Work = Prepared | Erase | Renew


class Done(NamedTuple):
    """`log` and `head`: where the work ended. `erased`: texts that it deleted."""

    log: Log
    head: Head
    erased: int = 0


Outcome = Done | TillkeeperError
_BATCH_FAULTS = (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError, AlreadyDone, ValueError, OverflowError, TypeError)


class Writer:
    """All methods run in the writer's thread."""

    def __init__(self, storage: Storage[Tail], now_ms: Callable[[], int]) -> None:
        self._storage, self._now_ms = storage, now_ms

    def while_idle(self) -> None:
        if self._storage.trouble is None:
            self._storage.attempt(lambda connection: prune_commands(connection, self._now_ms()))

    def write(self, group: Sequence[Work]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        part: list[Prepared | Erase] = []
        for work in group:
            if isinstance(work, Renew):
                outcomes += self._write(part)
                part = []
                outcomes.append(self._renew(work))
            else:
                part.append(work)
        return outcomes + self._write(part)

    def _write(self, group: list[Prepared | Erase]) -> list[Outcome]:
        if not group:
            return []
        storage = self._storage
        if storage.out_of_space:
            storage.hold_reserve()
        found: dict[int, Outcome] = {at: self._erase(work) for at, work in enumerate(group) if isinstance(work, Erase)}
        batches = {at: work for at, work in enumerate(group) if isinstance(work, Prepared)}
        if not storage.out_of_space:
            found |= self._together(batches)
        if storage.out_of_space:
            # The reserve is given up: what is no sale is written, or gets a second chance, with that room.
            others = {at: work for at, work in batches.items() if work.batch.command is None}
            found |= {at: storage.refusal() for at in batches if at not in others}
            found |= self._together(others)
        return [found[at] for at in range(len(group))]

    def _together(self, batches: dict[int, Prepared]) -> dict[int, Outcome]:
        if not batches:
            return {}
        done = self._storage.attempt(lambda connection: self._transaction(connection, list(batches.values())))
        if isinstance(done, StorageRefused):
            return {at: self._storage.refusal() for at in batches}  # each caller raises its own
        return dict(zip(batches, done, strict=True))

    def _transaction(self, connection: apsw.Connection, works: list[Prepared]) -> list[Outcome]:
        log, head = self._storage.known
        outcomes: list[Outcome] = []
        connection.execute("BEGIN IMMEDIATE")
        for work in works:
            if len(works) > 1:
                connection.execute("SAVEPOINT batch")
            try:
                head = write_batch(connection, log, head, work)
                outcomes.append(Done(log, head))
            except AlreadyDone as error:
                outcomes.append(error)
            except _BATCH_FAULTS as error:
                outcomes.append(BadBatch("append", log.register, str(error)))
            if len(works) > 1:
                if isinstance(outcomes[-1], TillkeeperError):
                    connection.execute("ROLLBACK TO batch")
                connection.execute("RELEASE batch")
        failed_alone = len(works) == 1 and isinstance(outcomes[0], TillkeeperError)
        connection.execute("ROLLBACK" if failed_alone else "COMMIT")
        self._storage.written(Tail(log, head))
        return outcomes

    def _erase(self, work: Erase) -> Outcome:
        def delete(connection: apsw.Connection) -> Done:
            with connection:
                erased = forget(connection, work.digests)
            self._storage.leave_no_trace(connection)
            self._storage.written(self._storage.known)
            return Done(*self._storage.known, erased)

        return self._storage.attempt(delete)

    def _renew(self, work: Renew) -> Outcome:
        def renew(connection: apsw.Connection) -> Done:
            old = self._storage.known
            log = old.log._replace(log_no=old.log.log_no + 1, incarnation=work.incarnation)
            began = IncarnationBegan(
                reason=work.reason, previous_incarnation=old.log.incarnation, previous_last_seq=old.head.seq
            )
            with connection:
                head = begin(connection, log, work.machine_id, began, work.at_ms, work.old_jobs)
            self._storage.written(Tail(log, head))
            return Done(log, head)

        return self._storage.attempt(renew)
