"""The store that is simulated: who is in it, with which addresses, and what each register's prober is told of it."""

import msgspec

from tillkeeper.network.model import Family, Target, Way
from tillkeeper.network.setup import Setup

GATEWAY_MAC = "02:00:00:00:00:01"
NEW_GATEWAY_MAC = "02:00:00:00:00:99"
ATTACKER_MAC = "66:66:66:66:66:66"
TWIN_MAC = "02:00:00:00:77:77"
GATEWAY: dict[Family, str] = {"ipv4": "192.168.1.1", "ipv6": "fe80::1"}
MODEM = "192.168.100.1"
HOP1: dict[Family, str] = {"ipv4": "192.168.1.1", "ipv6": "2001:db8:1::1"}
HOP2: dict[Family, str] = {"ipv4": "100.64.0.1", "ipv6": "2001:db8:f::1"}
BACKUP_HOP2: dict[Family, str] = {"ipv4": "10.64.0.1", "ipv6": "2001:db8:b::1"}
FAR_HOP: dict[Family, str] = {"ipv4": "203.0.113.1", "ipv6": "2001:db8:e::1"}
ISP_RESOLVER: dict[Family, str] = {"ipv4": "203.0.113.53", "ipv6": "2001:db8:e::53"}
ANYCAST: dict[Family, tuple[str, ...]] = {
    "ipv4": ("1.1.1.1", "8.8.8.8"),
    "ipv6": ("2606:4700:4700::1111", "2001:4860:4860::8888"),
}
PORTAL: dict[Family, str] = {"ipv4": "198.51.100.204", "ipv6": "2001:db8:c::204"}
HQ: dict[Family, str] = {"ipv4": "198.51.100.10", "ipv6": "2001:db8:c::10"}
PORTAL_HOST, HQ_HOST = "portal.example", "hq.example"
NAMES = ("bar", "front", "lane", "patio", "counter", "cellar", "terrace", "hall")


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """`registers`: each has an engine of its own; with more than one they send beacons. `resolver`: where the own one is.
    `router_tells`: says net-unreachable when its WAN link is down. `backup`: a second WAN behind the router."""

    registers: int = 1
    families: tuple[Family, ...] = ("ipv4",)
    managed: bool = False
    resolver: str = "router"
    router_tells: bool = False
    modem_has_address: bool = True
    gateway_echoes: bool = True
    backup: bool = False
    wireless: bool = False
    all_in_one: bool = False
    metered: bool = False
    uplink: bool = True
    beacons: bool = True
    icmp_limit: bool = True
    """Routers answer with ICMP errors once a second to each host, six at once (Linux: icmp_ratelimit 1000, XRLIM_BURST_FACTOR 6
    in net/ipv4/icmp.c). Echo replies are not limited."""


def register_mac(index: int) -> str:
    return f"02:00:00:00:01:{index:02x}"


def register_address(index: int, family: Family) -> str:
    return f"192.168.1.{20 + index}" if family == "ipv4" else f"2001:db8:1::{20 + index:x}"


def devices(store: Store) -> dict[str, tuple[str, dict[Family, str]]]:
    """Part's name -> MAC and addresses, of what else stands on the store's LAN."""
    found: dict[str, tuple[str, dict[Family, str]]] = {
        "printer": ("02:00:00:00:02:01", {"ipv4": "192.168.1.50", "ipv6": "2001:db8:1::50"}),
        "display": ("02:00:00:00:03:01", {"ipv4": "192.168.1.60", "ipv6": "2001:db8:1::60"}),
    }
    if store.managed:
        found["management"] = ("02:00:00:00:00:05", {"ipv4": "192.168.1.2", "ipv6": "2001:db8:1::2"})
    return found


def modem_asked(store: Store) -> bool:
    return store.modem_has_address and "ipv4" in store.families


def setup_of(store: Store, index: int, session: int) -> Setup:
    first = store.families[0]
    echo: tuple[Way, ...] = ("echo", "arp" if first == "ipv4" else "nd")
    targets: list[Target] = []
    for name, (_, addresses) in devices(store).items():
        role = {"management": "switch", "printer": "printer", "display": "display"}[name]
        called = "switch" if role == "switch" else f"{role}:grill"
        targets.append(Target(name=called, role=role, family=first, address=addresses[first], ways=echo))  # type: ignore[arg-type]
    if modem_asked(store):
        targets.append(Target(name="modem", role="modem", family="ipv4", address=MODEM, ways=("echo",), wan=True))
    for family in store.families:
        ways: tuple[Way, ...] = ("echo", "dns")
        targets += [
            Target(name=f"anycast:{one}", role="anycast", family=family, address=one, ways=ways, wan=True)
            for one in ANYCAST[family]
        ]
    for family in store.families:
        suffix = "" if family == "ipv4" else ":ipv6"
        targets += [
            Target(name=f"portal{suffix}", role="portal", family=family, address="", ways=("http",), host=PORTAL_HOST,
                   port=80, path="/generate_204", wan=True),
            Target(name=f"hq{suffix}", role="hq", family=family, address="", ways=("tls", "tcp"), host=HQ_HOST, port=443,
                   wan=True),
        ]  # fmt: skip
    return Setup(
        register=NAMES[index],
        targets=tuple(targets),
        families=store.families,
        registers=store.registers,
        position=index,
        session=session,
        interface="eth0",
        hq_host=HQ_HOST,
        resolve_name=HQ_HOST,
        other_resolvers=tuple(one for family in store.families for one in ANYCAST[family]),
        metered=store.metered,
        all_in_one=store.all_in_one,
        beacons=store.beacons and store.registers > 1,
        has_uplink=store.uplink,
    )
