"""How much of a journal HQ is not known to hold, read from the file alone: for a package that is removed."""

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


class _Acked(msgspec.Struct):
    acked: int


def unsent(journal: Path) -> int:
    """Events of this register that HQ has not answered, or of which that is not known.

    Raises:
        StorageRefused: the file can not be read, or a damaged one was set aside beside it.
    """
    if (aside := newest_set_aside(journal)) != "":
        hint = "HQ may hold none of what is only there"
        raise StorageRefused("count", journal.name, f"{aside} was set aside beside it", hint)
    try:
        connection = connect_reader(journal)
        try:
            logs: list[Any] = connection.execute(_LOGS).fetchall()
            return sum(_left(connection, number, incarnation) for number, incarnation in logs)
        finally:
            connection.close(True)
    except (apsw.Error, msgspec.MsgspecError) as error:
        raise StorageRefused("count", journal.name, str(error), "`tillkeeper journal verify` looks closer") from error


def _left(connection: apsw.Connection, number: int, incarnation: str) -> int:
    """Of one log. An event's id is its log's number and 40 bits of its place."""
    heads: list[Any] = connection.execute(_HEAD, (number << 40, (number + 1 << 40) - 1)).fetchall()
    saved: list[Any] = connection.execute(_CURSOR, (cursor_setting(incarnation),)).fetchall()
    acked = msgspec.json.decode(saved[0][0], type=_Acked).acked if saved else 0
    return max(0, (heads[0][0] or 0) - acked)
