"""Network namespaces: entering them, and telling `ip` and `nft` what to do there."""

import contextlib
import ctypes
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

NAMED = Path("/run/netns")
ETC = Path("/etc/netns")
"""`ip netns exec NAME` lays the files of ETC/NAME over /etc: so each namespace has its own resolv.conf."""
CLONE_NEWNET = 0x40000000
PREFIX = "tklab"
DEADLINE_S = 20.0

_libc = ctypes.CDLL(None, use_errno=True)


class LabTrouble(Exception):
    """A tool refused; the message has what it said."""


def now_s() -> float:
    """CLOCK_BOOTTIME, the prober's clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def _enter(handle: int) -> None:
    if _libc.setns(handle, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextlib.contextmanager
def inside(space: str) -> Iterator[None]:
    """This thread works in `space`: sockets made here stay there, children and /proc/sys/net are there. Never await in it."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        target = os.open(NAMED / space, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(target)
        finally:
            os.close(target)
        yield
    finally:
        try:
            _enter(home)
        finally:
            os.close(home)


def _run(command: Sequence[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    if done.returncode:
        raise LabTrouble(f"{' '.join(command)}\n{text}\n{done.stderr.strip()}")
    return done.stdout


def ip(space: str, *lines: str) -> str:
    """`ip -batch` in `space`, or outside of all where it is empty. Raises `LabTrouble`."""
    text = "\n".join(lines) + "\n"
    if not space:
        return _run(("ip", "-batch", "-"), text)
    with inside(space):
        return _run(("ip", "-batch", "-"), text)


def shown(space: str, *arguments: str) -> str:
    """What one `ip` command prints in `space`."""
    with inside(space):
        return _run(("ip", *arguments), "")


def nft(space: str, text: str) -> str:
    """`nft -f` in `space`. Raises `LabTrouble`."""
    with inside(space):
        return _run(("nft", "-f", "-"), text + "\n")


def settings(space: str, values: dict[str, int]) -> None:
    """Kernel settings under /proc/sys/net ("ipv4/ip_forward")."""
    with inside(space):
        for name, value in values.items():
            Path("/proc/sys/net", name).write_text(f"{value}\n")


def answers(space: str, address: str, *, count: int = 1, interval_s: float = 0.05, wait_s: float = 0.4, ttl: int = 64) -> float:
    """Which fraction of `count` echoes from `space` to `address` comes back."""
    command = ["ping", "-n", "-q", "-c", f"{count}", "-i", f"{interval_s}", "-W", f"{wait_s}", "-t", f"{ttl}", address]
    with inside(space):
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S + count, check=False)
    found = re.search(r"(\d+) received", done.stdout)
    return int(found[1]) / count if found else 0.0


def arp_answers(space: str, address: str, *, source: str = "", count: int = 1) -> set[str]:
    """The MACs that answer `count` ARP requests for `address` within a second; `source` "0.0.0.0" asks without having an
    address."""
    options = ["-D"] if source == "0.0.0.0" else []
    command = ["arping", *options, "-c", f"{count}", "-w", "1", "-I", "eth0", address]
    with inside(space):
        done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    return {mac.lower() for mac in re.findall(r"\[([0-9A-Fa-f:]{17})\]", done.stdout)}


def carrier(space: str, interface: str = "eth0") -> bool:
    return "LOWER_UP" in shown(space, "-o", "link", "show", "dev", interface)


def remove(spaces: Iterable[str]) -> None:
    """Take the namespaces away, those that are there; processes in them are the business of whoever started them."""
    there = [space for space in spaces if (NAMED / space).exists()]
    if there:
        try:
            _run(("ip", "-force", "-batch", "-"), "\n".join(f"netns del {space}" for space in there) + "\n")
        except LabTrouble:
            # Two labs that sweep at the same time take each other's leftovers.
            if any((NAMED / space).exists() for space in there):
                raise
    for space in spaces:
        shutil.rmtree(ETC / space, ignore_errors=True)
    with contextlib.suppress(OSError):
        ETC.rmdir()


def sweep() -> None:
    """Remove what killed runs of the lab left behind."""
    ours = re.compile(rf"{PREFIX}(\d+)[a-z]*-")
    left = [
        entry.name
        for folder in (NAMED, ETC)
        if folder.is_dir()
        for entry in folder.iterdir()
        if (found := ours.match(entry.name)) and not Path("/proc", found[1]).exists()
    ]
    remove(dict.fromkeys(left))
