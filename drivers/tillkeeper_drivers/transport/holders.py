"""Who has a device node open, in words: a technician should not have to look for it at 19:00. Linux (/proc) only."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SUSPECTS = {
    "ModemManager": "sends AT commands to new serial ports; set ID_MM_DEVICE_IGNORE=1 for this one in a udev rule",
    "brltty": "takes CH340 and other adapters for a braille display; remove it",
    "cupsd": "holds printers it has a queue for; remove the queue of this one",
    "agetty": "offers a login on serial ports; disable serial-getty on this one",
}
_MOST_PROCESSES = 4096


def of(path: str) -> str:
    """The programs that have the node `path` open, as far as this user may see; else those running that are known to take
    such nodes. Empty where neither is found. Reads /proc: some milliseconds, blocking."""
    try:
        node = os.stat(path).st_rdev
    except OSError:
        node = 0
    names = dict(_processes())
    open_by = [f"{name} (pid {pid}{_started_by(pid, names)})" for pid, name in names.items() if node and _has_open(pid, node)]
    if open_by:
        return "open in " + ", ".join(open_by)
    running = sorted({name for name in names.values() if name in _SUSPECTS})
    return "; ".join(f"{name} is running and {_SUSPECTS[name]}" for name in running)


def running(name: str) -> bool:
    """Whether a program of this name is running. Reads /proc, as `of` does."""
    return any(other == name for _pid, other in _processes())


def _processes() -> Iterator[tuple[int, str]]:
    for entry in sorted(Path("/proc").glob("[0-9]*"))[:_MOST_PROCESSES]:
        with suppress(OSError):  # it ended meanwhile
            yield int(entry.name), (entry / "comm").read_text("utf-8", "replace").strip()


def _started_by(pid: int, names: dict[int, str]) -> str:
    """Of a suspect's helper: CUPS prints by programs that are called usb or serial, which tells nobody anything."""
    try:
        # proc(5): the fourth field of stat, after the name in brackets, which may hold brackets and spaces itself.
        parent = int((Path("/proc") / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return ""
    name = names.get(parent, "")
    return f", started by {name}, which {_SUSPECTS[name]}" if name in _SUSPECTS else ""


def _has_open(pid: int, node: int) -> bool:
    with suppress(OSError):  # ended, or another user's
        for descriptor in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.stat(f"/proc/{pid}/fd/{descriptor}").st_rdev == node:
                    return True
    return False
