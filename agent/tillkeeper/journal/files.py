"""The files around a journal: lock, marker, setting aside, and what can be seen of damage without SQLite."""

import fcntl
import os
import struct
from pathlib import Path

from tillkeeper.journal.faults import JournalLocked

JOURNAL_FILE = "journal.db"
HELD_FILE = "held.db"
"""In the data folder: the register's own journal, and the logs that it holds for others."""
_HEADER = b"SQLite format 3\0"
_WAL_MAGIC = (0x377F0682, 0x377F0683)
_YOUNG_LOG = 1024 * 1024


def beside(path: Path, ending: str) -> Path:
    """`journal.db` -> `journal.db<ending>`."""
    return path.with_name(path.name + ending)


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FileLock:
    """Held as long as the object is open; the kernel lets go of it when the process dies."""

    def __init__(self, path: Path) -> None:
        """Raises: JournalLocked, OSError."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._handle, 32).decode(errors="replace").strip()
            os.close(self._handle)
            cause = f"another agent works on it (process {holder or 'unknown'})"
            raise JournalLocked("open journal", path.name, cause, "stop that agent first") from error
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._handle)


def marker_of(path: Path) -> Path:
    return beside(path, ".suspect")


def mark_suspect(path: Path, cause: str) -> None:
    """Leave a note that the next start must check the whole file. Best effort: the disk may refuse this too."""
    try:
        handle = os.open(marker_of(path), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return
    try:
        os.write(handle, cause.encode()[:500] + b"\n")
        os.fsync(handle)
    except OSError:
        return
    finally:
        os.close(handle)


def damage_outside(path: Path) -> str | None:
    """What is wrong with the file before SQLite looks at it, or None. `path` need not exist: then a log without its file
    is damage. Layout: sqlite.org/fileformat2.html 1.3 (header) and 4.1 (log). Raises: OSError."""
    log = beside(path, "-wal")
    log_size = log.stat().st_size if log.exists() else 0
    if not path.exists():
        return "the file is missing, its -wal file is there" if log_size else None
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(100)
    if len(head) < 100 or not head.startswith(_HEADER):
        return f"no SQLite header ({size} bytes)"
    page_size = 65_536 if head[16:18] == b"\0\1" else int.from_bytes(head[16:18], "big")
    pages, changed, valid_for = (int.from_bytes(head[at : at + 4], "big") for at in (28, 24, 92))
    if not log_size and changed == valid_for and pages * page_size > size:
        # With a log the sizes may differ: a checkpoint may have been interrupted.
        return f"truncated: {size} bytes of {pages * page_size}"
    if log_size:
        with log.open("rb") as file:
            found = file.read(32)
            if log_size <= _YOUNG_LOG and not found.strip(b"\0") and not file.read().strip(b"\0"):
                return None  # made just before a power cut: its header is synced before anything is written behind it
        # A header is one sector, so a power cut leaves the old one or the new one.
        if len(found) < 32 or struct.unpack(">I", found[:4])[0] not in _WAL_MAGIC or not _wal_header_sum_fits(found):
            return "the -wal file has no valid header"
    return None


def _wal_header_sum_fits(header: bytes) -> bool:
    order = ">" if header[3] & 1 else "<"
    first = second = 0
    words = struct.unpack(f"{order}6I", header[:24])
    for at in range(0, 6, 2):
        first = (first + words[at] + second) & 0xFFFFFFFF
        second = (second + words[at + 1] + first) & 0xFFFFFFFF
    return (first, second) == struct.unpack(">2I", header[24:])


def lost_transactions(path: Path, valid_frames: int) -> bool:
    """Whether the -wal file holds a whole transaction behind the place where SQLite stopped believing it, followed by another
    frame of the same age. A transaction is begun only after the one before was synced, so that is damage and no power cut.
    `valid_frames`: how many SQLite accepted. Raises: OSError."""
    log = beside(path, "-wal")
    if not log.exists():
        return False
    with log.open("rb") as file:
        head = file.read(32)
        if len(head) < 32:
            return False
        step = int.from_bytes(head[8:12], "big") + 24
        committed = False
        frame = valid_frames
        while True:
            file.seek(32 + frame * step)
            found = file.read(24)
            if len(found) < 24:
                return False
            if found[8:16] == head[16:24]:  # else older, or what is damaged: the ones after it tell
                if committed:
                    return True
                committed = found[4:8] != b"\0\0\0\0"
            frame += 1


def set_aside(path: Path, label: str) -> str:
    """Move the journal with its log out of the way, read-only, nothing deleted; its new file name.

    The file goes first: left without its log it would look like an older, healthy journal. Raises: OSError."""
    for count in range(1_000):
        name = f"{path.stem}-set-aside-{label}{f'-{count}' if count else ''}.db"
        target = path.with_name(name)
        if not any(beside(target, ending).exists() for ending in ("", "-wal", "-shm")):
            break
    else:
        raise FileExistsError(f"{path.stem}-set-aside-{label}: too many of them")
    for ending in ("", "-wal", "-shm"):
        source = beside(path, ending)
        if source.exists():
            source.rename(beside(target, ending))
            beside(target, ending).chmod(0o444)
    sync_folder(path.parent)
    return name


def newest_set_aside(path: Path) -> str:
    """Name of the journal that was set aside last, or empty. Raises: OSError."""
    found = sorted(path.parent.glob(f"{path.stem}-set-aside-*.db"), key=lambda file: file.stat().st_ctime_ns)
    return found[-1].name if found else ""
