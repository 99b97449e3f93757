"""Two namespaces with one cable between them (a veth pair), and sockets within. Made by a test, gone when it ends."""

import contextlib
import ctypes
import itertools
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_CLONE_NEWNET = 0x4000_0000
_NUMBERS = itertools.count()
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class End:
    """One end: the namespace and the interface's name in it (the same on both sides)."""

    space: str
    interface: str
    mac: str
    ipv4: str
    ipv6: str

    def ip(self, *arguments: str) -> str:
        """`ip -n SPACE ...`, raises with what it said if it fails."""
        done = subprocess.run(["ip", "-n", self.space, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """This thread is in the namespace: a socket that is opened now stays there."""
        with open("/proc/self/ns/net", "rb") as home, (Path("/run/netns") / self.space).open("rb") as there:
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


def _enter(descriptor: int) -> None:
    if _LIBC.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def cable() -> Iterator[tuple[End, End]]:
    """10.7.0.1/24 and fd07::1/64 on the left, .2 and ::2 on the right, both up with carrier. IPv6 without duplicate address
    detection, fe80::1 and ::2 too: one that comes up to two seconds later is news to whoever watches, and a browser gives up
    what it is loading (ERR_NETWORK_CHANGED)."""
    _demand_root()
    name = f"tk{os.getpid()}-{next(_NUMBERS)}"
    ends = [
        End(f"{name}{side}", "lan0", f"02:00:07:00:00:0{n}", f"10.7.0.{n}", f"fd07::{n}") for n, side in ((1, "l"), (2, "r"))
    ]
    try:
        for end in ends:
            _run("ip", "netns", "add", end.space)
            end.ip("link", "set", "lo", "up")
        left, right = ends
        left.ip("link", "add", "lan0", "address", left.mac, "type", "veth", "peer", "name", "lan0", "address", right.mac,
                "netns", right.space)  # fmt: skip
        for end in ends:
            end.ip("link", "set", "lan0", "addrgenmode", "none", "up")
            end.ip("address", "add", f"{end.ipv4}/24", "dev", "lan0")
            for address in (end.ipv6, end.ipv6.replace("fd07", "fe80")):
                end.ip("address", "add", f"{address}/64", "dev", "lan0", "nodad")
        yield left, right
    finally:
        for end in ends:
            subprocess.run(["ip", "netns", "delete", end.space], capture_output=True, check=False)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        _give_up(f"{' '.join(command)}: {done.stderr.strip()}")


def _demand_root() -> None:
    if os.geteuid():
        _give_up("network namespaces need root")


def _give_up(reason: str) -> None:
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
