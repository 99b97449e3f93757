"""What a journal that is about to be set aside still tells of itself: which log it wrote, and where that ended."""

from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import apsw
import msgspec

from tillkeeper.contract.chain import GENESIS, ChainBroken, verify
from tillkeeper.journal.commit import Log, read_head
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.files import beside
from tillkeeper.journal.reader import read_envelopes

_LAST = 2


class LastWords(NamedTuple):
    """`incarnation` is empty and `last_seq` 0 where it does not tell."""

    incarnation: str = ""
    last_seq: int = 0


def last_words(path: Path, store: str, register: str, *, log_whole: bool) -> LastWords:
    """`log_whole`: the -wal file was found to lack nothing; else its end is not believed, newer events may have been there."""
    waiting = beside(path, "-wal")
    newer = log_whole and waiting.exists() and waiting.stat().st_size > 0
    if not path.exists():
        return LastWords()
    try:
        with closing(connect_reader(path, immutable=not newer)) as connection:
            return _read(connection, store, register, log_whole)
    except (apsw.Error, UnicodeDecodeError):
        return LastWords()


def _read(connection: apsw.Connection, store: str, register: str, log_whole: bool) -> LastWords:
    row = connection.execute("SELECT log_no, incarnation FROM logs ORDER BY log_no DESC LIMIT 1").fetchone()
    if row is None or not isinstance(row[0], int) or not isinstance(row[1], str) or not row[1].isalnum():
        return LastWords()
    number, incarnation = row
    return LastWords(incarnation, _end(connection, Log(number, store, register, incarnation)) if log_whole else 0)


def _end(connection: apsw.Connection, log: Log) -> int:
    """0 where the last event is not what its hash says."""
    try:
        seq = read_head(connection, log).seq
        events = read_envelopes(connection, log, max(0, seq - _LAST), _LAST)
        verify(events, events[0].prev_hash if seq > _LAST else GENESIS)
    except (apsw.Error, ChainBroken, msgspec.DecodeError, UnicodeDecodeError, ValueError, IndexError):
        return 0
    return seq if events[-1].seq == seq else 0
