"""`make deb`: builds the packages into dist/ and says what there is."""

import argparse
import shutil
from pathlib import Path

from systemd.package.debs import SMALL, ready_debs
from systemd.package.model import PACKAGES, PLATFORMS, ROOT


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m systemd.package", description=__doc__)
    parser.add_argument("--arch", action="append", choices=sorted(PLATFORMS), help="all, without it")
    parser.add_argument("--package", action="append", choices=sorted(PACKAGES), help="all, without it")
    parser.add_argument("--version", default="", help="another than pyproject.toml's")
    parser.add_argument("--into", type=Path, default=ROOT / "dist")
    args = parser.parse_args()
    args.into.mkdir(parents=True, exist_ok=True)
    for arch in args.arch or PLATFORMS:
        for made in ready_debs(tuple(args.package or PACKAGES), arch, args.version, SMALL).values():
            there = args.into / made.name
            shutil.copy(made, there)
            print(f"{there}  {there.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
