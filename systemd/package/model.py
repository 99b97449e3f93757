"""What the two packages are. Everything else in this folder follows from here."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / "systemd" / "package"
PYTHON = "3.11"
"""Debian 12's own."""
PLATFORMS: Mapping[str, str] = {"amd64": "x86_64-manylinux_2_36", "arm64": "aarch64-manylinux_2_36"}
"""Debian's names of machines, and uv's of wheels that run with Debian 12's C library (glibc 2.36)."""
SITE = f"lib/python{PYTHON}/site-packages"


class Package(NamedTuple):
    """One Debian package.

    lock: the requirements, with hashes.
    keep: import packages of our own wheel that go in; a path below one leaves the rest of it out.
    program: name in /usr/bin, and the function that it calls.
    units: enabled at the first installation, stopped at the removal.
    files: folders below systemd/, with what of them goes in and where.
    """

    name: str
    summary: str
    description: str
    lock: str
    keep: tuple[str, ...]
    program: str
    entry: str
    units: tuple[str, ...]
    files: Mapping[str, str]
    data: str
    config: str
    depends: tuple[str, ...] = ()
    recommends: tuple[str, ...] = ()

    @property
    def home(self) -> str:
        """Where the environment is, from the root of the machine."""
        return f"usr/lib/{self.name}"


REGISTER = Package(
    name="tillkeeper",
    summary="point-of-sale agent that sells on without the internet",
    description="""\
The agent of a point-of-sale register: it keeps printing, firing to the
kitchen and selling when the internet is gone, and brings the books to the
head office when it is back.
.
This package holds the agent, the network prober, the drivers of printers
and displays, and the pages. It runs on Debian's own Python with an
environment of its own below /usr/lib/tillkeeper.
""",
    lock="runtime.txt",
    keep=("tillkeeper", "tillkeeper_drivers", "tillkeeper_hq", "tillkeeper_systemd"),
    program="tillkeeper",
    entry="tillkeeper.cli",
    units=(
        "tillkeeper.socket",
        "tillkeeper.service",
        "tillkeeper-probe.service",
        "tillkeeper-printers.service",
        "tillkeeper-nightly.timer",
    ),
    files={
        "system/tillkeeper.service": "usr/lib/systemd/system",
        "system/tillkeeper.socket": "usr/lib/systemd/system",
        "system/tillkeeper-probe.service": "usr/lib/systemd/system",
        "system/tillkeeper-printers.service": "usr/lib/systemd/system",
        "system/tillkeeper-nightly.service": "usr/lib/systemd/system",
        "system/tillkeeper-nightly.timer": "usr/lib/systemd/system",
        "sysusers.d/tillkeeper.conf": "usr/lib/sysusers.d",
        "tmpfiles.d/tillkeeper.conf": "usr/lib/tmpfiles.d",
        "sysctl.d/60-tillkeeper.conf": "usr/lib/sysctl.d",
        "modules-load.d/tillkeeper.conf": "usr/lib/modules-load.d",
        "udev/60-tillkeeper.rules": "usr/lib/udev/rules.d",
        "README.md": "usr/share/doc/tillkeeper",
        "../docs/package.md": "usr/share/doc/tillkeeper",
    },
    data="/var/lib/tillkeeper",
    config="/etc/tillkeeper",
    depends=("libudev1",),
    recommends=("ca-certificates", "udev"),
)

HQ = Package(
    name="tillkeeper-hq",
    summary="head office server of Tillkeeper point-of-sale registers",
    description="""\
The server at the other end of Tillkeeper registers: stores every event of
every register once, gives checks their numbers and shows what a store took.
It keeps its books in SQLite, or in PostgreSQL for a chain.
.
It runs on Debian's own Python with an environment of its own below
/usr/lib/tillkeeper-hq, and shares nothing with the package of a register.
""",
    lock="hq-package.txt",
    keep=("tillkeeper/contract", "tillkeeper_hq", "tillkeeper_systemd"),
    program="tillkeeper-hq",
    entry="tillkeeper_hq.__main__",
    units=("tillkeeper-hq.service",),
    files={
        "system/tillkeeper-hq.service": "usr/lib/systemd/system",
        "sysusers.d/tillkeeper-hq.conf": "usr/lib/sysusers.d",
        "README.md": "usr/share/doc/tillkeeper-hq",
        "../docs/package.md": "usr/share/doc/tillkeeper-hq",
        "hq.example.toml": "usr/share/doc/tillkeeper-hq/examples",
    },
    data="/var/lib/tillkeeper-hq",
    config="/etc/tillkeeper-hq",
)

PACKAGES: Mapping[str, Package] = {one.name: one for one in (REGISTER, HQ)}
