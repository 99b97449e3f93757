"""What a machine starts from: the bare Debian with a package laid over it."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from systemd.package.debs import ready_debs
from tests.boot import image
from tests.boot.image import KEPT, PACKAGES, run
from tests.boot.machine import laid_over

REGISTER, HQ = "tillkeeper", "tillkeeper-hq"
"""The packages, as they are called."""
GIVEN = "TILLKEEPER_DEBS"
"""Packages that are built already, to be tested as they are."""
MOST_KEPT = 4
INSIDE = "var/tmp/package.deb"

Layers = tuple[Path, ...]


def deb_of(package: str, arch: str = "amd64") -> Path:
    """As this tree makes it, or as it lies in the folder `$TILLKEEPER_DEBS`. Raises RuntimeError where it can not be made."""
    if folder := os.environ.get(GIVEN, ""):
        return next(Path(folder).glob(f"{package}_*_{arch}.deb"))
    return ready_debs((package,), arch)[package]


def installed(package: str, debian: tuple[str, ...] = PACKAGES) -> Layers:
    """Layers with `package` (REGISTER or HQ) over a Debian with these. Raises RuntimeError where they can not be made."""
    deb = deb_of(package)
    base = image.base(debian)
    digest = hashlib.sha256(base.name.encode() + deb.read_bytes()).hexdigest()

    def fill(root: Path) -> None:
        shutil.copy(deb, root / INSIDE)
        run("chroot", str(root), "dpkg", "--force-unsafe-io", "--install", f"/{INSIDE}")
        (root / INSIDE).unlink()

    return _layer(package, digest, base, fill)


def bare() -> Layers:
    """Layers without any package of ours."""
    return (image.base(PACKAGES),)


def _layer(kind: str, digest: str, base: Path, fill: Callable[[Path], None]) -> Layers:
    """A bare Debian with what `fill` puts into it, made once for a digest."""
    made = KEPT / "layers" / f"{kind}-{digest[:12]}"
    (KEPT / "layers").mkdir(parents=True, exist_ok=True)
    with image.locked(KEPT / "layers.lock"):
        if not made.is_dir():
            with tempfile.TemporaryDirectory(dir=KEPT / "layers", prefix="new-") as folder:
                at, upper = Path(folder) / "root", Path(folder) / "upper"
                with laid_over(at, upper, (base,)):
                    fill(at)
                upper.rename(made)
        made.touch()  # the newest are kept
        _forget_old(kind, made)
    return (made, base)


def _forget_old(kind: str, newest: Path) -> None:
    older = sorted((path for path in newest.parent.glob(f"{kind}-*") if path != newest), key=lambda path: -path.stat().st_mtime)
    for path in older[MOST_KEPT:]:
        shutil.rmtree(path)
