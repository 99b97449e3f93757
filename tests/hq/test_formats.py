"""Every released format of HQ's database is opened by the HQ of today, and goes on."""

import gzip
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import apsw
import psycopg
import pytest
from tests.hq.make_format import UNKNOWN, batches, good_log
from tests.hq.people import Office, Person
from tests.hq.world import DAY, STORE, Log, personal
from tests.support import postgres

from tillkeeper.contract.books import Books, day_books
from tillkeeper_hq import formats, queries
from tillkeeper_hq import postgres as hq_postgres
from tillkeeper_hq.database import Database
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.postgres import PostgresBackend
from tillkeeper_hq.sql import Backend, DatabaseUnusable
from tillkeeper_hq.sqlite import FILE_NAME, SqliteBackend

FORMATS = Path(__file__).parent / "formats"
NAMES = sorted(path.name for path in FORMATS.glob("hq-*.gz"))


def opened(name: str, folder: Path, request: pytest.FixtureRequest) -> tuple[Backend, str]:
    """The database as that release left it, and where it is."""
    content = gzip.decompress((FORMATS / name).read_bytes())
    if ".postgresql." not in name:
        (folder / FILE_NAME).write_bytes(content)
        return SqliteBackend(folder), str(folder / FILE_NAME)
    server: postgres.Server = request.getfixturevalue("server")
    url = server.fresh()
    loaded = subprocess.run(
        [postgres.need() / "psql", "-q", "-v", "ON_ERROR_STOP=1", url], input=content, capture_output=True, check=False
    )
    assert loaded.returncode == 0, loaded.stderr.decode()
    return PostgresBackend(url), url


@pytest.fixture(params=NAMES)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Backend, str]:
    return opened(request.param, tmp_path, request)


def schema(where: str) -> list[tuple[object, ...]]:
    """Tables, columns, indexes."""
    if where.startswith("postgresql://"):
        with psycopg.connect(where) as db:
            columns = db.execute(
                "SELECT table_name, column_name, data_type, is_nullable, column_default, collation_name"
                " FROM information_schema.columns"
                " WHERE table_schema = 'public' ORDER BY table_name, column_name"
            ).fetchall()
            return [*columns, *db.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1").fetchall()]
    with apsw.Connection(where) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
        columns = [(name, *row) for name in names for row in db.execute(f"PRAGMA table_xinfo({name})")]
        return [*columns, *db.execute("SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' ORDER BY name")]


def test_the_format_of_today_is_among_them() -> None:
    """Whoever makes a new one adds its files: `docs/decisions/0019-formats-of-files.md`."""
    assert {f"hq-{formats.VERSION}.sqlite3.gz", f"hq-{formats.VERSION}.postgresql.sql.gz"} <= set(NAMES)


def test_what_a_release_wrote_is_all_there(old: tuple[Backend, str]) -> None:
    with Database(old[0]) as database:
        books = database.read(lambda sql: queries.store_books(sql, STORE, "")).result(60)
        log = good_log()
        events = database.read(lambda sql: queries.events(sql, (STORE, "till-1", "inc-1"), 0, 1_000)).result(60)
        asides = database.read(lambda sql: queries.quarantine(sql, "", "", 0)).result(60)
        kept = database.read(lambda sql: queries.check(sql, STORE, "guest")).result(60)
    merged: Books = dict(log.books)
    other = Log("till-2")
    other.sale("after-poison", 4_200, day="2026-11-20")
    for account, amount in other.books.items():
        merged[account] = merged.get(account, 0) + amount
    assert {one.books.business_day: one.books for one in books.days}[DAY] == day_books(merged, DAY)
    assert events == log.events
    assert (events[-2].type, events[-2].body) == UNKNOWN
    assert events[-1].personal == personal("Zo\u00eb")[1]
    assert sorted(one.reason for _, one in asides) == ["forked_log"] * 3 + ["undecodable"]
    assert kept is not None


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("hq-2.")])
def test_who_could_sign_in_still_can(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    backend, _ = opened(name, tmp_path, request)
    with Office(tmp_path, backend) as office:
        mia = office.person("mia")
        assert "Found on a Tuesday" in mia.see("/aside?id=1")
        assert "mia quarantine looked at" in mia.see("/journal")
        assert "3 events behind" in mia.see(f"/store?store={STORE}")
        assert "EUR" in mia.see(f"/sales?day={DAY}")


def test_it_goes_on_and_its_schema_is_that_of_a_new_one(
    old: tuple[Backend, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    backend, where = old
    with Office(tmp_path, backend) as office:
        for batch in batches():  # sent once more: nothing is new to it
            assert office.post(batch).held_seq >= len(batch.events)
        office.add("somebody", "owner")
        person: Person = office.person("somebody")
        assert "check_voided corner / till-2, event 1" in person.see("/quarantine")
        assert person.send("/aside?id=1", note="Seen after the update").status_code == 303
        more = good_log()
        more.sale("afterwards", 1_000)
        assert office.take(more).held_seq == len(more.events)
    fresh: tuple[Backend, str]
    if isinstance(backend, PostgresBackend):
        url = request.getfixturevalue("server").fresh()
        fresh = PostgresBackend(url), url
    else:
        (tmp_path / "new").mkdir()
        fresh = SqliteBackend(tmp_path / "new"), str(tmp_path / "new" / FILE_NAME)
    with Database(fresh[0]):
        pass
    assert schema(where) == schema(fresh[1])


def test_a_newer_format_is_refused_and_left_alone(new_database: Callable[[], str], tmp_path: Path) -> None:
    url = new_database()
    backend: Backend = PostgresBackend(url) if url else SqliteBackend(tmp_path)
    with Database(backend) as database:
        log = Log()
        log.sale("c1", 100)
        database.write(Taking(log.batch())).result(60)
    if url:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(b"UPDATE tillkeeper_hq SET version = %d" % (formats.VERSION + 1))
    else:
        with apsw.Connection(str(tmp_path / FILE_NAME)) as one:
            one.execute(f"PRAGMA user_version = {formats.VERSION + 1}")
    with pytest.raises(DatabaseUnusable, match=f"this HQ knows {formats.VERSION}"), Database(backend):
        pass


def test_who_starts_while_another_brings_the_tables_up_to_date_waits_for_it(
    server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that takes: longer than a statement of a sale may, or its wait for a lock."""
    url = server.fresh()
    monkeypatch.setattr(hq_postgres, "_SESSION", ("SET statement_timeout = '1s'", "SET lock_timeout = '500ms'"))
    opened: list[object] = []

    def connect() -> None:
        try:
            hq_postgres.PostgresBackend(url).connect(reading=False).close()
        except DatabaseUnusable as error:
            opened.append(error)
        else:
            opened.append("opened")

    late = threading.Thread(target=connect)
    long = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND now() - query_start > interval '1500ms'"
    with psycopg.connect(url) as other:
        other.execute(b"SELECT pg_advisory_xact_lock(%d)" % hq_postgres._SCHEMA_LOCK)
        late.start()
        deadline = time.monotonic() + 60
        while late.is_alive() and not server.ask(long, url):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    late.join(60)
    assert opened == ["opened"]
