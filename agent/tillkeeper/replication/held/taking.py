"""What the writer's thread does with batches of others' logs: each event is judged by the one rule (`contract/placing.py`) and
kept, a group of batches in one transaction."""

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec

from tillkeeper.contract.chain import personal_digest
from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch, SignedHead
from tillkeeper.contract.placing import BROKEN, Held, Kept, Placed, place
from tillkeeper.contract.privacy import erasures
from tillkeeper.errors import Refused, StorageRefused, TillkeeperError
from tillkeeper.journal.commit import forget
from tillkeeper.journal.storage import Storage
from tillkeeper.replication.held.rows import LOG_SHIFT, HeldLog, Known, packed, unpacked
from tillkeeper.replication.model import LogId, breaks_after

MAX_REJECTED = 100_000
"""Events of one log in quarantine. Nothing is pruned there; who sends more waits."""
MAX_LOGS = 1_000
"""Logs of one register: each is a restored, re-imaged or renewed machine."""


class Take(NamedTuple):
    batch: HqBatch
    now_ms: int
    last_accepted: int | None
    heads: tuple[SignedHead, ...] = ()
    """Signatures over more of its events than the last."""


class EraseTexts(NamedTuple):
    digests: tuple[str, ...]


class BeginAnew(NamedTuple):
    """Set the damaged file aside and begin another; `make` does both."""

    make: Callable[[], apsw.Connection]


Work = Take | EraseTexts | BeginAnew


class Did(NamedTuple):
    """`answer` to a batch; `erased`: texts; `learned`: digests of texts that its events say are to be erased."""

    answer: HqAnswer = HqAnswer(0)
    erased: int = 0
    learned: tuple[str, ...] = ()


Outcome = Did | TillkeeperError


class Taker:
    """All methods run in the writer's thread. `min_free_bytes`: what is left to the journal on their disk."""

    def __init__(self, path: Path, storage: Storage[Known], min_free_bytes: int) -> None:
        self._path, self._storage, self._min_free_bytes = path, storage, min_free_bytes

    def write(self, group: Sequence[Work]) -> list[Outcome]:
        takes = {at: work for at, work in enumerate(group) if isinstance(work, Take)}
        found = self._together(takes)
        for at, work in enumerate(group):
            if isinstance(work, EraseTexts):
                found[at] = self._erase(work)
            elif isinstance(work, BeginAnew):
                found[at] = self._begin_anew(work)
        return [found[at] for at in range(len(group))]

    def _together(self, takes: dict[int, Take]) -> dict[int, Outcome]:
        if not takes:
            return {}
        done = self._storage.attempt(lambda connection: self._transaction(connection, list(takes.values())))
        if isinstance(done, StorageRefused):
            return {at: self._storage.refusal() for at in takes}
        return dict(zip(takes, done, strict=True))

    def _transaction(self, connection: apsw.Connection, takes: list[Take]) -> list[Outcome]:
        self._leave_room()
        known = dict(self._storage.known)
        outcomes: list[Outcome] = []
        connection.execute("BEGIN IMMEDIATE")
        for work in takes:
            try:
                taking = _Taking(connection, known, work)
                outcomes.append(Did(taking.answer(), 0, tuple(taking.learned)))
            except Refused as error:
                outcomes.append(error)
        connection.execute("COMMIT")
        self._storage.written(known)
        if any(isinstance(done, Did) and done.learned for done in outcomes):
            self._storage.leave_no_trace(connection)
        return outcomes

    def _leave_room(self) -> None:
        """Raises: StorageRefused."""
        try:
            found = os.statvfs(self._path.parent)
        except OSError as error:
            raise StorageRefused("take", self._path.name, str(error), "look at the disk") from error
        if found.f_bavail * found.f_frsize < self._min_free_bytes:
            cause = f"less than {self._min_free_bytes // 2**20} MiB are free, which are kept for selling"
            raise StorageRefused("take", self._path.name, cause, "make room on the disk")

    def _erase(self, work: EraseTexts) -> Outcome:
        def delete(connection: apsw.Connection) -> Did:
            with connection:
                erased = forget(connection, work.digests)
            self._storage.leave_no_trace(connection)
            self._storage.written(self._storage.known)
            return Did(erased=erased)

        return self._storage.attempt(delete)

    def _begin_anew(self, work: BeginAnew) -> Outcome:
        try:
            self._storage.begin_anew(work.make)
        except (apsw.Error, OSError) as error:
            return StorageRefused("begin anew", self._path.name, str(error), "look at the disk")
        return Did()


class _Taking:
    """One batch. `known` is changed once all of it is in the transaction."""

    def __init__(self, connection: apsw.Connection, known: Known, work: Take) -> None:
        self._db, self._known, self._work = connection, known, work
        batch = work.batch
        self._log = LogId(batch.register, batch.incarnation)
        found = known.get(self._log)
        if found is None:
            if sum(log.register == batch.register for log in known) >= MAX_LOGS:
                cause = f"{MAX_LOGS} logs of it are held"
                raise Refused("too_many_logs", "take", f"a new log of register {batch.register[:64]}", cause)
            found = HeldLog(self._begin(), Held(), 0, None)
        self._was = found
        self.learned: list[str] = []
        self._held, self._rejected, self._head, self._breaks = found.held, found.rejected, found.head, found.breaks

    def answer(self) -> HqAnswer:
        verdicts = tuple(map(self._take, self._work.batch.events))
        for head in (*self._work.heads, self._work.batch.head):
            if head is not None:
                self._keep_head(head)
        after = HeldLog(self._was.log_no, self._held, self._rejected, self._head, self._breaks)
        if after != self._was:
            self._db.execute(
                "UPDATE logs SET held_seq = ?, head_hash = ?, rejected = ? WHERE log_no = ?",
                (self._held.held_seq, packed(self._held.head_hash), self._rejected, after.log_no),
            )
        self._known[self._log] = after
        return HqAnswer(self._held.held_seq, verdicts, (), self._work.now_ms)

    def _begin(self) -> int:
        sql = "INSERT INTO logs (register, incarnation, held_seq, head_hash, rejected) VALUES (?, ?, 0, ?, 0)"
        self._db.execute(sql, (*self._log, packed(Held().head_hash)))
        return self._db.last_insert_rowid()

    def _take(self, envelope: Envelope) -> EventVerdict:
        placed = place(self._held, envelope, self._kept_at, self._work.last_accepted)
        if placed.keeps == "nothing":
            return EventVerdict(envelope.seq, placed.verdict, placed.reason)
        aside = None
        if placed.keeps != "log":
            if self._rejected >= MAX_REJECTED:
                return EventVerdict(envelope.seq, "retryable", f"{MAX_REJECTED} events of this log are in quarantine")
            aside = self._put_aside(envelope, placed)
        if placed.keeps != "quarantine":
            self._insert(envelope, aside)
            if placed.reason == BROKEN:
                self._breaks = breaks_after(self._breaks, envelope.seq, self._held.head_hash, _content(envelope)[1])
            self._held = placed.held
        if placed.keeps == "log" and (digests := erasures(placed.event)):
            forget(self._db, digests)
            self.learned += digests
        return EventVerdict(envelope.seq, placed.verdict, placed.reason)

    def _kept_at(self, seq: int) -> Kept | None:
        sql = "SELECT hash, reason FROM events LEFT JOIN quarantine ON n = aside WHERE id = ?"
        row = self._db.execute(sql, (self._was.base + seq,)).fetchone()
        return None if row is None else Kept(unpacked(row[0]), row[1] or "")

    def _insert(self, envelope: Envelope, aside: int | None) -> None:
        event_id = self._was.base + envelope.seq
        sql = "INSERT INTO events (id, type, version, business_day, at_ms, body, hash, aside) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        if aside is not None:
            self._db.execute(sql, (event_id, "", 0, "", 0, "", packed(envelope.hash), aside))
            return
        e = envelope
        self._db.execute(sql, (event_id, e.type, e.version, e.business_day, e.at_ms, e.body, packed(e.hash), None))
        self._keep_texts(envelope, event_id)

    def _put_aside(self, envelope: Envelope, placed: Placed) -> int:
        """Keep it visible, once per content; its `n`."""
        bare, digest = _content(envelope)
        found = self._db.execute("SELECT n FROM quarantine WHERE log_no = ? AND digest = ?", (self._was.log_no, digest)).get
        if found is not None:
            return int(found)
        self._db.execute(
            "INSERT INTO quarantine (log_no, digest, reason, detail, received_ms, in_log, envelope, key, signature)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, '', '')",
            (
                self._was.log_no,
                digest,
                placed.reason,
                placed.detail[:500],
                self._work.now_ms,
                int(placed.keeps == "both"),
                bare,
            ),
        )
        n = self._db.last_insert_rowid()
        self._rejected += 1
        self._keep_texts(envelope, -n)
        return n

    def _keep_texts(self, envelope: Envelope, place_of: int) -> None:
        for digest, (salt, text) in envelope.personal.items():
            if personal_digest(salt, text) != digest:
                continue  # not the text that the chain speaks of
            if self._db.execute("SELECT 1 FROM erased WHERE digest = ?", (digest,)).get:
                continue
            self._db.execute("INSERT OR IGNORE INTO personal (digest, salt, text) VALUES (?, ?, ?)", (digest, salt, text))
            self._db.execute("INSERT OR IGNORE INTO mentions (place, digest) VALUES (?, ?)", (place_of, digest))

    def _keep_head(self, head: SignedHead) -> None:
        """The signature, with the event that it is over: in the log, or in quarantine."""
        in_place = self._kept_at(head.seq) if head.seq <= self._held.held_seq else None
        if in_place is not None and in_place.hash == head.hash:
            sql = "INSERT OR IGNORE INTO heads (id, key, signature) VALUES (?, ?, ?)"
            self._db.execute(sql, ((self._was.log_no << LOG_SHIFT) + head.seq, head.key, head.signature))
            if self._head is None or self._head.seq < head.seq:
                self._head = head
            return
        last = self._work.batch.events[-1]
        if (head.seq, head.hash) != (last.seq, last.hash):
            return
        self._db.execute(
            "UPDATE quarantine SET key = ?, signature = ? WHERE log_no = ? AND digest = ? AND key = ''",
            (head.key, head.signature, self._was.log_no, _content(last)[1]),
        )


def _content(envelope: Envelope) -> tuple[bytes, bytes]:
    """As it came, but for the texts beside the chain, and the SHA-256 of that."""
    bare = msgspec.json.encode(msgspec.structs.replace(envelope, personal={}))
    return bare, hashlib.sha256(bare).digest()
