"""A small store on a virtual clock: answers the engine's questions as a world would whose parts can be broken by hand.

Seeded; it loses, delays and doubles answers when told to. Times are seconds from `START_S`.
"""

import heapq
import random
from collections.abc import Callable
from itertools import count

from tillkeeper.network.engine import Engine
from tillkeeper.network.model import (
    Address,
    AddressesSeen,
    Answer,
    ArpSeen,
    BeaconSeen,
    Fact,
    Family,
    HostSeen,
    LinkSeen,
    PeerState,
    Probe,
    Replied,
    Report,
    ResolversSeen,
    RoutesSeen,
    Sign,
    Target,
    Tri,
    UplinkSeen,
    Way,
)
from tillkeeper.network.setup import Setup

START_S = 1_000.0
OWN = "192.168.1.10"
OWN_MAC = "02:00:00:00:00:10"
ROUTER = "192.168.1.1"
ROUTER6 = "fe80::1"
ROUTER_MAC = "02:00:00:00:00:01"
HOP2 = "100.64.0.1"


def targets(*, printers: int = 2, family6: bool = False) -> tuple[Target, ...]:
    found = [
        Target(name=f"printer:{index}", role="printer", family="ipv4", address=f"192.168.1.{50 + index}", ways=("echo", "arp"))
        for index in range(printers)
    ]
    for address in ("1.1.1.1", "8.8.8.8", *(("2606:4700:4700::1111",) if family6 else ())):
        family: Family = "ipv6" if ":" in address else "ipv4"
        ways: tuple[Way, ...] = ("echo", "dns", "tcp")
        found.append(Target(name=f"anycast:{address}", role="anycast", family=family, address=address, ways=ways, wan=True))
    found.append(
        Target(
            name="portal", role="portal", family="ipv4", address="203.0.113.80", ways=("http",), host="portal.example", port=80,
            path="/204", wan=True,
        )
    )  # fmt: skip
    found.append(
        Target(
            name="hq", role="hq", family="ipv4", address="203.0.113.9", ways=("tcp", "tls"), host="hq.example", port=443,
            wan=True,
        )
    )  # fmt: skip
    return tuple(found)


def setup_of(**changes: object) -> Setup:
    given: dict[str, object] = {
        "register": "front", "targets": targets(), "families": ("ipv4",), "resolve_name": "hq.example", "hq_host": "hq.example",
        "other_resolvers": ("9.9.9.9",), "session": 1,
    }  # fmt: skip
    return Setup(**(given | changes))  # type: ignore[arg-type]


class Wire:
    """`cut`: roles, names or addresses that do not answer. `loss`: fraction by layer ("lan", "router", "isp", "internet"), or
    of somebody's own answers ("own:hop2"). `dropped_ways`: (role, way) that never answer. `answers`: by role, an answer other
    than "reply"."""

    def __init__(self, setup: Setup, *, seed: int = 1, peers: int = 0) -> None:
        self.setup = setup
        self.now_s = START_S
        self.engine = Engine(setup, self.now_s)
        self.random = random.Random(seed)
        self.cut: set[str] = set()
        self.loss: dict[str, float] = {}
        self.delay_ms: dict[str, float] = {}
        self.dropped_ways: set[tuple[str, str]] = set()
        self.answers: dict[str, Answer] = {}
        self.details: dict[str, str] = {}
        self.by: dict[str, str] = {}
        self.clock_ahead_s: float | None = None
        self.macs: dict[str, list[str]] = {}
        self.hop2 = HOP2
        self.carrier: Tri = "yes"
        self.beaconing = peers
        self.probes: list[tuple[float, Probe]] = []
        self.reports: list[Report] = []
        self.beacons: list[tuple[float, PeerState]] = []
        self._queue: list[tuple[float, int, Callable[[], Fact | None]]] = []
        self._order = count()
        self._beacon_s = [self.now_s + 0.3 + 0.37 * index for index in range(peers)]
        self._sequence = 0
        self.frozen_s: float | None = None
        self.uplink = False
        self._uplink_s = self.now_s

    # --- facts ---

    def tell(self, fact: Fact) -> None:
        self.engine.take(fact)

    def plug(self, carrier: Tri = "yes", **changes: object) -> None:
        self.carrier = carrier
        given: dict[str, object] = {
            "at_s": self.now_s, "interface": "eth0", "carrier": carrier, "admin_up": True, "mac": OWN_MAC,
        }  # fmt: skip
        self.tell(LinkSeen(**(given | changes)))  # type: ignore[arg-type]

    def address(self, *addresses: str, prefix: int = 24) -> None:
        found = tuple(
            Address(family="ipv6" if ":" in a else "ipv4", address=a, prefix=64 if ":" in a else prefix) for a in addresses
        )
        self.tell(AddressesSeen(at_s=self.now_s, interface="eth0", addresses=found))

    def route(self, **gateways: str) -> None:
        self.tell(RoutesSeen(at_s=self.now_s, interface="eth0", gateways=gateways))  # type: ignore[arg-type]

    def start(self, *, family6: bool = False, resolvers: tuple[str, ...] = (ROUTER,)) -> "Wire":
        self.plug()
        self.address(OWN, *(("2001:db8::10", "fe80::10") if family6 else ()))
        self.route(ipv4=ROUTER, **({"ipv6": ROUTER6} if family6 else {}))
        self.tell(ResolversSeen(at_s=self.now_s, addresses=resolvers))
        return self

    def arp(self, address: str, mac: str, *, is_reply: bool = True, target: str = "") -> None:
        self.tell(
            ArpSeen(
                at_s=self.now_s, interface="eth0", sender_address=address, sender_mac=mac, target_address=target or address,
                is_reply=is_reply,
            )
        )  # fmt: skip

    def host(self, rx: float, tx: float = 50.0, **changes: object) -> None:
        given: dict[str, object] = {"at_s": self.now_s, "interface": "eth0", "rx_packets_per_s": rx, "tx_packets_per_s": tx}
        self.tell(HostSeen(**(given | changes)))  # type: ignore[arg-type]

    def stamp(self, *, ok: bool = True, trouble: str = "") -> None:
        before = self.engine.known.uplink
        was = None if before is None else before.ok_at_s
        self.tell(
            UplinkSeen(
                at_s=self.now_s, ok_at_s=self.now_s if ok else was, failed_at_s=None if ok else self.now_s, trouble=trouble,
            )
        )  # fmt: skip

    # --- time ---

    def run(self, seconds: float, until: Callable[[Report], bool] | None = None) -> float | None:
        """Until the time is over or a report satisfies `until`; how long that took, or None."""
        begun_s = self.now_s
        end_s = begun_s + seconds
        while True:
            due_s = self.engine.next_at_s()
            stamps = [self._uplink_s] if self.uplink else []
            heard_s = min([self._queue[0][0] if self._queue else end_s, *self._beacon_s, *stamps])
            at_s = min(max(self.now_s, min(due_s, heard_s)), end_s)
            self.now_s = at_s
            if at_s >= end_s:
                return None
            self._deliver()
            if due_s <= at_s and (found := self.step()) is not None and until is not None and until(found):
                return self.now_s - begun_s

    def _deliver(self) -> None:
        while self._queue and self._queue[0][0] <= self.now_s:
            fact = heapq.heappop(self._queue)[2]()
            if fact is not None:
                self.tell(fact)
        for index in range(self.beaconing):
            if self._beacon_s[index] <= self.now_s:
                self._beacon_s[index] += 1.0
                self._peer_beacon(index)
        if self.uplink and self._uplink_s <= self.now_s:
            self._uplink_s = self.now_s + 1.0
            self.stamp()

    def _peer_beacon(self, index: int) -> None:
        if "broadcast" in self.cut or "lan" in self.cut or self.carrier != "yes" or f"peer:till{index}" in self.cut:
            return
        self._sequence += 1
        state = PeerState(
            register=f"till{index}", session=7, sequence=self._sequence, address=f"192.168.1.{20 + index}",
            columns={}, phase="fine",
        )  # fmt: skip
        self.tell(BeaconSeen(at_s=self.now_s, interface="eth0", mac=f"02:00:00:00:00:{20 + index}", state=state))

    def step(self) -> Report | None:
        step = self.engine.step(self.now_s)
        for probe in step.probes:
            self.probes.append((self.now_s, probe))
            self._answer(probe)
        if step.beacon is not None:
            self.beacons.append((self.now_s, step.beacon))
        if step.report is not None:
            self.reports.append(step.report)
        return step.report

    # --- the world ---

    def _answer(self, probe: Probe) -> None:
        target, way = probe.target, probe.way
        role = "router" if target.role == "gateway" else target.role
        if self.carrier != "yes":
            return
        if target.role == "self":
            for mac in self.macs.get(target.address, ()):
                self._later(probe, 1.0, mac=mac)
            return
        if way in ("arp", "nd"):
            self._answer_arp(probe, role)
            return
        lan = target.role in ("printer", "display", "switch", "peer")
        layers = ["lan"] if lan else ["lan", "router"] if role == "router" else ["lan", "router", "isp"]
        if not lan and role not in ("router", "hop2", "modem"):
            layers.append("internet")
        if role == "router":
            layers = ["lan", "router"]
        cut = {target.name, target.address, role, f"{role}:{way}", *(f"{layer}" for layer in layers)}
        if role == "resolver" and target.address == ROUTER:
            cut -= {"isp", "internet"}
        if cut & self.cut or (not lan and "layer3" in self.cut) or (role, way) in self.dropped_ways:
            return
        if any(self.random.random() < self.loss.get(part, 0.0) for part in (*layers, f"own:{role}")):
            return
        rtt = {"lan": 0.6, "router": 0.5, "isp": 6.0, "internet": 9.0}
        rtt_ms = sum(rtt[layer] + self.delay_ms.get(layer, 0.0) for layer in layers) * (0.9 + 0.2 * self.random.random())
        by = self.by.get(role, "")
        if way == "hop":
            by = ROUTER if target.role == "gateway" else self.hop2
        self._later(probe, rtt_ms, address=by, answer=self.answers.get(role, "reply"), detail=self.details.get(role, ""))

    def _answer_arp(self, probe: Probe, role: str) -> None:
        target = probe.target
        if {target.name, target.address, role, "lan"} & self.cut or "arp:" + role in self.cut:
            return
        if self.random.random() < self.loss.get("lan", 0.0) + (self.loss.get("router", 0.0) if role == "router" else 0.0):
            return
        macs = self.macs.get(target.address, [ROUTER_MAC if role == "router" else "02:00:00:00:01:" + target.address[-2:]])
        answering = [mac for mac in macs if not probe.mac or probe.mac == mac]
        for index, mac in enumerate(answering):
            if index == 0:
                self._later(probe, 0.8, mac=mac)
            else:
                self._push(self.now_s + 0.0015, lambda mac=mac: self._second(target.address, mac))  # type: ignore[misc]

    def _second(self, address: str, mac: str) -> ArpSeen:
        return ArpSeen(
            at_s=self.now_s, interface="eth0", sender_address=address, sender_mac=mac, target_address=OWN, is_reply=True,
        )  # fmt: skip

    def _later(
        self, probe: Probe, rtt_ms: float, *, mac: str = "", address: str = "", answer: Answer = "reply", detail: str = ""
    ) -> None:
        at_s = self.now_s + rtt_ms / 1000
        ahead_s = self.clock_ahead_s if probe.way in ("http", "tls") else None
        fact = Replied(
            number=probe.number, at_s=at_s, rtt_ms=rtt_ms, answer=answer, mac=mac, address=address, detail=detail,
            clock_ahead_s=ahead_s,
        )  # fmt: skip
        self._push(at_s, lambda: fact if self.carrier == "yes" else None)

    def _push(self, at_s: float, make: Callable[[], Fact | None]) -> None:
        heapq.heappush(self._queue, (at_s, next(self._order), make))

    # --- looking ---

    @property
    def report(self) -> Report:
        return self.reports[-1]

    def signs(self, kind: str) -> list[Sign]:
        return [sign for sign in self.report.evidence.signs if sign.kind == kind]

    def column(self, name: str) -> str:
        return self.report.evidence.columns[name].state  # type: ignore[index]
