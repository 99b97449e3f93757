"""Where losses and delays begin: told from outside, on a virtual store whose layers lose or delay."""

import pytest
from tests.network.virtual_wire import OWN, Wire, setup_of, targets


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
