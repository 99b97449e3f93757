"""Every sign: what raises it, that it is told in its words, and that it ends. Through the engine, on a virtual clock."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from tests.network.virtual_wire import OWN, OWN_MAC, ROUTER, ROUTER_MAC, Wire, setup_of, targets

from tillkeeper.network.model import LinkSeen, NeighbourSeen, Target, Wifi

OTHER_MAC = "02:00:00:00:00:66"


class Case(NamedTuple):
    """`kind` is seen within `within_s` of `begin`, and gone within `over_s` of `end`."""

    kind: str
    begin: Callable[[Wire], object]
    end: Callable[[Wire], object]
    within_s: float
    over_s: float
    subject: str = ""
    layer: str = ""
    setup: dict[str, object] = {}  # noqa: RUF012
    peers: int = 2


def clear(wire: Wire) -> None:
    wire.cut, wire.answers, wire.by, wire.macs, wire.loss, wire.delay_ms = set(), {}, {}, {}, {}, {}
    wire.clock_ahead_s = None
    wire.hop2 = "100.64.0.1"


def cut(*names: str) -> Callable[[Wire], None]:
    return lambda wire: wire.cut.update(names)


def says(role: str, answer: str, *, by: str = "", detail: str = "") -> Callable[[Wire], None]:
    def begin(wire: Wire) -> None:
        wire.answers[role] = answer  # type: ignore[assignment]
        wire.by[role], wire.details[role] = by, detail

    return begin


def flap(wire: Wire) -> None:
    for _ in range(2):
        wire.plug("no")
        wire.run(0.5)
        wire.plug("yes")
        wire.run(0.5)


def lose_address(wire: Wire) -> None:
    wire.address()
    wire.route()


def other_subnet(wire: Wire) -> None:
    wire.address("10.9.9.9")
    wire.route()


def restore(wire: Wire) -> None:
    clear(wire)
    wire.plug("yes")
    wire.address(OWN)
    wire.route(ipv4=ROUTER)
    wire.host(100.0)


def storm(wire: Wire) -> None:
    wire.host(40_000.0)


def busy_host(**wifi: object) -> Callable[[Wire], None]:
    def begin(wire: Wire) -> None:
        wire.plug("yes", wireless=True)
        wire.host(100.0, wifi=Wifi(associated="yes") if not wifi else Wifi(**wifi))  # type: ignore[arg-type]

    return begin


def restore_wifi(wire: Wire) -> None:
    busy_host(associated="yes", signal_dbm=-50.0)(wire)


def second_mac(wire: Wire) -> None:
    wire.macs[ROUTER] = [ROUTER_MAC, OTHER_MAC]
    wire.arp(ROUTER, OTHER_MAC)


def new_mac(wire: Wire) -> None:
    wire.macs[ROUTER] = [OTHER_MAC]
    wire.tell(NeighbourSeen(at_s=wire.now_s, interface="eth0", address=ROUTER, mac=OTHER_MAC))


def backup(wire: Wire) -> None:
    wire.hop2 = "100.99.0.1"
    wire.cut |= {"hop2:direct"}


def gone(wire: Wire) -> None:
    wire.tell(LinkSeen(at_s=wire.now_s, interface="eth0", carrier="unknown", admin_up=False, gone=True))


CASES = [
    Case("interface_missing", gone, restore, 0.01, 0.1, "eth0"),
    Case("interface_disabled", lambda wire: wire.plug("unknown", admin_up=False), restore, 0.01, 0.1, "eth0"),
    Case("link_flapping", flap, restore, 2.1, 12.0, "eth0"),
    Case("address_missing", lose_address, restore, 0.01, 0.2, "ipv4"),
    Case("address_self_assigned", lambda wire: wire.address("169.254.7.7"), restore, 0.01, 0.2, "169.254.7.7"),
    Case("wrong_subnet", other_subnet, restore, 0.01, 0.2, "10.9.9.9"),
    Case("gateway_missing", lambda wire: wire.route(), restore, 0.01, 0.2),
    Case("duplicate_address", lambda wire: wire.macs.update({OWN: [OTHER_MAC]}), clear, 0.5, 2.0, OWN),
    Case("gateway_two_macs", second_mac, clear, 0.3, 3.0, ROUTER),
    Case("gateway_mac_changed", new_mac, clear, 0.3, 2.0, ROUTER),
    Case("broadcast_loop", storm, restore, 0.15, 0.5, "eth0"),
    Case("loss", lambda wire: wire.loss.update(lan=0.2), clear, 5.0, 4.0, layer="lan"),
    Case("loss", lambda wire: wire.loss.update(router=0.2), clear, 5.0, 4.0, layer="router"),
    Case("loss", lambda wire: wire.loss.update(isp=0.3), clear, 12.0, 6.0, layer="isp"),
    Case("loss", lambda wire: wire.loss.update(internet=0.3), clear, 12.0, 6.0, layer="internet"),
    Case("latency", lambda wire: wire.delay_ms.update(lan=150.0), clear, 6.0, 8.0, layer="lan"),
    Case("latency", lambda wire: wire.delay_ms.update(router=200.0), clear, 6.0, 8.0, layer="router"),
    Case("latency", lambda wire: wire.delay_ms.update(isp=300.0), clear, 20.0, 20.0, layer="isp"),
    Case("latency", lambda wire: wire.delay_ms.update(internet=400.0), clear, 20.0, 20.0, layer="internet"),
    Case("captive_redirect", says("portal", "redirected", detail="http://hotel/"), clear, 65.0, 65.0),
    Case("on_backup_line", backup, clear, 60.0, 60.0, "ipv4"),
    Case("router_says_unreachable", says("anycast", "unreachable", by=ROUTER), clear, 2.0, 5.0, ROUTER),
    Case("hq_host_alive", says("hq", "refused"), clear, 2.0, 12.0),
    Case("hq_wrong_answer", says("hq", "wrong", detail="HTTP 502"), clear, 2.0, 12.0),
    Case("hq_path_unreachable", says("hq", "unreachable", by="198.51.100.1"), clear, 2.0, 12.0, "198.51.100.1"),
    Case("wifi_not_associated", busy_host(associated="no"), restore, 0.2, 0.5, "eth0"),
    Case("wifi_weak", busy_host(associated="yes", signal_dbm=-84.0), restore_wifi, 0.2, 0.5, "eth0"),
    Case("device_silent", cut("printer:0"), clear, 10.0, 8.0, "0"),
    Case("peer_silent", cut("peer:till1"), clear, 12.0, 5.0, "till1"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.kind + case.layer for case in CASES])
def test_a_sign_is_seen_and_ends(case: Case) -> None:
    wire = Wire(setup_of(**case.setup), peers=case.peers, seed=3).start()
    wire.host(100.0)
    wire.run(15.0)
    assert not wire.signs(case.kind)
    begun_s = wire.now_s
    case.begin(wire)
    wire.step()
    took_s = 0.0 if wire.signs(case.kind) else wire.run(case.within_s, lambda report: bool(_of(report, case)))
    assert took_s is not None, wire.report.evidence.signs
    assert wire.now_s - begun_s <= case.within_s + 1e-6
    (sign,) = _of(wire.report, case)
    assert sign.subject == case.subject
    assert begun_s <= sign.since_s <= wire.now_s
    wire.run(1.0)
    case.end(wire)
    wire.step()
    assert not _of(wire.report, case) or wire.run(case.over_s, lambda report: not _of(report, case)) is not None


def _of(report, case: Case):  # type: ignore[no-untyped-def]
    return [sign for sign in report.evidence.signs if sign.kind == case.kind and sign.layer == case.layer]


def test_one_sighting_of_another_with_my_address_is_not_enough() -> None:
    wire = Wire(setup_of()).start()
    wire.run(10.0)
    wire.arp(OWN, OTHER_MAC)
    wire.run(3.0)
    assert not any(sign.kind == "duplicate_address" for report in wire.reports for sign in report.evidence.signs)


def test_my_own_frames_are_no_duplicate() -> None:
    wire = Wire(setup_of()).start()
    wire.run(5.0)
    for _ in range(20):
        wire.arp(OWN, OWN_MAC)
        wire.run(0.2)
    assert not wire.signs("duplicate_address")


def test_a_virtual_mac_is_told_as_such_and_a_pinned_one_is_the_measure() -> None:
    wire = Wire(setup_of(gateway_mac=ROUTER_MAC)).start()
    wire.macs[ROUTER] = ["00:00:5e:00:01:07"]
    wire.run(3.0)
    (sign,) = wire.signs("gateway_mac_changed")
    assert sign.detail == f"{ROUTER_MAC} -> 00:00:5e:00:01:07 VRRP"


def test_a_gateway_whose_mac_changes_without_a_word_is_found_by_its_silence() -> None:
    wire = Wire(setup_of()).start()
    wire.run(10.0)
    wire.macs[ROUTER] = [OTHER_MAC]
    wire.cut = {"router:echo", "layer3"}  # frames to the old MAC go nowhere
    assert wire.run(1.0, lambda report: any(s.kind == "gateway_mac_changed" for s in report.evidence.signs)) is not None


def test_a_lost_address_tells_whether_the_gateway_still_answers() -> None:
    wire = Wire(setup_of()).start()
    wire.run(8.0)
    lose_address(wire)
    wire.run(2.0)
    (sign,) = wire.signs("address_missing")
    assert sign.detail == "the gateway answers"
    asked = [probe for _, probe in wire.probes[-20:] if probe.way == "arp"]
    assert asked
    assert {probe.sender for probe in asked} == {"0.0.0.0"}
    wire.cut = {"router"}
    wire.run(5.0)
    (sign,) = wire.signs("address_missing")
    assert sign.detail == ""


def test_a_clock_is_wrong_when_hq_says_so_or_two_others_agree() -> None:
    def clocked(names: int) -> Wire:
        base = targets()
        more = tuple(
            Target(name=f"portal:{index}", role="portal", family="ipv4", address=f"203.0.113.{index}", ways=("http",), wan=True)
            for index in range(names - 1)
        )
        wire = Wire(setup_of(targets=tuple(t for t in base if t.role != "hq") + more)).start()
        wire.clock_ahead_s = 3_600.0
        wire.run(12.0)
        return wire

    assert not clocked(1).signs("clock_wrong")
    (sign,) = clocked(2).signs("clock_wrong")
    assert sign.amount == 3_600.0


def test_an_ipv6_router_that_stops_advertising_is_told() -> None:
    wire = Wire(setup_of(families=("ipv4", "ipv6"), targets=targets(family6=True))).start(family6=True)
    wire.run(8.0)
    wire.route(ipv4=ROUTER)
    wire.run(0.2)
    assert wire.signs("router_advertisement_lost")
    wire.route(ipv4=ROUTER, ipv6="fe80::1")
    wire.run(0.2)
    assert not wire.signs("router_advertisement_lost")


def test_a_printer_in_another_network_is_an_advisory_and_not_asked_as_a_neighbour() -> None:
    away = Target(name="printer:grill", role="printer", family="ipv4", address="10.20.30.40", ways=("echo", "arp"))
    wire = Wire(setup_of(targets=(*targets(), away))).start()
    wire.run(5.0)
    assert [sign.subject for sign in wire.signs("device_routed")] == ["grill"]
    assert not [probe for _, probe in wire.probes if probe.target.name == "printer:grill"]
    assert wire.report.verdict.phase == "fine"


def test_an_isolating_access_point_is_told_from_dead_printers() -> None:
    wire = Wire(setup_of())
    wire.cut = {"printer", "printer:0", "printer:1", "peer"}
    wire.start()
    wire.plug("yes", wireless=True)
    wire.host(100.0, wifi=Wifi(associated="yes", signal_dbm=-50.0))
    wire.run(70.0)
    wire.host(100.0, wifi=Wifi(associated="yes", signal_dbm=-50.0))
    wire.run(1.5)
    assert wire.signs("wifi_isolated")


def test_a_resolver_that_sends_everybody_to_the_router_lies() -> None:
    wire = Wire(setup_of()).start()
    wire.details = {"resolver": ROUTER, "other_resolver": "203.0.113.9"}
    wire.run(25.0)
    assert [sign.subject for sign in wire.signs("resolver_lies")] == [ROUTER]


@pytest.mark.parametrize(("packets_per_s", "is_one"), [(4_800.0, True), (2_000.0, False)])
def test_a_loop_need_not_be_at_line_rate(packets_per_s: float, is_one: bool) -> None:
    wire = Wire(setup_of()).start()
    wire.host(40.0)
    wire.run(2.0)
    wire.host(packets_per_s)
    wire.run(2.0)
    assert bool(wire.signs("broadcast_loop")) is is_one


def test_a_download_is_no_broadcast_loop() -> None:
    wire = Wire(setup_of()).start()
    wire.host(100.0)
    wire.run(2.0)
    wire.host(40_000.0, 15_000.0)
    wire.run(2.0)
    assert not wire.signs("broadcast_loop")


def test_a_burst_of_one_second_is_no_loss() -> None:
    for seed in range(4):
        wire = Wire(setup_of(), peers=2, seed=seed).start()
        wire.run(12.0)
        for rate in (0.5, 0.8):
            wire.loss = {"lan": rate}
            wire.run(1.0)
            wire.loss = {}
            wire.run(15.0)
        assert not any(sign.kind == "loss" for report in wire.reports for sign in report.evidence.signs)


def test_a_login_page_is_forgotten_when_the_check_for_it_is_not_answered_any_more() -> None:
    wire = Wire(setup_of(), peers=2).start()
    wire.answers = {"portal": "redirected"}
    wire.cut = {"hq"}
    wire.run(70.0, until=lambda report: any(sign.kind == "captive_redirect" for sign in report.evidence.signs))
    wire.cut = {"isp"}
    assert wire.run(8.0, until=lambda report: not any(sign.kind == "captive_redirect" for sign in report.evidence.signs))
