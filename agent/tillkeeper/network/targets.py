"""Which targets there are, and in which ways each is asked, as the surroundings are now. Pure."""

from typing import NamedTuple

import msgspec

from tillkeeper.network.model import ColumnName, Family, Role, Target, Way
from tillkeeper.network.setup import Setup
from tillkeeper.network.surroundings import DEVICE_ROLES, Surroundings

PEERS_ASKED = 2
MOST_TARGETS = 96
LAN_ROLES: frozenset[Role] = frozenset({"switch", "printer", "display", "peer"})
COLUMN_OF: dict[Role, ColumnName] = {
    "gateway": "router", "switch": "switch", "peer": "neighbours", "printer": "neighbours", "display": "neighbours",
    "modem": "modem", "hop2": "hop2", "anycast": "anycast", "resolver": "resolver", "other_resolver": "other_resolver",
    "portal": "portal", "hq": "hq",
}  # fmt: skip
TCP_PORTS: dict[Role, int] = {"hq": 443, "anycast": 443, "gateway": 80, "portal": 80}


class Wanted(NamedTuple):
    """`assumed`: taken to work before it ever has, for every router answers ARP to its hosts."""

    target: Target
    way: Way
    column: str
    assumed: bool = False


def family_of(address: str) -> Family:
    return "ipv6" if ":" in address else "ipv4"


def wanted(setup: Setup, known: Surroundings, hop2: dict[Family, str]) -> list[Wanted]:
    """`hop2`: the usual second hop of each family, where it has been learned."""
    found: list[Wanted] = []
    for family in setup.families:
        found.extend(_gateway(setup, known, family))
        found.extend(_hops(setup, known, family, hop2.get(family, "")))
    for target in known.targets:
        # A device that the agent told of may be a host of the own network and nobody else; the configuration is believed.
        if target in setup.targets or target.role not in DEVICE_ROLES or _is_neighbour(setup, known, target.address):
            found.extend(_configured(target, known))
    found.extend(_peers(setup, known))
    found.extend(_resolvers(setup, known))
    if "ipv4" in setup.families:
        for address in known.own_ipv4()[:2]:
            own = Target(name=f"self:{address}", role="self", family="ipv4", address=address, ways=("arp",))
            found.append(Wanted(own, "arp", ""))
    return found[:MOST_TARGETS]


def _gateway(setup: Setup, known: Surroundings, family: Family) -> list[Wanted]:
    name = "gateway" if family == "ipv4" else "gateway6"
    resolve: Way = "arp" if family == "ipv4" else "nd"
    address = known.gateways.get(family, "")
    if address:
        target = Target(name=name, role="gateway", family=family, address=address, ways=("echo", resolve))
        return [Wanted(target, "echo", "router"), Wanted(target, resolve, "gateway", assumed=True)]
    last = known.lasting.get(family, "")
    if family == "ipv4" and last and not known.own_ipv4():
        # The address is gone and with it the route: whether the router still lives shows an ARP request without a sender.
        target = Target(name=name, role="gateway", family=family, address=last, ways=("arp",))
        return [Wanted(target, "arp", "gateway", assumed=True)]
    return []


def _hops(setup: Setup, known: Surroundings, family: Family, hop2: str) -> list[Wanted]:
    """Echoes that end at the first and at the second hop on the way to the first anycast address, and the second hop itself:
    many routers limit their time-exceeded to one a second (Linux: icmp_ratelimit), but not their echo replies."""
    towards = next((t.address for t in setup.targets if t.role == "anycast" and t.family == family and t.address), "")
    if not towards or not _routed(known, family):
        return []
    suffix, name = ("", "gateway") if family == "ipv4" else (":6", "gateway6")
    first = Target(name=f"{name}:hop", role="gateway", family=family, address=towards, ways=("hop",))
    second = Target(name=f"hop2{suffix}", role="hop2", family=family, address=towards, ways=("hop",), wan=True)
    found = [Wanted(first, "hop", "router"), Wanted(second, "hop", "hop2")]
    if hop2:
        direct = Target(name=f"hop2:direct{suffix}", role="hop2", family=family, address=hop2, ways=("echo",), wan=True)
        found.append(Wanted(direct, "echo", "hop2"))
    return found


def _routed(known: Surroundings, family: Family) -> bool:
    return family in known.gateways and (family == "ipv6" or bool(known.own_ipv4()))


def _configured(target: Target, known: Surroundings) -> list[Wanted]:
    role, address = target.role, target.address
    if not address:
        found = (a for a in known.cached.get(target.host, ()) if family_of(a) == target.family)
        address = next((a for a in found if known.may_be_at(a, target.host)), "")
    if not address or role not in COLUMN_OF:
        return []
    if role in LAN_ROLES:
        if not known.contains(address):
            return []
    elif not _routed(known, target.family):
        return []
    port = target.port or TCP_PORTS.get(role, 0)
    target = msgspec.structs.replace(target, address=address, port=port)
    ways = [way for way in target.ways if role not in LAN_ROLES or way in ("arp", "nd", "echo")]
    return [Wanted(target, way, COLUMN_OF[role]) for way in ways]


def _peers(setup: Setup, known: Surroundings) -> list[Wanted]:
    """The next ones after this register in the order of their names, so that no register is asked by all."""
    names = sorted(name for name, peer in known.peers.items() if _is_neighbour(setup, known, peer.state.address))
    names = [name for name in names if name > setup.register] + [name for name in names if name < setup.register]
    found = []
    for name in names[:PEERS_ASKED]:
        address = known.peers[name].state.address
        resolve: Way = "arp" if family_of(address) == "ipv4" else "nd"
        target = Target(name=f"peer:{name}", role="peer", family=family_of(address), address=address, ways=("echo", resolve))
        found += [Wanted(target, "echo", "neighbours"), Wanted(target, resolve, "neighbours")]
    return found


def _is_neighbour(setup: Setup, known: Surroundings, address: str) -> bool:
    """Whether a beacon or the agent may name it: a host of the own network, but not me, the router or all hosts at once, whose
    answers would be taken for a register's or a device's."""
    if family_of(address) not in setup.families or not known.contains(address) or address in known.gateways.values():
        return False
    return not any(address in (str(own.ip), str(own.network.broadcast_address)) for own in known.own)


def _resolvers(setup: Setup, known: Surroundings) -> list[Wanted]:
    found = []
    others = tuple(address for address in setup.other_resolvers if address not in known.resolvers)
    lists: tuple[tuple[Role, tuple[str, ...]], ...] = (("resolver", known.resolvers), ("other_resolver", others[:3]))
    for role, addresses in lists:
        for address in addresses:
            family = family_of(address)
            near = known.contains(address) or address.startswith(("127.", "::1"))
            if family not in setup.families or (not near and not _routed(known, family)):
                continue
            target = Target(
                name=f"{role}:{address}", role=role, family=family, address=address, ways=("dns",), host=setup.resolve_name,
                port=53, wan=not near,
            )  # fmt: skip
            found.append(Wanted(target, "dns", COLUMN_OF[role]))
    return found
