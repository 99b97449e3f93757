"""A file system for SQLite that counts syncs and misbehaves on command. Registered once per process under `NAME`."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import apsw

NAME = "misbehaving"
_BASE = apsw.vfs_names()[0]
"""The one that really writes."""


class Faults:
    """What goes wrong with the log (the -wal file) from now on, and how many of its syncs went well since `reset`."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.fail_syncs = False
        self.fail_writes = False
        self.sync_count = 0
        self.sync_began = threading.Event()
        self.may_sync = threading.Event()
        """A sync waits for this, at most ten seconds."""
        self.may_sync.set()


FAULTS = Faults()


class _File(apsw.VFSFile):
    def __init__(self, vfs: str, name: Any, flags: list[int]) -> None:
        self._is_log = bool(flags[0] & apsw.SQLITE_OPEN_WAL)
        super().__init__(vfs, name, flags)

    def xSync(self, flags: int) -> None:
        if self._is_log:
            if FAULTS.fail_syncs:
                raise apsw.IOError("sync failed on command")
            FAULTS.sync_began.set()
            FAULTS.may_sync.wait(10)
            FAULTS.sync_count += 1
        super().xSync(flags)

    def xWrite(self, data: Any, offset: int) -> None:
        if self._is_log and FAULTS.fail_writes:
            raise apsw.IOError("write failed on command")
        super().xWrite(data, offset)


class _Vfs(apsw.VFS):
    def __init__(self) -> None:
        super().__init__(NAME, _BASE)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        return _File(_BASE, name, flags)


_registered = _Vfs()


@contextmanager
def everywhere() -> Iterator[Faults]:
    """Whatever opens a database meanwhile does it on this file system."""
    FAULTS.reset()
    apsw.set_default_vfs(NAME)
    try:
        yield FAULTS
    finally:
        apsw.set_default_vfs(_BASE)
        FAULTS.reset()
