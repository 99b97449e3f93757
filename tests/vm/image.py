"""What the machine boots: Debian's kernel, a small initrd, a disk with the built package (`build/vm/`)."""

import gzip
import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.boot import image as debian
from tests.vm.environment import environment

HERE = Path(__file__).parent
KEPT = debian.ROOT / "build" / "vm"
KERNEL = "linux-image-amd64"
"""Depends on the newest kernel package, which is the one that is used."""
PACKAGES = ("udev", "kmod", "python3", "iproute2", "procps")
FIRST = ("virtio_pci", "virtio_blk", "crc32c_generic", "ext4")
LATER = ("virtio_console", "xhci_pci", "usblp", "ftdi_sio", "dummy_hcd", "libcomposite", "usb_f_printer")
BUSYBOX = "/bin/busybox"
DISK_MB = 1200
RIG = "usr/lib/rig"


@dataclass(frozen=True)
class Image:
    kernel: Path
    initrd: Path
    disk: Path


def ready() -> Image:
    """Made anew where the package has changed, else as it is. Raises RuntimeError where something can not be made."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with debian.locked(KEPT / "lock"):
        kernel = _kernel()
        version = next((kernel / "lib/modules").iterdir()).name
        initrd, disk = KEPT / "initrd", KEPT / "disk.qcow2"
        _initrd(kernel / "lib/modules" / version, initrd)
        _disk(kernel / "lib/modules" / version, disk)
        return Image(kernel / "boot" / f"vmlinuz-{version}", initrd, disk)


def _kernel() -> Path:
    """The unpacked package of Debian's kernel."""
    shown = debian.run("apt-cache", "depends", "--important", KERNEL)
    package = next(word for word in shown.split() if word.startswith("linux-image-") and word != KERNEL)
    there = KEPT / package
    if not there.is_dir():
        fresh = KEPT / f"{package}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        debian.run("apt-get", "download", "-q", package, cwd=fresh)
        (archive,) = fresh.glob("*.deb")
        debian.run("dpkg-deb", "-x", str(archive), str(fresh))
        archive.unlink()
        debian.run("depmod", "-b", str(fresh), next((fresh / "lib/modules").iterdir()).name)
        fresh.rename(there)
    return there


def _needed(modules: Path, names: Iterable[str]) -> list[Path]:
    """The files of these modules and of all that they need, in the order of loading (modules.dep)."""
    needs = dict(line.split(":", 1) for line in (modules / "modules.dep").read_text().splitlines())
    by_name = {Path(path).name.partition(".")[0].replace("-", "_"): path for path in needs}
    found: dict[str, None] = {}
    for name in names:
        path = by_name[name]
        for each in (*reversed(needs[path].split()), path):
            found.setdefault(each)
    return [modules / path for path in found]


def _initrd(modules: Path, target: Path) -> None:
    folder = KEPT / "initrd.new"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    (folder / "modules").mkdir()
    shutil.copy(BUSYBOX, folder / "bin/busybox")
    shutil.copy(HERE / "guest/initrd", folder / "init")
    files = _needed(modules, FIRST)
    for file in files:
        shutil.copy(file, folder / "modules")
    (folder / "order").write_text("\n".join(file.name for file in files) + "\n")
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    done = subprocess.run(
        (BUSYBOX, "cpio", "-o", "-H", "newc"), cwd=folder, input="\n".join(names).encode(), capture_output=True, check=True
    )
    target.write_bytes(gzip.compress(done.stdout, 1))


def _disk(modules: Path, target: Path) -> None:
    base, root = debian.base(PACKAGES), KEPT / "root"
    with environment() as package:
        stamp, wanted = target.with_suffix(".made"), _digest(base, package)
        if target.is_file() and stamp.is_file() and stamp.read_text() == wanted:
            return
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(base, root, symlinks=True, ignore=lambda folder, _names: ["dev"] if folder == str(base) else [])
        shutil.copytree(package, root / "opt/tillkeeper", symlinks=True)
    for name in ("dev", "proc", "sys", "run", "tmp"):
        (root / name).mkdir(exist_ok=True)
    debian.link(root / "usr/bin/tillkeeper", "/opt/tillkeeper/bin/tillkeeper")
    shutil.copytree(HERE / "guest", root / RIG)
    for file in _needed(modules, LATER):
        there = root / "lib/modules" / modules.name / file.relative_to(modules)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, there)
    for file in modules.glob("modules.*"):
        shutil.copy(file, root / "lib/modules" / modules.name)
    debian.run("depmod", "-b", str(root), modules.name)
    raw = KEPT / "disk.raw"
    raw.unlink(missing_ok=True)
    debian.run("mke2fs", "-q", "-F", "-t", "ext4", "-d", str(root), str(raw), f"{DISK_MB}M")
    fresh = target.with_suffix(".new")
    debian.run("qemu-img", "convert", "-O", "qcow2", str(raw), str(fresh))
    fresh.rename(target)  # a machine that runs keeps the one before
    raw.unlink()
    shutil.rmtree(root)
    stamp.write_text(wanted)


def _digest(base: Path, package: Path) -> str:
    digest = hashlib.sha256(base.name.encode())
    ours = [path for path in package.rglob("tillkeeper*/**/*") if path.suffix in {".py", ".toml", ".json", ".js"}]
    for path in sorted([*(HERE / "guest").iterdir(), *ours]):
        digest.update(str(path.name).encode() + path.read_bytes())
    return digest.hexdigest()
