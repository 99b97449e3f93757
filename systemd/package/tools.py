"""The programs that a build starts, and one build at a time."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from systemd.package.model import PYTHON, ROOT

BIN = Path(sys.executable).parent
Tell = Callable[[str], None]
"""Called with each step that takes long, before it."""


def quiet(_step: str) -> None:
    """Tells nobody."""


def run(*command: str, cwd: Path = ROOT, env: Mapping[str, str] | None = None) -> str:
    """Standard output. Raises RuntimeError where the command fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **(env or {})})
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def uv(*arguments: str) -> str:
    """As `run`. A machine with certificates of its own trusts those; without any, uv brings its own list."""
    certificates = ("--system-certs",) if Path("/etc/ssl/certs/ca-certificates.crt").exists() else ()
    return run(str(BIN / "uv"), *certificates, *arguments)


def target_python() -> str:
    """The Python that compiles: Debian's own where this machine has it. Raises RuntimeError where there is no 3.11."""
    debian = Path(f"/usr/bin/python{PYTHON}")
    if debian.exists():
        return str(debian)
    if sys.version_info[:2] == tuple(int(part) for part in PYTHON.split(".")):
        return sys.executable
    raise RuntimeError(f"the packages are compiled for Python {PYTHON}; this machine has none: build on Debian 12")


@contextlib.contextmanager
def locked(path: Path, tell: Tell = quiet) -> Iterator[None]:
    """One process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waits for another build")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def digest(parts: Iterable[bytes]) -> str:
    """A name for a content: 16 hexadecimal digits."""
    made = hashlib.sha256()
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.hexdigest()[:16]
