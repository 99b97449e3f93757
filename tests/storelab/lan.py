"""The hosts of the store lab's LAN: those of `tests/lab`, and more registers at further ports of the same switch."""

import contextlib
import random
from collections.abc import Iterable, Iterator

from tests.lab import breaking, places, relay
from tests.lab.spaces import ip, nft, remove, settings
from tests.lab.topology import Lab

MOST = 6
TWIN = "stray"
"""Where a clone is plugged in."""
PORTS = places.PORTS | {"r4": "p8", "r5": "p9", "r6": "p10"}
_NUMBERS = {"r4": 14, "r5": 15, "r6": 16}
SLOW_S, JITTER_S = 0.08, 0.06


def names(count: int) -> tuple[str, ...]:
    """The registers of a store of two to six."""
    return tuple(f"r{number + 1}" for number in range(count))


def address(host: str) -> str:
    return f"192.168.1.{_NUMBERS[host]}" if host in _NUMBERS else places.lan4(host)


@contextlib.contextmanager
def more(lab: Lab, registers: Iterable[str]) -> Iterator[None]:
    """Those that `tests/lab` has no host for, while it lasts. Raises `LabTrouble`."""
    added = [name for name in registers if name in _NUMBERS]
    spaces = [lab.space(name) for name in added]
    remove(spaces)
    try:
        for name, space in zip(added, spaces, strict=True):
            _add(lab, name, space)
        yield
    finally:
        remove(spaces)


def _add(lab: Lab, name: str, space: str) -> None:
    switch, port = lab.space("switch"), PORTS[name]
    ip("", f"netns add {space}")
    settings(space, {"ipv6/conf/default/disable_ipv6": 1})
    ip("", f"link add {port} netns {switch} type veth peer name eth0 netns {space}")
    ip(
        space,
        "link set lo up", f"link set eth0 address 02:00:5e:01:00:{_NUMBERS[name]:02d}", "link set eth0 up",
        f"addr replace {address(name)}/24 broadcast + dev eth0",
        f"route replace default via {places.ROUTER_LAN[places.V4]} dev eth0",
    )  # fmt: skip
    ip(switch, f"link set {port} master br0", f"link set {port} up")


# --- what fails at the switch ---


@contextlib.contextmanager
def cable_out(lab: Lab, host: str) -> Iterator[None]:
    space = lab.space("switch")
    ip(space, f"link set {PORTS[host]} down")
    try:
        yield
    finally:
        ip(space, f"link set {PORTS[host]} up")


@contextlib.contextmanager
def switch_off(lab: Lab) -> Iterator[None]:
    ip(lab.space("switch"), "link set br0 down")
    try:
        yield
    finally:
        ip(lab.space("switch"), "link set br0 up")


@contextlib.contextmanager
def parted(lab: Lab, one: Iterable[str], other: Iterable[str], name: str) -> Iterator[None]:
    """No frame passes between the two sides, either way; hosts of neither side reach both."""
    left, right = (", ".join(f'"{PORTS[host]}"' for host in side) for side in (one, other))
    lost = breaking.chain(
        "forward", f"iifname {{ {left} }} oifname {{ {right} }} drop", f"iifname {{ {right} }} oifname {{ {left} }} drop"
    )
    nft(lab.space("switch"), f"table bridge {name} {{\n{lost}\n}}")
    try:
        yield
    finally:
        nft(lab.space("switch"), f"delete table bridge {name}")


def slow(lab: Lab, host: str, chance: random.Random) -> contextlib.AbstractContextManager[None]:
    """Each frame of this host waits `SLOW_S` and up to `JITTER_S` more, either way; one host at a time."""
    return relay.delayed(lab.space("switch"), PORTS[host], SLOW_S, JITTER_S, chance)
