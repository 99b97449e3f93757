"""Which business day HQ books an event in: one, the same one as any register and a plain fold, whatever came when (I9)."""

import gzip
import random
from collections.abc import Callable
from contextlib import ExitStack, closing
from itertools import pairwise
from pathlib import Path

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.hq.people import Office
from tests.hq.world import DAY, STORE, Log

from tillkeeper.contract.books import Books, day_books, post
from tillkeeper.contract.day import DayClosed, DayFigures, Tails
from tillkeeper.contract.days import Close, Days, Place, close_of
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import EVENT_TYPES, decode_body, encode_body
from tillkeeper.contract.figures import DayBooks
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.fold import DayFold
from tillkeeper.day.index import DayIndex
from tillkeeper_hq import queries
from tillkeeper_hq.database import Database
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.postgres import PostgresBackend
from tillkeeper_hq.sql import Backend
from tillkeeper_hq.sqlite import FILE_NAME, SqliteBackend

DAYS = ("2026-11-20", "2026-11-21", "2026-11-22", "2026-11-23")
REGISTERS = ("till-1", "till-2", "till-3")


def close(day: str, z: int, epoch: Epoch, tails: Tails) -> DayClosed:
    return DayClosed(day=day, z=z, epoch=epoch, tails=tails, figures=DayFigures(books=DayBooks(business_day=day)))


def a_store(chance: random.Random) -> list[Log]:
    """Three registers over four days, days that are closed with tails at any place, some of them twice under two epochs."""
    logs = [Log(register, f"inc-{register}") for register in REGISTERS]
    closer, z = logs[0], 0
    for at, day in enumerate(DAYS):
        for n in range(chance.randrange(2, 8)):
            log = chance.choice(logs)
            stamped = chance.choice(DAYS[max(0, at - 1) : at + 1])
            log.sale(f"{day}-{n}", chance.randrange(100, 5_000), day=stamped)
        for epoch in (Epoch(1, "till-1"), Epoch(2, "till-2"))[: chance.choice((0, 1, 1, 2))]:
            z += 1
            tails = {log.register: {log.incarnation: chance.randrange(len(log.events) + 1)} for log in logs}
            chance.choice((closer, logs[1])).add(close(day, z, epoch, tails), day=day)
    return logs


def arrivals(chance: random.Random, logs: list[Log]) -> list[tuple[Log, int, int]]:
    """Pieces of each log in its own order, the logs in any."""
    pieces: list[list[tuple[Log, int, int]]] = []
    for log in logs:
        places = sorted({0, len(log.events), *(chance.randrange(len(log.events) + 1) for _ in range(4))})
        pieces.append([(log, first + 1, last) for first, last in pairwise(places)])
    found = []
    while any(pieces):
        found.append(chance.choice([one for one in pieces if one]).pop(0))
    return found


def direct(logs: list[Log]) -> dict[str, DayBooks]:
    """Each event once, by the rule alone."""
    events = [envelope for log in logs for envelope in log.events]
    days = Days(known for envelope in events if (known := _close(envelope)) is not None)
    books: Books = {}
    for envelope in events:
        event = decode_body(envelope.type, envelope.body.encode())
        assert event is not None
        post(books, event, days.posted(envelope.business_day, Place(envelope.register, envelope.incarnation, envelope.seq)))
    return {day: day_books(books, day) for day in sorted({account.business_day for account in books})}


def _close(envelope: Envelope) -> Close | None:
    event = decode_body(envelope.type, envelope.body.encode())
    return close_of(envelope, event) if isinstance(event, DayClosed) else None


def by_index(logs: list[Log], order: list[tuple[Log, int, int]]) -> dict[str, DayBooks]:
    """As a register folds it, from its own index of days."""
    index, found = DayIndex(), {}
    for log, first, last in order:
        for envelope in log.events[first - 1 : last]:
            event = decode_body(envelope.type, envelope.body.encode())
            if event is not None and envelope.type in (index.kinds or ()):
                index.take(envelope, event)
    again = DayIndex()
    again.load(index.dump())
    held = {(log.register, log.incarnation): log.events for log in logs}
    for day in {*DAYS, again.days.open_from or DAYS[0]}:
        fold = DayFold(day)
        for one in again.ranges(day):
            for envelope in held[one.register, one.incarnation][one.first - 1 : one.last]:
                event = decode_body(envelope.type, envelope.body.encode())
                place = Place(envelope.register, envelope.incarnation, envelope.seq)
                if envelope.business_day == one.stamped and event and again.days.posted(one.stamped, place) == day:
                    fold.add(envelope, event)
        if not fold.is_empty:
            found[day] = fold.books(len(again.open_checks(day)))
    return dict(sorted(found.items()))


def at_hq(database: Database, order: list[tuple[Log, int, int]], other: Database | None = None) -> dict[str, DayBooks]:
    """`other`: another process of the same HQ, which takes every second piece."""
    databases = (database, other or database)
    for at, (log, first, last) in enumerate(order):
        database = databases[at % 2]
        answer = database.write(Taking(log.batch(first, last))).result(60)
        assert all(verdict.verdict == "stored" for verdict in answer.verdicts)
    books = database.read(lambda sql: queries.store_books(sql, STORE, "")).result(60)
    return {one.books.business_day: one.books for one in books.days}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32))
def test_every_event_is_in_one_day_and_all_agree_whatever_came_when(
    seed: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    chance = random.Random(seed)
    logs = a_store(chance)
    order = arrivals(chance, logs)
    wanted = direct(logs)
    assert by_index(logs, order) == wanted
    with Database(SqliteBackend(tmp_path_factory.mktemp("hq"))) as database:
        assert at_hq(database, order) == wanted
    sums = [sum(day.gross_minor for day in wanted.values()), sum(day.sales for day in wanted.values())]
    every = [decode_body(one.type, one.body.encode()) for log in logs for one in log.events]
    closed = [event.totals for event in every if type(event).__name__ == "CheckClosed"]  # type: ignore[union-attr]
    assert sums == [sum(totals.gross_minor for totals in closed), len(closed)]


@pytest.mark.parametrize("seed", range(4))
def test_the_same_in_both_databases(seed: int, new_database: Callable[[], str], tmp_path: Path) -> None:
    url, chance = new_database(), random.Random(seed)
    backend: Backend = PostgresBackend(url) if url else SqliteBackend(tmp_path)
    logs = a_store(chance)
    with ExitStack() as stack:
        database = stack.enter_context(Database(backend))
        other = stack.enter_context(Database(PostgresBackend(url))) if url else None
        assert at_hq(database, arrivals(chance, logs), other) == direct(logs)


UNKNOWN = ("day_closed", "check_closed", "tender_recorded", "check_opened")


@pytest.mark.parametrize("seed", range(8))
def test_what_an_older_hq_stored_unread_is_booked_by_the_newer_one(
    seed: int, new_database: Callable[[], str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, chance = new_database(), random.Random(seed)
    backend: Backend = PostgresBackend(url) if url else SqliteBackend(tmp_path)
    logs = a_store(chance)
    order = arrivals(chance, logs)
    middle = len(order) // 2
    with monkeypatch.context() as older:
        for unknown in chance.sample(UNKNOWN, 2):
            older.delitem(EVENT_TYPES, unknown)
        with Database(backend) as database:
            at_hq(database, order[:middle])
    for _ in range(2):  # counted once, however often it starts
        with Database(backend) as database:
            at_hq(database, order[: middle // 2])
    with Database(backend) as database:
        assert at_hq(database, order[middle:]) == direct(logs)


@pytest.mark.parametrize("seed", range(4))
def test_a_close_moves_nothing_that_was_stored_unread(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As while an older and a newer process of one HQ take in events: what the older one stored is not booked yet."""
    chance = random.Random(seed)
    logs = a_store(chance)
    sold = Log("till-4", "inc-till-4")
    for n in range(5):
        sold.sale(f"unread-{n}", 100, day=DAYS[0])
    order = arrivals(chance, logs)
    with Database(SqliteBackend(tmp_path)) as database:
        with monkeypatch.context() as older:
            older.delitem(EVENT_TYPES, "check_closed")
            at_hq(database, [(sold, 1, len(sold.events))])
        found = at_hq(database, order)
    sales = {day: books.sales for day, books in found.items()}
    assert sales == {day: books.sales for day, books in direct(logs).items()} | {
        day: 0 for day in found if day not in direct(logs)
    }
    with Database(SqliteBackend(tmp_path)) as database:
        database.change(lambda _sql: None).result(60)  # comes after what is read at the start
        assert at_hq(database, []) == direct([*logs, sold])


def test_a_close_that_format_3_stored_unread_counts(tmp_path: Path) -> None:
    packed = Path(__file__).parent / "formats" / "hq-3.sqlite3.gz"
    (tmp_path / FILE_NAME).write_bytes(gzip.decompress(packed.read_bytes()))
    (tmp_path / FILE_NAME).chmod(0o600)
    body = encode_body(close(DAY, 9, Epoch(1, "till-1"), {"till-1": {"inc-1": 3}}))
    with closing(apsw.Connection(str(tmp_path / FILE_NAME))) as db:
        log_id, seq = db.execute("SELECT log_id, held_seq + 1 FROM logs WHERE register = 'till-1' AND store = ?", (STORE,)).get
        db.execute(
            "INSERT INTO events (log_id, seq, hash, prev_hash, type, version, business_day, at_ms, body)"
            " VALUES (?, ?, 'a', 'b', 'day_closed', 1, ?, 1, ?)",
            (log_id, seq, DAY, body),
        )
    with Database(SqliteBackend(tmp_path)) as database:
        database.change(lambda _sql: None).result(60)
        days = {
            day.books.business_day: day
            for day in database.read(lambda sql: queries.store_books(sql, STORE, "")).result(60).days
        }
    closed = days[DAY].closed
    assert closed is not None
    assert closed.z == 9
    assert sum(day.books.sales for name, day in days.items() if name > DAY) > 0, (
        "what the close does not cover is in another day"
    )


def test_a_late_sale_is_an_adjustment_of_the_open_day_and_then_of_the_one_that_covers_it(tmp_path: Path) -> None:
    front, back = Log("till-1", "inc-1"), Log("till-2", "inc-2")
    front.sale("a", 1_000, day=DAYS[0])
    front.add(close(DAYS[0], 1, Epoch(0, "x"), {"till-1": {"inc-1": len(front.events)}, "till-2": {}}), day=DAYS[1])
    back.sale("late", 700, day=DAYS[0])
    with Database(SqliteBackend(tmp_path)) as database:

        def day(name: str) -> queries.StoreDay:
            (found,) = database.read(lambda sql: queries.store_books(sql, STORE, name)).result(60).days
            return found

        database.write(Taking(back.batch())).result(60)
        assert day(DAYS[0]).books.gross_minor == 700
        database.write(Taking(front.batch())).result(60)
        assert (day(DAYS[0]).books.gross_minor, day(DAYS[1]).books.gross_minor) == (1_000, 700)
        assert day(DAYS[0]).closed is not None
        assert day(DAYS[1]).closed is None
        assert [(one.of, one.books.gross_minor) for one in day(DAYS[1]).adjustments] == [(DAYS[0], 700)]
        front.sale("b", 300, day=DAYS[2])
        tails: Tails = {"till-1": {"inc-1": len(front.events)}, "till-2": {"inc-2": len(back.events)}}
        front.add(close(DAYS[2], 2, Epoch(0, "x"), tails), day=DAYS[3])
        database.write(Taking(front.batch())).result(60)
        assert (day(DAYS[1]).books.gross_minor, day(DAYS[2]).books.gross_minor) == (0, 1_000)
        assert [(one.of, one.books.sales) for one in day(DAYS[2]).adjustments] == [(DAYS[0], 1)]
        assert day(DAYS[1]).adjustments == ()


def test_of_two_closes_of_one_day_the_higher_epoch_counts_and_both_are_kept(tmp_path: Path) -> None:
    one, two, sold = Log("till-1", "inc-1"), Log("till-2", "inc-2"), Log("till-3", "inc-3")
    sold.sale("a", 500, day=DAYS[0])
    sold.sale("b", 900, day=DAYS[0])
    some = {"till-3": {"inc-3": len(sold.events) // 2}}
    one.add(close(DAYS[0], 1, Epoch(1, "till-1"), some), day=DAYS[1])
    two.add(close(DAYS[0], 1, Epoch(2, "till-2"), {"till-3": {"inc-3": len(sold.events)}}), day=DAYS[1])
    for at, order in enumerate(([one, sold, two], [two, one, sold], [sold, two, one])):
        (tmp_path / str(at)).mkdir()
        with Database(SqliteBackend(tmp_path / str(at))) as database:
            for log in order:
                database.write(Taking(log.batch())).result(60)
            (day,) = database.read(lambda sql: queries.store_books(sql, STORE, DAYS[0])).result(60).days
            assert day.books.gross_minor == 1_400
            assert day.closed is not None
            assert (day.closed.epoch, day.closed.register, day.closed.others) == ("2.till-2", "till-2", 1)


def test_the_pages_say_what_is_closed_and_what_came_late(tmp_path: Path) -> None:
    front, back = Log("till-1", "inc-1"), Log("till-2", "inc-2")
    front.sale("a", 1_000, day=DAYS[0])
    front.add(close(DAYS[0], 7, Epoch(1, "till-1"), {"till-1": {"inc-1": len(front.events)}}), day=DAYS[1])
    front.sale("b", 300, day=DAYS[1])
    back.sale("late", 700, day=DAYS[0])
    with Office(tmp_path, SqliteBackend(tmp_path)) as office:
        office.take(front)
        office.take(back)
        office.add("mia", "owner")
        mia = office.person("mia")
        closed, opened = (mia.see(f"/day?store={STORE}&day={day}") for day in DAYS[:2])
        assert "Closed by register till-1, Z 7, under roles 1.till-1." in closed
        assert "10.00" in closed
        assert "This day is open" in opened
        assert "Adjustments: of days that were closed before it came" in opened
        assert f"of {DAYS[0]}" in mia.see(f"/sales?day={DAYS[1]}")
        assert "Z 7" in mia.see(f"/sales?day={DAYS[0]}")
