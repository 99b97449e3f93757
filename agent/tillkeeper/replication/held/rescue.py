"""What can still be read of a file of held logs that was set aside: it may be the only copy of what a dead register sold."""

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec

from tillkeeper.contract.chain import ChainBroken
from tillkeeper.contract.envelope import Envelope, HqBatch, SignedHead
from tillkeeper.contract.placing import AFTER_LEAVING
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.files import beside, sync_folder
from tillkeeper.replication.held.rows import Named, read_asides, read_events, signed_between
from tillkeeper.replication.held.taking import EraseTexts, Take
from tillkeeper.replication.model import LogId

EVENTS_AT_ONCE = 500
RESCUED = ".rescued"
"""Beside a file that was set aside: what could be read of it is in the new one."""
_UNREADABLE = (apsw.Error, ChainBroken, msgspec.DecodeError, UnicodeDecodeError)


def to_rescue(path: Path) -> list[Path]:
    """Files that were set aside and not read over yet. Raises: OSError."""
    asides = sorted(path.parent.glob(f"{path.stem}-set-aside-*.db"))
    return [aside for aside in asides if not beside(aside, RESCUED).exists()]


def rescued(aside: Path) -> None:
    """Raises: OSError."""
    beside(aside, RESCUED).touch()
    sync_folder(aside.parent)


def readable(aside: Path, store: str, now_ms: int) -> Iterator[Take | EraseTexts]:
    """The texts that were erased, then every log up to where it is damaged, then the conflicts: to be done again on the new
    file. Nothing where it is of another store. Blocking, a page at a time."""
    log = beside(aside, "-wal")
    with (
        suppress(*_UNREADABLE),
        closing(connect_reader(aside, immutable=not log.exists() or not log.stat().st_size)) as connection,
    ):
        if connection.execute("SELECT store FROM owner").get != store:
            return
        with suppress(*_UNREADABLE):
            digests = [str(row[0]) for row in connection.execute("SELECT digest FROM erased").fetchall()]
            yield EraseTexts(tuple(digests))
        rows: list[Any] = connection.execute("SELECT log_no, register, incarnation FROM logs ORDER BY log_no").fetchall()
        for log_no, register, incarnation in rows:
            yield from _log(connection, Named(log_no, store, LogId(register, incarnation)), now_ms)
        yield from _conflicts(connection)


def _log(connection: apsw.Connection, log: Named, now_ms: int) -> Iterator[Take]:
    last_accepted = _last_accepted(connection, log)
    after, limit = 0, EVENTS_AT_ONCE
    while True:
        try:
            events = read_events(connection, log, after, limit)
            heads = signed_between(connection, log, after, after + len(events))
        except _UNREADABLE:
            if limit == 1:
                return
            limit = 1  # up to the very event that can not be read
            continue
        if not events:
            return
        after = events[-1].seq
        yield Take(HqBatch(log.store, *log.log, tuple(events)), now_ms, last_accepted, tuple(heads))


def _last_accepted(connection: apsw.Connection, log: Named) -> int | None:
    sql = "SELECT min(id) FROM events JOIN quarantine ON n = aside WHERE quarantine.log_no = ? AND reason = ?"
    try:
        first = connection.execute(sql, (log.log_no, AFTER_LEAVING)).get
    except apsw.Error:
        return None
    return None if first is None else int(first) - log.base - 1


def _conflicts(connection: apsw.Connection) -> Iterator[Take]:
    """Those that have no place in a log."""
    after = 0
    while True:
        try:
            asides = read_asides(connection, after, EVENTS_AT_ONCE)
        except _UNREADABLE:
            return
        if not asides:
            return
        after = asides[-1].n
        for aside in asides:
            if not aside.in_log:
                yield Take(_batch(aside.envelope, aside.head), aside.received_ms, None)


def _batch(envelope: Envelope, head: SignedHead | None) -> HqBatch:
    return HqBatch(envelope.store, envelope.register, envelope.incarnation, (envelope,), head)
