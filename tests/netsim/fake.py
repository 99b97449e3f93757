"""An engine that thinks nothing: it asks each target in each of its ways ten times a second and writes down what came back.

The virtual network itself is tested with it, against the table in docs/network.md.
"""

from collections import defaultdict

from tests.netsim import store as s

from tillkeeper.network.model import (
    ArpSeen,
    BeaconSeen,
    Fact,
    LinkSeen,
    PeerState,
    Probe,
    Replied,
    Report,
    Step,
    Target,
    UplinkSeen,
)
from tillkeeper.network.setup import Setup


class AskingEngine:
    def __init__(self, setup: Setup, now_s: float) -> None:
        self._next_s = now_s
        self._number = 0
        self._open: dict[int, Probe] = {}
        self.facts: list[Fact] = []
        self.sent: dict[str, int] = defaultdict(int)
        self.replies: dict[str, list[Replied]] = defaultdict(list)
        self.heard: list[BeaconSeen | ArpSeen | LinkSeen | UplinkSeen] = []
        self._setup = setup
        self._questions = list(self._all(setup))

    def _all(self, setup: Setup) -> list[tuple[Target, int, str, str]]:
        """Target, TTL, sender, name under which the answers are kept."""
        asked: list[tuple[Target, int, str, str]] = []
        for family in setup.families:
            l2 = "arp" if family == "ipv4" else "nd"
            gateway = Target(
                name=f"gateway:{family}", role="gateway", family=family, address=s.GATEWAY[family], ways=(l2, "echo")
            )  # type: ignore[arg-type]
            hop = Target(
                name=f"hop2:{family}", role="hop2", family=family, address=s.ANYCAST[family][0], ways=("hop",), wan=True
            )
            resolver = Target(name=f"resolver:{family}", role="resolver", family=family, address=s.HOP1[family], ways=("dns",),
                              host=s.HQ_HOST, port=53)  # fmt: skip
            other = Target(name=f"other:{family}", role="other_resolver", family=family, address=s.ANYCAST[family][1],
                           ways=("dns",), host=s.HQ_HOST, port=53)  # fmt: skip
            asked += [(gateway, 0, "", ""), (hop, 2, "", ""), (resolver, 0, "", ""), (other, 0, "", "")]
            own = s.register_address(setup.position, family)
            asked.append((Target(name=f"self:{family}", role="self", family=family, address=own, ways=(l2,)), 0, "0.0.0.0", ""))  # type: ignore[arg-type]
            for index in range(setup.registers):
                if index != setup.position:
                    address = s.register_address(index, family)
                    asked.append((Target(name=f"peer:{index}:{family}", role="peer", family=family, address=address,
                                         ways=(l2, "echo")), 0, "", ""))  # type: ignore[arg-type]  # fmt: skip
        return [*asked, *((target, 0, "", "") for target in setup.targets)]

    def take(self, fact: Fact) -> None:
        if isinstance(fact, Replied):
            probe = self._open.get(fact.number)
            if probe is not None:
                self.replies[f"{probe.target.name}/{probe.way}"].append(fact)
        elif isinstance(fact, (BeaconSeen, ArpSeen, LinkSeen, UplinkSeen)):
            self.heard.append(fact)
        self.facts.append(fact)

    def step(self, now_s: float) -> Step:
        if now_s < self._next_s:
            return Step()
        self._next_s = now_s + 0.1
        probes: list[Probe] = []
        for target, ttl, sender, _ in self._questions:
            for way in target.ways:
                self._number += 1
                probe = Probe(number=self._number, target=target, way=way, timeout_ms=1000, ttl=ttl, sender=sender)
                self._open[self._number] = probe
                self.sent[f"{target.name}/{way}"] += 1
                probes.append(probe)
        beacon = PeerState(
            register=self._setup.register, session=1, sequence=self._number, address="", columns={}, phase="fine"
        )
        return Step(probes=tuple(probes), beacon=beacon)

    def next_at_s(self) -> float:
        return self._next_s

    def report(self) -> Report | None:
        return None
