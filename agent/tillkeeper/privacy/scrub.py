"""Erased texts in files that were set aside. Such a file is damaged, so SQLite is not asked: the bytes are looked for and
overwritten where they stand. A row of `personal` is digest, salt and text in a stretch (sqlite.org/fileformat2.html 2.1), and
the digest proves what the text is. Blocking: run it in a thread.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tillkeeper.contract.values import MAX_TEXT
from tillkeeper.journal.files import beside
from tillkeeper.replication.held.rescue import RESCUED

CHUNK_BYTES = 256 * 1024
"""Looked through at a time: a sale never waits for more."""
REST_S = 0.002
MAX_BYTES = MAX_TEXT * 4
_ROW = re.compile(rb"(?=([0-9a-f]{64})([0-9a-f]{32}))")
_ROW_BYTES = 96
READ_ONLY, WRITABLE = 0o444, 0o600


class Scrubbed(NamedTuple):
    """`erased`: copies that were overwritten. `left`: copies of which the end was not found (a long note goes on in another
    page). `waiting`: files that were not read over yet: what is in them may still be the only copy of a sale."""

    erased: int = 0
    left: int = 0
    waiting: tuple[str, ...] = ()


def set_aside(folder: Path) -> list[Path]:
    """Journals and files of held logs that were set aside. Raises: OSError."""
    return sorted((*folder.glob("journal-set-aside-*.db"), *folder.glob("held-set-aside-*.db")))


def scrub_all(folder: Path, is_erased: Callable[[str], bool]) -> Scrubbed:
    """Overwrite every text whose digest `is_erased`, in all files that were set aside and read over. Raises: OSError."""
    erased = left = 0
    waiting = []
    for aside in set_aside(folder):
        if not beside(aside, RESCUED).exists():
            waiting.append(aside.name)
            continue
        for path in (aside, beside(aside, "-wal")):
            if path.exists():
                done = scrub(path, is_erased)
                erased, left = erased + done.erased, left + done.left
    return Scrubbed(erased, left, tuple(waiting))


def scrub(path: Path, is_erased: Callable[[str], bool]) -> Scrubbed:
    """Raises: OSError."""
    found, left = _find(path, is_erased)
    if found:
        mode = path.stat().st_mode & 0o777
        path.chmod(WRITABLE)
        try:
            with path.open("r+b") as file:
                for at, size in found:
                    file.seek(at)
                    file.write(b"\0" * size)
                file.flush()
                os.fsync(file.fileno())
        finally:
            path.chmod(mode)
    return Scrubbed(len(found), left)


def _find(path: Path, is_erased: Callable[[str], bool]) -> tuple[list[tuple[int, int]], int]:
    """Where salts and texts are (offset, bytes), and of how many texts no end fits."""
    found, left, base = [], 0, 0
    with path.open("rb") as file:
        window = file.read(CHUNK_BYTES)
        while window:
            ahead = file.read(CHUNK_BYTES)
            both = window + ahead[: _ROW_BYTES + MAX_BYTES]
            for match in _ROW.finditer(both, 0, len(window) + _ROW_BYTES - 1):
                if match.start() < len(window) and is_erased(match[1].decode()):
                    text_at = match.start() + _ROW_BYTES
                    size = _size(match[1].decode(), match[2], both[text_at : text_at + MAX_BYTES])
                    if size:
                        # The salt goes too: with it whoever knows the digest could try out phone numbers.
                        found.append((base + text_at - len(match[2]), len(match[2]) + size))
                    left += not size
            base, window = base + len(window), ahead
            time.sleep(REST_S)
    return found, left


def _size(digest: str, salt: bytes, rest: bytes) -> int:
    """How many bytes of `rest` are the text; 0 where no end of it fits."""
    so_far = hashlib.sha256(salt)
    for at in range(len(rest)):
        so_far.update(rest[at : at + 1])
        if so_far.hexdigest() == digest:
            return at + 1
    return 0
