"""SQLite: one file, one process."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw

from tillkeeper_hq.formats import VERSION, steps
from tillkeeper_hq.sql import DatabaseUnusable, Sql, StoreFailed, Value

FILE_NAME = "hq.sqlite3"
_BUSY_MS = 5_000


class SqliteBackend:
    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def connect(self, *, reading: bool) -> Sql:
        try:
            if reading:
                db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
                db.set_busy_timeout(_BUSY_MS)
                return _Connection(db)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return _Connection(_opened(self._path))
        except (OSError, apsw.Error) as error:
            hint = " (is its disk full, or failing?)" if isinstance(error, (apsw.FullError, apsw.IOError)) else ""
            raise DatabaseUnusable(f"{self._path}: {error}{hint}") from error


class _Connection:
    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.close = db.close

    @contextlib.contextmanager
    def transaction(self, *, reading: bool = False) -> Iterator[None]:
        try:
            self._db.execute("BEGIN" if reading else "BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except apsw.Error as error:
            raise StoreFailed(str(error)) from error
        finally:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def rows(self, sql: str, *values: Value) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def many(self, sql: str, rows: Sequence[tuple[Value, ...]]) -> None:
        self._db.executemany(sql, rows)

    def forget(self) -> bool:
        self._db.set_busy_timeout(0)
        try:
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.Error:  # a reader, or the disk: the next transaction says which
            return False
        finally:
            self._db.set_busy_timeout(_BUSY_MS)
        return True

    def one_at_a_time(self, table: str) -> None:
        """It is so always: there is one writer."""


def _opened(path: Path) -> apsw.Connection:
    _keep_to_itself(path)
    db = apsw.Connection(str(path))
    db.set_busy_timeout(_BUSY_MS)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA journal_size_limit = 16777216")
    db.execute("PRAGMA secure_delete = ON")  # an erased text is overwritten
    db.execute("PRAGMA foreign_keys = ON")
    try:
        _bring_up_to_date(db, path.name)
    except BaseException:  # whatever it is: let go of what is held, then pass it on
        db.close()
        raise
    return db


def _keep_to_itself(path: Path) -> None:
    """Names of guests and digests of passwords are for HQ alone, also in files of an HQ that made them for all to read. Raises
    OSError."""
    path.touch(0o600)
    for file in (path, *(path.with_name(path.name + ending) for ending in ("-wal", "-shm"))):
        with contextlib.suppress(FileNotFoundError, PermissionError):  # another user's: the group was let in on purpose
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)


def _bring_up_to_date(db: apsw.Connection, name: str) -> None:
    """A kill leaves the old format or the new one. Raises DatabaseUnusable, apsw.Error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        version = db.execute("PRAGMA user_version").get
        if version not in range(VERSION + 1):
            raise DatabaseUnusable(f"{name}: schema version {version}, this HQ knows {VERSION}")
        for step in steps(version):
            db.execute(step)
        if version != VERSION:
            db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
