"""Room kept for bad days: a file of fixed size that is given back to the disk when the disk is full.

While it is given up, sales are refused, but what happened to jobs already accepted can still be written (otherwise a restart
would print them again, marked as possible duplicates). Selling resumes when the reserve can be held again.
"""

import errno
import os
from pathlib import Path

RESERVE_BYTES = 8 * 1024 * 1024
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
            if os.fstat(handle).st_size < self._size:
                os.posix_fallocate(handle, 0, self._size)
        except OSError as error:
            if error.errno not in _NO_SPACE:
                raise
            os.ftruncate(handle, 0)
            return False
        finally:
            os.close(handle)
        return True

    def release(self) -> None:
        """Give the room back. Raises: OSError."""
        if self._path.exists():
            os.truncate(self._path, 0)
