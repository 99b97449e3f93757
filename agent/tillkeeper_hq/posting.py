"""Posts events to the books of business days, and moves them when a day is closed: each event is in exactly one day, whatever
the order of arrival (`tillkeeper.contract.days`).

Works on one store whose row is locked: its closes, books and days are nobody else's until the transaction ends.
"""

import datetime
from collections.abc import Iterable, Sequence, Set
from typing import Any, NamedTuple

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.books import postings
from tillkeeper.contract.day import DayClosed
from tillkeeper.contract.days import Close, Days, Place, believed, close_of, is_day
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import EVENT_TYPES, decode_body
from tillkeeper.contract.roles import Epoch
from tillkeeper_hq.sql import Sql

PAGE = 500
"""Events that are read in one go while a close moves them."""

Account = tuple[str, int, str, str, str]
"""store, quarantined, business_day, kind, name"""
Adjusted = tuple[str, str, str, str, str]
"""store, business_day, stamped_day, kind, name"""
_decode_tails = msgspec.json.Decoder(dict[str, dict[str, int]]).decode


class Posting(NamedTuple):
    """An event that came and has its place in log `log_id`."""

    log_id: int
    envelope: Envelope
    event: Event


def is_posted(event: Event, stamped: str) -> bool:
    """Whether it has a part in the books, or says which day others are in. Raises: ValueError as `books.postings`."""
    if isinstance(event, DayClosed):
        return is_day(event.day)
    return bool(postings(event, stamped))


class _Range(NamedTuple):
    log_id: int
    register: str
    incarnation: str
    stamped: str
    first: int
    last: int


class Sums:
    """What is added to which accounts."""

    def __init__(self) -> None:
        self.books: dict[Account, int] = {}
        self.adjustments: dict[Adjusted, int] = {}

    def add(self, store: str, event: Event, stamped: str, posted: str, times: int = 1) -> None:
        """`times` -1 takes it out again. Raises: ValueError as `books.postings`."""
        for account, amount in postings(event, stamped):
            key = (store, 0, posted, account.kind, account.name)
            self.books[key] = self.books.get(key, 0) + times * amount
            if posted != stamped:
                apart = (store, posted, stamped, account.kind, account.name)
                self.adjustments[apart] = self.adjustments.get(apart, 0) + times * amount

    def add_quarantined(self, store: str, event: Event, stamped: str) -> None:
        """Rejected events are in no day's figures, only beside those of the day that they are stamped with."""
        for account, amount in postings(event, stamped):
            key = (store, 1, stamped, account.kind, account.name)
            self.books[key] = self.books.get(key, 0) + amount


class _Closes(NamedTuple):
    """Of a store: those that count, or stand beside one that does, ready to be asked; and those of days that are too far ahead,
    each with its log. The table has these with their number below zero."""

    counted: list[Close]
    days: Days
    ahead: list[tuple[int, Close]]


def _closes(sql: Sql, store: str) -> _Closes:
    rows = sql.rows(
        "SELECT log_id, closes.business_day, epoch_counter, epoch_register, z, tails, register, incarnation, closes.seq"
        " FROM closes JOIN logs USING (log_id) WHERE closes.store = $1",
        store,
    )
    counted: list[Close] = []
    ahead: list[tuple[int, Close]] = []
    for log_id, day, counter, decided_by, z, tails, register, incarnation, seq in rows:
        place = Place(register, incarnation, seq)
        close = Close(day, Epoch(counter, decided_by), abs(z), _decode_tails(tails), place)
        if z > 0:
            counted.append(close)
        else:
            ahead.append((log_id, close))
    return _Closes(counted, Days(counted), ahead)


class Poster:
    """Books what comes. Keeps the closes of each store, so that a batch need not read years of them: they are only ever added
    to, so as many as before are the same as before."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int], _Closes]] = {}

    def post(self, sql: Sql, store: str, came: Sequence[Posting], sums: Sums, now_ms: int) -> None:
        """Where closes are among what came, what was booked before moves first. The store is locked. `now_ms`: wall clock."""
        known = self._of(sql, store)
        days = known.days
        fresh = [(one.log_id, close_of(one.envelope, one.event)) for one in came if isinstance(one.event, DayClosed)]
        if fresh or known.ahead:
            found = [close for _, close in (*known.ahead, *fresh)]
            now = set(map(_at, believed([*known.counted, *found], _today(now_ms))))
            counted = [close for close in found if _at(close) in now]
            _keep(sql, store, fresh, now)
            _count(sql, [(log_id, close.at.seq) for log_id, close in known.ahead if _at(close) in now])
            if counted:
                days = Days([*known.counted, *counted])
                _move(sql, store, known.days, days, sums)
        _book(sql, store, came, days, sums)

    def _of(self, sql: Sql, store: str) -> _Closes:
        """Only what was read is kept: what this transaction adds may be rolled back."""
        query = "SELECT COUNT(*), COALESCE(SUM(CASE WHEN z > 0 THEN 1 ELSE 0 END), 0) FROM closes WHERE store = $1"
        ((count, counted),) = sql.rows(query, store)
        known = self._known.get(store)
        if known is None or known[0] != (count, counted):
            known = self._known[store] = ((count, counted), _closes(sql, store))
        return known[1]


def _at(close: Close) -> Place:
    return close.at


def _today(now_ms: int) -> str:
    """The latest date that any place on Earth has now (UTC+14)."""
    return datetime.datetime.fromtimestamp(now_ms / 1000 + 14 * 3_600, datetime.UTC).date().isoformat()


def _book(sql: Sql, store: str, came: Sequence[Posting], days: Days, sums: Sums) -> None:
    ranges: dict[tuple[int, str], tuple[int, int]] = {}
    for log_id, envelope, event in came:
        if not postings(event, envelope.business_day):
            continue
        stamped = envelope.business_day
        sums.add(store, event, stamped, days.posted(stamped, _place(envelope)))
        first, last = ranges.get((log_id, stamped), (envelope.seq, envelope.seq))
        ranges[log_id, stamped] = (min(first, envelope.seq), max(last, envelope.seq))
    sql.many(
        "INSERT INTO stamped_days (log_id, business_day, first_seq, last_seq) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (log_id, business_day) DO UPDATE SET"
        " first_seq = CASE WHEN excluded.first_seq < stamped_days.first_seq THEN excluded.first_seq"
        " ELSE stamped_days.first_seq END,"
        " last_seq = CASE WHEN excluded.last_seq > stamped_days.last_seq THEN excluded.last_seq ELSE stamped_days.last_seq END",
        [(*key, first, last) for key, (first, last) in sorted(ranges.items())],
    )


def save_adjustments(sql: Sql, amounts: Iterable[tuple[Adjusted, int]]) -> None:
    sql.many(
        "INSERT INTO adjustments (store, business_day, stamped_day, kind, name, amount) VALUES ($1, $2, $3, $4, $5, $6)"
        " ON CONFLICT (store, business_day, stamped_day, kind, name)"
        " DO UPDATE SET amount = adjustments.amount + excluded.amount",
        [(*key, amount) for key, amount in amounts if amount],
    )


def _keep(sql: Sql, store: str, fresh: Sequence[tuple[int, Close]], counted: Set[Place]) -> None:
    rows = []
    for log_id, close in fresh:
        z, tails = close.z if close.at in counted else -close.z, msgspec.json.encode(close.tails).decode()
        rows.append((store, log_id, close.at.seq, close.day, z, close.epoch.counter, close.epoch.register, tails))
    sql.many(
        "INSERT INTO closes (store, log_id, seq, business_day, z, epoch_counter, epoch_register, tails)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        rows,
    )


def _count(sql: Sql, come: Sequence[tuple[int, int]]) -> None:
    """`come`: log id and seq of closes whose days were too far ahead until now."""
    sql.many("UPDATE closes SET z = -z WHERE z < 0 AND log_id = $1 AND seq = $2", list(come))


def _move(sql: Sql, store: str, before: Days, after: Days, sums: Sums) -> None:
    """What is booked in another day from now on."""
    for one in _ranges(sql, store):
        places = [Place(one.register, one.incarnation, seq) for seq in (one.first, one.last)]
        # A later place of one log and stamp is never in an earlier day: the same at both ends is the same in between.
        whole = {days: [days.posted(one.stamped, place) for place in places] for days in (before, after)}
        if whole[before] == whole[after] and whole[after][0] == whole[after][1]:
            continue
        for seq, event in _events(sql, one):
            place = Place(one.register, one.incarnation, seq)
            was, now = before.posted(one.stamped, place), after.posted(one.stamped, place)
            if was != now:
                sums.add(store, event, one.stamped, was, -1)
                sums.add(store, event, one.stamped, now)


def _ranges(sql: Sql, store: str) -> list[_Range]:
    rows = sql.rows(
        "SELECT log_id, register, incarnation, business_day, first_seq, last_seq FROM stamped_days JOIN logs USING (log_id)"
        " WHERE store = $1",
        store,
    )
    return [_Range(*row) for row in rows]


def _events(sql: Sql, one: _Range) -> Iterable[tuple[int, Event]]:
    after = one.first - 1
    while True:
        rows: list[Any] = sql.rows(
            "SELECT seq, type, version, body FROM events WHERE log_id = $1 AND seq > $2 AND seq <= $3 AND business_day = $4"
            " AND rejected = '' AND NOT EXISTS"
            " (SELECT 1 FROM unread WHERE unread.log_id = events.log_id AND unread.seq = events.seq)"
            " ORDER BY seq LIMIT $5",
            one.log_id, after, one.last, one.stamped, PAGE,
        )  # fmt: skip
        for seq, kind, version, body in rows:
            event = _read(kind, version, bytes(body), one.stamped)
            if event is not None:
                yield int(seq), event
        if len(rows) < PAGE:
            return
        after = int(rows[-1][0])


def _read(kind: str, version: int, body: bytes, stamped: str) -> Event | None:
    """As it was read when it was booked; None where it has no part in the books."""
    known = EVENT_TYPES.get(kind)
    if known is None or known[1] != version:
        return None
    event = decode_body(kind, body)
    return event if event is not None and postings(event, stamped) else None


def _place(envelope: Envelope) -> Place:
    return Place(envelope.register, envelope.incarnation, envelope.seq)
