"""Looking into a journal that may belong to a running agent."""

from pathlib import Path
from typing import Any

import apsw

from tillkeeper.errors import StorageRefused
from tillkeeper.journal.database import connect_reader


def settings(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Those of `names` that the journal at `path` has; nothing where there is no journal yet.

    Raises:
        StorageRefused: it is there and can not be read.
    """
    rows = _rows(path, "SELECT name, value FROM settings")
    return {name: value for name, value in rows if name in names and isinstance(value, bytes)}


def catalogue(path: Path) -> tuple[str, bytes]:
    """Version and content of the catalogue that was in force last; empty where there was none.

    Raises:
        StorageRefused: as `settings` does.
    """
    rows = _rows(
        path, "SELECT version, body FROM catalogues, settings WHERE name = 'catalogue' AND version = CAST(value AS TEXT)"
    )
    version, body = rows[0] if rows else ("", b"")
    return (version, body) if isinstance(version, str) and isinstance(body, bytes) else ("", b"")


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    if not path.is_file():
        return []
    try:
        connection = connect_reader(path)
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close(True)
    except apsw.Error as error:
        raise StorageRefused("read", path.name, str(error), "ask as the user whose agent it is") from error
