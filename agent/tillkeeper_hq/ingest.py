"""Takes a batch into the database: each event judged, placed and folded, all inside the caller's transaction.

A verdict never depends on how often an event was sent before: sending again is always safe.
"""

import hashlib

import apsw
import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.books import postings
from tillkeeper.contract.chain import GENESIS, personal_digest
from tillkeeper.contract.envelope import Envelope, EventVerdict, HqAnswer, HqBatch, NumberAssigned
from tillkeeper.contract.events import CheckClosed, CheckNumbered, CheckOpened, CheckVoided, RefundRecorded
from tillkeeper.contract.placing import MAX_INT, Held, Kept, place, read_event

TAKEN = "number_taken"


class _Log:
    """A row of `logs` while a batch is being taken in."""

    def __init__(self, db: apsw.Connection, batch: HqBatch, now_ms: int) -> None:
        key = (batch.store, batch.register, batch.incarnation)
        db.execute(
            "INSERT INTO logs (store, register, incarnation, head_hash, last_seen_ms) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET last_seen_ms = excluded.last_seen_ms",
            (*key, GENESIS, now_ms),
        )
        row: tuple[int, int, str] = db.execute(
            "SELECT log_id, held_seq, head_hash FROM logs WHERE store = ? AND register = ? AND incarnation = ?", key
        ).get
        self.log_id = row[0]
        self.held = Held(*row[1:])
        self.store = batch.store

    def save(self, db: apsw.Connection) -> None:
        db.execute("UPDATE logs SET held_seq = ?, head_hash = ? WHERE log_id = ?", (*self.held, self.log_id))


class Ingest:
    """`first_number`: where a store's check numbers begin; raised after a loss of the database, so that none is used twice."""

    def __init__(self, db: apsw.Connection, first_number: int) -> None:
        self._db = db
        self._first_number = first_number

    def take(self, batch: HqBatch, now_ms: int) -> HqAnswer:
        """`now_ms`: wall clock, for stamps. The caller has checked that the batch is the sender's own.

        Raises:
            apsw.Error: the database refused; the caller rolls back, and nothing of the batch counts.
        """
        log = _Log(self._db, batch, now_ms)
        verdicts = tuple(self._place(log, envelope, now_ms) for envelope in batch.events)
        log.save(self._db)
        stored = {v.seq for v in verdicts if v.verdict == "stored"}
        opened = [e for e in batch.events if e.type == "check_opened" and e.seq in stored]
        return HqAnswer(log.held.held_seq, verdicts, self._numbers(log, opened), now_ms)

    def _place(self, log: _Log, envelope: Envelope, now_ms: int) -> EventVerdict:
        placed = place(log.held, envelope, lambda seq: self._kept_at(log, seq))
        log.held = placed.held
        if placed.keeps in ("log", "both"):
            self._insert(log, envelope, placed.reason)
        if placed.keeps in ("quarantine", "both"):
            self._quarantine(log, envelope, placed.reason, placed.detail, placed.event, now_ms)
        elif placed.keeps == "log":
            self._keep_texts(log, envelope)
            if placed.event is not None:
                self._post(log.store, placed.event, envelope.business_day, quarantined=False)
                self._fold(log, envelope, placed.event, now_ms)
        return EventVerdict(envelope.seq, placed.verdict, placed.reason)

    def _kept_at(self, log: _Log, seq: int) -> Kept | None:
        row: tuple[str, str] | None = self._db.execute(
            "SELECT hash, rejected FROM events WHERE log_id = ? AND seq = ?", (log.log_id, seq)
        ).get
        return None if row is None else Kept(*row)

    def _insert(self, log: _Log, envelope: Envelope, reason: str) -> None:
        self._db.execute(
            "INSERT INTO events (log_id, seq, hash, prev_hash, type, version, business_day, at_ms, body, rejected)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                log.log_id,
                envelope.seq,
                envelope.hash,
                envelope.prev_hash,
                envelope.type,
                max(-MAX_INT, min(envelope.version, MAX_INT)),
                envelope.business_day,
                max(-MAX_INT, min(envelope.at_ms, MAX_INT)),
                envelope.body.encode(),
                reason,
            ),
        )

    def _keep_texts(self, log: _Log, envelope: Envelope) -> None:
        for digest, (salt, text) in envelope.personal.items():
            if personal_digest(salt, text) != digest:
                continue  # not the text that the chain speaks of
            self._db.execute(
                "INSERT INTO personal (log_id, seq, digest, salt, text) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (log.log_id, envelope.seq, digest, salt, text),
            )

    def _quarantine(self, log: _Log, envelope: Envelope, reason: str, detail: str, event: Event | None, now_ms: int) -> None:
        """Keep it visible, once. Its money counts beside the books where it can be read."""
        bare = msgspec.json.encode(msgspec.structs.replace(envelope, personal={}))
        self._db.execute(
            "INSERT INTO quarantine (log_id, seq, digest, reason, detail, envelope, received_ms) VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (
                log.log_id,
                max(-MAX_INT, envelope.seq),
                hashlib.sha256(bare).digest(),
                reason,
                detail[:500],
                bare,
                now_ms,
            ),
        )
        if self._db.changes() == 0:
            return
        self._keep_texts(log, envelope)
        self._db.execute("UPDATE logs SET rejected = rejected + 1 WHERE log_id = ?", (log.log_id,))
        if event is not None:
            self._post(log.store, event, envelope.business_day, quarantined=True)

    def _post(self, store: str, event: Event, business_day: str, *, quarantined: bool) -> None:
        for account, amount in postings(event, business_day):
            self._db.execute(
                "INSERT INTO books (store, quarantined, business_day, kind, name, amount) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
                (store, int(quarantined), account.business_day, account.kind, account.name, amount),
            )

    def _fold(self, log: _Log, envelope: Envelope, event: Event, now_ms: int) -> None:
        """The directory of checks."""
        match event:
            case CheckOpened():
                self._open(log, envelope, event)
            case CheckNumbered():
                self._adopt_number(log, envelope, event, now_ms)
            case CheckClosed():
                self._db.execute(
                    "UPDATE checks SET state = 'closed', totals = ? WHERE store = ? AND check_id = ?",
                    (msgspec.json.encode(event.totals), log.store, event.check_id),
                )
            case CheckVoided():
                self._db.execute(
                    "UPDATE checks SET state = 'voided' WHERE store = ? AND check_id = ?", (log.store, event.check_id)
                )
            case RefundRecorded():
                self._db.execute(
                    "UPDATE checks SET refunded_minor = refunded_minor + ? WHERE store = ? AND check_id = ?",
                    (event.amount_minor, log.store, event.check_id),
                )
            case _:
                return

    def _open(self, log: _Log, envelope: Envelope, event: CheckOpened) -> None:
        if event.training or self._number(log, event.check_id) is not None:  # practice is in no directory and gets no number
            return
        number: int = self._db.execute(
            "INSERT INTO stores (store, next_number) VALUES (?, ? + 1)"
            " ON CONFLICT DO UPDATE SET next_number = next_number + 1 RETURNING next_number - 1",
            (log.store, self._first_number),
        ).get
        self._db.execute(
            "INSERT INTO checks (store, check_id, number, log_id, opened_seq, ticket_code, business_day)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (log.store, event.check_id, number, log.log_id, envelope.seq, event.ticket_code, envelope.business_day),
        )

    def _adopt_number(self, log: _Log, envelope: Envelope, event: CheckNumbered, now_ms: int) -> None:
        """A register tells which number it was given. It differs from ours only where this database was lost and built
        anew: then the number that people have on paper wins, unless another check has it by now."""
        holder: str | None = self._db.execute(
            "SELECT check_id FROM checks WHERE store = ? AND number = ?", (log.store, event.number)
        ).get
        if holder is None:
            self._db.execute(
                "UPDATE checks SET number = ? WHERE store = ? AND check_id = ?", (event.number, log.store, event.check_id)
            )
            self._db.execute(
                "INSERT INTO stores (store, next_number) VALUES (?, max(?, ? + 1))"
                " ON CONFLICT DO UPDATE SET next_number = max(next_number, excluded.next_number)",
                (log.store, self._first_number, event.number),
            )
        elif holder != event.check_id:
            self._quarantine(log, envelope, TAKEN, f"number {event.number} belongs to check {holder[:64]}", None, now_ms)

    def _number(self, log: _Log, check_id: str) -> int | None:
        number: int | None = self._db.execute(
            "SELECT number FROM checks WHERE store = ? AND check_id = ?", (log.store, check_id)
        ).get
        return number

    def _numbers(self, log: _Log, opened: list[Envelope]) -> tuple[NumberAssigned, ...]:
        found = []
        for envelope in opened:
            event = read_event(envelope)
            number = self._number(log, event.check_id) if isinstance(event, CheckOpened) else None
            if isinstance(event, CheckOpened) and number is not None:
                found.append(NumberAssigned(event.check_id, number))
        return tuple(found)
