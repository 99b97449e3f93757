"""The file of held logs on the disk: opened, examined, set aside. Blocking."""

from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec

from tillkeeper.contract.chain import ChainBroken
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.database import Format, Migration, connect_writer, migrate, trust
from tillkeeper.journal.faults import JournalTooNew, WrongJournal
from tillkeeper.journal.files import FileLock, beside, damage_outside, lost_transactions, marker_of, set_aside, sync_folder
from tillkeeper.replication.held.rows import Named, read_events, read_known

FORMAT = Format(0x54494C48, "tillkeeper.replication.held", (Migration(1, "first_held_logs", "schema.sql"),))
"""application_id "TILH"."""
TAIL_EVENTS = 100
"""Looked at in each log at a start."""


class OpenedFile(NamedTuple):
    connection: apsw.Connection
    lock: FileLock
    alarms: tuple[str, ...]


class _Unusable(Exception):
    """The file is to be set aside."""


def open_file(path: Path, store: str, label: str, vfs: str | None) -> OpenedFile:
    """A file that is damaged, or of another store, or of a newer agent, is set aside, and another begins: registers send again
    what they have, and what can be read of the old one is taken over (`rescue.py`).

    Raises:
        JournalLocked: another agent works on it.
        StorageRefused: the disk can not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(beside(path, ".lock"))
    except OSError as error:
        raise StorageRefused("open held logs", path.name, str(error), "look at the folder's rights and space") from error
    alarms: tuple[str, ...] = ()
    try:
        try:
            connection = _examine(path, store, vfs)
        except _Unusable as unusable:
            connection, name = begin_anew(path, store, label, vfs)
            alarms = (alarm_of(name, str(unusable)),)
    except (apsw.Error, OSError) as error:
        lock.release()
        cause = str(error) or type(error).__name__
        raise StorageRefused("open held logs", path.name, cause, "look at the disk") from error
    except BaseException:  # whatever it is: let go of what is held, then pass it on
        lock.release()
        raise
    return OpenedFile(connection, lock, alarms)


def alarm_of(name: str, cause: str) -> str:
    return f"the logs held for other registers could not be used ({cause}); the file is kept as {name}, and they come in again"


def begin_anew(path: Path, store: str, label: str, vfs: str | None) -> tuple[apsw.Connection, str]:
    """Set the file aside and begin another; the old one's new name. Raises: apsw.Error, OSError."""
    name = set_aside(path, label)
    marker_of(path).unlink(missing_ok=True)
    return _create(path, store, vfs), name


def _examine(path: Path, store: str, vfs: str | None) -> apsw.Connection:
    """Raises: _Unusable, apsw.Error, OSError."""
    log = beside(path, "-wal")
    if path.exists() and not path.stat().st_size and not (log.exists() and log.stat().st_size):
        path.unlink()  # made just before a crash: SQLite writes its first page later
    damage = damage_outside(path)
    if damage is not None:
        raise _Unusable(damage)
    if marker_of(path).exists():
        raise _Unusable("a run before met damage in it")
    if not path.exists():
        return _create(path, store, vfs)
    connection = None
    try:
        connection = connect_writer(path, vfs)
        migrate(connection, path, FORMAT)
        _check(connection, path, store)
        trust(connection)
        found, connection = connection, None
        return found
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, ChainBroken, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _Unusable(str(error)) from error
    except (JournalTooNew, WrongJournal) as error:
        raise _Unusable(error.cause) from error
    finally:
        if connection is not None:
            connection.close(True)


def _check(connection: apsw.Connection, path: Path, store: str) -> None:
    frames, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    if lost_transactions(path, max(frames, 0)):
        raise _Unusable("its -wal file is damaged in the middle")
    owner = connection.execute("SELECT store FROM owner").get
    if owner is None:
        with connection:
            connection.execute("INSERT INTO owner (one, store) VALUES (1, ?)", (store,))
    elif owner != store:
        raise _Unusable(f"it is of store {owner}")
    for log, held in read_known(connection).items():
        first = max(0, held.held.held_seq - TAIL_EVENTS)
        events = read_events(connection, Named(held.log_no, store, log), first, TAIL_EVENTS)
        last = (events[-1].seq, events[-1].hash) if events else (0, held.held.head_hash)
        if last != held.held:
            raise _Unusable(f"events are missing at the end of log {log.incarnation} of register {log.register}")


def _create(path: Path, store: str, vfs: str | None) -> apsw.Connection:
    connection = connect_writer(path, vfs, create=True)
    try:
        migrate(connection, path, FORMAT)
        with connection:
            connection.execute("INSERT INTO owner (one, store) VALUES (1, ?)", (store,))
        trust(connection)
        sync_folder(path.parent)
    except BaseException:  # whatever it is: let go of what is held, then pass it on
        connection.close(True)
        raise
    return connection
