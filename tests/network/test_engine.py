"""The engine from outside: facts and answers of a small store in, questions and verdicts out, on a virtual clock."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from tests.network.virtual_wire import OWN, ROUTER, START_S, Wire, setup_of, targets

from tillkeeper.config.network import Links
from tillkeeper.network.model import Replied, Report, ResolversSeen, Stalled, Target
from tillkeeper.network.present import shown
from tillkeeper.network.words import say


def confirmed(report: Report) -> bool:
    return report.verdict.phase == "confirmed"


def fine(report: Report) -> bool:
    return report.verdict.phase == "fine"


def store(*, peers: int = 2, uplink: bool = False, seconds: float = 12.3, **changes: object) -> Wire:
    wire = Wire(setup_of(has_uplink=uplink, **changes), peers=peers).start()
    wire.uplink = uplink
    wire.run(seconds)
    return wire


FAULTS = [
    ({"router"}, {"router_dead", "router_cable"}, 1.0),
    ({"layer3"}, {"router_hung"}, 1.2),
    ({"lan", "broadcast"}, {"own_port", "switch_hung", "nic_receive"}, 1.0),
    ({"isp"}, {"modem", "isp_access", "router_no_forward"}, 2.0),
    ({"internet"}, {"isp_upstream"}, 2.2),
    ({"resolver"}, {"dns_own"}, 2.2),
    ({"hq"}, {"hq_server", "hq_path"}, 2.5),
]


@pytest.mark.parametrize(("cut", "faults", "within_s"), FAULTS, ids=["+".join(sorted(cut)) for cut, _, _ in FAULTS])
def test_a_fault_is_named_within_its_time_and_its_end_is_seen(cut: set[str], faults: set[str], within_s: float) -> None:
    wire = store()
    assert wire.report.verdict.phase == "fine"
    wire.cut = cut
    took_s = wire.run(6.0, confirmed)
    assert took_s is not None
    assert took_s <= within_s
    wire.run(3.0)
    assert set(wire.report.verdict.faults) == faults
    wire.cut = set()
    healed_s = wire.run(5.0, fine)
    assert healed_s is not None
    assert healed_s <= 2.0


def test_a_lost_carrier_is_confirmed_by_the_very_next_step_and_nothing_is_sent_without_it() -> None:
    wire = store()
    wire.plug("no")
    report = wire.step()
    assert report is not None
    assert set(report.verdict.faults) == {"cable", "switch_power"}
    assert report.evidence.columns["gateway"].state == "unknown"
    sent = len(wire.probes)
    wire.run(5.0)
    assert len(wire.probes) == sent
    wire.plug("yes")
    assert wire.run(4.0, fine) is not None


def test_all_columns_are_known_in_a_healthy_store_and_nothing_is_said_of_it() -> None:
    wire = store(peers=2)
    names = "carrier address broadcast gateway neighbours router hop2 anycast resolver portal hq"
    for name in names.split():
        assert wire.column(name) == "yes", name
    assert wire.report.evidence.signs == ()
    wire.run(60.0)
    assert {(report.verdict.phase, report.verdict.faults) for report in wire.reports[20:]} == {("fine", ())}


def test_a_single_lost_answer_changes_no_verdict_but_is_followed_by_a_burst() -> None:
    wire = store()
    before = len(wire.probes)
    wire.run(1.0)
    calm = len(wire.probes) - before
    wire.cut = {"router"}
    wire.run(0.1)
    wire.cut = set()
    before = len(wire.probes)
    wire.run(1.0)
    assert len(wire.probes) - before > 1.5 * calm
    assert wire.report.verdict.phase == "fine"


def test_late_is_not_lost() -> None:
    wire = store()
    wire.delay_ms["router"] = 250.0
    wire.run(0.6)
    router = wire.report.evidence.columns["router"]
    assert router.run <= 3
    wire.run(1.0)
    router = wire.report.evidence.columns["router"]
    assert router.late > 0
    assert router.run <= 1
    assert wire.report.verdict.phase != "confirmed" or "router_dead" not in wire.report.verdict.faults


def test_a_long_stall_drops_what_was_open_and_nothing_is_believed_until_clean_rounds() -> None:
    wire = store()
    wire.now_s += 10.0  # SIGSTOP: no step, and the answers of that time are gone
    wire._queue.clear()
    report = wire.step()
    assert report is not None
    assert report.stalls == 1
    assert not report.evidence.trusted
    assert all(column.run == 0 for column in report.evidence.columns.values())
    wire.run(3.0)
    assert wire.report.evidence.trusted
    assert {report.verdict.faults for report in wire.reports} == {()}


@pytest.mark.parametrize("suspended", [True, False])
def test_a_suspend_drops_what_was_open_however_short_it_was(suspended: bool) -> None:
    wire = store()
    wire.cut = {"router"}
    wire.run(0.11)
    wire.cut = set()
    wire.now_s += 0.5
    wire.tell(Stalled(from_s=wire.now_s - 0.5, to_s=wire.now_s, suspended=suspended))
    wire.step()
    wire.run(1.0)
    assert (wire.report.evidence.columns["router"].misses > 0) is not suspended


def late(wire: Wire, by_s: float, seconds: float, until: Callable[[Report], bool] | None = None) -> float | None:
    """As `Wire.run`, every step `by_s` late; as the shell does, that is told first, then what came meanwhile."""
    begun_s = wire.now_s
    while wire.now_s < begun_s + seconds:
        before_s, wire.now_s = wire.now_s, wire.engine.next_at_s() + by_s
        wire.tell(Stalled(from_s=before_s, to_s=wire.now_s))
        wire._deliver()
        if (found := wire.step()) is not None and until is not None and until(found):
            return wire.now_s - begun_s
    return None


@pytest.mark.parametrize("told", [True, False])
def test_what_lies_open_while_the_process_stands_still_has_its_time_once_more(told: bool) -> None:
    wire = store()
    wire.delay_ms["router"] = 320.0  # it was sent only after the 0.3 s, by a process that had no CPU
    wire.run(0.11)
    wire.delay_ms.clear()
    wire.now_s += 0.3
    if told:
        wire.tell(Stalled(from_s=wire.now_s - 0.3, to_s=wire.now_s))
    wire.step()
    wire.run(0.3)
    assert wire.report.stalls >= 1
    assert wire.report.evidence.trusted
    assert wire.report.evidence.columns["router"].misses == 0


def test_a_machine_that_is_late_at_every_step_says_nothing_wrong_and_loses_nothing() -> None:
    wire = store()
    late(wire, 0.3, 80.0)
    assert {report.verdict.faults for report in wire.reports} == {()}
    assert all(report.evidence.trusted for report in wire.reports[20:])
    assert all(column.misses == 0 for column in wire.report.evidence.columns.values())


@pytest.mark.parametrize(("cut", "faults", "within_s"), FAULTS, ids=["+".join(sorted(cut)) for cut, _, _ in FAULTS])
def test_a_machine_that_is_late_at_every_step_names_a_fault_and_sees_its_end(
    cut: set[str], faults: set[str], within_s: float
) -> None:
    wire = store()
    wire.cut = cut
    took_s = late(wire, 0.1, 20.0, confirmed)
    assert took_s is not None
    assert took_s <= within_s + 1.0
    assert set(wire.report.verdict.faults) & faults
    wire.cut = set()
    healed_s = late(wire, 0.1, 20.0, fine)
    assert healed_s is not None
    assert healed_s <= 2.5


def test_the_time_that_the_process_stood_still_is_no_delay_of_the_network() -> None:
    wire = store()
    wire.delay_ms["internet"] = 300.0  # an answer of TCP, stamped when it was read
    late(wire, 0.4, 40.0)
    assert wire.signs("latency") == []
    assert {report.verdict.faults for report in wire.reports} == {()}


def test_a_report_comes_at_least_once_a_second_and_on_every_change() -> None:
    wire = store()
    times = [report.at_s for report in wire.reports]
    assert max(later - sooner for sooner, later in pairwise(times)) <= 1.15
    wire.cut = {"router"}
    wire.run(3.0)
    phases = [report.verdict.phase for report in wire.reports]
    assert "suspect" in phases
    assert "confirmed" in phases


def test_beacons_go_out_once_a_second_and_at_once_when_something_is_suspected() -> None:
    wire = store(beacons=True)
    times = [at_s for at_s, _ in wire.beacons]
    assert 9 <= len(times) <= 16
    wire.cut = {"router"}
    begun_s = wire.now_s
    wire.run(1.5)
    suspicions = [at_s for at_s, state in wire.beacons if state.phase in ("suspect", "confirmed")]
    assert suspicions
    assert suspicions[0] - begun_s <= 1.0
    assert [state.sequence for _, state in wire.beacons] == sorted({state.sequence for _, state in wire.beacons})
    assert wire.beacons[-1][1].address == OWN
    assert not store(beacons=False).beacons


def test_a_second_line_of_ipv6_carries_the_columns_when_ipv4_breaks() -> None:
    asked = tuple(target for target in targets(family6=True) if target.role not in ("hq", "portal"))
    setup = setup_of(families=("ipv4", "ipv6"), targets=asked, other_resolvers=())
    wire = Wire(setup, peers=1).start(family6=True, resolvers=())
    wire.run(12.0)
    wire.cut = {"gateway", "1.1.1.1", "8.8.8.8", "hop2", "gateway:hop", "hop2:direct"}
    wire.run(3.0)
    report = wire.report
    assert report.evidence.families["ipv4"]["gateway"].state == "no"
    assert report.evidence.families["ipv6"]["gateway"].state == "yes"
    assert report.evidence.columns["gateway"].state == "yes"
    assert [sign.subject for sign in wire.signs("family_broken")] == ["ipv4"]
    assert "family_broken:ipv4" in report.verdict.also
    assert report.verdict.faults == ()


def test_a_prober_that_starts_into_a_dead_router_still_names_it() -> None:
    wire = Wire(setup_of(), peers=2)
    wire.cut = {"router"}
    wire.start()
    assert wire.run(8.0, lambda report: "router_dead" in report.verdict.faults) is not None


@pytest.mark.parametrize("with_hq", [False, True])
def test_a_prober_that_starts_into_an_outage_says_that_of_the_internet_nothing_is_known(with_hq: bool) -> None:
    asked = tuple(target for target in targets() if with_hq or target.role != "hq")
    wire = Wire(setup_of(targets=asked, has_uplink=with_hq))
    wire.cut = {"isp"}
    wire.start().run(40.0)
    now = shown("reporting", wire.report, Links(), "front", False)
    assert (now.verdict.phase, now.verdict.faults) == ("checking", ())
    assert now.words.headline == "The store's network works; whether the internet does is not known"
    wire.cut = set()
    wire.run(20.0)
    now = shown("reporting", wire.report, Links(), "front", False)
    assert (now.verdict.phase, now.words.headline) == ("fine", "The network works")


def test_losing_the_uplink_is_followed_by_questions_before_the_next_turn() -> None:
    wire = store(uplink=True)
    wire.uplink = False
    wire.stamp(ok=False, trouble="timeout")
    begun_s = wire.now_s
    wire.run(0.35)
    asked = [probe.target.role for at_s, probe in wire.probes if at_s >= begun_s]
    assert asked.count("anycast") >= 2
    assert "hq" in asked


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        ("credentials_refused", "hq_refuses"),
        ("untrusted", "hq_untrusted"),
        ("garbage", "hq_wrong_answer"),
        ("server_error", "hq_host_alive"),
    ],
)
def test_what_the_agent_says_of_hq_becomes_a_sign(trouble: str, kind: str) -> None:
    wire = store(uplink=True)
    wire.uplink = False
    wire.stamp(ok=False, trouble=trouble)
    wire.run(0.3)
    assert wire.signs(kind)
    wire.stamp()
    wire.run(1.2)
    assert not wire.signs(kind)


def test_an_hq_whose_certificate_is_not_believed_is_no_fault_of_the_network() -> None:
    wire = Wire(setup_of(has_uplink=True)).start()
    for _ in range(20):
        wire.stamp(ok=False, trouble="untrusted")
        wire.run(1.0)
    assert (wire.report.verdict.phase, wire.column("hq")) == ("fine", "yes")


def test_an_hq_that_was_believed_and_is_not_any_more_is_said_so_until_it_is_silent() -> None:
    """Its certificate names somebody else, so that the prober's own question finds a wrong answer too."""
    wire = store(uplink=True)
    wire.uplink = False
    wire.answers["hq"] = "wrong"
    for _ in range(20):
        wire.stamp(ok=False, trouble="untrusted")
        wire.run(1.0)
    now = shown("reporting", wire.report, Links(), "front", False)
    assert (now.verdict.phase, now.verdict.faults) == ("fine", ())
    assert any("ca_file" in one.hint for one in now.words.also)
    wire.cut = {"hq"}
    for _ in range(6):
        wire.stamp(ok=False, trouble="timeout")
        wire.run(1.0)
    assert "hq_server" in wire.report.verdict.faults
    assert not wire.signs("hq_untrusted")


def test_an_answer_to_nothing_and_a_fact_from_the_past_change_nothing() -> None:
    wire = store()
    wire.tell(Replied(number=10**9, at_s=START_S - 50, rtt_ms=-3.0))
    wire.tell(Replied(number=wire.probes[-1][1].number, at_s=float("nan"), rtt_ms=float("inf")))
    wire.run(2.0)
    assert wire.report.verdict.phase == "fine"
    assert ROUTER in {state.address for state in wire.report.targets}


def test_an_hq_that_takes_connections_and_answers_nothing_is_its_server() -> None:
    wire = store(uplink=True, seconds=20.0)
    wire.uplink = False
    wire.dropped_ways = {("hq", "tls")}
    took_s = wire.run(25.0, confirmed)
    assert took_s is not None, wire.report
    assert wire.report.verdict.faults == ("hq_server",)
    wire.run(20.0)
    assert wire.report.verdict.faults == ("hq_server",)
    wire.dropped_ways = set()
    wire.uplink = True
    assert wire.run(5.0, fine) is not None


def test_an_hq_that_hung_from_the_start_is_known_by_what_the_agent_says() -> None:
    wire = Wire(setup_of(has_uplink=True), peers=2).start()
    wire.dropped_ways = {("hq", "tls")}
    wire.run(10.0)
    assert wire.report.verdict.phase == "fine"
    wire.stamp(ok=False, trouble="timeout")
    assert wire.run(8.0, confirmed) is not None
    assert wire.report.verdict.faults == ("hq_server",)


def test_a_name_server_that_never_answered_is_named() -> None:
    wire = Wire(setup_of(), peers=2).start(resolvers=("192.168.1.77",))
    wire.cut = {"192.168.1.77"}
    assert wire.run(20.0, confirmed) is not None
    assert wire.report.verdict.faults == ("dns_own",)
    said = say(wire.report.verdict, wire.report.evidence, Links(), "front")
    assert "The name server 192.168.1.77 has never answered: is it typed right?" in said.evidence
    wire.tell(ResolversSeen(at_s=wire.now_s, addresses=(ROUTER,)))
    assert wire.run(20.0, fine) is not None


def test_a_wrong_name_server_typed_later_is_named_but_not_one_beside_one_that_answers() -> None:
    wire = store()
    wire.cut = {"192.168.1.77"}
    wire.tell(ResolversSeen(at_s=wire.now_s, addresses=(ROUTER, "192.168.1.77")))
    assert wire.run(30.0, confirmed) is None
    wire.tell(ResolversSeen(at_s=wire.now_s, addresses=("192.168.1.77",)))
    assert wire.run(20.0, confirmed) is not None
    assert wire.report.verdict.faults == ("dns_own",)


def test_an_outage_behind_a_new_router_leads() -> None:
    wire = store(seconds=20.0)
    wire.macs[ROUTER] = ["02:00:00:00:00:99"]
    assert wire.run(10.0, confirmed) is not None
    assert wire.report.verdict.faults == ("gateway_replaced",)
    wire.run(3.0)
    wire.cut = {"isp"}
    assert wire.run(6.0, lambda report: confirmed(report) and "isp_access" in report.verdict.faults) is not None
    wire.run(3.0)
    assert "isp_access" in wire.report.verdict.faults
    assert "and:gateway_replaced" in wire.report.verdict.also


def test_no_default_route_has_words_of_its_own() -> None:
    wire = store()
    wire.route()
    assert wire.run(3.0, confirmed) is not None
    assert wire.report.verdict.faults == ("no_gateway",)
    said = say(wire.report.verdict, wire.report.evidence, Links(), "front")
    assert "There is no default route: no default gateway is set" in said.evidence
    assert "printing" in said.works
    wire.route(ipv4=ROUTER)
    assert wire.run(5.0, fine) is not None


def test_a_switch_address_that_never_answered_is_no_silent_device() -> None:
    switch = Target(name="switch", role="switch", family="ipv4", address="192.168.1.2", ways=("echo", "arp"))
    wire = Wire(setup_of(targets=(*targets(), switch)), peers=2).start()
    wire.cut = {"switch"}
    wire.run(45.0)
    assert wire.report.verdict.phase == "fine"
    assert not wire.signs("device_silent")
    assert wire.column("switch") == "unknown"


def test_a_register_that_never_gets_an_address_of_its_only_protocol_says_so() -> None:
    wire = Wire(setup_of(families=("ipv6",)))
    wire.plug()
    wire.address(OWN)
    wire.route()
    assert wire.run(20.0, confirmed) is not None
    assert wire.report.verdict.faults == ("dhcp_lost",)


def test_a_missing_interface_is_named() -> None:
    wire = Wire(setup_of(interface="enp3s0"))
    wire.plug("no", interface="enp3s0", gone=True)
    wire.run(2.0)
    said = say(wire.report.verdict, wire.report.evidence, Links(), "front")
    assert "There is no interface enp3s0: is it gone, or network.interface typed wrong?" in said.evidence
