"""This tree's package in a relocatable environment, for a machine that dpkg installs nothing on."""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.boot.image import ROOT, locked, run

KEPT = ROOT / "build" / "vm"
SYSTEM_PYTHON = "/usr/bin/python3"
"""The environment is made for the Python that the image has too, and that every user may read."""


@contextlib.contextmanager
def environment() -> Iterator[Path]:
    """The folder of a relocatable environment with the package as it is now, for /opt/tillkeeper. Nobody else makes it anew
    meanwhile."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with locked(KEPT / "environment.lock"):
        yield _environment()


def _environment() -> Path:
    environment = KEPT / "environment"
    requirements = ROOT / "requirements" / "runtime.txt"
    stamp = environment / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    uv = str(ROOT / ".venv/bin/uv")
    python = str(environment / "bin/python")
    certificates = ("--system-certs",) if Path("/etc/ssl/certs/ca-certificates.crt").exists() else ()
    if not stamp.is_file() or stamp.read_text() != wanted:
        shutil.rmtree(environment, ignore_errors=True)
        run(uv, "venv", "-q", "--python", SYSTEM_PYTHON, "--relocatable", str(environment))
        install = (uv, "pip", "install", "-q", *certificates, "--python", python, "--compile-bytecode")
        run(*install, "--require-hashes", "-r", str(requirements))
        stamp.write_text(wanted)
    dist = KEPT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    run(str(ROOT / ".venv/bin/hatchling"), "build", "-t", "wheel", "-d", str(dist))
    (wheel,) = dist.glob("*.whl")
    run(uv, "pip", "install", "-q", "--python", python, "--reinstall", "--no-deps", "--compile-bytecode", str(wheel))
    return environment
