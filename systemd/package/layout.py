"""The files of a package as they lie on a machine."""

import gzip
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from systemd.package import maintainer
from systemd.package.licences import Bundled
from systemd.package.model import HERE, ROOT, Package
from systemd.package.papers import changelog, copyright_file, manual
from systemd.package.sbom import sbom


class Made(NamedTuple):
    """What is built, for which machine, as which version, and of which moment (seconds since 1970)."""

    package: Package
    arch: str
    version: str
    epoch_s: int


def lay_out(made: Made, tree: Path, parts: Sequence[Bundled], root: Path) -> None:
    """Fill the empty folder `root`; `tree` is moved into it, `parts` is what others wrote of it. All files get the mode of a
    package's."""
    package, arch, version, epoch_s = made
    home = root / package.home
    home.mkdir(parents=True)
    tree.rename(home / "app")
    for name, where in package.files.items():
        there = root / where
        there.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "systemd" / name, there)
    _write(root / "usr/bin" / package.program, maintainer.launcher(package).encode())
    papers = root / "usr/share/doc" / package.name
    _write(papers / "changelog.gz", gzip.compress(changelog(package, version, epoch_s).encode(), 9, mtime=0))
    _write(papers / "CHANGELOG.md.gz", gzip.compress((ROOT / "CHANGELOG.md").read_bytes(), 9, mtime=0))
    _write(papers / "copyright", copyright_file(package, parts).encode())
    for page in sorted((ROOT / "docs").glob("*.md")):  # what messages name: a technician reads it on a register in an outage
        _write(papers / "docs" / page.name, page.read_bytes())
    _write(papers / "sbom.cdx.json", sbom(package, arch, version, epoch_s, parts).encode())
    manual_page = f"usr/share/man/man1/{package.program}.1.gz"
    _write(root / manual_page, gzip.compress(manual(package, version, epoch_s).encode(), 9, mtime=0))
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
