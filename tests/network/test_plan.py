"""Cadences: what is asked in calm, in doubt, and when something is known to be dead."""

from itertools import pairwise

import pytest
from tests.network.virtual_wire import ROUTER, Wire, setup_of, targets

from tillkeeper.network.budget import next_turn_s
from tillkeeper.network.model import BeaconSeen, PeerState, Phase, ResolversSeen, Target, UplinkSeen


def rate(wire: Wire, role: str, since_s: float, *ways: str) -> float:
    asked = [p for at_s, p in wire.probes if at_s >= since_s and p.target.role == role and (not ways or p.way in ways)]
    return len(asked) / max(0.001, wire.now_s - since_s)


def calm(**changes: object) -> tuple[Wire, float]:
    wire = Wire(setup_of(**changes), peers=2).start()
    wire.uplink = bool(changes.get("has_uplink"))
    wire.run(20.0)
    return wire, wire.now_s


def test_in_calm_the_gateway_is_asked_ten_times_a_second_and_all_else_seldom() -> None:
    wire, begun_s = calm(has_uplink=True)
    wire.run(20.0)
    assert 9.5 <= rate(wire, "gateway", begun_s, "echo") <= 10.1
    assert rate(wire, "gateway", begun_s, "arp") <= 0.3
    assert rate(wire, "peer", begun_s) <= 2.2
    assert rate(wire, "anycast", begun_s) + rate(wire, "hop2", begun_s) <= 4.2
    assert rate(wire, "anycast", begun_s) >= 5 * rate(wire, "hop2", begun_s), "beyond the second hop that is asked as well"
    assert rate(wire, "self", begun_s) <= 3.1


def test_a_peers_suspicion_is_followed_by_a_burst() -> None:
    wire, begun_s = calm()

    def beacon(phase: Phase, sequence: int) -> BeaconSeen:
        state = PeerState(
            register="till0", session=7, sequence=sequence, address="192.168.1.20", columns={}, phase=phase,
            faults=("isp_upstream",) if phase == "suspect" else (),
        )  # fmt: skip
        return BeaconSeen(at_s=wire.now_s, interface="eth0", mac="02:00:00:00:00:20", state=state)

    wire.tell(beacon("fine", 10_001))
    wire.run(1.0)
    before = rate(wire, "anycast", begun_s)
    wire.tell(beacon("suspect", 10_002))
    begun_s = wire.now_s
    wire.run(1.0)
    assert rate(wire, "anycast", begun_s) >= max(8.0, 3 * before)


def test_hq_is_not_asked_while_the_agent_hears_it_and_is_soon_when_it_does_not() -> None:
    wire, begun_s = calm(has_uplink=True)
    wire.run(60.0)
    assert rate(wire, "hq", begun_s) <= 0.1
    wire.uplink, wire.cut = False, {"hq"}
    took_s = wire.run(5.0, until=lambda report: report.verdict.phase == "suspect" and "hq_server" in report.verdict.faults)
    assert took_s is not None
    assert took_s <= 1.9, "a beat, three tenths of grace, three questions"


def test_an_exchange_with_hq_that_took_much_longer_than_usual_is_looked_into() -> None:
    wire, begun_s = calm(has_uplink=True)
    before = rate(wire, "anycast", begun_s)
    wire.uplink = False
    for took_s in [0.03] * 10 + [0.4]:
        wire.run(1.0)
        begun_s = wire.now_s
        wire.tell(UplinkSeen(at_s=wire.now_s, ok_at_s=wire.now_s - took_s, failed_at_s=None))
    wire.run(1.0)
    assert rate(wire, "anycast", begun_s) >= max(8.0, 3 * before)
    assert wire.report.verdict.phase == "fine"


def test_while_nothing_behind_the_router_answers_hq_and_the_portal_are_asked_seldom() -> None:
    wire, _ = calm()
    wire.cut = {"isp"}
    wire.run(6.0)
    begun_s = wire.now_s
    wire.run(30.0)
    assert rate(wire, "hq", begun_s) <= 0.5
    assert rate(wire, "portal", begun_s) <= 0.4
    wire.cut = set()
    begun_s = wire.now_s
    took_s = wire.run(5.0, until=lambda report: report.verdict.phase == "fine")
    assert took_s is not None
    assert took_s <= 2.0
    assert {"hq", "portal"} <= {probe.target.role for at_s, probe in wire.probes if at_s >= begun_s}, "asked at once"


def test_what_stays_dead_is_asked_less_after_a_while() -> None:
    wire, _ = calm()
    wire.cut = {"isp"}
    begun_s = wire.now_s
    wire.run(2.0)
    first = rate(wire, "anycast", begun_s)
    wire.run(10.0)
    begun_s = wire.now_s
    wire.run(20.0)
    later = rate(wire, "anycast", begun_s)
    assert first > 1.5 * later
    assert 1.0 <= later <= 6.0


def test_resolvers_peers_and_cached_addresses_become_targets_and_go_again() -> None:
    base = tuple(target for target in targets() if target.role != "hq")
    hq = Target(name="hq", role="hq", family="ipv4", address="", ways=("tls", "tcp"), host="hq.example", wan=True)
    wire = Wire(setup_of(targets=(*base, hq)), peers=2).start()
    wire.run(3.0)
    assert not [probe for _, probe in wire.probes if probe.target.role == "hq"]
    wire.tell(ResolversSeen(at_s=wire.now_s, addresses=("9.9.9.10",), cached={"hq.example": ("2001:db8::9", "203.0.113.77")}))
    wire.run(4.0)
    asked = {probe.target.address for _, probe in wire.probes if probe.target.role == "hq"}
    assert asked == {"203.0.113.77"}
    assert {probe.target.port for _, probe in wire.probes if probe.target.role == "hq"} == {443}
    assert {probe.target.host for _, probe in wire.probes if probe.target.name == "resolver:9.9.9.10"} == {"hq.example"}
    wire.route()
    begun_s = wire.now_s
    wire.run(3.0)
    assert not [probe for at_s, probe in wire.probes if at_s > begun_s and (probe.target.wan or probe.target.role == "gateway")]


def test_a_unicast_goes_to_the_mac_that_answered_and_everybody_is_asked_when_it_does_not() -> None:
    wire, begun_s = calm()
    wire.cut = {"router"}
    wire.run(2.0)
    arp = [probe for at_s, probe in wire.probes if at_s >= begun_s and probe.target.address == ROUTER and probe.way == "arp"]
    assert {probe.mac for probe in arp} == {"", "02:00:00:00:00:01"}


@pytest.mark.parametrize("registers", [1, 3, 7])
def test_turns_of_the_registers_do_not_meet(registers: int) -> None:
    turns = []
    for position in range(registers):
        setup = setup_of(registers=registers, position=position)
        at_s = 100.0
        for _ in range(20):
            at_s = next_turn_s(at_s, 0.5 * registers, setup)
            turns.append(at_s)
    turns.sort()
    assert min(later - sooner for sooner, later in pairwise(turns)) >= 0.49


def test_the_locating_burst_is_short() -> None:
    wire, begun_s = calm()
    wire.loss = {"router": 0.02}
    wire.run(60.0)
    assert rate(wire, "gateway", begun_s, "echo") <= 25.0
    wire.loss = {}
    wire.run(15.0)
    begun_s = wire.now_s
    wire.run(10.0)
    assert rate(wire, "gateway", begun_s, "echo") <= 10.2
