"""How much of a data folder HQ is not known to hold, read from the files alone: for a package that is removed."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import msgspec

from tillkeeper.errors import StorageRefused
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.files import newest_set_aside
from tillkeeper.replication.hq import cursor_setting

_LOGS = "SELECT log_no, incarnation FROM logs"
_HEAD = "SELECT max(seq) FROM events WHERE id BETWEEN ? AND ?"
_CURSOR = "SELECT value FROM settings WHERE name = ?"
_HELD = "SELECT total(held_seq) FROM logs"


class _Acked(msgspec.Struct):
    acked: int


def unsent(journal: Path, held: Path) -> int:
    """Events of this register, and of others whose logs it holds, that HQ has not answered, or of which that is not known. What
    of a held log HQ has is noted nowhere, and it may be the only copy of what a dead register sold: all of it counts.

    Raises:
        StorageRefused: a file can not be read, or a damaged one was set aside beside it.
    """
    own = _counted(journal, _own)
    others = held.exists() or newest_set_aside(held)
    return own + (_counted(held, lambda one: int(one.execute(_HELD).get)) if others else 0)


def _counted(file: Path, count: Callable[[apsw.Connection], int]) -> int:
    if (aside := newest_set_aside(file)) != "":
        hint = "HQ may hold none of what is only there"
        raise StorageRefused("count", file.name, f"{aside} was set aside beside it", hint)
    try:
        with closing(connect_reader(file)) as connection:
            return count(connection)
    except (apsw.Error, msgspec.MsgspecError) as error:
        raise StorageRefused("count", file.name, str(error), "`tillkeeper journal verify` looks closer") from error


def _own(connection: apsw.Connection) -> int:
    logs: list[Any] = connection.execute(_LOGS).fetchall()
    return sum(_left(connection, number, incarnation) for number, incarnation in logs)


def _left(connection: apsw.Connection, number: int, incarnation: str) -> int:
    """Of one log. An event's id is its log's number and 40 bits of its place."""
    heads: list[Any] = connection.execute(_HEAD, (number << 40, (number + 1 << 40) - 1)).fetchall()
    saved: list[Any] = connection.execute(_CURSOR, (cursor_setting(incarnation),)).fetchall()
    acked = msgspec.json.decode(saved[0][0], type=_Acked).acked if saved else 0
    return max(0, (heads[0][0] or 0) - acked)
