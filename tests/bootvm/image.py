"""Disks of a whole Debian 12 with its own kernel, initrd, systemd and udev, with and without the package (`build/bootvm/`).

The bare system is made once a machine, named by what is in it. Both disks have the rig's own files, `guest/`: a shell on the
second serial port and, where the kernel's command line asks for it, a POS that sells.
"""

import hashlib
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.boot import image as debian
from tests.bootvm import package
from tests.support.toml import dumps, merged

from tillkeeper.config.embedded import example_toml

HERE = Path(__file__).parent
KEPT = debian.ROOT / "build" / "bootvm"
PACKAGES = (
    "linux-image-amd64", "initramfs-tools", "zstd", "dbus", "python3", "openssh-server", "usbutils", "libusb-1.0-0",
    "modemmanager",  # takes serial adapters for modems where nobody tells it not to
)  # fmt: skip
DISK_MB = 2000
KEPT_DISKS = 3
"""Of each kind: registers that run have theirs on top of one."""
RIG = "usr/lib/rig"
UNITS = ("rig-shell.service", "rig-pos.service", "rig-mark.service")
NUMBER, SECOND = "J8XY012345", "J8XY067890"
"""Of the two USB printers, which are of one model."""
ADAPTER = "A50285BI"


SLOW = """# An emulated processor is ten to thirty times slower. The rest of the units is as they come.
[Service]
TimeoutStartSec=10min
WatchdogSec=60s
"""
NETWORK = """auto lo
iface lo inet loopback
allow-hotplug ens2
iface ens2 inet static
    address 192.168.1.11/24
    gateway 192.168.1.1
"""
"""A cable whose other end nobody answers at: it starts in an outage."""


@dataclass(frozen=True)
class Image:
    kernel: Path
    initrd: Path
    disk: Path
    bare: Path
    """The same without the package."""


def ready() -> Image:
    """Made anew where what is in it has changed. Raises RuntimeError where something can not be made."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with debian.locked(KEPT / "lock"):
        base = _base()
        rig = _digest(base.name.encode(), *(path.read_bytes() for path in sorted((HERE / "guest").iterdir())))
        bare = _disk("bare", base, rig, None)
        deb = package.built()
        disk = _disk("disk", base, _digest(rig.encode(), deb.read_bytes(), (config() + SLOW).encode()), deb)
        (version,) = (path.name.removeprefix("vmlinuz-") for path in (base / "boot").glob("vmlinuz-*"))
        return Image(base / f"boot/vmlinuz-{version}", base / f"boot/initrd.img-{version}", disk, bare)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _base() -> Path:
    name = hashlib.sha256(" ".join((debian.SUITE, *PACKAGES)).encode()).hexdigest()[:12]
    root = KEPT / f"debian-{name}"
    if not root.is_dir():
        fresh = root.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        debian.run("mmdebstrap", "--quiet", "--variant=important", f"--include={','.join(PACKAGES)}", debian.SUITE, str(fresh))
        fresh.rename(root)
    return root


def _disk(name: str, base: Path, wanted: str, deb: Path | None) -> Path:
    target = KEPT / f"{name}-{wanted[:12]}.raw"
    if target.is_file():
        target.touch()
        return target
    for old in sorted(KEPT.glob(f"{name}-*.raw"), key=lambda path: path.stat().st_mtime)[: -KEPT_DISKS + 1]:
        old.unlink()
    root = KEPT / "root"
    shutil.rmtree(root, ignore_errors=True)
    debian.run("cp", "-a", "--reflink=auto", str(base), str(root))
    _settle(root)
    if deb is not None:
        package.install(deb, root)
        etc = root / "etc/tillkeeper"
        etc.mkdir(parents=True, exist_ok=True)
        (etc / "tillkeeper.toml").write_text(config())
        for unit in ("tillkeeper.service", "tillkeeper-probe.service"):
            drop_in = root / f"etc/systemd/system/{unit}.d"
            drop_in.mkdir(parents=True)
            (drop_in / "slow.conf").write_text(SLOW)
    shutil.rmtree(root / "dev")  # the kernel makes it
    (root / "dev").mkdir()
    fresh = target.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    debian.run("mke2fs", "-q", "-F", "-t", "ext4", "-L", "register", "-d", str(root), str(fresh), f"{DISK_MB}M")
    fresh.rename(target)
    shutil.rmtree(root)
    return target


def _settle(root: Path) -> None:
    """What an installer would have written, and the rig's own files."""
    (root / "etc/fstab").write_text("LABEL=register / ext4 errors=remount-ro 0 1\n")
    (root / "etc/hostname").write_text("register\n")
    (root / "etc/machine-id").write_text("3f1d8c0e5a7b4c6d9e2f1a0b3c4d5e6f\n")
    (root / "etc/network/interfaces.d/store").write_text(NETWORK)
    shutil.copytree(HERE / "guest", root / RIG)
    for unit in UNITS:
        (root / RIG / unit).rename(root / "etc/systemd/system" / unit)
        debian.link(root / "etc/systemd/system/graphical.target.wants" / unit, f"/etc/systemd/system/{unit}")


def config() -> str:
    """Two USB printers of one model, told apart by their serial numbers, and one at a serial adapter."""
    own: dict[str, Any] = {
        "data_dir": "/var/lib/tillkeeper",
        "api": {"socket": "/run/tillkeeper/tillkeeper.sock"},
        "network": {"socket": package.PROBE_SOCKET},
        "devices": {
            "receipt": {"address": f"usb:serial={NUMBER}"},
            "grill": {"address": f"usb:serial={SECOND}", "profile": "tm-t88vi"},
            "bar": {"address": f"serial:serial={ADAPTER}"},
        },
        # Slow as all is here, another device would step in before a cable is back.
        "stations": {name: {"backup": None, "carry": False} for name in ("grill", "cold", "bar")},
    }
    return dumps(merged(tomllib.loads(example_toml()), own))
