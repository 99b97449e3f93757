"""Reading the journal: point look-ups on a connection of its own, fast enough for the event loop's thread."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import apsw

from tillkeeper.contract.chain import GENESIS
from tillkeeper.contract.envelope import Envelope
from tillkeeper.journal.commit import LOG_SHIFT, Log, find_command, read_head
from tillkeeper.journal.faults import StorageUnreadable
from tillkeeper.journal.files import mark_suspect
from tillkeeper.journal.incarnations import checks_before, read_logs
from tillkeeper.journal.records import CheckRow, JobRow, KeptCommand, LogInfo, StoredCheck

JOBS_LOOKED_AT = 10_000

_CHECK = """SELECT check_id, ticket_code, business_day, state, opened_at_ms, body, number, next_fire_at_ms,
    last_id & 1099511627775, incarnation, n, log_no FROM checks JOIN logs ON log_no = last_id >> 40"""
_JOB = """SELECT job_id, device, state, created_at_ms, settled, body, check_id,
    settled = 0 AND n <= max(?, ifnull((SELECT CAST(value AS INTEGER) FROM settings WHERE name = 'jobs_doubted'), 0))
    FROM jobs"""

T = TypeVar("T")


_COLUMNS = (str, int, str, int, str, bytes)


def read_envelopes(connection: apsw.Connection, log: Log, after_seq: int, limit: int) -> list[Envelope]:
    """Consecutive events of one log with their personal texts. Raises: apsw.Error."""
    low, high = log.base + after_seq, min(log.base + after_seq + limit, log.base + (1 << LOG_SHIFT) - 1)
    sql = "SELECT id, type, version, business_day, at_ms, body, hash FROM events WHERE id BETWEEN ? AND ? ORDER BY id"
    texts: dict[int, dict[str, tuple[str, str]]] = {}
    personal = """SELECT event_id, digest, salt, text FROM personal_of_event JOIN personal USING (digest)
        WHERE event_id BETWEEN ? AND ?"""
    for event_id, digest, salt, text in connection.execute(personal, (low + 1, high)):
        texts.setdefault(event_id, {})[digest] = (salt, text)
    previous = GENESIS
    envelopes = []
    for event_id, *columns in connection.execute(sql, (low, high)):
        if tuple(map(type, columns)) != _COLUMNS:  # a bit that fell over in the head of a row: SQLite reads on
            raise apsw.CorruptError(f"event {event_id - log.base} is not of the types that were written")
        type_name, version, day, at_ms, body, digest = columns
        if event_id > low:
            envelopes.append(
                Envelope(
                    store=log.store,
                    register=log.register,
                    incarnation=log.incarnation,
                    seq=event_id - log.base,
                    type=type_name,
                    version=version,
                    business_day=day,
                    at_ms=at_ms,
                    body=body,
                    prev_hash=previous,
                    hash=digest.hex(),
                    personal=texts.get(event_id, {}),
                )
            )
        previous = digest.hex()
    return envelopes


def _job(row: tuple[Any, ...]) -> JobRow:
    return JobRow(row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6], bool(row[7]))


class JournalReader:
    """All reads. Every method raises StorageUnreadable where the disk or the file fails."""

    def __init__(self, path: Path, connection: apsw.Connection) -> None:
        self.path = path
        self._reading = connection
        self._doubted = 0
        """As the setting `jobs_doubted`, while the disk refuses to write that down."""
        self._spans: dict[int, tuple[str, int]] = {}
        """log_no -> its incarnation, and the newest check (`n`) when it began."""
        self._ends: dict[str, int] = {}
        """Of logs that are not written any more."""

    def _ask(self, question: Callable[[apsw.Connection], T]) -> T:
        try:
            return question(self._reading)
        except (apsw.Error, UnicodeDecodeError) as error:  # a bit that fell over in a text is no error to SQLite
            if isinstance(error, (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError)):
                mark_suspect(self.path, str(error))
            raise StorageUnreadable("read", self.path.name, str(error), "restart the agent if it persists") from error

    def _rows(self, sql: str, values: tuple[str | int | None, ...] = ()) -> list[tuple[Any, ...]]:
        return self._ask(lambda connection: connection.execute(sql, values).fetchall())

    def _stored(self, row: tuple[Any, ...]) -> StoredCheck:
        return StoredCheck(CheckRow(*row[:8]), row[8], row[9], self._older(row[10], row[11]))

    def _older(self, n: int, log_no: int) -> tuple[str, ...]:
        """The logs before `log_no` in which the check `n` was opened or went on."""
        if log_no == 1:
            return ()
        if log_no not in self._spans:
            before = self._ask(checks_before)
            self._spans = {log.log_no: (log.incarnation, before.get(log.log_no, 0)) for log in self._ask(read_logs)}
        opened_in = max(no for no, (_, newest) in self._spans.items() if newest < n)
        return tuple(name for no, (name, _) in sorted(self._spans.items()) if opened_in <= no < log_no)

    def older_logs(self, check_id: str) -> tuple[str, ...]:
        """`StoredCheck.older` of a check, without the check."""
        rows = self._rows("SELECT n, last_id >> 40 FROM checks WHERE check_id = ?", (check_id,))
        return self._older(*rows[0]) if rows else ()

    def kept_command(self, key: str) -> KeptCommand | None:
        """The command and answer of an idempotency key; kept at least 7 days or 10,000 commands, whichever is more."""
        return self._ask(lambda connection: find_command(connection, key))

    def check(self, check_id: str) -> StoredCheck | None:
        """By its long id."""
        return next(map(self._stored, self._rows(f"{_CHECK} WHERE check_id = ?", (check_id,))), None)

    def find_check(self, ticket_code: str, business_day: str) -> StoredCheck | None:
        """By its short code of one day; the newest, should there be several."""
        sql = f"{_CHECK} WHERE ticket_code = ? AND business_day = ? ORDER BY n DESC LIMIT 1"
        return next(map(self._stored, self._rows(sql, (ticket_code, business_day))), None)

    def check_by_number(self, number: int) -> StoredCheck | None:
        """By the number that HQ gave."""
        sql = f"{_CHECK} WHERE number = ? AND number IS NOT NULL ORDER BY n DESC LIMIT 1"
        return next(map(self._stored, self._rows(sql, (number,))), None)

    def checks(
        self, state: str | None = None, business_day: str | None = None, limit: int = 50, before: str = ""
    ) -> list[StoredCheck]:
        """The newest first, at most `limit`. `before`: the last check id of the page before."""
        terms, values = ["1"], list[str | int | None]()
        if state is not None:
            # The second term is what lets SQLite use the small index of what is not closed.
            terms.append("state = ?" + (" AND state <> 'closed'" if state != "closed" else ""))
            values.append(state)
        if business_day is not None:
            terms.append("business_day = ?")
            values.append(business_day)
        if before:
            terms.append("n < (SELECT n FROM checks WHERE check_id = ?)")
            values.append(before)
        sql = f"{_CHECK} WHERE {' AND '.join(terms)} ORDER BY n DESC LIMIT ?"
        return list(map(self._stored, self._rows(sql, (*values, limit))))

    def open_checks(self) -> list[StoredCheck]:
        """All that are open, oldest first."""
        return list(map(self._stored, self._rows(f"{_CHECK} WHERE state = 'open' AND state <> 'closed' ORDER BY n")))

    def waiting_fires(self) -> list[StoredCheck]:
        """All checks with a timed fire to come, the earliest first."""
        return list(map(self._stored, self._rows(f"{_CHECK} WHERE next_fire_at_ms IS NOT NULL ORDER BY next_fire_at_ms")))

    def unsettled_jobs(self, device: str = "", state: str = "", limit: int = -1) -> list[JobRow]:
        """Jobs that wait for a device or a person, in the order of acceptance; of one device or in one state where named, at
        most `limit` of them."""
        terms, values = ["settled = 0"], list[str | int | None]([self._doubted])
        for name, wanted in (("device", device), ("state", state)):
            if wanted:
                terms.append(f"{name} = ?")
                values.append(wanted)
        return list(map(_job, self._rows(f"{_JOB} WHERE {' AND '.join(terms)} ORDER BY n LIMIT ?", (*values, limit))))

    def devices_with_jobs(self) -> list[str]:
        """Those that a job waits for, whether or not the config has them still."""
        return [row[0] for row in self._rows("SELECT DISTINCT device FROM jobs WHERE settled = 0")]

    def job(self, job_id: str) -> JobRow | None:
        return next(map(_job, self._rows(f"{_JOB} WHERE job_id = ?", (self._doubted, job_id))), None)

    def jobs(
        self,
        *,
        check_id: str | None = None,
        device: str | None = None,
        state: str | None = None,
        limit: int = 50,
        before: str = "",
    ) -> list[JobRow]:
        """The newest first, at most `limit`; `before`: the last job id of the page before. Without `check_id` only the newest
        10,000 jobs before that are looked at, so that a filter that fits nothing stays cheap."""
        start = "(SELECT n FROM jobs WHERE job_id = ?)" if before else "(SELECT max(n) + 1 FROM jobs)"
        terms, values = [f"n < {start}"], [before] if before else list[str | int | None]()
        if check_id is None:
            terms.append(f"n >= {start} - {JOBS_LOOKED_AT}")
            values += values
        else:
            terms.append("check_id = ? AND check_id <> ''")
            values.append(check_id)
        for name, wanted in (("device", device), ("state", state)):
            if wanted is not None:
                terms.append(f"{name} = ?")
                values.append(wanted)
        sql = f"{_JOB} WHERE {' AND '.join(terms)} ORDER BY n DESC LIMIT ?"
        return list(map(_job, self._rows(sql, (self._doubted, *values, limit))))

    def personal(self, digests: Iterable[str]) -> dict[str, str]:
        """digest -> text; an erased or unknown one is absent."""
        sql = "SELECT digest, text FROM personal WHERE digest = ?"
        return dict(row for digest in digests for row in self._rows(sql, (digest,)))

    def personal_texts(self, digests: Iterable[str]) -> dict[str, tuple[str, str]]:
        """digest -> (salt, text); an erased or unknown one is absent."""
        sql = "SELECT digest, salt, text FROM personal WHERE digest = ?"
        return {row[0]: (row[1], row[2]) for digest in digests for row in self._rows(sql, (digest,))}

    def erased(self, after: str, limit: int) -> list[str]:
        """Digests of texts that were erased, in their order, behind `after`."""
        sql = "SELECT digest FROM erased WHERE digest > ? ORDER BY digest LIMIT ?"
        return [row[0] for row in self._rows(sql, (after, limit))]

    def setting(self, name: str) -> bytes | None:
        return next((row[0] for row in self._rows("SELECT value FROM settings WHERE name = ?", (name,))), None)

    def catalogue(self, version: str) -> bytes | None:
        return next((row[0] for row in self._rows("SELECT body FROM catalogues WHERE version = ?", (version,))), None)

    def events(self, incarnation: str, after_seq: int, limit: int) -> list[Envelope]:
        """Events after `after_seq` of one log with the personal texts that are not erased; empty for an unknown log."""
        sql = "SELECT log_no, store, register, incarnation FROM logs, owner WHERE incarnation = ?"
        rows = self._rows(sql, (incarnation,))
        return self._ask(lambda connection: read_envelopes(connection, Log(*rows[0]), after_seq, limit)) if rows else []

    def end_of(self, incarnation: str) -> int:
        """The last seq of a log that is not written any more."""
        if incarnation not in self._ends:
            self._ends |= {log.incarnation: log.last_seq for log in self.logs() if not log.current}
        return self._ends.get(incarnation, 0)

    def logs(self) -> list[LogInfo]:
        """Every log of this file, oldest first; the last one is being written."""
        rows = self._rows("SELECT log_no, store, register, incarnation, began_at_ms FROM logs, owner ORDER BY log_no")
        found = []
        for row in rows:
            log = Log(*row[:4])
            head = self._ask(lambda connection, log=log: read_head(connection, log))  # type: ignore[misc]
            info = LogInfo(log.store, log.register, log.incarnation, row[4], head.seq, head.hash, row is rows[-1])
            found.append(info)
        return found
