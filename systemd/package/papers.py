"""What Debian wants to read in a package: changelog, copyright, manual page."""

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from systemd.package.model import Package

MAINTAINER = "Tillkeeper maintainers <maintainers@tillkeeper.invalid>"


def changelog(package: Package, version: str, epoch_s: int) -> str:
    """deb-changelog(5): one entry, for the version that this is."""
    when = format_datetime(datetime.fromtimestamp(epoch_s, UTC))
    return f"{package.name} ({version}) bookworm; urgency=medium\n\n  * Release {version}.\n\n -- {MAINTAINER}  {when}\n"


def copyright_file(package: Package, tree: Path) -> str:
    return "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"


def manual(package: Package, version: str, epoch_s: int) -> str:
    """man(7)."""
    day = datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d")
    return f'.TH {package.program.upper()} 1 {day} "{version}"\n.SH NAME\n{package.program} \\- {package.summary}\n'
