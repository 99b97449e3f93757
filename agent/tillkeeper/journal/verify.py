"""Full verification of a journal file: every hash of every log, and every personal text against its digest."""

from collections.abc import Callable
from pathlib import Path

import apsw
import msgspec

from tillkeeper.contract.chain import GENESIS, ChainBroken, personal_digest, verify
from tillkeeper.journal.commit import Log, read_head
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.faults import StorageUnreadable
from tillkeeper.journal.files import beside
from tillkeeper.journal.reader import read_envelopes

EVENTS_AT_ONCE = 2_000

Progress = Callable[[int, int], None]
"""Called with events checked so far and events in the file."""


class LogReport(msgspec.Struct, frozen=True):
    """`problem` is empty where the log verifies from its first event to its last; else `last_seq` is the last good one."""

    store: str
    register: str
    incarnation: str
    last_seq: int
    head_hash: str
    problem: str = ""


def verify_file(path: Path, progress: Progress | None = None) -> list[LogReport]:
    """Check a journal, also one in use or set aside; nothing is written.

    Raises:
        StorageUnreadable: no journal, or too damaged to be read.
    """
    log = beside(path, "-wal")
    try:
        # Without a log nobody is writing, and a read-only file can be read where no -shm file may be made.
        connection = connect_reader(path, immutable=not log.exists() or log.stat().st_size == 0)
    except apsw.Error as error:
        raise StorageUnreadable("verify", path.name, str(error), "is it a journal?") from error
    try:
        return verify_connection(connection, progress)
    except (apsw.Error, UnicodeDecodeError) as error:
        raise StorageUnreadable("verify", path.name, str(error), "is it a journal?") from error
    finally:
        connection.close(True)


def verify_connection(connection: apsw.Connection, progress: Progress | None = None) -> list[LogReport]:
    """As `verify_file`, on an open connection. Raises: apsw.Error."""
    sql = "SELECT log_no, store, register, incarnation FROM logs, owner ORDER BY log_no"
    logs = [Log(*row) for row in connection.execute(sql)]
    ends = [read_head(connection, log).seq for log in logs]
    done, reports = 0, []
    for log, end in zip(logs, ends, strict=True):
        seq, tip, problem = 0, GENESIS, ""
        while seq < end and not problem:
            envelopes = read_envelopes(connection, log, seq, EVENTS_AT_ONCE)
            for envelope in envelopes:
                problem = problem or _problem(envelope.personal, envelope.seq)
            try:
                if not envelopes or envelopes[0].seq != seq + 1:
                    raise ChainBroken(seq + 1, "it is missing")
                verify(envelopes, tip)
            except ChainBroken as broken:
                problem, seq = str(broken), broken.seq - 1
            else:
                seq, tip = envelopes[-1].seq, envelopes[-1].hash
                done += len(envelopes)
            if progress is not None:
                progress(done, sum(ends))
        reports.append(LogReport(log.store, log.register, log.incarnation, seq, tip, problem))
    return reports


def _problem(personal: dict[str, tuple[str, str]], seq: int) -> str:
    wrong = [digest for digest, (salt, text) in personal.items() if personal_digest(salt, text) != digest]
    return f"event {seq}: a personal text does not match its digest" if wrong else ""
