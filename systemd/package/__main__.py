"""`make deb`: builds the packages into dist/ and says what there is."""

import argparse
import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from systemd.package.debs import SMALL, ready_debs
from systemd.package.model import PACKAGES, PLATFORMS, ROOT
from systemd.package.tools import run

SBOM = "usr/share/doc/{package}/sbom.cdx.json"


def content(deb: Path, name: str) -> bytes:
    """One file of a package, without unpacking the rest."""
    stream = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        file = tar.extractfile("./" + name.format(package=deb.name.partition("_")[0]))
        return b"" if file is None else file.read()


def lint(deb: Path) -> None:
    """Let lintian look at it, where this machine has it. Raises RuntimeError where it finds an error."""
    if shutil.which("lintian"):
        run("lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", str(deb))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m systemd.package", description=__doc__)
    parser.add_argument("--arch", action="append", choices=sorted(PLATFORMS), help="all, without it")
    parser.add_argument("--package", action="append", choices=sorted(PACKAGES), help="all, without it")
    parser.add_argument("--version", default="", help="another than pyproject.toml's")
    parser.add_argument("--into", type=Path, default=ROOT / "dist")
    parser.add_argument("--sbom", action="store_true", help="only the bills of materials, taken from the packages")
    args = parser.parse_args()
    args.into.mkdir(parents=True, exist_ok=True)
    for arch in args.arch or PLATFORMS:
        for made in ready_debs(tuple(args.package or PACKAGES), arch, args.version, SMALL).values():
            there = args.into / (made.with_suffix(".cdx.json").name if args.sbom else made.name)
            if args.sbom:
                there.write_bytes(content(made, SBOM))
            else:
                shutil.copy(made, there)
                lint(there)
            print(f"{there}  {there.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
