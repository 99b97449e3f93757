"""What the pages ask the database. Each call runs in one snapshot; every list has a bound and a place where it goes on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from tillkeeper.contract.books import TRAINING, Account, Books, DayBooks, day_books, days
from tillkeeper.contract.envelope import Envelope
from tillkeeper_hq.pages.words import Facts
from tillkeeper_hq.queries import (
    AdjustedDay,
    CheckRecord,
    Closed,
    RegisterLog,
    StoreDay,
    adjusted_days,
    check_records,
    closed_days,
)
from tillkeeper_hq.sql import Sql

LOGS_OF_ONE = 100
"""Of one register: whoever makes up logs by the thousand hides nobody else's."""
MAX_LOGS = 100_000
MAX_STORES = 5_000
MAX_SHOWN_BYTES = 65_536
"""Of a rejected event on a page; `GET /v1/quarantine` has it whole."""


class Waiting(NamedTuple):
    """Rejected events of one register and reason that nobody has looked at."""

    store: str
    register: str
    reason: str
    events: int


class Aside(NamedTuple):
    """A rejected event. `looks`: how often somebody noted to have looked at it. `envelope`: None where it is too large for a
    page."""

    aside_id: int
    store: str
    register: str
    incarnation: str
    seq: int
    reason: str
    detail: str
    received_ms: int
    sent_by: str
    looks: int
    envelope: Envelope | None


class Look(NamedTuple):
    at_ms: int
    who: str
    note: str


class Wanted(NamedTuple):
    """Which rejected events; empty: all. `stores`: those that the user may see, empty for all."""

    stores: tuple[str, ...] = ()
    store: str = ""
    register: str = ""
    reason: str = ""
    open_only: bool = True


def logs(sql: Sql, store: str = "") -> list[RegisterLog]:
    """Of each register those that were heard last, in the order in which HQ met them. `store` empty: of all stores."""
    rows = sql.rows(
        "SELECT store, register, incarnation, held_seq, head_hash, rejected, last_seen_ms, claimed_seq FROM (SELECT logs.*,"
        " ROW_NUMBER() OVER (PARTITION BY store, register ORDER BY last_seen_ms DESC, log_id DESC) AS place FROM logs"
        " WHERE $1 = '' OR store = $1) AS numbered WHERE place <= $2 ORDER BY log_id LIMIT $3",
        store, LOGS_OF_ONE, MAX_LOGS,
    )  # fmt: skip
    return [RegisterLog(*row) for row in rows]


def facts(sql: Sql) -> dict[str, Facts]:
    return {store: Facts(*rest) for store, *rest in sql.rows("SELECT store, currency, minor_digits, timezone FROM store_facts")}


def stores(sql: Sql) -> list[str]:
    return [store for (store,) in sql.rows("SELECT DISTINCT store FROM logs ORDER BY store LIMIT $1", MAX_STORES)]


def waiting(sql: Sql, store: str = "") -> list[Waiting]:
    rows = sql.rows(
        "SELECT store, register, reason, COUNT(*) FROM quarantine JOIN logs USING (log_id) WHERE ($1 = '' OR store = $1)"
        " AND NOT EXISTS (SELECT 1 FROM looked_at WHERE looked_at.quarantine_id = quarantine.quarantine_id)"
        " GROUP BY store, register, reason ORDER BY store, register, reason",
        store,
    )
    return [Waiting(*row) for row in rows]


def _of_stores(stores: tuple[str, ...]) -> str:
    """What limits the days of books to those stores, which are parameters from the second on; empty: all."""
    among = f" AND store IN ({', '.join(f'${n + 2}' for n in range(len(stores)))})" if stores else ""
    return f" AND amount <> 0 AND kind NOT LIKE '{TRAINING}%'{among}"


def newest_day(sql: Sql, latest: str, stores: tuple[str, ...] = ()) -> str:
    """The newest business day not after `latest`, else the newest; empty where there is none. `stores`: empty for all."""
    for operator in ("<=", ">"):
        rows = sql.rows(
            f"SELECT MAX(business_day) FROM books WHERE business_day {operator} $1{_of_stores(stores)}",  # noqa: S608
            latest,
            *stores,
        )
        if rows[0][0]:
            return str(rows[0][0])
    return ""


def beside(sql: Sql, day: str, stores: tuple[str, ...] = ()) -> tuple[str, str]:
    """The business days before and after one, empty where there is none."""
    among = _of_stores(stores)
    (before,), (after,) = (
        sql.rows(f"SELECT {pick}(business_day) FROM books WHERE business_day {operator} $1{among}", day, *stores)[0]  # noqa: S608
        for pick, operator in (("MAX", "<"), ("MIN", ">"))
    )
    return before or "", after or ""


def day_of_all(sql: Sql, day: str, store: str = "") -> dict[str, StoreDay]:
    """One business day of every store that has figures on it, or of one alone."""
    moved = sql.rows(
        "SELECT store, CAST(SUM(CASE kind WHEN 'opened' THEN amount ELSE -amount END) AS BIGINT) FROM books"
        " WHERE quarantined = 0 AND kind IN ('opened', 'sales', 'voids') AND business_day <= $1 AND ($2 = '' OR store = $2)"
        " GROUP BY store",
        day, store,
    )  # fmt: skip
    rows = sql.rows(
        "SELECT store, quarantined, business_day, kind, name, amount FROM books"
        " WHERE business_day = $1 AND amount <> 0 AND ($2 = '' OR store = $2)",
        day, store,
    )  # fmt: skip
    drawn = _drawn_up(rows, {(one, day): int(amount) for one, amount in moved})
    closes, adjusted = closed_days(sql, store, day), adjusted_days(sql, store, day)
    return {one: _closed(found[day], (one, day), closes, adjusted) for one, found in drawn.items() if day in found}


def _closed(
    one: StoreDay,
    place: tuple[str, str],
    closes: Mapping[tuple[str, str], Closed],
    adjusted: Mapping[tuple[str, str], tuple[AdjustedDay, ...]],
) -> StoreDay:
    return msgspec.structs.replace(one, closed=closes.get(place), adjustments=adjusted.get(place, ()))


def days_of(sql: Sql, store: str, before: str, limit: int) -> list[StoreDay]:
    """A store's newest business days before one (empty: the newest of all), newest first, one more than `limit` if there is."""
    wanted = [
        day
        for (day,) in sql.rows(
            f"SELECT DISTINCT business_day FROM books WHERE store = $1 AND ($2 = '' OR business_day < $2)"  # noqa: S608
            f" AND amount <> 0 AND kind NOT LIKE '{TRAINING}%' ORDER BY business_day DESC LIMIT $3",
            store, before, limit + 1,
        )
    ]  # fmt: skip
    if not wanted:
        return []
    rows = sql.rows(
        "SELECT store, quarantined, business_day, kind, name, amount FROM books"
        " WHERE store = $1 AND amount <> 0 AND business_day BETWEEN $2 AND $3",
        store, wanted[-1], wanted[0],
    )  # fmt: skip
    moved = sql.rows(
        "SELECT business_day, CAST(SUM(CASE kind WHEN 'opened' THEN amount ELSE -amount END) AS BIGINT) FROM books"
        " WHERE store = $1 AND quarantined = 0 AND kind IN ('opened', 'sales', 'voids') AND business_day <= $2"
        " GROUP BY business_day",
        store, wanted[0],
    )  # fmt: skip
    opens = {(store, day): sum(int(amount) for at, amount in moved if at <= day) for day in wanted}
    found = _drawn_up(rows, opens).get(store, {})
    closes, adjusted = closed_days(sql, store, ""), adjusted_days(sql, store, "")
    return [_closed(found[day], (store, day), closes, adjusted) for day in wanted if day in found]


def _drawn_up(rows: Iterable[Any], opens: dict[tuple[str, str], int]) -> dict[str, dict[str, StoreDay]]:
    """Store -> day -> figures. `opens`: checks open at the end of a day."""
    books: dict[str, tuple[Books, Books]] = {}
    for store, quarantined, day, kind, name, amount in rows:
        books.setdefault(store, ({}, {}))[1 if quarantined else 0][Account(day, kind, name)] = amount
    found: dict[str, dict[str, StoreDay]] = {}
    for store, (good, bad) in books.items():
        troubled = set(days(bad))
        for day in {*days(good), *troubled}:
            drawn = msgspec.structs.replace(_figures(good, day), open_checks=opens.get((store, day), 0))
            found.setdefault(store, {})[day] = StoreDay(drawn, _figures(bad, day) if day in troubled else None)
    return found


def _figures(books: Books, day: str) -> DayBooks:
    return day_books({account: amount for account, amount in books.items() if account.business_day == day}, day)


def asides(sql: Sql, wanted: Wanted, before: int, limit: int) -> list[Aside]:
    """Newest first, those before one."""
    condition, values = _condition(wanted, before)
    rows = sql.rows(f"{_ASIDES} WHERE {condition} ORDER BY quarantine_id DESC LIMIT ${len(values) + 1}", *values, limit)
    return [_aside(row) for row in rows]


def aside(sql: Sql, aside_id: int) -> Aside | None:
    rows = sql.rows(f"{_ASIDES} WHERE quarantine_id = $1", aside_id)
    return _aside(rows[0]) if rows else None


def looks(sql: Sql, aside_id: int) -> list[Look]:
    """Newest first."""
    rows = sql.rows("SELECT at_ms, who, note FROM looked_at WHERE quarantine_id = $1 ORDER BY look_id DESC LIMIT 200", aside_id)
    return [Look(*row) for row in rows]


def note_look(sql: Sql, aside_id: int, at_ms: int, who: str, note: str) -> None:
    sql.rows("INSERT INTO looked_at (quarantine_id, at_ms, who, note) VALUES ($1, $2, $3, $4)", aside_id, at_ms, who, note)


def note_all(sql: Sql, wanted: Wanted, up_to: int, look: Look) -> int:
    """The same note for all that are wanted, nobody has looked at, and are not newer than `up_to`. How many."""
    condition, values = _condition(wanted._replace(open_only=True), up_to + 1, taken=len(look))
    made = sql.rows(
        "INSERT INTO looked_at (quarantine_id, at_ms, who, note) SELECT quarantine_id, CAST($1 AS BIGINT), CAST($2 AS TEXT),"  # noqa: S608
        f" CAST($3 AS TEXT) FROM quarantine JOIN logs USING (log_id) WHERE {condition} ORDER BY quarantine_id RETURNING 1",
        *look, *values,
    )  # fmt: skip
    return len(made)


_ASIDES = (
    "SELECT quarantine_id, store, register, incarnation, seq, reason, detail, received_ms, sent_by,"  # noqa: S608 - our number
    " (SELECT COUNT(*) FROM looked_at WHERE looked_at.quarantine_id = quarantine.quarantine_id),"
    f" CASE WHEN LENGTH(envelope) <= {MAX_SHOWN_BYTES} THEN envelope END FROM quarantine JOIN logs USING (log_id)"
)


def _condition(wanted: Wanted, before: int, taken: int = 0) -> tuple[str, list[Any]]:
    """`taken`: how many parameters come before."""
    values: list[Any] = []

    def mark(value: str | int) -> str:
        values.append(value)
        return f"${taken + len(values)}"

    parts = [f"quarantine_id < {mark(before)}"]
    for column, value in (("store", wanted.store), ("register", wanted.register), ("reason", wanted.reason)):
        if value:
            parts.append(f"{column} = {mark(value)}")
    if wanted.stores:
        parts.append(f"store IN ({', '.join(mark(store) for store in wanted.stores)})")
    if wanted.open_only:
        parts.append("NOT EXISTS (SELECT 1 FROM looked_at WHERE looked_at.quarantine_id = quarantine.quarantine_id)")
    return " AND ".join(parts), values


def _aside(row: Any) -> Aside:
    *fields, envelope = row
    fields.append(None if envelope is None else msgspec.json.decode(envelope, type=Envelope))
    return Aside(*fields)


def find_checks(sql: Sql, among: Sequence[str], reference: str, limit: int) -> list[CheckRecord]:
    """By long id, number or ticket code, in each of these stores; newest business day first."""
    found: list[CheckRecord] = []
    for store in among:
        found += check_records(sql, store, reference, limit)
    return sorted(found, key=lambda one: (one.business_day, one.number), reverse=True)[:limit]
