"""Opening a journal: whose is it, is it whole, which incarnation goes on. Blocking; runs once, before anything is served.

The checks cost the same for ten events and for a million: headers, schema, the chain of the newest 500 events, and what is
not finished (open checks, unsettled jobs). Everything is read (`integrity_check` and the whole chain) only after a run that
met damage and left `<journal>.suspect`. What is damaged is set aside read-only and a new incarnation begins.
"""

import os
from pathlib import Path
from typing import NamedTuple

import apsw

from tillkeeper.clock import IdSource, WallClock
from tillkeeper.contract.chain import GENESIS, ChainBroken, verify
from tillkeeper.contract.events import IncarnationBegan
from tillkeeper.errors import StorageRefused
from tillkeeper.journal import carried
from tillkeeper.journal.commit import Log, keep_answers, read_head
from tillkeeper.journal.database import Further, connect_writer, migrate, tell_steps, trust
from tillkeeper.journal.faults import WrongJournal
from tillkeeper.journal.files import (
    FileLock,
    beside,
    damage_outside,
    lost_transactions,
    marker_of,
    newest_set_aside,
    set_aside,
    sync_folder,
)
from tillkeeper.journal.incarnations import begin, newest_job, read_logs
from tillkeeper.journal.last_words import LastWords, last_words
from tillkeeper.journal.reader import read_envelopes
from tillkeeper.journal.reserve import Reserve
from tillkeeper.journal.verify import verify_connection

TAIL_EVENTS = 500
_LEAST_BYTES = 64 * 1024
"""A -wal and a -shm file begin with 36 KiB."""


class Register(NamedTuple):
    """Who opens the journal. `machine_id` tells a re-imaged or cloned machine from the one before; it is compared only."""

    store: str
    register: str
    machine_id: str


class Opened(NamedTuple):
    connection: apsw.Connection
    log: Log
    alarms: tuple[str, ...]
    lock: FileLock


class Damaged(Exception):
    """The file cannot be trusted. `log_whole`: its -wal file lacks nothing, so what it says of its end may be believed."""

    log_whole = False


class _DamagedInside(Damaged):
    log_whole = True


def open_journal(
    path: Path, who: Register, wall_ms: WallClock, new_id: IdSource, reserve: Reserve, vfs: str | None, further: Further
) -> Opened:
    """Lock, examine, set aside if need be, and begin an incarnation if need be.

    Raises:
        JournalLocked, WrongJournal, JournalTooNew: see there; nothing was touched.
        StorageRefused: the disk is full or cannot be written; nothing was set aside.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(beside(path, ".lock"))
    except OSError as error:
        raise StorageRefused("open journal", path.name, str(error), "look at the folder's rights and space") from error
    try:
        try:
            return _open_locked(path, who, wall_ms, new_id, vfs, further, lock)
        except (apsw.FullError, apsw.IOError):
            reserve.release()  # a full disk must not keep a register from starting: reading needs a little room too
        try:
            return _open_locked(path, who, wall_ms, new_id, vfs, further, lock)
        except (apsw.FullError, apsw.IOError):
            reserve.release(last=True)
            return _open_locked(path, who, wall_ms, new_id, vfs, further, lock)
    except (apsw.Error, OSError) as error:
        lock.release()
        if _is_full(path.parent):
            hint = "free some: it is tried again and again"
            raise StorageRefused("open journal", path.name, "the disk is full to the last block", hint) from error
        raise StorageRefused("open journal", path.name, str(error) or type(error).__name__, "look at the disk") from error
    except BaseException:  # whatever it is: let go of what is held, then pass it on
        lock.release()
        raise


def _is_full(folder: Path) -> bool:
    try:
        return os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize < _LEAST_BYTES
    except OSError:
        return False


def _open_locked(
    path: Path, who: Register, wall_ms: WallClock, new_id: IdSource, vfs: str | None, further: Further, lock: FileLock
) -> Opened:
    alarms: list[str] = []
    connection: apsw.Connection | None = None
    previous, aside = LastWords(), newest_set_aside(path)
    kept = carried.Carried({})
    try:
        connection = _examine(path, vfs, alarms, further)
    except Damaged as damage:
        previous = last_words(path, who.store, who.register, log_whole=damage.log_whole)
        kept = carried.read(path, who.store, who.register)
        aside = set_aside(path, previous.incarnation or str(wall_ms()))
        marker_of(path).unlink(missing_ok=True)
        alarms.append(f"the journal was damaged ({damage}); it is kept as {aside}, and a new log began{_words(kept)}")
    try:
        if connection is None:
            # A journal that is missing while another was set aside: the set-aside was interrupted before the new one stood.
            if aside and not alarms:
                kept = carried.read(path.with_name(aside), who.store, who.register)
            began = IncarnationBegan(
                reason="corrupt_journal" if aside else "first_start", previous_incarnation=previous.incarnation,
                previous_last_seq=previous.last_seq, set_aside=aside,
            )  # fmt: skip
            settings = kept.settings | ({carried.LOST: aside.encode()} if kept.trouble else {})
            connection = _create(path, who, began, wall_ms(), new_id(), vfs, kept._replace(settings=settings))
        log = _continue(connection, path, who, wall_ms, new_id, alarms)
        trust(connection)
    except BaseException:  # whatever it is: let go of what is held, then pass it on
        if connection is not None:
            connection.close(True)
        raise
    return Opened(connection, log, tuple(alarms), lock)


def _words(kept: carried.Carried) -> str:
    """For the alarm: what has become of what people said of devices."""
    if kept.trouble:
        return f"; which printers had been replaced could not be read from it ({kept.trouble}): replace those again"
    return f"; what was said of {len(kept.settings)} devices was taken from it" if kept.settings else ""


def _examine(path: Path, vfs: str | None, alarms: list[str], further: Further) -> apsw.Connection | None:
    """The file opened and checked, or None where there is none.

    Raises:
        Damaged: set it aside.
        JournalTooNew, WrongJournal: leave it alone.
        apsw.Error: the disk, not the file.
    """
    damage = damage_outside(path)
    if damage is not None:
        raise Damaged(damage)
    if not path.exists():
        return None
    connection, damaged = None, Damaged
    try:
        connection = connect_writer(path, vfs)
        tell_steps(connection, further, "examines the journal")
        _check_log(connection, path)  # a step to a newer format would be written over what lies behind the damage
        damaged = _DamagedInside
        migrate(connection, path)
        _check_whole(connection, path, alarms, further)
        tell_steps(connection, None)
        found, connection = connection, None
        return found
    except (apsw.CorruptError, apsw.NotADBError, apsw.SQLError, ChainBroken, UnicodeDecodeError) as error:
        raise damaged(str(error)) from error
    except apsw.IOError as error:
        if getattr(error, "extendedresult", 0) in (apsw.SQLITE_IOERR_READ, apsw.SQLITE_IOERR_SHORT_READ):
            raise Damaged(f"it cannot be read: {error}") from error
        raise
    finally:
        if connection is not None:
            connection.close(True)


def _check_log(connection: apsw.Connection, path: Path) -> None:
    # NOOP only tells how far SQLite trusts the -wal file.
    frames, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    if lost_transactions(path, max(frames, 0)):
        raise Damaged("the -wal file is damaged in the middle")


def _check_whole(connection: apsw.Connection, path: Path, alarms: list[str], further: Further) -> None:
    logs = read_logs(connection)
    if not logs:
        raise Damaged("it does not say whose it is")
    for log in logs[-1:]:
        head = read_head(connection, log)
        first = max(0, head.seq - TAIL_EVENTS)
        envelopes = read_envelopes(connection, log, first, TAIL_EVENTS)
        if len(envelopes) != head.seq - first:
            raise Damaged("events are missing at its end")
        verify(envelopes, envelopes[0].prev_hash if envelopes else GENESIS)
    for query in (
        "SELECT * FROM checks WHERE state = 'open' AND state <> 'closed'",
        "SELECT * FROM jobs WHERE settled = 0",
        "SELECT * FROM settings",
        "SELECT max(n) FROM checks UNION SELECT max(n) FROM jobs UNION SELECT max(n) FROM commands",
    ):
        connection.execute(query).fetchall()
    if marker_of(path).exists():
        problems = connection.execute("PRAGMA integrity_check(5)").fetchall()
        if problems != [("ok",)]:
            raise Damaged("; ".join(str(row[0]) for row in problems))
        for report in verify_connection(connection, lambda done, of: further(f"examines the journal: {done} of {of} events")):
            if report.problem:
                raise Damaged(report.problem)
        marker_of(path).unlink()
        alarms.append("a run before met damage in the journal; all of it was checked now and found whole")


def _continue(
    connection: apsw.Connection,
    path: Path,
    who: Register,
    wall_ms: WallClock,
    new_id: IdSource,
    alarms: list[str],
) -> Log:
    """The log to write on: the newest one, or a new one where the machine is another."""
    log = read_logs(connection)[-1]
    if (log.store, log.register) != (who.store, who.register):
        cause = f"it is the journal of store {log.store}, register {log.register}"
        hint = f"this is store {who.store}, register {who.register}: look at the configuration or at the path"
        raise WrongJournal("open journal", path.name, cause, hint)
    if (who.machine_id,) in connection.execute("SELECT machine_id FROM logs WHERE log_no = ?", (log.log_no,)).fetchall():
        return log
    last_seq = read_head(connection, log).seq
    began = IncarnationBegan(reason="machine_changed", previous_incarnation=log.incarnation, previous_last_seq=last_seq)
    alarms.append("this machine is another than the one that wrote the journal; a new log began")
    return _begin(connection, who, began, log.log_no + 1, wall_ms(), new_id(), newest_job(connection))


def _begin(
    connection: apsw.Connection, who: Register, began: IncarnationBegan, log_no: int, now_ms: int, incarnation: str,
    old_jobs: int = 0,
) -> Log:
    log = Log(log_no, who.store, who.register, incarnation)
    with connection:
        begin(connection, log, who.machine_id, began, now_ms, old_jobs)
    return log


def _create(
    path: Path,
    who: Register,
    began: IncarnationBegan,
    now_ms: int,
    incarnation: str,
    vfs: str | None,
    kept: carried.Carried,
) -> apsw.Connection:
    """A new journal, built under another name so that a half-made one is never taken for an old one."""
    building = beside(path, ".new")
    for ending in ("", "-wal", "-shm"):
        beside(building, ending).unlink(missing_ok=True)
    connection = connect_writer(building, vfs, create=True)
    try:
        migrate(connection, building)
        with connection:
            connection.execute("INSERT INTO owner (one, store, register) VALUES (1, ?, ?)", (who.store, who.register))
            connection.executemany("INSERT INTO settings (name, value) VALUES (?, ?)", list(kept.settings.items()))
            keep_answers(connection, kept.answers)
        _begin(connection, who, began, 1, now_ms, incarnation)
        connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        trust(connection)
    finally:
        connection.close(True)
    building.rename(path)
    sync_folder(path.parent)
    return connect_writer(path, vfs)
