"""What HQ shows. Each query runs in the reading connection, in one snapshot."""

from typing import Any

import msgspec

from tillkeeper.contract.books import Account, Books, DayBooks, day_books, days
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import decode_body
from tillkeeper.contract.paper import Slip, SlipEntered
from tillkeeper.contract.roles import Epoch
from tillkeeper.contract.values import MAX_LINES, Totals
from tillkeeper_hq.sql import Sql

MAX_ROWS = 1000
MAX_DAYS = 400


class Closed(msgspec.Struct, frozen=True):
    """The close of a day that counts. `epoch`: "counter.register" of the assignment of roles under which `register` closed it.
    `others`: closes of the same day that do not count, for their epochs are lower."""

    z: int
    register: str
    epoch: str
    others: int = 0


class AdjustedDay(msgspec.Struct, frozen=True):
    """What a day books for events that are stamped with another, `of`: they came after that one was closed."""

    of: str
    books: DayBooks


class StoreDay(msgspec.Struct, frozen=True):
    """`quarantined`: what rejected events of the day would add; None where there are none. `closed`: None for a day that is
    open. `adjustments`: of `books`, oldest first."""

    books: DayBooks
    quarantined: DayBooks | None = None
    closed: Closed | None = None
    adjustments: tuple[AdjustedDay, ...] = ()


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
    slip: Slip | None = None
    """It was sold on paper and entered afterwards."""


def held_seq(sql: Sql, store: str, register: str, incarnation: str) -> int:
    rows = sql.rows(
        "SELECT held_seq FROM logs WHERE store = $1 AND register = $2 AND incarnation = $3", store, register, incarnation
    )
    return int(rows[0][0]) if rows else 0


def store_books(sql: Sql, store: str, day: str) -> StoreBooks:
    """One day, or the newest `MAX_DAYS` where `day` is empty. A day without events is answered with zeros."""
    rows = sql.rows(
        "SELECT quarantined, business_day, kind, name, amount FROM books WHERE store = $1"
        " AND amount <> 0 AND ($2 = '' OR business_day = $2 OR kind IN ('opened', 'sales', 'voids'))",
        store, day,
    )  # fmt: skip
    good: Books = {}
    bad: Books = {}
    for quarantined, business_day, kind, name, amount in rows:
        (bad if quarantined else good)[Account(business_day, kind, name)] = amount
    wanted = [day] if day else sorted({*days(good), *days(bad)})[-MAX_DAYS:]
    troubled = set(days(bad))
    closes, adjusted = closed_days(sql, store, day), adjusted_days(sql, store, day)
    return StoreBooks(
        store,
        tuple(
            StoreDay(
                day_books(good, one),
                day_books(bad, one) if one in troubled else None,
                closes.get((store, one)),
                adjusted.get((store, one), ()),
            )
            for one in wanted
        ),
    )


def closed_days(sql: Sql, store: str, day: str) -> dict[tuple[str, str], Closed]:
    """(store, day) -> its close. `store`, `day`: empty for all."""
    rows = sql.rows(
        "SELECT closes.store, business_day, epoch_counter, epoch_register, register, incarnation, seq, z"
        " FROM closes JOIN logs USING (log_id)"
        " WHERE z > 0 AND ($1 = '' OR closes.store = $1) AND ($2 = '' OR business_day = $2)",  # below: too far ahead
        store, day,
    )  # fmt: skip
    found: dict[tuple[str, str], Closed] = {}
    # In the order of `contract.days.Close.rank`: the last one counts.
    for of, business_day, counter, decided_by, register, _incarnation, _seq, z in sorted(rows, key=lambda row: tuple(row[:7])):
        before = found.get((of, business_day))
        others = before.others + 1 if before is not None else 0
        found[of, business_day] = Closed(z, register, str(Epoch(counter, decided_by)), others)
    return found


def adjusted_days(sql: Sql, store: str, day: str) -> dict[tuple[str, str], tuple[AdjustedDay, ...]]:
    """(store, day) -> its adjustments. `store`, `day`: empty for all."""
    rows = sql.rows(
        "SELECT store, business_day, stamped_day, kind, name, amount FROM adjustments"
        " WHERE amount <> 0 AND ($1 = '' OR store = $1) AND ($2 = '' OR business_day = $2)",
        store, day,
    )  # fmt: skip
    books: dict[tuple[str, str], dict[str, Books]] = {}
    for of, business_day, stamped, kind, name, amount in rows:
        books.setdefault((of, business_day), {}).setdefault(stamped, {})[Account(stamped, kind, name)] = amount
    return {
        place: tuple(
            AdjustedDay(stamped, msgspec.structs.replace(day_books(found, stamped), open_checks=0))
            for stamped, found in sorted(apart.items())
            if days(found)
        )
        for place, apart in books.items()
    }


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
        "SELECT checks.store, CASE WHEN held_by = '' THEN register ELSE held_by END, check_id, number, ticket_code,"
        " checks.business_day, state, refunded_minor, totals,"
        " (SELECT body FROM events WHERE events.log_id = checks.log_id AND seq > opened_seq AND seq <= opened_seq + $1"
        " AND type = 'slip_entered' AND version = 1 AND events.rejected = '' ORDER BY seq LIMIT 1)"
        " FROM checks JOIN logs USING (log_id) WHERE checks.store = $2 AND (check_id = $3 OR number = $4 OR ticket_code = $3)"
        " ORDER BY check_id = $3 DESC, number = $4 DESC, checks.business_day DESC, number DESC LIMIT $5",
        MAX_LINES + 1, store, reference, number, limit,
    )  # fmt: skip
    found = []
    for *fields, totals, entered in rows:
        fields.append(None if totals is None else msgspec.json.decode(totals, type=Totals))
        fields.append(_slip(entered, check_id=fields[2]))
        found.append(CheckRecord(*fields))
    return found


def _slip(body: bytes | None, check_id: str) -> Slip | None:
    """Of `slip_entered`, which is in the batch that opened its check."""
    event = decode_body("slip_entered", bytes(body)) if body is not None else None
    if not isinstance(event, SlipEntered) or event.check_id != check_id:
        return None
    return Slip(event.slip, event.slip_at_ms, event.doubled)


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
