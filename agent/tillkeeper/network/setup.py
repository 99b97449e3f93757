"""What the engine is told once: who I am, what may be asked, and how much of it. Pure."""

import msgspec

from tillkeeper.network.model import Family, Target

ARP_PER_S = 8
"""Switches with dynamic ARP inspection shut a port at 15 a second by default: bursts and deep diagnosis included."""
PRINTER_PER_S = 2.0
"""A printer sees at most so many questions a second from the whole store."""
WAN_BYTES_PER_DAY = 50_000_000
WAN_BYTES_PER_DAY_METERED = 5_000_000
"""For the store, all registers together."""


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """`targets`: all that the configuration names (switch, printers, displays, modem, anycast, portal, HQ). Gateway, hops,
    resolvers and peers are found by the engine. `registers`: how many share the store's budgets; `position`: which of them
    this is (0-based), for phases. `session`: random, of this run."""

    register: str
    targets: tuple[Target, ...]
    families: tuple[Family, ...] = ("ipv4", "ipv6")
    registers: int = 1
    position: int = 0
    session: int = 0
    interface: str = ""
    hq_host: str = ""
    resolve_name: str = ""
    """The name that resolvers are asked for: HQ's, else the portal's, else the root."""
    other_resolvers: tuple[str, ...] = ()
    gateway_mac: str = ""
    metered: bool = False
    all_in_one: bool = False
    beacons: bool = False
    has_uplink: bool = False
    """There is an agent with an HQ: its stamps are passive proof."""
