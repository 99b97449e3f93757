"""What HQ shows. Each query runs in the reading connection, in one snapshot."""

from typing import Any

import msgspec

from tillkeeper.contract.books import Account, Books, DayBooks, day_books, days
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.values import Totals
from tillkeeper_hq.sql import Sql

MAX_ROWS = 1000
MAX_DAYS = 400


class StoreDay(msgspec.Struct, frozen=True):
    """`quarantined`: what rejected events of the day would add; None where there are none."""

    books: DayBooks
    quarantined: DayBooks | None = None


class StoreBooks(msgspec.Struct, frozen=True):
    store: str
    days: tuple[StoreDay, ...]


class RegisterLog(msgspec.Struct, frozen=True):
    """`last_seen_ms`: wall clock of the newest exchange with its author, beats included (those at another process of this HQ
    come some seconds later); 0: never, others relayed it. `claimed_seq`: the last event that its author says to have, null
    where it does not say."""

    store: str
    register: str
    incarnation: str
    held_seq: int
    head_hash: str
    rejected: int
    last_seen_ms: int
    claimed_seq: int | None = None

    @property
    def behind(self) -> int | None:
        """How many events HQ lacks by the author's last word; None where it never said."""
        return None if self.claimed_seq is None else max(0, self.claimed_seq - self.held_seq)


class Quarantined(msgspec.Struct, frozen=True):
    """`sent_by`: the register whose token brought it. `looked_at_ms`: when somebody last noted to have looked at it."""

    store: str
    register: str
    incarnation: str
    seq: int
    reason: str
    detail: str
    received_ms: int
    envelope: msgspec.Raw
    sent_by: str = ""
    looked_at_ms: int | None = None


class CheckRecord(msgspec.Struct, frozen=True):
    store: str
    register: str
    check_id: str
    number: int
    ticket_code: str
    business_day: str
    state: str
    refunded_minor: int
    totals: Totals | None


def held_seq(sql: Sql, store: str, register: str, incarnation: str) -> int:
    rows = sql.rows(
        "SELECT held_seq FROM logs WHERE store = $1 AND register = $2 AND incarnation = $3", store, register, incarnation
    )
    return int(rows[0][0]) if rows else 0


def store_books(sql: Sql, store: str, day: str) -> StoreBooks:
    """One day, or the newest `MAX_DAYS` where `day` is empty. A day without events is answered with zeros."""
    rows = sql.rows(
        "SELECT quarantined, business_day, kind, name, amount FROM books WHERE store = $1"
        " AND ($2 = '' OR business_day = $2 OR kind IN ('opened', 'sales', 'voids'))",
        store, day,
    )  # fmt: skip
    good: Books = {}
    bad: Books = {}
    for quarantined, business_day, kind, name, amount in rows:
        (bad if quarantined else good)[Account(business_day, kind, name)] = amount
    wanted = [day] if day else sorted({*days(good), *days(bad)})[-MAX_DAYS:]
    troubled = set(days(bad))
    return StoreBooks(store, tuple(StoreDay(day_books(good, d), day_books(bad, d) if d in troubled else None) for d in wanted))


def register_logs(sql: Sql, store: str) -> list[RegisterLog]:
    """`store` empty: of all stores."""
    rows = sql.rows(
        "SELECT store, register, incarnation, held_seq, head_hash, rejected, last_seen_ms, claimed_seq FROM logs"
        " WHERE $1 = '' OR store = $1 ORDER BY store, register, log_id LIMIT $2",
        store, MAX_ROWS,
    )  # fmt: skip
    return [RegisterLog(*row) for row in rows]


def quarantine(sql: Sql, store: str, reason: str, after: int) -> list[tuple[int, Quarantined]]:
    """Oldest first, from after the row `after`. `reason` empty: whatever the reason."""
    rows: list[Any] = sql.rows(
        "SELECT quarantine_id, store, register, incarnation, seq, reason, detail, received_ms, envelope, sent_by,"
        " (SELECT MAX(at_ms) FROM looked_at WHERE looked_at.quarantine_id = quarantine.quarantine_id)"
        " FROM quarantine JOIN logs USING (log_id) WHERE ($1 = '' OR store = $1) AND ($2 = '' OR reason = $2)"
        " AND quarantine_id > $3 ORDER BY quarantine_id LIMIT $4",
        store, reason, after, MAX_ROWS,
    )  # fmt: skip
    found = []
    for quarantine_id, *fields, envelope, sent_by, looked_at_ms in rows:
        fields += [msgspec.Raw(envelope), sent_by, looked_at_ms]
        found.append((quarantine_id, Quarantined(*fields)))
    return found


def reasons(sql: Sql, store: str) -> dict[str, int]:
    """How many events are in quarantine for which reason."""
    rows = sql.rows(
        "SELECT reason, COUNT(*) FROM quarantine JOIN logs USING (log_id) WHERE $1 = '' OR store = $1 GROUP BY reason", store
    )
    return dict(sorted(rows))


def check(sql: Sql, store: str, reference: str) -> CheckRecord | None:
    """By its long id, its number, or its ticket code (the newest of that code)."""
    found = check_records(sql, store, reference, 1)
    return found[0] if found else None


def check_records(sql: Sql, store: str, reference: str, limit: int) -> list[CheckRecord]:
    """As `check`: the one that is meant most likely first."""
    number = int(reference) if reference.isascii() and reference.isdigit() and len(reference) < 16 else -1
    rows: list[Any] = sql.rows(
        "SELECT checks.store, register, check_id, number, ticket_code, business_day, state, refunded_minor, totals"
        " FROM checks JOIN logs USING (log_id) WHERE checks.store = $1 AND (check_id = $2 OR number = $3 OR ticket_code = $2)"
        " ORDER BY check_id = $2 DESC, number = $3 DESC, business_day DESC, number DESC LIMIT $4",
        store, reference, number, limit,
    )  # fmt: skip
    found = []
    for *fields, totals in rows:
        fields.append(None if totals is None else msgspec.json.decode(totals, type=Totals))
        found.append(CheckRecord(*fields))
    return found


def events(sql: Sql, log: tuple[str, str, str], after_seq: int, limit: int) -> list[Envelope]:
    """A log as it was received, body byte for byte, texts about persons as far as they are still kept."""
    rows: list[Any] = sql.rows(
        "SELECT log_id, seq, type, version, business_day, at_ms, body, prev_hash, hash FROM events JOIN logs USING (log_id)"
        " WHERE store = $1 AND register = $2 AND incarnation = $3 AND seq > $4 ORDER BY seq LIMIT $5",
        *log, after_seq, min(limit, MAX_ROWS),
    )  # fmt: skip
    if not rows:
        return []
    personal: dict[int, dict[str, tuple[str, str]]] = {}
    for seq, digest, salt, text in sql.rows(
        "SELECT seq, digest, salt, text FROM personal WHERE log_id = $1 AND seq BETWEEN $2 AND $3",
        rows[0][0], rows[0][1], rows[-1][1],
    ):  # fmt: skip
        personal.setdefault(seq, {})[digest] = (salt, text)
    return [
        Envelope(*log, seq, kind, version, day, at_ms, bytes(body).decode(), prev_hash, own_hash, personal.get(seq, {}))
        for _log_id, seq, kind, version, day, at_ms, body, prev_hash, own_hash in rows
    ]
