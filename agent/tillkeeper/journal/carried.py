"""What goes from a journal that is set aside into the new one: what people said of devices (`devices.*` settings), for printers
that were replaced stay replaced; and the idempotency keys of its newest events, for those are held and sent on (`own_past.py`),
and a client that asks again must not sell a second time. All else of a damaged journal is evidence, and no longer counts."""

from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from tillkeeper.contract.answers import Answer, answers
from tillkeeper.contract.chain import ChainBroken, verify
from tillkeeper.contract.envelope import Envelope
from tillkeeper.journal.commit import Log, read_head
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.reader import read_envelopes
from tillkeeper.journal.records import KeptAnswer

LOST = "devices_lost"
"""Setting of the new journal: the name of the set-aside one of which it could not be told whether it had any."""
_MOST = 1_000
_MOST_BYTES = 16_384
NEWEST = 2_000
"""So many events at the end of the newest log, and of the one before, are looked through for keys."""
_PAGE = 100
_SQL = "SELECT name, value FROM settings WHERE name >= 'devices.' AND name < 'devices/' LIMIT ?"


class Carried(NamedTuple):
    """`trouble`: why they may not be all, or empty."""

    settings: dict[str, bytes]
    trouble: str = ""
    answers: tuple[KeptAnswer, ...] = ()


def read(path: Path, store: str, register: str) -> Carried:
    """Of the damaged journal at `path`, its log included where SQLite can still read that; else of the file alone. Whose it is
    the hashes of its events tell: the row that says so may be what is damaged."""
    found = Carried({}, "the file is missing")
    if not path.exists():
        return found
    settings: dict[str, bytes] = {}
    kept: dict[bytes, KeptAnswer] = {}
    for immutable in (False, True):
        found = _read(path, immutable, store, register)
        # The file alone may be older than its log: what the log said is newer.
        settings = found.settings | settings
        kept = {one.key_sha256: one for one in found.answers} | kept
        if not found.trouble:
            break
    return Carried(settings, found.trouble, tuple(kept.values()))


def _read(path: Path, immutable: bool, store: str, register: str) -> Carried:
    settings: dict[str, bytes] = {}
    kept: list[KeptAnswer] = []
    try:
        connection = connect_reader(path, immutable=immutable)
    except apsw.Error as error:
        return Carried(settings, str(error) or type(error).__name__)
    try:
        kept += _kept(connection, store, register)
        for name, value in connection.execute(_SQL, (_MOST,)):
            if isinstance(name, str) and isinstance(value, bytes) and len(value) <= _MOST_BYTES:
                settings[name] = value  # noqa: PERF403 - what was read before the damage counts
    except (apsw.Error, UnicodeDecodeError) as error:
        return Carried(settings, str(error) or type(error).__name__, tuple(kept))
    finally:
        connection.close(True)
    return Carried(settings, answers=tuple(kept))


def _kept(connection: apsw.Connection, store: str, register: str) -> list[KeptAnswer]:
    """Of commands all of whose events can be read; oldest first."""
    found: list[Answer] = []
    try:
        rows: list[Any] = connection.execute("SELECT log_no, incarnation FROM logs ORDER BY log_no").fetchall()
    except (apsw.Error, UnicodeDecodeError):
        return []
    for log_no, incarnation in rows[-2:]:
        found += answers(_newest(connection, Log(log_no, store, register, incarnation)))
    return [_in_full(connection, answer) for answer in found]


def _newest(connection: apsw.Connection, log: Log) -> list[Envelope]:
    try:
        end = read_head(connection, log).seq
    except apsw.Error:
        return []
    events: list[Envelope] = []
    for first in range(max(0, end - NEWEST), end, _PAGE):
        page = _page(connection, log, first, _PAGE)
        if page is None:  # what is damaged in it is left out
            page = [one for seq in range(first, first + _PAGE) for one in _page(connection, log, seq, 1) or ()]
        events += page
    return events


def _page(connection: apsw.Connection, log: Log, after_seq: int, limit: int) -> list[Envelope] | None:
    try:
        events = read_envelopes(connection, log, after_seq, limit)
        if events:
            verify(events, events[0].prev_hash)
    except (apsw.Error, ChainBroken, msgspec.DecodeError, ValueError):
        return None
    return events


def _in_full(connection: apsw.Connection, answer: Answer) -> KeptAnswer:
    """The answer as it was given, where that can be read."""
    sql = "SELECT result, at_ms, body_sha256 FROM commands WHERE key_sha256 = ?"
    try:
        row = connection.execute(sql, (answer.key_sha256,)).fetchone()
        if row is not None:
            msgspec.json.decode(row[0])
            return KeptAnswer(answer.key_sha256, *row)
    except (apsw.Error, msgspec.DecodeError, UnicodeDecodeError):
        pass
    return KeptAnswer(answer.key_sha256, msgspec.json.encode(answer.result), answer.at_ms)
