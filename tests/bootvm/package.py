"""How Tillkeeper comes onto the disk: its .deb, installed by dpkg as on any register."""

import os
import shutil
from pathlib import Path

from systemd.package.debs import ready_debs
from tests.boot.image import run

GIVEN = "TILLKEEPER_DEB"
"""A file to prove instead of what this tree makes."""
PROBE_SOCKET = "/run/tillkeeper/probe/probe.sock"


def built() -> Path:
    """The package. Raises RuntimeError where it can not be built."""
    return Path(given) if (given := os.environ.get(GIVEN)) else ready_debs(("tillkeeper",))["tillkeeper"]


def install(package: Path, root: Path) -> None:
    """Into a system that does not run: dpkg there, maintainer scripts and all. Raises RuntimeError."""
    there = root / "tmp" / package.name
    shutil.copy(package, there)
    run("chroot", str(root), "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "dpkg", "-i", f"/tmp/{package.name}")
    there.unlink()
