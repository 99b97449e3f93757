"""One batch as SQL, inside the transaction of whoever calls."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

import apsw
import msgspec

from tillkeeper.contract import keys
from tillkeeper.contract.base import Event
from tillkeeper.contract.chain import GENESIS, header, link
from tillkeeper.contract.events import EVENT_TYPES, TYPE_NAMES, encode_body
from tillkeeper.contract.values import Personal
from tillkeeper.journal.faults import AlreadyDone
from tillkeeper.journal.records import Batch, CheckRow, JobRow, KeptAnswer, KeptCommand

LOG_SHIFT = 40
"""id of an event = log_no << 40 | seq."""

KEEP_KEYS = 10_000
KEEP_KEYS_MS = 7 * 86_400_000
PRUNE_AT_ONCE = 500


class Log(NamedTuple):
    """The log that this register writes."""

    log_no: int
    store: str
    register: str
    incarnation: str

    @property
    def base(self) -> int:
        return self.log_no << LOG_SHIFT


class Head(NamedTuple):
    """The end of a log: `seq` 0 and `GENESIS` where it has no event yet."""

    seq: int
    hash: str


class Tail(NamedTuple):
    """The log that is being written, and its end."""

    log: Log
    head: Head


class EncodedEvent(NamedTuple):
    type_name: str
    version: int
    business_day: str
    at_ms: int
    body: bytes
    digests: tuple[str, ...]


class Prepared(NamedTuple):
    """A batch whose events are encoded already: all that can be done before the writer's turn."""

    batch: Batch
    events: tuple[EncodedEvent, ...]


def _digests(event: Event) -> tuple[str, ...]:
    return tuple(v.digest for name in _PERSONAL_FIELDS[type(event)] if isinstance(v := getattr(event, name), Personal))


_PERSONAL_FIELDS = {
    struct: tuple(field.name for field in msgspec.structs.fields(struct) if "Personal" in str(field.type))
    for struct in TYPE_NAMES
}


def prepare(batch: Batch) -> Prepared:
    """Encode a batch. Raises: KeyError for an event type that is not registered, TypeError or ValueError for an event that
    cannot be encoded."""
    events = []
    for at, new in enumerate(batch.events):
        name = TYPE_NAMES[type(new.event)]
        body = encode_body(new.event)
        if batch.command is not None and at == 0:
            body = keys.marked(body, keys.Mark(key_digest(batch.command.key).hex(), len(batch.events)))
        events.append(EncodedEvent(name, EVENT_TYPES[name][1], new.business_day, new.at_ms, body, _digests(new.event)))
    return Prepared(batch, tuple(events))


def read_head(connection: apsw.Connection, log: Log) -> Head:
    """The end of the log as the file has it. Raises: apsw.Error."""
    sql = "SELECT id, hash FROM events WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 1"
    row = connection.execute(sql, (log.base, log.base + (1 << LOG_SHIFT) - 1)).fetchone()
    if row is None:
        return Head(0, GENESIS)
    if not isinstance(row[1], bytes):
        raise apsw.CorruptError(f"the hash of event {row[0] - log.base} is none")
    return Head(row[0] - log.base, row[1].hex())


_EVENT = "INSERT INTO events (id, type, version, business_day, at_ms, body, hash) VALUES (?, ?, ?, ?, ?, ?, ?)"
_CHECK = """INSERT INTO checks
    (check_id, ticket_code, business_day, state, opened_at_ms, number, next_fire_at_ms, last_id, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (check_id) DO UPDATE SET state = excluded.state, number = excluded.number,
    next_fire_at_ms = excluded.next_fire_at_ms, last_id = excluded.last_id, body = excluded.body"""
_JOB = """INSERT INTO jobs (job_id, device, state, settled, created_at_ms, check_id, body) VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (job_id) DO UPDATE SET state = excluded.state, settled = excluded.settled, body = excluded.body"""
_SETTING = "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def _check_values(row: CheckRow, last_id: int) -> tuple[str | int | bytes | None, ...]:
    found_by = (row.check_id, row.ticket_code, row.business_day, row.state, row.opened_at_ms, row.number, row.next_fire_at_ms)
    return (*found_by, last_id, row.body)


def _job_values(row: JobRow) -> tuple[str | int | bytes, ...]:
    return (row.job_id, row.device, row.state, int(row.settled), row.created_at_ms, row.check_id, row.body)


def key_digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


def find_command(connection: apsw.Connection, key: str) -> KeptCommand | None:
    """What was kept under this idempotency key."""
    sql = "SELECT body_sha256, result, at_ms FROM commands WHERE key_sha256 = ?"
    row = connection.execute(sql, (key_digest(key),)).fetchone()
    return None if row is None else KeptCommand(key, *row)


def _keep_command(connection: apsw.Connection, command: KeptCommand) -> None:
    values = (key_digest(command.key), command.body_sha256, command.at_ms, command.result)
    sql = "INSERT INTO commands (key_sha256, body_sha256, at_ms, result) VALUES (?, ?, ?, ?)"
    try:
        connection.execute(sql, values)
    except apsw.ConstraintError:
        kept = find_command(connection, command.key)
        if kept is None:
            raise
        raise AlreadyDone(kept) from None


def keep_answers(connection: apsw.Connection, answers: Iterable[KeptAnswer]) -> None:
    """Of keys that are known already nothing is changed. Raises: apsw.Error."""
    values = [(one.key_sha256, one.body_sha256, one.at_ms, one.result) for one in answers]
    sql = "INSERT OR IGNORE INTO commands (key_sha256, body_sha256, at_ms, result) VALUES (?, ?, ?, ?)"
    connection.executemany(sql, values)


def write_batch(connection: apsw.Connection, log: Log, head: Head, prepared: Prepared) -> Head:
    """Write all of a batch; the new end of the log. Of a check that exists its code, day and time of opening stay as they
    are, of a job its device, check and time.

    Raises:
        AlreadyDone: its idempotency key has been used.
        apsw.Error, ValueError, OverflowError: rows that do not fit, or the disk; the caller undoes what was written.
    """
    batch = prepared.batch
    if batch.command is not None:
        _keep_command(connection, batch.command)
    rows: list[tuple[int, str, int, str, int, str, bytes]] = []
    mentions: list[tuple[int, str]] = []
    seq, tip = head
    for e in prepared.events:
        seq += 1
        head_bytes = header(log.store, log.register, log.incarnation, seq, e.type_name, e.version, e.business_day, e.at_ms)
        tip = link(tip, head_bytes, e.body)
        event_id = log.base + seq
        rows.append((event_id, e.type_name, e.version, e.business_day, e.at_ms, e.body.decode(), bytes.fromhex(tip)))
        mentions += [(event_id, digest) for digest in e.digests]
    if rows:
        connection.executemany(_EVENT, rows)
    if mentions:
        connection.executemany("INSERT OR IGNORE INTO personal_of_event (event_id, digest) VALUES (?, ?)", mentions)
    if batch.personal:
        texts = [(text.digest, text.salt, text.text) for text in batch.personal]
        connection.executemany("INSERT OR IGNORE INTO personal (digest, salt, text) VALUES (?, ?, ?)", texts)
    if batch.erase:
        forget(connection, batch.erase)
    if batch.checks:
        connection.executemany(_CHECK, [_check_values(check, log.base + seq) for check in batch.checks])
    if batch.jobs:
        connection.executemany(_JOB, [_job_values(job) for job in batch.jobs])
    if batch.answers:
        keep_answers(connection, batch.answers)
    if batch.settings:
        connection.executemany(_SETTING, list(batch.settings.items()))
    if batch.catalogues:
        sql = "INSERT OR IGNORE INTO catalogues (version, body) VALUES (?, ?)"
        connection.executemany(sql, list(batch.catalogues.items()))
    return Head(seq, tip)


def forget(connection: apsw.Connection, digests: Iterable[str]) -> int:
    """Delete personal texts and remember that they were; how many there were."""
    erased = 0
    for digest in digests:
        connection.execute("DELETE FROM personal WHERE digest = ?", (digest,))
        erased += connection.changes()
        connection.execute("INSERT OR IGNORE INTO erased (digest) VALUES (?)", (digest,))
    return erased


def prune_commands(connection: apsw.Connection, now_ms: int) -> int:
    """Forget old idempotency keys, at most `PRUNE_AT_ONCE` in one transaction; how many.

    Forgotten is what is older than 7 days by the wall clock *and* not among the newest 10,000 by arrival: a clock that leaps
    from 1970 to today cannot take away the keys of commands that are still under way.
    """
    sql = """DELETE FROM commands WHERE n IN (SELECT n FROM commands WHERE n <= (SELECT max(n) FROM commands) - ?
        ORDER BY n LIMIT ?) AND at_ms < ? RETURNING n"""
    return len(connection.execute(sql, (KEEP_KEYS, PRUNE_AT_ONCE, now_ms - KEEP_KEYS_MS)).fetchall())
