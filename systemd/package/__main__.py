"""`make deb`: builds the packages into dist/ and says what there is."""

import argparse
import io
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from systemd.package.debs import SMALL, ready_debs
from systemd.package.model import PACKAGES, PLATFORMS, ROOT
from systemd.package.tools import Tell, quiet, run

SBOM = "usr/share/doc/{package}/sbom.cdx.json"


def content(deb: Path, name: str) -> bytes:
    """One file of a package, without unpacking the rest."""
    stream = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(stream)) as tar:
        file = tar.extractfile("./" + name.format(package=deb.name.partition("_")[0]))
        return b"" if file is None else file.read()


def lint(deb: Path, tell: Tell = quiet) -> None:
    """Let lintian look at it, where this machine has it. Raises RuntimeError where it finds an error."""
    if not shutil.which("lintian"):
        tell(f"{deb.name}: not looked at, for there is no lintian here")
    else:
        tell(f"{deb.name}: lintian looks at it")
        run("lintian", "--allow-root", "--fail-on", "error", "--tag-display-limit", "0", str(deb))


class Steps:
    """Tells each with the time since the beginning."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()

    def __call__(self, step: str) -> None:
        print(f"{time.monotonic() - self._began_s:4.0f} s  {step}", flush=True)


def made(args: argparse.Namespace, tell: Tell) -> Iterator[Path]:
    """What was wanted, in `args.into`. Raises RuntimeError."""
    args.into.mkdir(parents=True, exist_ok=True)
    for arch in args.arch or PLATFORMS:
        for deb in ready_debs(tuple(args.package or PACKAGES), arch, args.version, SMALL, tell).values():
            there = args.into / (deb.with_suffix(".cdx.json").name if args.sbom else deb.name)
            if args.sbom:
                there.write_bytes(content(deb, SBOM))
            else:
                shutil.copy(deb, there)
                lint(there, tell)
            yield there


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m systemd.package", description=__doc__)
    parser.add_argument("--arch", action="append", choices=sorted(PLATFORMS), help="all, without it")
    parser.add_argument("--package", action="append", choices=sorted(PACKAGES), help="all, without it")
    parser.add_argument("--version", default="", help="another than pyproject.toml's")
    parser.add_argument("--into", type=Path, default=ROOT / "dist")
    parser.add_argument("--sbom", action="store_true", help="only the bills of materials, taken from the packages")
    args = parser.parse_args(arguments)
    try:
        files = list(made(args, Steps()))
    except RuntimeError as error:
        print(f"make deb: {error}", file=sys.stderr)
        return 1
    for file in files:
        print(f"{file.stat().st_size / 1e6:6.1f} MB  {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
