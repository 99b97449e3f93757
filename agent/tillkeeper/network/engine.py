"""Facts in, questions and verdicts out, on whatever clock: live, simulated, or over recordings. Pure.

`take` only notes; `step` times out, plans, evaluates and settles. What waited while this process did not run has been taken
before it steps again, so a busy machine judges as any other; only what lay open meanwhile has its time once more. After a long
stall, or where the machine itself slept, all starts anew.
"""

from collections.abc import Callable
from math import inf
from typing import Any, Final

from tillkeeper.network.cadence import LOCATE_S, TICK_S
from tillkeeper.network.capabilities import Path
from tillkeeper.network.evidence import EvidenceKeeper
from tillkeeper.network.heard import Heard
from tillkeeper.network.hysteresis import Settled, settle
from tillkeeper.network.locate import Locators
from tillkeeper.network.model import (
    AddressesSeen,
    ArpSeen,
    BeaconSeen,
    Column,
    ColumnName,
    DevicesSeen,
    Evidence,
    Fact,
    Family,
    HostSeen,
    LinkSeen,
    NeighbourSeen,
    NotSent,
    Probe,
    Replied,
    ResolversSeen,
    RoutesSeen,
    Stalled,
    Step,
    Tri,
    UplinkSeen,
)
from tillkeeper.network.mood import Mood
from tillkeeper.network.outgoing import REPORT_S, Outgoing
from tillkeeper.network.plan import PROOF_BEATS, Plan
from tillkeeper.network.questions import STIR_ROUNDS, Questions
from tillkeeper.network.setup import Setup
from tillkeeper.network.signs import MANGLES, Signs
from tillkeeper.network.surroundings import BEACON_S, Surroundings
from tillkeeper.network.timeline import Timeline
from tillkeeper.network.uplink import Uplink
from tillkeeper.network.verdict import explain

LONG_STALL_S = 3.0
"""What was seen before it is too old to be one silence with what is seen after it."""
SETTLED_S = 3.0
"""A verdict that has stood for so long is looked at every other tick."""
CLEAN_ROUNDS = 5
PEER_COUNTS = 3
"""Beacons of a peer after which the next one is expected."""
PEER_MISSES_S = 6.0
MANGLED_S = 4.0
"""So long after the last sign of something that swallows answers none are counted as losses."""


class Engine:
    """`evidence`: the last that was judged."""

    def __init__(self, setup: Setup, now_s: float) -> None:
        self.setup: Final = setup
        self.known = Surroundings(setup, now_s)
        self.plan = Plan(setup, now_s)
        self.keeper = EvidenceKeeper(setup)
        self.heard = Heard()
        self.locator = Locators(setup.families)
        self.signs = Signs(setup, now_s)
        self.questions = Questions(self.known, self.plan, self.keeper, self.heard, self.locator, self.signs)
        self.uplink = Uplink(
            self.known, self.plan, self.keeper, self.heard, self.questions, setup.families[0], self._at, now_s
        )  # fmt: skip
        self.settled = Settled()
        self.timeline = Timeline()
        self.evidence: Evidence | None = None
        self._now_s = now_s
        self._tick_s = now_s
        self._half_s: float | None = None
        self._version = -1
        self._hop2: dict[Family, str] = {}
        self._dirty = True
        self._unclean = CLEAN_ROUNDS
        self._stalls = 0
        self._address_since: tuple[Tri, float] = ("unknown", now_s)
        self._judged_s = now_s - REPORT_S
        self._mangled_s = now_s - MANGLED_S
        self._said = Outgoing(setup, now_s)
        self._takes: dict[type, Callable[[Any], None]] = {
            Replied: lambda fact: self.questions.replied(fact, self._at(fact.at_s)),
            NotSent: lambda fact: self.questions.not_sent(fact, self._at(fact.at_s)),
            LinkSeen: self._link, AddressesSeen: self._addresses, RoutesSeen: self._routes, NeighbourSeen: self._neighbour,
            ArpSeen: self._arp, ResolversSeen: self.known.take_resolvers, UplinkSeen: self.uplink.take, HostSeen: self._host,
            Stalled: self._stalled, BeaconSeen: self._beacon_seen, DevicesSeen: self.known.take_devices,
        }  # fmt: skip

    # --- facts ---

    def take(self, fact: Fact) -> None:
        self._takes[type(fact)](fact)

    def _at(self, at_s: float) -> float:
        """A fact's time; between the last step and a little later, whatever it says."""
        return at_s if self._now_s <= at_s <= self._now_s + LONG_STALL_S else self._now_s

    def _link(self, fact: LinkSeen) -> None:
        if self.known.take_link(fact):
            self.plan.forgot_neighbours(self._at(fact.at_s))
            self.questions.drop()
            self.keeper.forget()
            self.locator.forget()
            self.questions.stir.all(self._at(fact.at_s) + 1.0)
        self._dirty = True

    def _addresses(self, fact: AddressesSeen) -> None:
        before = self.known.own_ipv4()
        self.known.take_addresses(fact)
        if self.known.own_ipv4() != before:
            self.plan.forgot_neighbours(self._at(fact.at_s))
            self._elsewhere(fact.at_s)
        self._dirty = True

    def _routes(self, fact: RoutesSeen) -> None:
        before = dict(self.known.gateways)
        if self.known.take_routes(fact):
            self._elsewhere(fact.at_s)
            for family, address in self.known.gateways.items():
                if before.get(family, address) != address:
                    self.signs.gateways.pop(family, None)
        self._dirty = True

    def _elsewhere(self, at_s: float) -> None:
        """Another address or another gateway: what was asked before says nothing of them."""
        self.questions.drop()
        self.keeper.forget()
        self.locator.forget()
        self.questions.stir.all(self._at(at_s) + 1.0)

    def _neighbour(self, fact: NeighbourSeen) -> None:
        for family, address in self.known.gateways.items():
            if address == fact.address:
                self._gateway_mac(family, fact.mac, fact.at_s, claim=True)
                return
        for path in self.plan.paths:
            if path.target.address == fact.address and path.way in ("arp", "nd") and fact.mac:
                path.mac = fact.mac

    def _gateway_mac(self, family: Family, mac: str, at_s: float, *, claim: bool) -> None:
        watch = self.signs.gateway(family)
        watch.saw(mac, self._at(at_s), claim=claim)
        if watch.next_s() is not None or watch.state:
            self.questions.poked = True

    def _arp(self, fact: ArpSeen) -> None:
        known, mac = self.known, fact.sender_mac.lower()
        if known.link is not None and mac == known.link.mac.lower():
            return
        if not fact.is_reply:
            keeper, number = self.keeper, self.questions.round
            at_s = self._at(fact.at_s)
            if keeper.answered_s("broadcast") is None or at_s - (keeper.answered_s("broadcast") or 0.0) > TICK_S / 2:
                keeper.hit(self.setup.families[0], "broadcast", number, at_s, at_s)
        if fact.sender_address == known.gateways.get("ipv4"):
            enquiring = self.signs.gateway("ipv4").next_s() is not None
            self._gateway_mac("ipv4", mac, fact.at_s, claim=not (fact.is_reply and enquiring))
        elif fact.sender_address in known.own_ipv4():
            self.signs.own_address(fact.sender_address).saw(mac, self._at(fact.at_s))
            self._dirty = True
        elif mac not in self.signs.router_macs():
            self.signs.twins.saw(fact.sender_address, mac, self._at(fact.at_s))

    def _host(self, fact: HostSeen) -> None:
        self.known.take_host(fact)
        if fact.clock_set_s:
            self.heard.clock_set(fact.clock_set_s)
        if self.known.storm_s is not None or fact.wifi is not None:
            self.questions.poked = True

    def _stalled(self, fact: Stalled) -> None:
        self._stall(inf if fact.suspended else fact.to_s - fact.from_s, self._at(fact.to_s))

    def _stall(self, length_s: float, now_s: float) -> None:
        self._stalls += 1
        if length_s < LONG_STALL_S:
            self.questions.wait_anew(now_s)
            return
        self.questions.drop()
        self.keeper.forget()
        self.locator.forget()
        self.known.carrier_changes.clear()
        self._unclean = CLEAN_ROUNDS

    def _beacon_seen(self, fact: BeaconSeen) -> None:
        at_s = self._at(fact.at_s)
        if self.known.take_beacon(fact):
            self.questions.stir.all(at_s + 1.5)
        if fact.state.wan_loses:
            self.questions.stir.losses(at_s)
        self.keeper.hit(self.setup.families[0], "broadcast", self.questions.round, at_s, at_s)

    # --- the step ---

    def next_at_s(self) -> float:
        at_s = self._tick_s if self._half_s is None else min(self._tick_s, self._half_s)
        if self.known.carrier != "no":
            for watch in self.signs.gateways.values():
                due_s = watch.next_s()
                if due_s is not None and due_s < at_s:
                    at_s = due_s
            if any(own.asking for own in self.signs.own.values()):
                at_s = self._now_s
        return max(at_s, self._now_s + 0.001)

    def step(self, now_s: float) -> Step:
        now_s = max(now_s, self._now_s)
        late_s = now_s - self._tick_s
        self._now_s = now_s
        ticked = late_s > -0.002
        if late_s > TICK_S / 2 and self._version >= 0:
            self._stall(late_s, now_s)
        if ticked:
            self.questions.round += 1
            self._tick_s = now_s + TICK_S if late_s > TICK_S / 2 else self._tick_s + TICK_S
            if self._unclean and late_s < LONG_STALL_S:
                self._unclean -= 1
        self.questions.time_out(now_s)
        self._expect(now_s)
        if self.known.version != self._version:
            self.plan.rebuild(self.known, self._hop2, now_s)
            self._version = self.known.version
        probes = self._ask(now_s, ticked=ticked)
        for watch in self.signs.gateways.values():
            self._dirty = watch.judge(now_s) or self._dirty
        if self._dirty or (ticked and self._must_judge(now_s)):
            self._judge(now_s)
        evidence = self.evidence
        if evidence is None:
            return Step(probes=tuple(probes))
        verdict, plan = self.settled.verdict, self.plan
        report = self._said.report(now_s, verdict, evidence, plan, self._stalls)
        beacon = None
        if self.setup.beacons and self.known.carrier != "no":
            gateway_mac = next((watch.current for watch in self.signs.gateways.values() if watch.current), "")
            beacon = self._said.beacon(
                now_s, verdict, evidence, self.known, self.timeline, gateway_mac, plan.wan_asked_s, self.locator.loses,
            )  # fmt: skip
        return Step(probes=tuple(probes), report=report, beacon=beacon)

    def _expect(self, now_s: float) -> None:
        """What should have come by itself: beacons of the others, the uplink's stamps."""
        known, keeper = self.known, self.keeper
        for peer in known.peers.values():
            if peer.heard >= PEER_COUNTS and now_s > peer.expected_s and now_s - peer.at_s < PEER_MISSES_S:
                keeper.miss(self.setup.families[0], "broadcast", self.questions.round, peer.expected_s)
                peer.expected_s = max(peer.expected_s + BEACON_S, now_s)
                self.questions.stir.column("broadcast", now_s, 0)
        self.uplink.expect(now_s)
        for family, hops in self.heard.hops.items():
            usual = hops.usual[0] if hops.usual else ""
            if usual and self._hop2.get(family) != usual:
                self._hop2[family] = usual
                known.version += 1

    def _ask(self, now_s: float, *, ticked: bool) -> list[Probe]:
        link, plan, questions = self.known.link, self.plan, self.questions
        if link is None or link.gone or not link.admin_up or link.carrier == "no":
            self._half_s = None
            return []
        probes: list[Probe] = []
        for family, watch in self.signs.gateways.items():
            if watch.question_due(now_s):
                path = plan.find("gateway" if family == "ipv4" else "gateway6", "arp" if family == "ipv4" else "nd")
                if path is not None and plan.arp.take(now_s, urgent=True):
                    path.asked_s = now_s
                    probes.append(questions.ask(path, now_s, broadcast=True))
                watch.asked()
        for address, own in self.signs.own.items():
            if own.asking:
                own.asking = False
                self._dirty = True
                path = plan.find(f"self:{address}", "arp")
                if path is not None and plan.arp.take(now_s, urgent=True):
                    path.asked_s = now_s
                    probes.append(questions.ask(path, now_s))
        half = not ticked and self._half_s is not None and now_s >= self._half_s - 0.002
        if not ticked and not half:
            return probes
        mood = self._mood(now_s, half=half)
        self._half_s = now_s + LOCATE_S if mood.locating in ("near", "far") else None
        for path in plan.due(now_s, mood):
            instead = self._of_all(path, now_s, mood)
            probes.append(questions.ask(instead or path, now_s, broadcast=bool(instead) or self._all_asked(path)))
        return probes

    def _of_all(self, path: Path, now_s: float, mood: Mood) -> Path | None:
        """In calm, now and then, everybody is asked for a device's MAC instead of the device for an echo: two may answer."""
        if mood.lan or mood.half or mood.locating or not self.signs.twins.due(path.target, now_s):
            return None
        resolve = self.plan.find(path.target.name, "arp")
        if resolve is None or not self.plan.arp.take(now_s, urgent=False):
            return None
        self.signs.twins.asked(path.target, now_s)
        return resolve

    def _all_asked(self, path: Path) -> bool:
        """Whether everybody is asked for the gateway's MAC: it may have another one now, if what we know does not answer."""
        if path.column != "gateway":
            return False
        watch = self.signs.gateway(path.target.family)
        return watch.state == "changed" or (self.keeper.run("router") > 0 and path.run % 2 == 0)

    def _mood(self, now_s: float, *, half: bool) -> Mood:
        keeper, stir = self.keeper, self.questions.stir
        age_s = self.known.uplink_age_s(now_s)
        uplink = self.known.uplink
        proof_s = PROOF_BEATS * uplink.beat_s if uplink is not None else 0.0
        gateway, neighbours = keeper.run("gateway"), keeper.run("neighbours")
        known = keeper.answered_s("neighbours") is not None
        own = self.signs.own
        return Mood(
            lan=now_s < stir.lan_s, wan=now_s < stir.wan_s, lan_dead=gateway >= 2 and (neighbours >= 2 or not known),
            proven=age_s is not None and age_s <= proof_s and not self.uplink.doubtful,
            cut_off=keeper.run("anycast") >= STIR_ROUNDS and not keeper.refuted("portal"),
            locating=self.locator.burst(now_s, self.plan.paths, nudged=now_s < stir.lossy_s),
            lossy=self.locator.loss is not None,
            own_suspected=any(watch.lately(now_s) for watch in own.values()),
            mac_changed=any(watch.state == "changed" for watch in self.signs.gateways.values()),
            resolver_fails=keeper.run("resolver") > 0, hq_doubted=keeper.run("hq") > 0 or self.uplink.doubtful, half=half,
        )  # fmt: skip

    # --- judging ---

    def _must_judge(self, now_s: float) -> bool:
        poked, self.questions.poked = self.questions.poked, False
        verdict, locator = self.settled.verdict, self.locator
        long = verdict.phase == "confirmed" and now_s - verdict.since_s > SETTLED_S
        if long and not poked and self.questions.round % 2:
            return False
        paths, watches = self.plan.paths, self.signs.gateways.values()
        return (
            poked or verdict.phase != "fine" or now_s - self.known.addresses_s < 1.0
            or now_s - self._judged_s >= REPORT_S - 0.01 or not self.keeper.calm()
            or locator.busy(paths) or any(watch.state for watch in watches)
        )  # fmt: skip

    def _judge(self, now_s: float) -> None:
        known = self.known
        self._dirty = False
        self._judged_s = now_s
        if known.peers:
            known.forget_peers(now_s)
        self.locator.judge(now_s, self.plan.paths, known.fresh_peers(now_s))
        signs = self.signs.all(now_s, known, self.keeper, self.plan.paths, self.heard, self.locator)
        if any(sign.kind in MANGLES for sign in signs):
            self._mangled_s = now_s
        if now_s - self._mangled_s < MANGLED_S:
            self.locator.forget()
        deaf = self.keeper.run("gateway") > 0
        beacons = sum(
            1 for peer in known.peers.values()
            if peer.heard >= PEER_COUNTS and (deaf or now_s - peer.at_s < PEER_MISSES_S)
        )  # fmt: skip
        link = known.link
        blind = link is None or link.gone or not link.admin_up or link.carrier == "no"
        self.evidence = self.keeper.evidence(
            now_s, interface=known.interface, given=self._given(now_s), blind=blind, paths=self.plan.paths, beacons=beacons,
            signs=signs, peers=known.fresh_peers(now_s), trusted=not self._unclean and link is not None,
        )  # fmt: skip
        explanation = explain(self.evidence, self.setup)
        self.settled = settle(self.settled, explanation, self.evidence, now_s)
        self.timeline.fold(self.settled.verdict, self.evidence, now_s)

    def _given(self, now_s: float) -> dict[ColumnName, Column]:
        known = self.known
        state: Tri = "unknown"
        if known.addresses_known and known.carrier != "no":
            usable = bool(known.own_ipv4()) if "ipv4" in self.setup.families else known.has_global("ipv6")
            alone6 = "ipv4" not in known.had_global and known.has_global("ipv6") and "ipv6" in self.setup.families
            state = "yes" if usable or alone6 else "no"
        if state != self._address_since[0]:
            self._address_since = (state, now_s)
        return {
            "carrier": Column(
                state=known.carrier, since_s=known.carrier_since_s, detail="wireless" if known.wireless else "",
                answered_s=known.carrier_since_s if known.carrier == "yes" else None,
            ),
            "address": Column(state=state, since_s=self._address_since[1]),
        }  # fmt: skip
