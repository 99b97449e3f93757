"""Connections to the journal file: settings that carry the promise, and named migrations."""

import importlib.resources
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import apsw

from tillkeeper.errors import StorageRefused
from tillkeeper.journal.faults import JournalTooNew, WrongJournal

JOURNAL_SIZE_LIMIT = 16 * 1024 * 1024
BUSY_TIMEOUT_MS = 2_000
STEPS = 10_000
"""Of SQLite's, some milliseconds: so often it is told that a statement gets on."""
Further = Callable[[str], None]
"""Called while a long work gets on, with what it does, from the thread that does it."""


class Migration(NamedTuple):
    """`version`: what user_version is afterwards. `file`: SQL in this package."""

    version: int
    name: str
    file: str


class Format(NamedTuple):
    """What makes a file one of ours: SQLite's application_id, and the steps to its newest version, kept in `package`. The
    version that a step leads to is `user_version` in the file; a step is never changed once it was released."""

    application_id: int
    package: str
    migrations: tuple[Migration, ...]

    @property
    def version(self) -> int:
        return self.migrations[-1].version


JOURNAL = Format(
    0x54494C4C,
    "tillkeeper.journal",
    (Migration(1, "first_journal", "schema.sql"), Migration(2, "erased_texts", "schema-2.sql")),
)
"""application_id "TILL"."""

PRAGMAS = ("journal_mode", "synchronous", "journal_size_limit", "secure_delete", "foreign_keys", "user_version")


def connect_writer(path: Path, vfs: str | None, *, create: bool = False) -> apsw.Connection:
    """The one connection that writes. WAL with `synchronous=FULL`: every COMMIT is synced before it returns. Checkpoints are
    the caller's duty (they come after the answer, not before it). Nothing is copied into the file when it closes until
    `trust` was called.

    Raises:
        StorageRefused: the file system cannot give that promise.
        apsw.Error: the file cannot be opened.
    """
    flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if create else 0)
    connection = apsw.Connection(str(path), flags=flags, vfs=vfs)
    try:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        connection.set_busy_timeout(BUSY_TIMEOUT_MS)
        connection.execute("PRAGMA journal_mode=WAL").fetchall()
        connection.execute("PRAGMA synchronous=FULL").fetchall()
        connection.execute(f"PRAGMA journal_size_limit={JOURNAL_SIZE_LIMIT}").fetchall()
        connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
        # What is deleted or moved is overwritten, so that an erased text is gone from the file.
        connection.execute("PRAGMA secure_delete=ON").fetchall()
        # KiB. More made no write and no read faster, with a million events neither.
        connection.execute("PRAGMA cache_size=-1000").fetchall()
        found = read_pragmas(connection)
        if found["journal_mode"] != "wal" or found["synchronous"] != 2:
            cause = f"the file system does not let SQLite work in WAL mode with full sync ({found})"
            raise StorageRefused("open journal", path.name, cause, "put it on a local disk")
    except BaseException:  # whatever it is: let go of what is held, then pass it on
        connection.close(True)
        raise
    return connection


def trust(connection: apsw.Connection) -> None:
    """The file has been examined: closing may copy the log into it."""
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)


def tell_steps(connection: apsw.Connection, further: Further | None, doing: str = "") -> None:
    """While a statement runs on `connection`, `further` hears `doing`; None ends that."""

    def step() -> bool:
        if further is not None:
            further(doing)
        return False

    connection.set_progress_handler(step if further is not None else None, STEPS)


def connect_reader(path: Path, vfs: str | None = None, *, immutable: bool = False) -> apsw.Connection:
    """A connection that only reads. `immutable`: of a file that nobody writes, without its locks and its log."""
    name = path.absolute().as_uri() + "?mode=ro" + ("&immutable=1" if immutable else "")
    connection = apsw.Connection(name, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, vfs=vfs)
    connection.set_busy_timeout(BUSY_TIMEOUT_MS)
    return connection


def read_pragmas(connection: apsw.Connection) -> dict[str, str | int]:
    """What is in force, as SQLite says it (`synchronous` 2 is FULL)."""
    return {name: connection.pragma(name) for name in PRAGMAS}


def migrate(connection: apsw.Connection, path: Path, form: Format = JOURNAL) -> None:
    """Bring the schema to its newest version, each step in its own transaction.

    Raises:
        WrongJournal: a database of something else.
        JournalTooNew: written by a newer agent.
    """
    version = connection.pragma("user_version")
    if version > form.version:
        cause = f"its schema version is {version}, this agent knows {form.version}"
        raise JournalTooNew("open journal", path.name, cause, "install the newer agent again")
    if version and connection.pragma("application_id") != form.application_id:
        raise WrongJournal("open journal", path.name, "it is a database of another program", "check the path")
    for step in form.migrations:
        if step.version > version:
            sql = importlib.resources.files(form.package).joinpath(step.file).read_text("utf-8")
            with connection:
                connection.execute(sql)
                connection.execute(f"PRAGMA application_id={form.application_id}")
                connection.execute(f"PRAGMA user_version={step.version}")
