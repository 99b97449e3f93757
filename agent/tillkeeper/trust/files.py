"""Files that nobody else may read, whole or not at all."""

import contextlib
import errno
import logging
import os
from pathlib import Path

from tillkeeper import drafts
from tillkeeper.errors import StorageRefused
from tillkeeper.plain_file import open_plain
from tillkeeper.trust.trouble import TrustTrouble

log = logging.getLogger(__name__)

MAX_BYTES = 4 * 1024 * 1024


def write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """On the disk when it returns, name included.

    Raises:
        TrustTrouble: file_rights.
        StorageRefused: the disk refuses; what was there before is still there.
    """
    draft = drafts.name(path)
    try:
        try:
            handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, mode)  # whatever the umask says
                file.write(content)
                file.flush()
                os.fsync(handle)
            draft.replace(path)
            _sync(path.parent)
        finally:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
    except PermissionError as error:
        raise _rights("write", path, error) from error
    except OSError as error:
        raise StorageRefused("write", path.name, error.strerror or str(error), _hint(error)) from error


def is_full(error: BaseException | None) -> bool:
    """There is no room, as a person can mend it: the same may be tried again."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _hint(error: OSError) -> str:
    return "make room and do it again" if is_full(error) else "look at the disk"


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(path: Path) -> bytes | None:
    """None where there is no such file. One that others may read is closed to them, where it is ours.

    Raises:
        TrustTrouble: file_rights, or broken_keys where it is no file or too large.
    """
    try:
        with open_plain(path) as file:
            facts = os.fstat(file.fileno())
            if facts.st_mode & 0o077:
                log.warning("%s could be read by others (mode %o)", path.name, facts.st_mode & 0o777)
                if facts.st_uid == os.geteuid():
                    os.fchmod(file.fileno(), 0o600)
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise _rights("read", path, error) from error
    except OSError as error:
        raise TrustTrouble("broken_keys", "read", path.name, error.strerror or str(error), "look at the disk") from error
    if len(content) > MAX_BYTES:
        raise TrustTrouble("broken_keys", "read", path.name, f"it is larger than {MAX_BYTES} bytes")
    return content


def make_folder(path: Path) -> None:
    """Only its owner may look into it. Raises as `write`."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
    except PermissionError as error:
        raise _rights("make", path, error) from error
    except OSError as error:
        raise StorageRefused("make", path.name, error.strerror or str(error), _hint(error)) from error


def _rights(operation: str, path: Path, error: OSError) -> TrustTrouble:
    hint = "run it as the user whom the data folder belongs to; the files in `trust` are that user's alone"
    return TrustTrouble("file_rights", operation, str(path), error.strerror or "not permitted", hint)
