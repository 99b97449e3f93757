"""Writing a configuration so that at each moment the old one or the new one is there, and neither half.

Renaming `tillkeeper.toml` is the one step that counts. What it names (a menu, a token) is there before under a name of its own
that nothing names yet, and what an older configuration names is never written over: the dated copy works as it stands.
"""

import contextlib
import errno
import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tillkeeper.errors import Conflict, StorageRefused
from tillkeeper.plain_file import open_plain

DRAFT = ".setup-"
MAX_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True)
class File:
    """`ids`: (user, group), None for whoever writes it. `content` is in no `repr`: it may be a secret."""

    name: str
    content: bytes = field(repr=False)
    mode: int = 0o644
    ids: tuple[int, int] | None = None
    words: str = ""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One setup at a time. Raises: Conflict."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict("set up", str(folder), "another `tillkeeper setup` is at work here", "wait for its end") from None
        yield
    finally:
        os.close(handle)


def is_roots(path: Path, ids: tuple[int, int] | None) -> bool:
    """It is root's, empty, and is to be somebody else's: a disk of its own that was just formatted. Raises OSError."""
    if ids is None or ids[0] == 0 or not path.is_dir() or os.stat(path).st_uid != 0:
        return False
    return all(name == "lost+found" for name in os.listdir(path))


def make_folder(path: Path, mode: int, ids: tuple[int, int] | None) -> None:
    """With its owner and mode as soon as it has its name. One that is there stays as it is, unless `is_roots`. Raises
    OSError."""
    if path.is_dir():
        if ids is not None and is_roots(path, ids):
            os.chown(path, *ids)
            path.chmod(mode)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f"{DRAFT}*"):  # by a run that was cut off
        with contextlib.suppress(OSError):
            left.rmdir()
    draft = path.parent / f"{DRAFT}{secrets.token_hex(8)}"
    draft.mkdir(mode=0o700)
    draft.chmod(mode)
    if ids is not None:
        os.chown(draft, *ids)
    draft.rename(path)
    _sync(path.parent)


def read(path: Path) -> bytes | None:
    """None where there is no such file. Raises: StorageRefused."""
    try:
        with open_plain(path) as file:
            return file.read(MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageRefused("read", str(path), error.strerror or str(error)) from error


def free_name(folder: Path, wanted: str, content: bytes) -> str:
    """`wanted`, or with a number before its ending: a name that is free, or that of a file with the same content."""
    stem, dot, ending = wanted.partition(".")
    number, name = 1, wanted
    while (there := read(folder / name)) is not None and there != content:
        number += 1
        name = f"{stem}-{number}{dot}{ending}"
    return name


def commit(folder: Path, config: File, others: list[File], stamp: str) -> str:
    """Put `others`, then `config`. What of it is there already is left alone.

    Args:
        stamp: the local time, as part of the name of the copy of what was there.

    Returns:
        The copy's name, empty where there was nothing or nothing changed.

    Raises:
        StorageRefused: the disk refuses; the configuration is what it was.
    """
    try:
        _clear(folder, config.name)
        for one in others:
            _put(folder, one)
        before = read(folder / config.name)
        if before == config.content:
            return ""
        draft = _draft(folder, config)
        try:
            copy = "" if before is None else _copy(folder, config.name, stamp)
            os.rename(draft, folder / config.name)
        finally:
            _remove(draft)
        _sync(folder)
        return copy
    except OSError as error:
        raise refused(folder, error) from error


def refused(folder: Path, error: OSError) -> StorageRefused:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    hint = "make room and run it again" if full else "look at the disk"
    return StorageRefused("write", str(folder), f"{error.strerror or error}; the configuration is as it was", hint)


def is_there(folder: Path, file: File) -> bool:
    """With its content, owner and mode."""
    if read(folder / file.name) != file.content:
        return False
    facts = os.stat(folder / file.name)
    return facts.st_mode & 0o777 == file.mode and file.ids in (None, (facts.st_uid, facts.st_gid))


def _put(folder: Path, file: File) -> None:
    """Under its name, which is free, or has the same content with other rights."""
    draft = _draft(folder, file)
    try:
        if (folder / file.name).exists():
            os.rename(draft, folder / file.name)
        else:
            os.link(draft, folder / file.name)
    finally:
        _remove(draft)
    _sync(folder)


def _draft(folder: Path, file: File) -> Path:
    """Whole, on the disk, with its owner and mode, under a name that nobody looks for."""
    path = folder / f"{DRAFT}{secrets.token_hex(8)}"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as draft:
            draft.write(file.content)
            draft.flush()
            if file.ids is not None:
                os.fchown(handle, *file.ids)
            os.fchmod(handle, file.mode)
            os.fsync(handle)
    except BaseException:  # nobody is left to take it away: a full disk needs the room
        _remove(path)
        raise
    return path


def _copy(folder: Path, name: str, stamp: str) -> str:
    """A second name for what is there: no byte is written for it."""
    stem = f"{name}.{stamp}"
    copy, number = stem, 1
    while True:
        try:
            os.link(folder / name, folder / copy)
        except FileExistsError:
            if os.path.samefile(folder / name, folder / copy):
                return copy
            number += 1
            copy = f"{stem}-{number}"
        else:
            return copy


def _clear(folder: Path, name: str) -> None:
    """What a run that was cut off has left: drafts, and a second name of what is still the configuration."""
    current = folder / name
    for path in folder.iterdir():
        second = path.name.startswith(f"{name}.") and current.exists() and os.path.samefile(path, current)
        if path.name.startswith(DRAFT) or second:
            _remove(path)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
