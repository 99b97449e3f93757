"""The files of a package as they lie on a machine."""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path

from systemd.package import maintainer
from systemd.package.model import HERE, ROOT, Package
from systemd.package.papers import changelog, copyright_file, manual

MODES = {"usr/bin": 0o755}


def lay_out(package: Package, tree: Path, root: Path, version: str, epoch_s: int) -> None:
    """Fill the empty folder `root`; `tree` is moved into it. All files get owner, mode and time of a package."""
    home = root / package.home
    home.mkdir(parents=True)
    tree.rename(home / "app")
    for name, where in package.files.items():
        there = root / where
        there.mkdir(parents=True, exist_ok=True)
        if (ROOT / "systemd" / name).exists():
            shutil.copy(ROOT / "systemd" / name, there)
    _write(root / "usr/bin" / package.program, maintainer.launcher(package).encode())
    papers = root / "usr/share/doc" / package.name
    _write(papers / "changelog.gz", gzip.compress(changelog(package, version, epoch_s).encode(), 9, mtime=0))
    _write(papers / "copyright", copyright_file(package, home / "app").encode())
    page = f"usr/share/man/man1/{package.program}.1.gz"
    _write(root / page, gzip.compress(manual(package, version, epoch_s).encode(), 9, mtime=0))
    _write(root / "usr/share/lintian/overrides" / package.name, (HERE / f"{package.name}.lintian").read_bytes())
    (root / package.config.lstrip("/")).mkdir(parents=True)
    _settle_modes(root)


def files(root: Path) -> Iterator[Path]:
    """Regular files below `root`, in order of their names."""
    return (path for path in sorted(root.rglob("*")) if path.is_file() and not path.is_symlink())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _settle_modes(root: Path) -> None:
    root.chmod(0o755)
    for path in root.rglob("*"):
        if not path.is_symlink():
            program = path.is_dir() or path.parent == root / "usr/bin"
            path.chmod(0o755 if program else 0o644)
