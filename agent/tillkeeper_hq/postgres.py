"""PostgreSQL: for a chain; several HQ processes may work on one database at once.

What keeps them apart are locks on rows, taken by `tables`: a log is written by one transaction at a time, and so are the
numbers and books of a store. Locks end with their transaction, also where the process that held them was killed.
"""

import contextlib
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.numeric import Int8Dumper
from psycopg.types.string import StrDumper

from tillkeeper_hq.formats import VERSION, steps
from tillkeeper_hq.sql import DatabaseAway, DatabaseUnusable, Sql, StoreFailed, Value

_SETTINGS = {
    "application_name": "tillkeeper-hq",
    "connect_timeout": 5,
    # A server that vanished is noticed within seconds, not hours.
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
_SESSION = (
    "SET synchronous_commit = on",  # what is answered is on the disk, whatever the server's default is
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '30s'",
    "SET idle_in_transaction_session_timeout = '30s'",  # a stopped process must not hold its locks for ever
)
AGAIN_S = 1.0
"""So long after an attempt to connect the next one."""
_SCHEMA_LOCK = 0x7469_6C6C
"""Of `pg_advisory_xact_lock`: one process at a time brings the tables up to date."""


class PostgresBackend:
    """`url`: `postgresql://...`, or what libpq reads besides. Never repeated in a message: it may hold a password."""

    def __init__(self, url: str) -> None:
        self._url = url

    def connect(self, *, reading: bool) -> Sql:
        try:
            where = _where(self._url)
            db = self._opened()
            try:
                if not reading:
                    _bring_up_to_date(db)
            except BaseException:  # whatever it is: let go of what is held, then pass it on
                db.close()
                raise
        except psycopg.Error as error:
            raise DatabaseUnusable(f"PostgreSQL{where}: {_words(error)}") from None
        return _Connection(db, self._opened)

    def _opened(self) -> "psycopg.Connection[tuple[Any, ...]]":
        db = psycopg.connect(self._url, autocommit=True, cursor_factory=psycopg.RawCursor, **_SETTINGS)  # type: ignore[arg-type]
        # One type for each kind of value: else each mixture of small and large numbers is a statement of its own.
        db.adapters.register_dumper(int, Int8Dumper)
        db.adapters.register_dumper(str, StrDumper)
        try:
            for setting in _SESSION:
                db.execute(setting)
        except BaseException:  # whatever it is: let go of what is held, then pass it on
            db.close()
            raise
        return db


class _Connection:
    """Opens itself again after it was lost."""

    def __init__(self, db: "psycopg.Connection[tuple[Any, ...]]", opened: Any) -> None:
        self._db, self._opened = db, opened
        self._again_s = 0.0

    @contextlib.contextmanager
    def transaction(self, *, reading: bool = False) -> Iterator[None]:
        try:
            if self._db.closed:
                self._open_again()
            self._db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if reading else "BEGIN")
            try:
                yield
            except BaseException:  # whatever it is: nothing of it counts, and it is passed on
                self._roll_back()
                raise
            self._db.execute("COMMIT")
        except psycopg.Error as error:
            self._roll_back()
            failed = DatabaseAway if self._db.closed or _is_away(error) else StoreFailed
            raise failed(_words(error)) from error

    def _open_again(self) -> None:
        """Raises psycopg.Error. Those who come right after a failure are told so at once: an attempt may take seconds."""
        if time.monotonic() < self._again_s:
            raise psycopg.OperationalError("the connection is lost")
        try:
            self._db = self._opened()
        except psycopg.Error:
            self._again_s = time.monotonic() + AGAIN_S
            raise

    def _roll_back(self) -> None:
        with contextlib.suppress(psycopg.Error):
            if not self._db.closed and self._db.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self._db.execute("ROLLBACK")

    def rows(self, sql: str, *values: Value) -> list[Any]:
        found = self._db.execute(sql.encode(), [_written(value) for value in values])
        return [tuple(map(_read, row)) for row in found] if found.description is not None else []

    def many(self, sql: str, rows: Sequence[tuple[Value, ...]]) -> None:
        if rows:
            with self._db.cursor() as cursor:
                cursor.executemany(sql.encode(), [tuple(map(_written, row)) for row in rows])

    def forget(self) -> bool:
        """PostgreSQL overwrites nothing at once: `VACUUM FULL personal` is the owner's to run (docs/privacy.md)."""
        return True

    def one_at_a_time(self, table: str) -> None:
        self._db.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE".encode())

    def close(self) -> None:
        self._db.close()


def _bring_up_to_date(db: "psycopg.Connection[tuple[Any, ...]]") -> None:
    """Raises psycopg.Error, DatabaseUnusable."""
    if db.info.parameter_status("server_encoding") != "UTF8":
        raise DatabaseUnusable("PostgreSQL: the database's encoding must be UTF8")
    with db.transaction():
        # However long it takes: an index over years of books does, and so does waiting for another process that makes it.
        db.execute(b"SET LOCAL statement_timeout = 0")
        db.execute(b"SET LOCAL lock_timeout = 0")
        db.execute(b"SELECT pg_advisory_xact_lock($1)", [_SCHEMA_LOCK])
        db.execute(b"SET LOCAL lock_timeout = '5s'")
        db.execute(b"CREATE TABLE IF NOT EXISTS tillkeeper_hq (version BIGINT NOT NULL)")
        row = db.execute(b"SELECT version FROM tillkeeper_hq").fetchone()
        version = 0 if row is None else int(row[0])
        if version > VERSION:
            raise DatabaseUnusable(f"PostgreSQL: schema version {version}, this HQ knows {VERSION}")
        for step in steps(version):
            db.execute(_translated(step).encode())
        if row is None:
            db.execute(b"INSERT INTO tillkeeper_hq VALUES ($1)", [VERSION])
        elif version != VERSION:
            db.execute(b"UPDATE tillkeeper_hq SET version = $1", [VERSION])


def _translated(schema: str) -> str:
    """SQLite's tables under PostgreSQL's names of types. Text is ordered by its bytes, as in SQLite and Python."""
    schema = schema.replace("INTEGER PRIMARY KEY", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY")
    for ours, theirs in ((r"INTEGER", "BIGINT"), (r"BLOB", "BYTEA"), (r"TEXT", 'TEXT COLLATE "C"')):
        schema = re.sub(rf"(?m)^(    \w+ +){ours}\b", rf"\1{theirs}", schema)
    return re.sub(r"\) STRICT(, WITHOUT ROWID)?;", ");", schema)


# PostgreSQL's text holds every character but U+0000, and events may hold that one: it is written as U+0001 U+0002, and U+0001
# itself as U+0001 U+0001.
_ESCAPED = {"\0": "\1\2", "\1": "\1\1"}
_UNESCAPED = {"\1\2": "\0", "\1\1": "\1"}


def _written(value: Value) -> Value:
    if isinstance(value, str) and ("\0" in value or "\1" in value):
        return re.sub("[\0\1]", lambda found: _ESCAPED[found[0]], value)
    return value


def _read(value: Any) -> Any:
    if isinstance(value, str) and "\1" in value:
        return re.sub("\1[\1\2]", lambda found: _UNESCAPED[found[0]], value)
    return value


def _is_away(error: psycopg.Error) -> bool:
    """The server does not answer, is starting, ending, has too many connections, or kept us waiting for too long behind another
    process (SQLSTATE classes 08 and 57P0; 53300, 55P03, 57014)."""
    state = error.sqlstate or ("08000" if isinstance(error, psycopg.OperationalError) else "")
    return state.startswith(("08", "57P0")) or state in ("53300", "55P03", "57014")


def _words(error: psycopg.Error) -> str:
    """The first line of what the server says. libpq's messages name host, user and database, never the password."""
    return str(error).strip().partition("\n")[0][:300]


def _where(url: str) -> str:
    """Raises DatabaseUnusable."""
    parts = _parts(url)
    host, name = parts.get("host") or "", parts.get("dbname") or ""
    return f" at {host}/{name}" if host or name else ""


def has_password(url: str) -> bool:
    """Raises DatabaseUnusable: not what libpq reads."""
    return bool(_parts(url).get("password"))


def _parts(url: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.Error:
        # Its message repeats what it could not read.
        raise DatabaseUnusable("PostgreSQL: the database's address cannot be read: postgresql://user@host/name") from None
