"""Files with one token in their first line: made once, complete, and for their owner alone."""

import contextlib
import errno
import fcntl
import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from tillkeeper import drafts
from tillkeeper.errors import ConfigInvalid, StorageRefused
from tillkeeper.plain_file import open_plain

log = logging.getLogger(__name__)

MIN_TOKEN = 16
MAX_TOKEN_FILE = 4096
_BLANK = b"\0 \t\r\n"
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
            raise _no_disk(path, error) from error
        hint = "the agent must be able to read and make it"
        raise ConfigInvalid("read", str(path), error.strerror or str(error), hint) from error
    if why := _no_token(token):
        raise ConfigInvalid("read", str(path), why, "delete the file and start again")
    return token


def replace_blank(path: Path) -> None:
    """Make a new token where the file has nothing but NULs and white space in it: what a power cut leaves is nobody's token.

    Raises:
        StorageRefused: the disk is full or fails.
    """
    try:
        with open_plain(path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # of two at a time the second finds the first one's
            if file.read(MAX_TOKEN_FILE).strip(_BLANK) or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                return
            with _draft(path) as (draft, _):
                draft.replace(path)
    except OSError as error:
        if error.errno in _DISK:
            raise _no_disk(path, error) from error
        return  # `load_or_create_token` says what is wrong with it
    log.warning("the token file %s was blank: there is a new token in it", path)


def unusable(path: Path) -> str:
    """Why no start would take a token from the file at `path`, in words; empty also where there is none yet, where it is blank,
    and where it is closed to whoever asks."""
    try:
        with open_plain(path) as file:
            raw = file.read(MAX_TOKEN_FILE)
    except (FileNotFoundError, PermissionError):
        return ""
    except OSError as error:
        return f"{path} can not be read: {error.strerror}"
    why = _no_token(_first_line(raw)) if raw.strip(_BLANK) else ""
    return f"{path}: {why}; delete it, and the next start makes one" if why else ""


def _no_token(token: str) -> str:
    if len(token) >= MIN_TOKEN and token.isascii() and all(char.isalnum() or char in "-_" for char in token):
        return ""
    return f"no token of at least {MIN_TOKEN} letters, digits, - or _"


def _first_line(raw: bytes) -> str:
    return raw.decode("ascii", "replace").split("\n", 1)[0].strip()


def _no_disk(path: Path, error: OSError) -> StorageRefused:
    hint = "free some space, or look at the disk; nothing was made, try again"
    return StorageRefused("make", str(path), error.strerror or str(error), hint)


def _create(path: Path) -> str | None:
    """Complete before it has its name, so that nobody ever reads half a token."""
    if path.exists():
        return None
    try:
        with _draft(path) as (draft, token):
            os.link(draft, path)
    except FileExistsError:
        return None  # somebody else made it in the meantime: theirs holds
    return token


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[tuple[Path, str]]:
    """A file with a new token in it, gone afterwards where nobody took it."""
    token, draft = secrets.token_urlsafe(32), drafts.name(path)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield draft, token
    finally:
        draft.unlink(missing_ok=True)


def _load(path: Path) -> str:
    with open_plain(path) as file:
        facts = os.fstat(file.fileno())
        if facts.st_mode & 0o077:
            if facts.st_uid == os.geteuid():
                os.fchmod(file.fileno(), 0o600)
            log.warning("the token file %s could be read by others (mode %o)", path, facts.st_mode & 0o777)
        return _first_line(file.read(MAX_TOKEN_FILE))
