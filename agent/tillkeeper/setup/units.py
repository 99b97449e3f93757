"""The register's units: enabled and started where systemd runs, else the commands to type."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from tillkeeper.setup.site import Site

UNITS = ("tillkeeper.socket", "tillkeeper.service", "tillkeeper-probe.service", "tillkeeper-nightly.timer")
AGAIN = ("tillkeeper.service", "tillkeeper-probe.service")
"""They read the configuration when they start."""
_FOLDERS = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
RUNS = Path("/run/systemd/system")
"""sd_booted(3)."""
START_S = 60.0


def installed() -> list[str]:
    return [unit for unit in UNITS if any((Path(folder) / unit).exists() for folder in _FOLDERS)]


def booted(site: Site) -> bool:
    return not site.is_image and RUNS.is_dir()


def commands(units: list[str], *, again: bool) -> list[list[str]]:
    """What starts the register; `again`: what runs reads a changed configuration."""
    if not units:
        return []
    made = [["systemctl", "enable", "--quiet", *units]]
    if again:
        made.append(["systemctl", "restart", *(unit for unit in units if unit in AGAIN)])
    return [*made, ["systemctl", "start", *units]]


def start(units: list[str], *, again: bool, tell: Callable[[str], None]) -> str:
    """What went wrong, in words, or empty."""
    for command in commands(units, again=again):
        tell(" ".join(command))
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=START_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{' '.join(command)}: {error}"
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            return f"{' '.join(command)}: {said[0] if said else f'exit code {done.returncode}'}"
    return ""
