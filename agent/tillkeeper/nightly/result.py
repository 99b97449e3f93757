"""The file in the data folder that tells the agent what the night's work found."""

import os
from pathlib import Path

import msgspec

from tillkeeper import drafts
from tillkeeper.nightly.model import NightlyResult
from tillkeeper.plain_file import open_plain

FILE = "nightly.json"
MAX_BYTES = 64 * 1024
_decode = msgspec.json.Decoder(NightlyResult).decode


def read(folder: Path) -> NightlyResult | None:
    """None where there is none, or what is there is none: then nothing is known."""
    try:
        with open_plain(folder / FILE) as file:
            return _decode(file.read(MAX_BYTES))
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def write(folder: Path, result: NightlyResult) -> None:
    """Readers see the old one or the new one; it is the folder's owner's, also where root looked. Raises OSError."""
    path = folder / FILE
    draft = drafts.name(path)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    try:
        with open(handle, "wb") as file:
            if os.geteuid() == 0:
                owner = folder.stat()
                os.fchown(handle, owner.st_uid, owner.st_gid)
            file.write(msgspec.json.encode(result))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


class Latest:
    """What the file says, read again only where it is another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stamp: tuple[int, int] | None = None
        self._result: NightlyResult | None = None

    def result(self) -> NightlyResult | None:
        try:
            facts = (self._folder / FILE).stat()
            stamp = facts.st_ino, facts.st_mtime_ns
        except OSError:
            stamp = None
        if stamp != self._stamp:
            self._stamp, self._result = stamp, read(self._folder) if stamp else None
        return self._result
