"""Settings that name a file with a secret: a path, or "credential:NAME" for one that systemd hands to the service."""

from pathlib import Path

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
