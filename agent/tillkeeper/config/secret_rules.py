"""Settings that name a file with a secret: a path, or "credential:NAME" for one that systemd hands to the service."""

import os
from pathlib import Path

from tillkeeper import users
from tillkeeper.plain_file import open_plain
from tillkeeper_systemd import credentials


def place(folder: Path, said: str) -> Path | None:
    """The file; None for a credential where this process was handed none: only the service itself can tell."""
    if not credentials.is_credential(said):
        return folder / Path(said).expanduser()
    found = credentials.located(said)
    return Path(found) if found != said else None


def name_problem(said: str) -> str:
    """Why a "credential:NAME" can be none, or empty."""
    return credentials.problem(said) if credentials.is_credential(said) else ""


def unreadable(folder: Path, said: str) -> str:
    """Why the secret can not be read, in words, or empty."""
    if why := name_problem(said):
        return f"is no credential: {why}"
    path = place(folder, said)
    if path is None:
        return ""
    try:
        with open_plain(path) as file:
            return "" if file.readline(4096).strip() else "has an empty first line"
    except PermissionError as error:
        return f"can not be read: {error.strerror} to user {users.name_of(os.geteuid())}"
    except OSError as error:
        hint = credentials.missing(said)
        return f"can not be read: {error.strerror}" + (f"; {hint}" if hint else "")
