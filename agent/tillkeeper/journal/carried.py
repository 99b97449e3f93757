"""What people said of devices (`devices.*` settings) goes from a journal that is set aside into the new one: printers that were
replaced stay replaced. Everything else of a damaged journal is evidence, and no longer counts."""

from pathlib import Path
from typing import NamedTuple

import apsw

from tillkeeper.journal.database import connect_reader

LOST = "devices_lost"
"""Setting of the new journal: the name of the set-aside one of which it could not be told whether it had any."""
_MOST = 1_000
_MOST_BYTES = 16_384
_SQL = "SELECT name, value FROM settings WHERE name >= 'devices.' AND name < 'devices/' LIMIT ?"


class Carried(NamedTuple):
    """`trouble`: why they may not be all, or empty."""

    settings: dict[str, bytes]
    trouble: str = ""


def read(path: Path) -> Carried:
    """Of the damaged journal at `path`, its log included where SQLite can still read that; else of the file alone."""
    found = Carried({}, "the file is missing")
    if not path.exists():
        return found
    settings: dict[str, bytes] = {}
    for immutable in (False, True):
        found = _read(path, immutable)
        # The file alone may be older than its log: what the log said is newer.
        settings = found.settings | settings
        if not found.trouble:
            break
    return Carried(settings, found.trouble)


def _read(path: Path, immutable: bool) -> Carried:
    settings: dict[str, bytes] = {}
    try:
        connection = connect_reader(path, immutable=immutable)
    except apsw.Error as error:
        return Carried(settings, str(error) or type(error).__name__)
    try:
        for name, value in connection.execute(_SQL, (_MOST,)):
            if isinstance(name, str) and isinstance(value, bytes) and len(value) <= _MOST_BYTES:
                settings[name] = value  # noqa: PERF403 - what was read before the damage counts
    except apsw.Error as error:
        return Carried(settings, str(error) or type(error).__name__)
    finally:
        connection.close(True)
    return Carried(settings)
