"""Room kept for bad days: a file of fixed size that is given back to the disk when the disk is full.

While it is given up, sales are refused, but what happened to jobs already accepted can still be written (otherwise a restart
would print them again, marked as possible duplicates). Selling resumes when the reserve can be held again.

A last part of it is kept for the next start alone: SQLite needs two small files to open a journal, and a register that shows
why it does not sell is worth more than one that does not start.
"""

import errno
import os
from pathlib import Path

RESERVE_BYTES = 8 * 1024 * 1024
LAST_BYTES = 128 * 1024
"""Room for the -wal and -shm files (36 KiB) of the journal and of what is held for others, and a few small files."""
_NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Reserve:
    """`size` bytes beside the journal; 0 keeps none."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size

    def hold(self) -> bool:
        """Whether the reserve is there, made now if need be. Raises: OSError for anything but a full disk."""
        if not self._size:
            return True
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(handle).st_size
            if before < self._size:
                os.posix_fallocate(handle, 0, self._size)
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            os.ftruncate(handle, min(before, LAST_BYTES))
            return False
        finally:
            os.close(handle)
        return True

    def release(self, *, last: bool = False) -> None:
        """Give the room back, all but the last part of it, or all. Raises: OSError."""
        if self._path.exists():
            os.truncate(self._path, 0 if last else min(self._path.stat().st_size, LAST_BYTES))
