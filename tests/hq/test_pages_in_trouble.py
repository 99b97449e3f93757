"""Pages while the disk is full or the database is away, and while a register makes up logs by the thousand."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.hq.people import Office, words
from tests.hq.world import STORE, Log

from tillkeeper.contract.chain import GENESIS
from tillkeeper_hq.pages import figures
from tillkeeper_hq.sql import DatabaseAway, Sql, StoreFailed, Value
from tillkeeper_hq.sqlite import SqliteBackend
from tillkeeper_hq.users import sessions


class Failing:
    """A database that refuses writes, or all, as long as it is told to."""

    def __init__(self, folder: Path) -> None:
        self._backend = SqliteBackend(folder)
        self.full = self.away = False

    def connect(self, *, reading: bool) -> Sql:
        return _Connection(self, self._backend.connect(reading=reading))


class _Connection:
    def __init__(self, failing: Failing, sql: Sql) -> None:
        self._failing, self._sql = failing, sql
        self.one_at_a_time, self.forget, self.close = sql.one_at_a_time, sql.forget, sql.close

    @contextlib.contextmanager
    def transaction(self, *, reading: bool = False) -> Iterator[None]:
        if self._failing.away:
            raise DatabaseAway("connection refused")
        with self._sql.transaction(reading=reading):
            yield
            if self._failing.full and not reading:
                raise StoreFailed("database or disk is full")

    def rows(self, sql: str, *values: Value) -> list[Any]:
        return self._sql.rows(sql, *values)

    def many(self, sql: str, rows: Sequence[tuple[Value, ...]]) -> None:
        self._sql.many(sql, rows)


def test_on_a_full_disk_people_read_on_and_are_told_what_is_not_done(tmp_path: Path) -> None:
    backend = Failing(tmp_path)
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        log = Log()
        log.sale("c1", 1190)
        log.raw("check_voided", "{}")
        office.take(log)
        mia = office.person("mia")
        backend.full = True
        office.now_ms += 2 * sessions.USED_EVERY_MS
        assert "11.90" in mia.see("/sales")
        refused = mia.send("/aside?id=1", note="seen")
        assert refused.status_code == 507
        assert "Nothing was changed" in words(refused.text)
        assert office.stranger().sign_in("mia").status_code == 507
        backend.full = False
        assert "Nobody yet." in mia.see("/aside?id=1")
        assert mia.send("/aside?id=1", note="seen").status_code == 303


def test_while_the_database_is_away_the_pages_say_so(tmp_path: Path) -> None:
    backend = Failing(tmp_path)
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        mia = office.person("mia")
        backend.away = True
        for path in ("/", "/sales", "/users"):
            answer = mia.ask(path)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
            assert "HQ's database does not answer" in words(answer.text)
            assert "connection refused" not in answer.text
        backend.away = False
        assert mia.ask("/").status_code == 200


def test_a_register_that_makes_up_logs_hides_nobody(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path)
    with Office(tmp_path, backend) as office:
        office.add("mia", "owner")
        sql = backend.connect(reading=False)
        with sql.transaction():
            sql.many(
                "INSERT INTO logs (store, register, incarnation, head_hash, last_seen_ms, claimed_seq)"
                " VALUES ($1, $2, $3, $4, $5, 9)",
                [(STORE, "till-1", f"made-up-{n}", GENESIS, office.now_ms - 1_000 - n) for n in range(20_000)],
            )
            sql.rows(
                "INSERT INTO logs (store, register, incarnation, head_hash, last_seen_ms, held_seq, claimed_seq)"
                " VALUES ($1, $2, $3, $4, $5, 4, 6)",
                STORE, "till-2", "own", GENESIS, office.now_ms,
            )  # fmt: skip
        sql.close()
        seen = office.person("mia").see(f"/store?store={STORE}")
        assert f"till-1 behind {9 * figures.LOGS_OF_ONE:,} events behind" in seen
        assert "till-2 behind 2 events behind 4 6 2" in seen
