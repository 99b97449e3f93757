"""Disks of a whole Debian 12 with its own kernel, initrd, systemd and udev, with and without the package (`build/bootvm/`).

The bare system is made once a machine, named by what is in it. Both disks have the rig's own files, `guest/`: a shell on a
serial port and, where the kernel's command line asks for it, a POS that sells. On the one with the package, HQ's lies ready.
"""

import hashlib
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.boot import image as debian
from tests.boot import smoke
from tests.boot.installed import HQ, REGISTER, deb_of
from tests.bootvm import package
from tests.bootvm.architecture import AMD64, Architecture, run_here
from tests.support.toml import dumps, merged
from tests.vm.image import FIRST

from tillkeeper.config.embedded import example_toml

HERE = Path(__file__).parent
KEPT = debian.ROOT / "build" / "bootvm"
PACKAGES = (
    "initramfs-tools", "zstd", "dbus", "python3", "openssh-server", "usbutils", "libusb-1.0-0",
    "modemmanager",  # takes serial adapters for modems where nobody tells it not to
)  # fmt: skip
SMALL_INITRD = (
    "mkdir -p $1/etc/initramfs-tools/conf.d $1/usr/share/initramfs-tools/modules.d",
    "echo MODULES=list >$1/etc/initramfs-tools/conf.d/rig",
    f"printf '%s\\n' {' '.join(FIRST)} >$1/usr/share/initramfs-tools/modules.d/rig",
)
"""With all modules an emulated program had not made it after ten minutes."""
DISK_MB = 2000
KEPT_DISKS = 3
"""Of each kind: registers that run have theirs on top of one."""
RIG = "usr/lib/rig"
UNITS = {one: one for one in ("rig-pos.service", "rig-mark.service")} | {"rig-shell@{shell}.service": "rig-shell@.service"}
"""What is started -> its file."""
SMOKE = Path(smoke.__file__)
HQ_DEB = "var/tmp/hq.deb"
"""HQ's package, for the scene that installs it."""
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
allow-hotplug {card}
iface {card} inet static
    address 192.168.1.11/24
    gateway 192.168.1.1
"""
"""A cable whose other end nobody answers at: it starts in an outage."""


@dataclass(frozen=True)
class Image:
    architecture: Architecture
    kernel: Path
    initrd: Path
    disk: Path
    bare: Path
    """The same without the package."""


class Debs(NamedTuple):
    register: Path
    hq: Path


def ready(architecture: Architecture = AMD64) -> Image:
    """Made anew where what is in it has changed. Raises RuntimeError where something can not be made."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with debian.locked(KEPT / "lock"):
        run_here(architecture)
        base = _base(architecture)
        files = (*sorted((HERE / "guest").iterdir()), SMOKE)
        rig = _digest(base.name.encode(), repr(architecture).encode(), *(path.read_bytes() for path in files))
        bare = _disk("bare", architecture, base, rig, None)
        debs = Debs(deb_of(REGISTER, architecture.name), deb_of(HQ, architecture.name))
        wanted = _digest(rig.encode(), *(deb.read_bytes() for deb in debs), (config() + SLOW).encode())
        disk = _disk("disk", architecture, base, wanted, debs)
        (version,) = (path.name.removeprefix("vmlinuz-") for path in (base / "boot").glob("vmlinuz-*"))
        return Image(architecture, base / f"boot/vmlinuz-{version}", base / f"boot/initrd.img-{version}", disk, bare)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def _base(architecture: Architecture) -> Path:
    packages = (f"linux-image-{architecture.name}", *PACKAGES)
    name = hashlib.sha256(" ".join((debian.SUITE, *packages)).encode()).hexdigest()[:12]
    root = KEPT / f"debian-{name}"
    if not root.is_dir():
        fresh = root.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        made = ("mmdebstrap", "--quiet", f"--architectures={architecture.name}", "--variant=important")
        hooks = [f"--setup-hook={hook}" for hook in SMALL_INITRD] if architecture.user_emulator else []
        debian.run(*made, *hooks, f"--include={','.join(packages)}", debian.SUITE, str(fresh))
        fresh.rename(root)
    return root


def _disk(kind: str, architecture: Architecture, base: Path, wanted: str, debs: Debs | None) -> Path:
    name = f"{architecture.name}-{kind}"
    target = KEPT / f"{name}-{wanted[:12]}.raw"
    if target.is_file():
        target.touch()
        return target
    for old in sorted(KEPT.glob(f"{name}-*.raw"), key=lambda path: path.stat().st_mtime)[: -KEPT_DISKS + 1]:
        old.unlink()
    root = KEPT / "root"
    shutil.rmtree(root, ignore_errors=True)
    debian.run("cp", "-a", "--reflink=auto", str(base), str(root))
    _settle(root, architecture)
    if debs is not None:
        package.install(debs.register, root)
        shutil.copy(debs.hq, root / HQ_DEB)
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


def _settle(root: Path, architecture: Architecture) -> None:
    """What an installer would have written, and the rig's own files."""
    (root / "etc/fstab").write_text("LABEL=register / ext4 errors=remount-ro 0 1\n")
    (root / "etc/hostname").write_text("register\n")
    (root / "etc/machine-id").write_text("3f1d8c0e5a7b4c6d9e2f1a0b3c4d5e6f\n")
    (root / "etc/network/interfaces.d/store").write_text(NETWORK.format(card=architecture.card))
    shutil.copytree(HERE / "guest", root / RIG)
    shutil.copy(SMOKE, root / RIG)
    units = root / "etc/systemd/system"
    for file in (root / RIG).glob("*.service"):
        file.rename(units / file.name)
    for unit, file in UNITS.items():
        debian.link(units / "graphical.target.wants" / unit.format(shell=architecture.shell), f"/etc/systemd/system/{file}")


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
