"""What is seen directly and not through a column: addresses, MACs, storms, hops, clocks, Wi-Fi, silent devices. Pure."""

from collections.abc import Callable, Iterator

from tillkeeper.network.capabilities import Path
from tillkeeper.network.evidence import EvidenceKeeper
from tillkeeper.network.heard import HELD_S, HQ_HELD_S, Heard
from tillkeeper.network.locate import Locators
from tillkeeper.network.macs import GatewayWatch, OwnAddressWatch
from tillkeeper.network.model import ColumnName, Family, Sign, SignKind
from tillkeeper.network.setup import Setup
from tillkeeper.network.surroundings import BEACON_S, Surroundings
from tillkeeper.network.targets import LAN_ROLES
from tillkeeper.network.twins import Twins

FLAPS = 3
FLAPS_WITHIN_S = 10.0
STORM_HELD_S = 5.0
CALM_PACKETS_PER_S = 1_500.0
"""A whole second with less is none of a loop's."""
UNREACHABLE_HELD_S = 60.0
"""Linux says it once in three seconds (ARP's retries, to whoever waited for them); what it said stands as long as nothing
behind the router answers."""
WEAK_DBM = -76.0
GOOD_DBM = -72.0
SILENT_S = 5.0
NEVER_S = 30.0
NO_ADDRESS_S = 10.0
GONE_S = 3.0
BUSY_PERCENT, BUSY_MS = 95.0, 150.0
"""A busy machine is some tens of milliseconds late with everything; it does not single out what is behind the router."""
ONLINK_S = 0.1
BROKEN_ROUNDS = 7
ROUTER6_LOST_S = 3_600.0
CHAIN: tuple[ColumnName, ...] = ("gateway", "router", "hop2", "anycast", "hq")
LOSS_NEARER: dict[str, tuple[ColumnName, ...]] = {
    "lan": ("gateway", "router", "neighbours"), "router": ("gateway", "router"), "isp": ("gateway", "router", "hop2"),
    "internet": ("gateway", "router", "hop2", "anycast"),
}  # fmt: skip

MANGLES: frozenset[SignKind] = frozenset({"duplicate_address", "broadcast_loop", "link_flapping"})
"""Whoever has these loses answers by them, not by a line."""

Seen = tuple[SignKind, str, str, float, str]
"""kind, subject, layer, amount, detail."""


class Signs:
    """Gathers them; each keeps the time it was first seen while it lasts."""

    def __init__(self, setup: Setup, now_s: float) -> None:
        self.setup = setup
        self.started_s = now_s
        self.gateways: dict[Family, GatewayWatch] = {}
        self.own: dict[str, OwnAddressWatch] = {}
        self.worked: set[str] = set()
        """Families whose gateway has answered in this life."""
        self.twins = Twins()
        self._since: dict[tuple[str, str, str], float] = {}
        self._weak = False

    def gateway(self, family: Family) -> GatewayWatch:
        if family not in self.gateways:
            self.gateways[family] = GatewayWatch(self.setup.gateway_mac if family == "ipv4" else "")
        return self.gateways[family]

    def router_macs(self) -> frozenset[str]:
        """Whoever has these answers for others as well where it does proxy ARP (RFC 1027)."""
        return frozenset(mac for watch in self.gateways.values() for mac in (watch.usual, watch.other) if mac)

    def own_address(self, address: str) -> OwnAddressWatch:
        if address not in self.own:
            if len(self.own) >= 8:
                self.own.clear()
            self.own[address] = OwnAddressWatch()
        return self.own[address]

    def all(
        self, now_s: float, known: Surroundings, keeper: EvidenceKeeper, paths: list[Path], heard: Heard, locator: Locators,
    ) -> tuple[Sign, ...]:  # fmt: skip
        found: list[Seen] = [*self._link(now_s, known)]
        if known.carrier != "no":
            found += self._addresses(now_s, known, keeper, paths)
            found += self._macs(now_s, known)
            found += self._wifi(now_s, known, keeper, paths)
            found += self._heard(now_s, known, keeper, heard, paths)
            found += self._families(keeper) if locator.loss is None else []
            found += self._devices(now_s, known, keeper, paths)
            if not any(kind in MANGLES for kind, *_ in found):
                found += self._quality(now_s, known, keeper, locator)
        if self.setup.metered:
            found.append(("metered", "", "", 0.0, ""))
        kept: dict[tuple[str, str, str], float] = {}
        signs = []
        for kind, subject, layer, amount, detail in found[:64]:
            key = (kind, subject, layer)
            kept[key] = since_s = self._since.get(key, now_s)
            signs.append(Sign(kind=kind, since_s=since_s, subject=subject, layer=layer, amount=amount, detail=detail))
        self._since = kept
        return tuple(signs)

    def _link(self, now_s: float, known: Surroundings) -> Iterator[Seen]:
        link = known.link
        if link is not None and link.gone:
            there_are = f"there are: {', '.join(link.others)}" if link.others else ""
            # HQ answers what was sent since: the way to it leads over another one.
            kind: SignKind = "interface_misnamed" if known.heard_since(known.carrier_since_s, now_s) else "interface_missing"
            yield kind, link.interface, "", 0.0, there_are
        elif link is not None and not link.admin_up:
            yield "interface_disabled", link.interface, "", 0.0, ""
        changes = sum(1 for at_s in known.carrier_changes if now_s - at_s <= FLAPS_WITHIN_S)
        if changes >= FLAPS:
            yield "link_flapping", known.interface, "", float(changes), ""
        host = known.host
        calm = host is None or (host.at_s != known.storm_s and host.rx_packets_per_s < CALM_PACKETS_PER_S)
        if host is not None and not calm and known.storm_s is not None and now_s - known.storm_s <= STORM_HELD_S:
            yield "broadcast_loop", known.interface, "", host.rx_packets_per_s, ""

    def _addresses(self, now_s: float, known: Surroundings, keeper: EvidenceKeeper, paths: list[Path]) -> Iterator[Seen]:
        if not known.addresses_known or (known.link is not None and (known.link.gone or not known.link.admin_up)):
            return
        if "ipv4" in self.setup.families and not known.own_ipv4():
            self_assigned = known.self_assigned()
            wanted = "ipv4" in known.had_global or not known.has_global("ipv6")
            if self_assigned:
                yield "address_self_assigned", self_assigned, "", 0.0, ""
            elif wanted:
                resolve = next((p for p in paths if p.target.name == "gateway" and p.way == "arp"), None)
                alive = resolve is not None and resolve.answered_s is not None and now_s - resolve.answered_s < HELD_S
                yield "address_missing", "ipv4", "", 0.0, "the gateway answers" if alive else ""
        elif self.setup.families == ("ipv6",) and "ipv6" not in known.had_global and now_s - self.started_s > NO_ADDRESS_S:
            yield "address_missing", "ipv6", "", 0.0, "never had one"
        elif self._wrong_subnet(now_s, known, keeper):
            yield "wrong_subnet", ", ".join(known.own_ipv4()[:2]), "", 0.0, known.lasting.get("ipv4", "")
        if known.routes_known and not known.gateways and any(known.has_global(family) for family in self.setup.families):
            yield "gateway_missing", "", "", 0.0, ""
        lost_s = known.lost_router6_s
        if lost_s is not None and "ipv6" in self.setup.families and now_s - lost_s < ROUTER6_LOST_S:
            yield "router_advertisement_lost", "", "", 0.0, known.lasting.get("ipv6", "")

    def _wrong_subnet(self, now_s: float, known: Surroundings, keeper: EvidenceKeeper) -> bool:
        """Nothing that is known to be on this LAN (configured devices, peers, the gateway that last answered) is within the
        own prefixes, and no other gateway has answered meanwhile."""
        if "ipv4" not in self.setup.families or not known.own_ipv4():
            return False
        gateway = known.gateways.get("ipv4", "")
        last = known.lasting.get("ipv4", "")
        if gateway and gateway == last:
            # A route "on link": the neighbour answers or it does not, whatever the prefix says. Two rounds to find out.
            answered_s = keeper.family_answered_s("ipv4", "router")
            silent = answered_s is None or answered_s < known.addresses_s
            return not known.contains(gateway) and silent and now_s - known.addresses_s > ONLINK_S
        places = [t.address for t in known.targets if t.role in LAN_ROLES and t.family == "ipv4" and t.address]
        places += [peer.state.address for peer in known.peers.values() if "." in peer.state.address]
        places += [last] if last else []
        if gateway and not last and known.contains(gateway):
            # Never answered so far: give it half a second before the devices' addresses decide.
            if keeper.run("gateway") < BROKEN_ROUNDS // 2:
                return False
        elif gateway and not known.contains(gateway):
            places.append(gateway)
        return bool(places) and not any(known.contains(place) for place in places)

    def _macs(self, now_s: float, known: Surroundings) -> Iterator[Seen]:
        for family, watch in self.gateways.items():
            if watch.state:
                kind: SignKind = "gateway_two_macs" if watch.state == "two" else "gateway_mac_changed"
                yield kind, known.gateways.get(family, known.lasting.get(family, "")), "", 0.0, watch.words()
        for address in known.own_ipv4():
            seen = self.own[address].seen(now_s) if address in self.own else None
            if seen is not None:
                yield "duplicate_address", address, "", 0.0, seen[1]

    def _wifi(self, now_s: float, known: Surroundings, keeper: EvidenceKeeper, paths: list[Path]) -> Iterator[Seen]:
        wifi = None if known.host is None else known.host.wifi
        if wifi is None or not known.wireless:
            return
        if wifi.associated == "no":
            yield "wifi_not_associated", known.interface, "", 0.0, ""
            return
        signal = wifi.signal_dbm
        if signal is not None:
            self._weak = signal < (GOOD_DBM if self._weak else WEAK_DBM)
            if self._weak:
                yield "wifi_weak", known.interface, "", signal, ""
        near = [path for path in paths if path.target.role in LAN_ROLES]
        tried = near and all(path.works == "no" for path in near)
        if tried and keeper.answered_s("router") is not None and keeper.run("router") == 0:
            yield "wifi_isolated", known.interface, "", 0.0, ""

    def _heard(
        self, now_s: float, known: Surroundings, keeper: EvidenceKeeper, heard: Heard, paths: list[Path]
    ) -> Iterator[Seen]:
        silent = keeper.run("anycast") > 0
        for kind, lasting, held_s in (
            ("captive_redirect", heard.redirected, 180.0),
            ("router_says_unreachable", heard.router_says, UNREACHABLE_HELD_S if silent else HELD_S),
            ("hq_host_alive", heard.hq_alive, HQ_HELD_S), ("hq_path_unreachable", heard.hq_path, HQ_HELD_S),
            ("hq_refuses", heard.hq_refuses, 3_600.0), ("hq_untrusted", heard.hq_untrusted, 3_600.0),
            ("hq_wrong_answer", heard.hq_wrong, HQ_HELD_S * 8),
        ):  # fmt: skip
            if lasting.holds(now_s, held_s):
                yield kind, lasting.subject, "", 0.0, lasting.detail  # type: ignore[misc]  # the kinds are written out above
        ahead_s = heard.clock_ahead_s(now_s)
        if ahead_s is not None:
            yield "clock_wrong", "", "", round(ahead_s, 1), ""
        lie = heard.lies(now_s, frozenset(known.gateways.values()), self._nowhere(known))
        if lie:
            yield "resolver_lies", lie, "", 0.0, ""
        for family, hops in heard.hops.items():
            now_at = hops.elsewhere()
            direct = next((p for p in paths if p.target.name.startswith("hop2:direct") and p.target.family == family), None)
            silent = direct is None or not direct.weighs or direct.run >= 2
            if now_at and silent and keeper.run("anycast") == 0 and keeper.answered_s("anycast") is not None:
                yield "on_backup_line", family, "", 0.0, f"{hops.usual[0]} -> {now_at}"

    def _nowhere(self, known: Surroundings) -> Callable[[str], bool]:
        return lambda address: not known.may_be_at(address, self.setup.resolve_name)

    def _families(self, keeper: EvidenceKeeper) -> Iterator[Seen]:
        """One family is dead where the other lives, and both have worked: the next column that shows it is named."""
        if len(self.worked) < 2 or len(self.setup.families) < 2:
            return
        for family, other in (("ipv4", "ipv6"), ("ipv6", "ipv4")):
            for name in CHAIN:
                state, run = keeper.family_state(family, name)
                if state == "no" and run >= (DEAD_OF.get(name, BROKEN_ROUNDS)) and keeper.family_state(other, name)[0] == "yes":
                    yield "family_broken", family, "", 0.0, name
                    break

    def _devices(self, now_s: float, known: Surroundings, keeper: EvidenceKeeper, paths: list[Path]) -> Iterator[Seen]:
        if known.own:
            for target in known.targets:
                near = target.role not in LAN_ROLES or not target.address or known.contains(target.address)
                if not near and known.has_global(target.family):
                    yield "device_routed", target.name.partition(":")[2] or target.name, "", 0.0, target.address
        others = keeper.run("gateway") == 0 or keeper.run("neighbours") == 0
        names: dict[str, list[Path]] = {}
        for path in paths:
            if path.target.role in ("printer", "display", "switch"):
                names.setdefault(path.target.name, []).append(path)
        for name, ways in names.items():
            answered_s = max((path.answered_s for path in ways if path.answered_s is not None), default=now_s)
            gone = any(path.silent for path in ways) and not any(path.weighs for path in ways) and now_s - answered_s > GONE_S
            since_s = max(self.started_s, *(path.since_s for path in ways))
            never = all(path.works != "yes" for path in ways) and now_s - since_s > NEVER_S
            if never and ways[0].target.role == "switch":
                continue  # an address typed wrong, or a switch without one: nothing is known to be broken
            if others and (gone or never):
                yield "device_silent", name.partition(":")[2] or name, "", 0.0, ways[0].target.address
        for name, since_s, macs in self.twins.seen(now_s):
            yield "duplicate_device", name, "", round(now_s - since_s, 1), macs
        for name, peer in known.peers.items():
            if peer.heard >= 3 and now_s - peer.at_s > SILENT_S * BEACON_S and others:
                asked = [path.answered_s or 0.0 for path in paths if path.target.name == f"peer:{name}"]
                if now_s - max(asked, default=0.0) > GONE_S:
                    yield "peer_silent", name, "", round(now_s - peer.at_s, 1), ""

    def _quality(self, now_s: float, known: Surroundings, keeper: EvidenceKeeper, locator: Locators) -> Iterator[Seen]:
        busy = known.host is not None and known.host.cpu_percent >= BUSY_PERCENT
        for kind, place in (("loss", locator.loss), ("latency", locator.latency)):
            if place is None or (busy and kind == "latency" and place.layer == "lan" and place.amount < BUSY_MS):
                continue  # this machine itself may be what is slow to all
            if not any(keeper.run(name) >= OUTAGE_RUN for name in LOSS_NEARER[place.layer]):
                yield kind, "", place.layer, place.amount, place.detail  # type: ignore[misc]  # the kinds are written out above


OUTAGE_RUN = 8
DEAD_OF: dict[str, int] = {"gateway": 5, "hq": 6}
