"""The roster's file: `tillkeeper staff` and setup write it, and the agent what other registers changed."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tillkeeper.errors import ConfigInvalid, StorageRefused
from tillkeeper.people import roster
from tillkeeper.people.roster import Roster
from tillkeeper.plain_file import open_plain
from tillkeeper.trust import files

WAIT_S, LOOK_S = 2.0, 0.02
"""For whoever is writing it: such a one is done in milliseconds, unless it is stopped or its disk hangs."""


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
        ConfigInvalid: as `read`, or nobody could read what it made; what is there stays.
        StorageRefused, TrustTrouble: it can not be written, or somebody else is at it for 2 s; what is there stays.
        Whatever `change` raises.
    """
    with _one_at_a_time(data):
        before = read(file, store)
        after = change(before)
        if after != before:
            roster.check(after, store, str(file))
            files.write(file, roster.encode(after))
        return after


@contextmanager
def _one_at_a_time(data: Path) -> Iterator[None]:
    """Held for as long as one small file takes. Raises: StorageRefused."""
    try:
        handle = os.open(data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise StorageRefused("open", str(data), error.strerror or str(error), "look at the disk") from error
    try:
        _lock(handle)
        yield
    finally:
        os.close(handle)


def _lock(handle: int) -> None:
    end_s = time.monotonic() + WAIT_S
    while True:
        try:
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > end_s:
                raise StorageRefused("lock", "roster", "somebody else is writing it", "try again in a moment") from error
        time.sleep(LOOK_S)
