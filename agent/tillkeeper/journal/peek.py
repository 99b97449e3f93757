"""Looking at the settings of a journal that may belong to a running agent."""

from pathlib import Path

import apsw

from tillkeeper.errors import StorageRefused
from tillkeeper.journal.database import connect_reader


def settings(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Those of `names` that the journal at `path` has; nothing where there is no journal yet.

    Raises:
        StorageRefused: it is there and can not be read.
    """
    if not path.is_file():
        return {}
    try:
        connection = connect_reader(path)
        try:
            rows = connection.execute("SELECT name, value FROM settings").fetchall()
        finally:
            connection.close(True)
    except apsw.Error as error:
        raise StorageRefused("read", path.name, str(error), "ask as the user whose agent it is") from error
    return {name: value for name, value in rows if name in names and isinstance(value, bytes)}
