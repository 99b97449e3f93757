"""Where losses and delays begin: told from outside, on a virtual store whose layers lose or delay."""

import random

import pytest
from tests.network.virtual_wire import OWN, Wire, setup_of, targets

from tillkeeper.network.capabilities import Path
from tillkeeper.network.locate import Locators, meter_of
from tillkeeper.network.model import PeerState, Role, Target


def layers(wire: Wire, since: int, kind: str = "loss") -> set[str]:
    return {sign.layer for report in wire.reports[since:] for sign in report.evidence.signs if sign.kind == kind}


def store(*, families: tuple[str, ...] = ("ipv4",), peers: int = 2, seed: int = 1, **changes: object) -> Wire:
    both = len(families) == 2
    wire = Wire(setup_of(families=families, targets=targets(family6=both), **changes), peers=peers, seed=seed)
    wire.start(family6=both)
    wire.run(25.0)
    return wire


@pytest.mark.parametrize("seed", range(3))
def test_losses_of_the_lan_are_the_lans_in_whichever_protocol_they_are_seen(seed: int) -> None:
    """Peers and printers have IPv4 addresses only: that does not put the losses of IPv6 at the router."""
    wire = store(families=("ipv4", "ipv6"), seed=seed)
    since = len(wire.reports)
    wire.loss = {"lan": 0.2}
    wire.run(12.0)
    assert layers(wire, since) == {"lan"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("layer", ["isp", "internet"])
def test_losses_behind_a_clean_router_need_not_wait_for_the_printers(layer: str, seed: int) -> None:
    """The router's answers have passed the LAN, so that is clean as well, however seldom its printers are asked."""
    wire = store(peers=0, seed=seed)
    since = len(wire.reports)
    wire.loss = {layer: 0.3}
    took_s = wire.run(12.0, until=lambda report: any(sign.kind == "loss" for sign in report.evidence.signs))
    assert took_s is not None
    assert took_s <= 6.0
    assert layers(wire, since) == {layer}


def test_losses_by_somebody_with_my_address_are_no_line_s() -> None:
    wire = store()
    since = len(wire.reports)
    wire.macs[OWN] = ["02:00:00:00:00:99"]
    wire.loss = {"lan": 0.4}
    wire.run(12.0)
    assert wire.signs("duplicate_address")
    assert not layers(wire, since)


def test_what_was_lost_long_ago_does_not_speak_for_a_layer_that_is_asked_seldom() -> None:
    wire = store()
    wire.loss = {"lan": 0.3}
    wire.run(10.0)
    wire.loss = {}
    wire.run(10.0)
    since = len(wire.reports)
    wire.run(30.0)
    assert not layers(wire, since)


def test_a_slow_line_stays_the_providers_while_its_second_hop_is_asked_seldom() -> None:
    wire = store(registers=3)
    since = len(wire.reports)
    wire.delay_ms = {"isp": 400.0}
    wire.run(30.0)
    assert layers(wire, since, "latency") == {"isp"}
    wire.delay_ms = {}
    took_s = wire.run(20.0, until=lambda report: not any(sign.kind == "latency" for sign in report.evidence.signs))
    assert took_s is not None
    assert took_s <= 5.0, "the first quick answer starts a burst"


def test_a_busy_machine_is_a_little_late_with_everything_but_not_with_the_provider_alone() -> None:
    for delay_ms, expected in (({"lan": 60.0}, set()), ({"lan": 300.0}, {"lan"}), ({"isp": 300.0}, {"isp"})):
        wire = store()
        since = len(wire.reports)
        wire.delay_ms = delay_ms
        for _ in range(12):
            wire.host(100.0, cpu_percent=99.0)
            wire.run(1.0)
        assert layers(wire, since, "latency") == expected


@pytest.mark.parametrize("role", ["router", "hop2"])
def test_a_router_that_limits_its_own_answers_is_no_loss(role: str) -> None:
    """What lies behind it is clean."""
    wire = store(peers=0)
    since = len(wire.reports)
    wire.loss = {f"own:{role}": 0.3}
    wire.run(25.0)
    assert not layers(wire, since)


def test_the_word_of_another_register_is_enough_with_three_misses_of_our_own() -> None:
    times: dict[bool, list[float]] = {True: [], False: []}
    for vouched in times:
        for seed in range(8):
            locators, chance = Locators(("ipv4",)), random.Random(seed)
            paths = [answering(index) for index in range(4)]
            peers = (peer("loss_isp"),) if vouched else ()
            at_s = 0.0
            while locators.loss is None and at_s < 60.0:
                at_s += 0.1
                for path in paths:
                    lost = path.meter is not None and path.meter >= 2 and chance.random() < 0.1
                    locators.miss(path, at_s) if lost else locators.hit(path, at_s, 1.0, late=False)
                locators.judge(at_s, paths, peers)
            assert locators.loss is not None
            times[vouched].append(at_s)
    assert sum(times[True]) < 0.7 * sum(times[False])


def test_another_registers_word_alone_is_no_loss_here() -> None:
    locators, paths = Locators(("ipv4",)), [answering(index) for index in range(4)]
    for number in range(600):
        for path in paths:
            locators.hit(path, number / 10, 1.0, late=False)
        locators.judge(number / 10, paths, (peer("loss_isp"),))
    assert locators.loss is None


def test_a_burst_ends_with_the_doubt_and_begins_behind_the_router_only_with_reason() -> None:
    locators, paths = Locators(("ipv4",)), [answering(index) for index in range(4)]
    assert locators.burst(1.0, paths) == ""
    assert locators.burst(1.0, paths, nudged=True) == "far"
    locators.forget()
    locators.miss(paths[1], 2.0)
    assert locators.burst(2.1, paths) == "near"
    locators.miss(paths[3], 2.2)
    assert locators.burst(2.3, paths) == "far"
    for number in range(120):
        for path in paths:
            locators.hit(path, 2.3 + number / 30, 1.0, late=False)
        locators.judge(2.3 + number / 30, paths)
    assert locators.burst(6.4, paths) == ""


def answering(index: int) -> Path:
    role: Role = ("printer", "gateway", "hop2", "anycast")[index]  # type: ignore[assignment]
    target = Target(name=role, role=role, family="ipv4", address=f"192.0.2.{index}", ways=("echo",))
    path = Path(target, "echo", "router" if role == "gateway" else "anycast", 0.0, assumed=True)
    path.meter = meter_of(path)
    return path


def peer(fault: str) -> PeerState:
    return PeerState(register="front", session=1, sequence=1, address="", columns={}, phase="confirmed", faults=(fault,))
