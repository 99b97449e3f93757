"""Where one log of a register ends and the next begins, inside the transaction of whoever calls."""

import apsw
import msgspec

from tillkeeper.contract.chain import GENESIS
from tillkeeper.contract.events import IncarnationBegan
from tillkeeper.journal.commit import Head, Log, prepare, write_batch
from tillkeeper.journal.records import Batch, NewEvent

CHECKS_BEFORE = "checks_before_logs"
"""A setting: log_no -> the newest check (its `n`) when that log began: which checks may have events in earlier logs."""


JOBS_DOUBTED = "jobs_doubted"
"""A setting: up to which job (its `n`) what waits may have been done already, in a time that is not in the file."""
DOUBTING = frozenset({"restored_copy", "forked_log", "peer_holds_more", "machine_changed"})
"""Why a log begins where the file may be an older copy of what the register was."""


def newest_job(connection: apsw.Connection) -> int:
    """The `n` of the job that was accepted last. Raises: apsw.Error."""
    return connection.execute("SELECT max(n) FROM jobs").get or 0


def read_logs(connection: apsw.Connection) -> list[Log]:
    """Every log of the file, oldest first. Raises: apsw.Error."""
    sql = "SELECT log_no, store, register, incarnation FROM logs, owner ORDER BY log_no"
    return [Log(*row) for row in connection.execute(sql)]


def checks_before(connection: apsw.Connection) -> dict[int, int]:
    """As kept under `CHECKS_BEFORE`; empty where there is but one log, or where an older agent began the others."""
    row = connection.execute("SELECT value FROM settings WHERE name = ?", (CHECKS_BEFORE,)).fetchone()
    try:
        return {} if row is None else msgspec.json.decode(row[0], type=dict[int, int])
    except msgspec.DecodeError:
        return {}


def begin(
    connection: apsw.Connection, log: Log, machine_id: str, began: IncarnationBegan, now_ms: int, old_jobs: int = 0
) -> Head:
    """Write the first event of `log`, a new one; its end. `old_jobs`: up to which job (`n`) what waits is doubted from now
    on, where the file may be an older copy. Raises: apsw.Error; the caller undoes what was written."""
    known = checks_before(connection)
    newest = connection.execute("SELECT max(n) FROM checks").get
    values = (log.log_no, log.incarnation, machine_id, now_ms)
    connection.execute("INSERT INTO logs (log_no, incarnation, machine_id, began_at_ms) VALUES (?, ?, ?, ?)", values)
    settings = {CHECKS_BEFORE: msgspec.json.encode({**known, log.log_no: newest})} if newest else {}
    if old_jobs and began.reason in DOUBTING:
        settings[JOBS_DOUBTED] = str(old_jobs).encode()
    # No business day is known yet: the event belongs to the log, not to a day's sales.
    batch = Batch(events=(NewEvent(event=began, business_day="", at_ms=now_ms),), settings=settings)
    return write_batch(connection, log, Head(0, GENESIS), prepare(batch))
