"""Files with one token in their first line: made once, complete, and for their owner alone."""

import errno
import logging
import os
import secrets
from pathlib import Path

from tillkeeper.errors import ConfigInvalid, StorageRefused
from tillkeeper.plain_file import open_plain

log = logging.getLogger(__name__)

MIN_TOKEN = 16
MAX_TOKEN_FILE = 4096
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)


def load_or_create_token(path: Path) -> str:
    """The token in the first line of `path`; a new one of 256 bits, mode 0600, where there is no such file.

    A file that others may read is closed to them, where it is ours. The token itself is never logged.

    Raises:
        ConfigInvalid: the file holds no usable token, or can be neither read nor made.
        StorageRefused: the disk is full or fails; there is no token yet.
    """
    try:
        token = _create(path) or _load(path)
    except OSError as error:
        if error.errno in _DISK:
            hint = "free some space, or look at the disk; nothing was made, try again"
            raise StorageRefused("make", str(path), error.strerror or str(error), hint) from error
        hint = "the agent must be able to read and make it"
        raise ConfigInvalid("read", str(path), error.strerror or str(error), hint) from error
    if len(token) < MIN_TOKEN or not all(char.isalnum() or char in "-_" for char in token) or not token.isascii():
        raise ConfigInvalid(
            "read", str(path), f"no token of at least {MIN_TOKEN} letters, digits, - or _", "delete the file and start again"
        )
    return token


def _create(path: Path) -> str | None:
    """Complete before it has its name, so that nobody ever reads half a token."""
    if path.exists():
        return None
    token = secrets.token_urlsafe(32)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        return None  # somebody else made it in the meantime: theirs holds
    finally:
        draft.unlink()
    return token


def _load(path: Path) -> str:
    with open_plain(path) as file:
        facts = os.fstat(file.fileno())
        if facts.st_mode & 0o077:
            if facts.st_uid == os.geteuid():
                os.fchmod(file.fileno(), 0o600)
            log.warning("the token file %s could be read by others (mode %o)", path, facts.st_mode & 0o777)
        text = file.read(MAX_TOKEN_FILE).decode("ascii", "replace")
    return text.split("\n", 1)[0].strip()
