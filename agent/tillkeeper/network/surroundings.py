"""What the kernel, the agent and the peers have told of this register's place in the network. Pure; bounded."""

from collections import deque
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface

import msgspec

from tillkeeper.network.model import (
    Address,
    AddressesSeen,
    BeaconSeen,
    DevicesSeen,
    Family,
    HostSeen,
    LinkSeen,
    PeerState,
    ResolversSeen,
    Role,
    RoutesSeen,
    Tri,
    UplinkSeen,
)
from tillkeeper.network.setup import Setup

PEER_FRESH_S = 3.0
PEER_KNOWN_S = 600.0
MOST_PEERS = 64
MOST_DEVICES = 96
DEVICE_ROLES: frozenset[Role] = frozenset({"printer", "display"})
BEACON_S = 1.0
STORM_PACKETS_PER_S = 3_000.0
"""A store's LAN brings some tens; a loop turns round what the slowest of its links can carry."""
LATE_BEATS = 1.3
LATE_TIMES = 4.0
"""The uplink is in doubt after so many beats without an answer, or one and so many times the usual time of an exchange: the
agent begins the next one a beat after the last has ended."""
TIMED_OUT_S = 60.0
EXCHANGES = 8
SLOW_TIMES, SLOW_S = 3.0, 0.15
"""An exchange that took so much longer than usual: TCP has sent something twice (Linux: after 200 ms, TCP_RTO_MIN)."""


class Peer(msgspec.Struct):
    """Another register as its beacons tell it. `expected_s`: when the next one is missed."""

    state: PeerState
    mac: str
    at_s: float
    heard: int = 1
    expected_s: float = 0.0


def networks(addresses: tuple[Address, ...]) -> list[IPv4Interface | IPv6Interface]:
    found = []
    for address in addresses:
        try:
            found.append(ip_interface(f"{address.address}/{address.prefix}"))
        except ValueError:  # The kernel does not say such things; a fuzzer does.
            continue
    return found


class Surroundings:
    """`version` grows with everything that may change which targets there are."""

    def __init__(self, setup: Setup, now_s: float) -> None:
        self.setup = setup
        self.targets = setup.targets
        """Those of the configuration, with printers and displays where the agent says that they are."""
        self.version = 0
        self.interface = setup.interface
        self.link: LinkSeen | None = None
        self.carrier_since_s = now_s
        self.carrier_changes: deque[float] = deque(maxlen=16)
        self.addresses: tuple[Address, ...] = ()
        self.addresses_known = False
        self.addresses_s = now_s
        """Since when the own addresses are what they are."""
        self.routes_known = False
        self.own: list[IPv4Interface | IPv6Interface] = []
        self.gateways: dict[Family, str] = {}
        self.lasting: dict[Family, str] = {}
        """Gateways that have answered: where the way out was, also after its route has gone."""
        self.had_global: set[Family] = set()
        self.lost_router6_s: float | None = None
        self.resolvers: tuple[str, ...] = ()
        self.cached: dict[str, tuple[str, ...]] = {}
        self.peers: dict[str, Peer] = {}
        self.uplink: UplinkSeen | None = None
        self.exchange_slow = False
        """The last one took much longer than the agent's exchanges with HQ usually do."""
        self._exchange_s = 0.0
        self._exchanges = 0
        self.hq_objects = False
        """HQ answers the agent, but not with what was asked for: that it accepts connections is no comfort then."""
        self.host: HostSeen | None = None
        self.quiet_rx: float | None = None
        self.storm_s: float | None = None
        self._contained: dict[str, bool] = {}

    # --- the kernel ---

    def take_link(self, fact: LinkSeen) -> bool:
        """Whether carrier came, went, or belongs to another interface now: what is open says nothing then."""
        before, self.link = self.link, fact
        was = "unknown" if before is None else before.carrier
        other = fact.interface != self.interface and before is not None
        self.interface = fact.interface
        if other:
            self.carrier_changes.clear()
        if was != fact.carrier or other:
            self.carrier_since_s = fact.at_s
            if {was, fact.carrier} == {"yes", "no"} and not other:
                self.carrier_changes.append(fact.at_s)
            self.version += 1
            return True
        if before is not None and (before.gone, before.admin_up, before.mac) != (fact.gone, fact.admin_up, fact.mac):
            self.version += 1
        return False

    def take_addresses(self, fact: AddressesSeen) -> None:
        self.addresses_known = True
        if fact.addresses != self.addresses:
            self.addresses = fact.addresses[:32]
            self.addresses_s = fact.at_s
            self.own = networks(self.addresses)
            self._contained.clear()
            self.had_global.update(family for family in ("ipv4", "ipv6") if self.has_global(family))
            self.version += 1

    def take_routes(self, fact: RoutesSeen) -> bool:
        """Whether the gateway is another one than before."""
        self.routes_known = True
        if fact.gateways == self.gateways:
            return False
        before, self.gateways = self.gateways, dict(fact.gateways)
        if "ipv6" in before and "ipv6" not in self.gateways and self.carrier == "yes":
            self.lost_router6_s = fact.at_s
        if "ipv6" in self.gateways:
            self.lost_router6_s = None
        self.version += 1
        return any(before.get(family, address) != address for family, address in self.gateways.items())

    def take_resolvers(self, fact: ResolversSeen) -> None:
        cached = dict(list(fact.cached.items())[:32])
        if fact.addresses[:3] != self.resolvers or cached != self.cached:
            self.resolvers = fact.addresses[:3]
            self.cached = cached
            self.version += 1

    def take_host(self, fact: HostSeen) -> None:
        """Remembers when a storm was seen: packets received explode, what we send does not."""
        self.host = fact
        rx, quiet = fact.rx_packets_per_s, self.quiet_rx
        if rx > STORM_PACKETS_PER_S and rx > 20 * max(10.0, quiet or 0.0) and rx > 10 * max(1.0, fact.tx_packets_per_s):
            self.storm_s = fact.at_s
        elif quiet is None:
            self.quiet_rx = rx
        else:
            self.quiet_rx = quiet + (rx - quiet) / 30

    # --- the others ---

    def take_devices(self, fact: DevicesSeen) -> None:
        """They take the place of the configured printers and displays, at most as many as are asked anyway."""
        devices = tuple(target for target in fact.targets if target.role in DEVICE_ROLES)[:MOST_DEVICES]
        targets = (*(target for target in self.setup.targets if target.role not in DEVICE_ROLES), *devices)
        if targets != self.targets:
            self.targets = targets
            self.version += 1

    def take_uplink(self, fact: UplinkSeen) -> tuple[bool, bool]:
        """Whether HQ was heard anew, and whether an attempt failed anew."""
        before, self.uplink = self.uplink, fact
        ok = fact.ok_at_s is not None and (before is None or before.ok_at_s is None or fact.ok_at_s > before.ok_at_s)
        self.exchange_slow = ok and self._took(fact.at_s - (fact.ok_at_s or fact.at_s))
        failed_s = fact.failed_at_s
        failed = failed_s is not None and (before is None or before.failed_at_s is None or failed_s > before.failed_at_s)
        return ok, failed and (fact.ok_at_s is None or failed_s is None or failed_s >= fact.ok_at_s)

    def _took(self, took_s: float) -> bool:
        """Learns how long an exchange took; whether that was much longer than usual."""
        usual_s, known = self._exchange_s, self._exchanges >= EXCHANGES
        took_s = min(max(0.0, took_s), 5.0)
        self._exchanges += 1
        if self._exchanges == 1:
            self._exchange_s = took_s
        else:
            self._exchange_s += (min(took_s, 2 * usual_s + 0.05) - usual_s) / 8
        return known and took_s > SLOW_TIMES * usual_s and took_s > usual_s + SLOW_S

    def take_beacon(self, fact: BeaconSeen) -> bool:
        """Whether the peer has begun to suspect something, or has come to another verdict."""
        name = fact.state.register
        peer = self.peers.get(name)
        if peer is None:
            if len(self.peers) >= MOST_PEERS:
                del self.peers[min(self.peers, key=lambda key: self.peers[key].at_s)]
            self.peers[name] = Peer(fact.state, fact.mac, fact.at_s)
            self.version += 1
            return False
        before = peer.state
        back = fact.at_s - peer.at_s > 5 * BEACON_S
        peer.heard = 1 if back else peer.heard + 1
        peer.state, peer.mac, peer.at_s = fact.state, fact.mac, fact.at_s
        peer.expected_s = fact.at_s + 1.3 * BEACON_S
        if before.address != fact.state.address:
            self.version += 1
        return fact.state.phase in ("suspect", "confirmed") and (before.phase, before.faults) != (
            fact.state.phase, fact.state.faults,
        )  # fmt: skip

    def forget_peers(self, now_s: float) -> None:
        for name in [name for name, peer in self.peers.items() if now_s - peer.at_s > PEER_KNOWN_S]:
            del self.peers[name]
            self.version += 1

    def fresh_peers(self, now_s: float) -> tuple[PeerState, ...]:
        return tuple(peer.state for peer in self.peers.values() if now_s - peer.at_s <= PEER_FRESH_S)

    # --- what follows ---

    @property
    def carrier(self) -> Tri:
        return "unknown" if self.link is None else self.link.carrier

    @property
    def wireless(self) -> bool:
        return self.link is not None and self.link.wireless

    def has_global(self, family: str) -> bool:
        return any(
            address.family == family and not address.address.startswith(("169.254.", "fe8", "fe9", "fea", "feb"))
            for address in self.addresses
        )

    def self_assigned(self) -> str:
        return next((address.address for address in self.addresses if address.address.startswith("169.254.")), "")

    def own_ipv4(self) -> tuple[str, ...]:
        return tuple(
            address.address
            for address in self.addresses
            if address.family == "ipv4" and not address.address.startswith(("169.254.", "127."))
        )

    def contains(self, address: str) -> bool:
        """Whether it is in one of the own prefixes, so reached without a router. Link-local IPv6 always is."""
        known = self._contained.get(address)
        if known is None:
            known = self._is_contained(address)
            if len(self._contained) < 1_000:
                self._contained[address] = known
        return known

    def _is_contained(self, address: str) -> bool:
        try:
            asked = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if asked.version == 6 and asked.is_link_local:
            return True
        return any(asked in own.network for own in self.own if own.version == asked.version and not own.ip.is_link_local)

    def may_be_at(self, address: str, host: str) -> bool:
        """Whether a server of that name may be at it: not at this machine's own loopback (unless it is called so), at nobody's,
        at all hosts' (broadcast, multicast), or at what no host may have (240/4, RFC 1112, 4)."""
        try:
            asked = ip_address(address.partition("%")[0])
        except ValueError:
            return True  # no address, so none of these
        asked = getattr(asked, "ipv4_mapped", None) or asked
        if asked.is_loopback:
            return host == "localhost" or host.endswith(".localhost")  # RFC 6761, 6.3
        reserved = asked.version == 4 and (asked.is_reserved or address.startswith("0."))
        never = asked.is_multicast or asked.is_unspecified or reserved
        return not never and not any(
            own.version == asked.version == 4 and own.network.prefixlen < 31 and asked == own.network.broadcast_address
            for own in self.own
        )

    def heard_since(self, since_s: float, now_s: float) -> bool:
        """Whether HQ has answered something that the agent sent after `since_s`, and still does."""
        uplink = self.uplink
        return uplink is not None and (uplink.ok_at_s or since_s) > since_s and self.hq_proven(now_s)

    def uplink_age_s(self, now_s: float) -> float | None:
        """Since HQ was last heard; None where that says nothing."""
        uplink = self.uplink
        if uplink is None or uplink.ok_at_s is None:
            return None
        return max(0.0, now_s - uplink.ok_at_s)

    def hq_proven(self, now_s: float) -> bool:
        """The agent's last exchange with HQ was answered, and not long ago."""
        return self.uplink_age_s(now_s) is not None and not self.uplink_doubtful(now_s)

    def uplink_timed_out(self, now_s: float) -> bool:
        """The agent's last exchange with HQ, not long ago, ended in silence."""
        uplink = self.uplink
        if uplink is None or uplink.failed_at_s is None or uplink.trouble != "timeout":
            return False
        return now_s - uplink.failed_at_s < TIMED_OUT_S and uplink.failed_at_s > (uplink.ok_at_s or 0.0)

    def uplink_doubtful(self, now_s: float) -> bool:
        """HQ was heard and is not any more: the last attempt failed, or the last answer is older than it should be."""
        uplink, age_s = self.uplink, self.uplink_age_s(now_s)
        if uplink is None or age_s is None:
            return False
        failed = uplink.failed_at_s is not None and uplink.ok_at_s is not None and uplink.failed_at_s > uplink.ok_at_s
        beat_s = max(0.2, uplink.beat_s)
        return failed or age_s > max(LATE_BEATS * beat_s, beat_s + LATE_TIMES * self._exchange_s)
