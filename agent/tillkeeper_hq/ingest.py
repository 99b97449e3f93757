"""Takes a batch into the database: each event judged, placed and folded, all inside the caller's transaction.

A verdict never depends on how often an event was sent before: sending again is always safe.
"""

import hashlib

import apsw
import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.books import postings
from tillkeeper.contract.chain import GENESIS, ChainBroken, personal_digest, verify
from tillkeeper.contract.envelope import MAX_NUMBER, Envelope, EventVerdict, HqAnswer, HqBatch, NumberAssigned
from tillkeeper.contract.events import (
    EVENT_TYPES,
    CheckClosed,
    CheckNumbered,
    CheckOpened,
    CheckVoided,
    RefundRecorded,
    decode_body,
)

FORKED = "forked_log"
BROKEN = "broken_chain"
POISON = "undecodable"
BAD_SEQ = "bad_seq"
TAKEN = "number_taken"

_MAX_INT = 2**53


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
        self.log_id, self.held_seq, self.head_hash = row
        self.store = batch.store

    def save(self, db: apsw.Connection) -> None:
        db.execute("UPDATE logs SET held_seq = ?, head_hash = ? WHERE log_id = ?", (self.held_seq, self.head_hash, self.log_id))


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
        return HqAnswer(log.held_seq, verdicts, self._numbers(log, opened), now_ms)

    def _place(self, log: _Log, envelope: Envelope, now_ms: int) -> EventVerdict:
        seq = envelope.seq
        if seq > log.held_seq + 1:
            return EventVerdict(seq, "retryable", f"gap: this log is held up to {log.held_seq}")
        if seq < 1:
            self._quarantine(log, envelope, BAD_SEQ, "seq starts at 1", None, now_ms)
            return EventVerdict(seq, "rejected", BAD_SEQ)
        if seq <= log.held_seq:
            return self._repeat(log, envelope, now_ms)
        reason, detail, event = _judge(envelope, log.head_hash)
        self._insert(log, envelope, reason)
        log.held_seq, log.head_hash = seq, envelope.hash
        if reason:
            self._quarantine(log, envelope, reason, detail, event, now_ms)
            return EventVerdict(seq, "rejected", reason)
        self._keep_texts(log, envelope)
        if event is not None:
            self._post(log.store, event, envelope.business_day, quarantined=False)
            self._fold(log, envelope, event, now_ms)
        return EventVerdict(seq, "stored")

    def _repeat(self, log: _Log, envelope: Envelope, now_ms: int) -> EventVerdict:
        """Its place is taken: by itself (a repeat), or by another event (the log was forked, as by a cloned disk)."""
        held: tuple[str, str] = self._db.execute(
            "SELECT hash, rejected FROM events WHERE log_id = ? AND seq = ?", (log.log_id, envelope.seq)
        ).get
        if held[0] == envelope.hash and (held[1] or not _chain_fault(envelope, envelope.prev_hash)):
            return EventVerdict(envelope.seq, "rejected" if held[1] else "stored", held[1])
        event = _decoded(envelope)
        self._quarantine(log, envelope, FORKED, f"this place holds {held[0][:64]}", event, now_ms)
        return EventVerdict(envelope.seq, "rejected", FORKED)

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
                max(-_MAX_INT, min(envelope.version, _MAX_INT)),
                envelope.business_day,
                max(-_MAX_INT, min(envelope.at_ms, _MAX_INT)),
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
                max(-_MAX_INT, envelope.seq),
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
            event = _decoded(envelope)
            number = self._number(log, event.check_id) if isinstance(event, CheckOpened) else None
            if isinstance(event, CheckOpened) and number is not None:
                found.append(NumberAssigned(event.check_id, number))
        return tuple(found)


def _judge(envelope: Envelope, head_hash: str) -> tuple[str, str, Event | None]:
    """(reason for rejecting or "", detail, the event where it can be read)."""
    event = _decoded(envelope)
    fault = _chain_fault(envelope, head_hash)
    if fault:
        return BROKEN, fault, event
    if not 0 <= envelope.at_ms <= _MAX_INT or not 0 <= envelope.version <= _MAX_INT:
        return POISON, "at_ms or version out of range", None
    try:
        _read(envelope)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        return POISON, str(error), None
    return "", "", event


def _chain_fault(envelope: Envelope, prev_hash: str) -> str:
    try:
        verify([envelope], prev_hash)
    except ChainBroken as error:
        return error.cause
    return ""


def _decoded(envelope: Envelope) -> Event | None:
    try:
        return _read(envelope)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None


def _read(envelope: Envelope) -> Event | None:
    """The event, or None where this HQ does not know its type or version: such an event is kept byte for byte.

    Raises:
        msgspec.DecodeError, ValueError: a known type, but the body does not fit it.
    """
    known = EVENT_TYPES.get(envelope.type)
    if known is None or known[1] != envelope.version:
        return None
    event = decode_body(envelope.type, envelope.body.encode())
    if event is not None:
        postings(event, envelope.business_day)
    if isinstance(event, CheckNumbered) and not 0 < event.number <= MAX_NUMBER:
        raise ValueError(f"check number {event.number}")
    return event
