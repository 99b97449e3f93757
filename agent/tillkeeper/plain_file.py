"""Opening files that people put somewhere: a pipe or a device in the place of one must not hold the agent up."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_plain(path: Path) -> BinaryIO:
    """The regular file at `path`, to be read; links are followed. Never waits for a writer (fifo(7)).

    Raises:
        OSError: it can not be opened, or is something else than a file.
    """
    return open(path, "rb", opener=_regular)


def _regular(path: str, flags: int) -> int:
    handle = os.open(path, flags | os.O_NONBLOCK)
    try:
        mode = os.fstat(handle).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "it is not a file", path)
    except BaseException:  # whatever it is: let go of what is held, then pass it on
        os.close(handle)
        raise
    return handle
