"""How Tillkeeper comes onto the disk: its .deb, installed by dpkg as on any register."""

import shutil
from pathlib import Path

from tests.boot.image import run

PROBE_SOCKET = "/run/tillkeeper/probe/probe.sock"


def install(package: Path, root: Path) -> None:
    """Into a system that does not run: dpkg there, maintainer scripts and all. Raises RuntimeError."""
    there = root / "tmp" / package.name
    shutil.copy(package, there)
    run("chroot", str(root), "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "dpkg", "-i", f"/tmp/{package.name}")
    there.unlink()
