"""Full verification of a file of held logs: every hash of every log, and every personal text against its digest."""

from pathlib import Path

import apsw
import msgspec

from tillkeeper.contract.chain import GENESIS, ChainBroken, personal_digest
from tillkeeper.contract.envelope import Envelope
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.faults import StorageUnreadable
from tillkeeper.journal.files import beside
from tillkeeper.journal.verify import LogReport
from tillkeeper.replication.held.rows import HeldLog, Named, read_events, read_known
from tillkeeper.replication.model import LogId

EVENTS_AT_ONCE = 2_000


def verify_file(path: Path) -> list[LogReport]:
    """Check a file of held logs, also one in use or set aside; nothing is written. Rejected events have their place and
    vouch for nothing.

    Raises:
        StorageUnreadable: no such file, or too damaged to be read.
    """
    log = beside(path, "-wal")
    try:
        connection = connect_reader(path, immutable=not log.exists() or log.stat().st_size == 0)
    except apsw.Error as error:
        raise _unreadable(path, error) from error
    try:
        store = str(connection.execute("SELECT store FROM owner").get)
        return [_report(connection, store, log_id, held) for log_id, held in sorted(read_known(connection).items())]
    except (apsw.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    finally:
        connection.close(True)


def _report(connection: apsw.Connection, store: str, log: LogId, held: HeldLog) -> LogReport:
    named = Named(held.log_no, store, log)
    end = held.held
    seq, tip, problem = 0, GENESIS, ""
    while seq < end.held_seq and not problem:
        try:
            events = read_events(connection, named, seq, EVENTS_AT_ONCE)
            if not events:
                raise ChainBroken(seq + 1, "it is missing")
        except ChainBroken as broken:
            problem = str(broken)
        else:
            problem = next(filter(None, map(_text_problem, events)), "")
            seq, tip = events[-1].seq, events[-1].hash
    if not problem and (seq, tip) != (end.held_seq, end.head_hash):
        problem = f"its end is not event {end.held_seq} as it was answered for"
    return LogReport(store, log.register, log.incarnation, seq, tip, problem)


def _text_problem(event: Envelope) -> str:
    wrong = [digest for digest, (salt, text) in event.personal.items() if personal_digest(salt, text) != digest]
    return f"event {event.seq}: a personal text does not match its digest" if wrong else ""


def _unreadable(path: Path, error: Exception) -> StorageUnreadable:
    return StorageUnreadable("verify", path.name, str(error), "is it a file of held logs?")
