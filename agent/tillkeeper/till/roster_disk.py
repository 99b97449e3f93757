"""The roster's file: `tillkeeper staff` and setup write it, and the agent what other registers changed."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tillkeeper.errors import ConfigInvalid
from tillkeeper.people import roster
from tillkeeper.people.roster import Roster
from tillkeeper.plain_file import open_plain
from tillkeeper.trust import files


def read(file: Path, store: str) -> Roster | None:
    """None where there is no such file. Raises: ConfigInvalid: it can not be read, or is no roster of this store."""
    try:
        with open_plain(file) as opened:
            raw = opened.read(roster.MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigInvalid("read", str(file), error.strerror or "it can not be read") from error
    return roster.decode(raw, store, str(file))


def update(file: Path, data: Path, store: str, change: Callable[[Roster | None], Roster]) -> Roster:
    """Write what `change` makes of what is there, whole or not at all, and return it. Nobody else who writes it by this comes
    in between, in whichever process. `data`: the data folder, which is there.

    Raises:
        ConfigInvalid: as `read`; what is there stays.
        StorageRefused, TrustTrouble: it can not be written; what is there stays.
        Whatever `change` raises.
    """
    with _one_at_a_time(data):
        before = read(file, store)
        after = change(before)
        if after != before:
            files.write(file, roster.encode(after))
        return after


@contextmanager
def _one_at_a_time(data: Path) -> Iterator[None]:
    """Held for as long as one small file takes."""
    handle = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
