"""The register's units: enabled and started where systemd runs, else the commands to type."""

import subprocess
from collections.abc import Callable, Collection
from pathlib import Path

from tillkeeper.setup.site import Site

AGENT, PROBER = "tillkeeper.service", "tillkeeper-probe.service"
UNITS = ("tillkeeper.socket", AGENT, PROBER, "tillkeeper-nightly.timer")
AGAIN = (AGENT, PROBER)
"""They read the configuration when they start."""
_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
RUNS = Path("/run/systemd/system")
"""sd_booted(3)."""
START_S = 60.0


def installed() -> list[str]:
    return [unit for unit in UNITS if any((Path(folder) / unit).exists() for folder in _FOLDERS)]


def booted(site: Site) -> bool:
    return not site.is_image and RUNS.is_dir()


def commands(units: list[str], *, again: Collection[str] = ()) -> list[list[str]]:
    """What starts the register; those of `again` read a changed configuration."""
    if not units:
        return []
    made = [["systemctl", "enable", "--quiet", *units]]
    if restarted := [unit for unit in units if unit in again]:
        made.append(["systemctl", "restart", *restarted])
    return [*made, ["systemctl", "start", *units]]


def runs(unit: str) -> bool:
    """By systemd's word; not where it can not be asked."""
    return not _told(["systemctl", "is-active", "--quiet", unit])


def run(commands: list[list[str]], tell: Callable[[str], None]) -> str:
    """What went wrong, in words, or empty."""
    for command in commands:
        tell(" ".join(command))
        if trouble := _told(command):
            return trouble
    return ""


def _told(command: list[str]) -> str:
    """What is wrong with it, in words."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=START_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{' '.join(command)}: {error}"
    if not done.returncode:
        return ""
    said = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return f"{' '.join(command)}: {said[0] if said else f'exit code {done.returncode}'}"
