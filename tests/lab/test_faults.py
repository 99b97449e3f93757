"""Each fault of the lab does what its name says, seen with ping, arping and plain sockets; and its heal heals."""

import random
import time
from collections.abc import Iterator

import pytest
from tests.lab.breaking import DELAY_S
from tests.lab.faults import FAULTS, R1
from tests.lab.living import living
from tests.lab.looking import ISP, look, looks_well, there, wait_well
from tests.lab.places import ANYCAST, ROUTER_LAN, V4, V6, lan4, mac
from tests.lab.spaces import answers, arp_answers, shown
from tests.lab.topology import Lab, Shape
from tests.support.prerequisites import need

pytestmark = [pytest.mark.root, pytest.mark.timeout(400)]

DEAD_WAN = {"hop2": "no", "anycast": "no", "hq_host": "no", "other_resolver": "silence", "check": "silence", "hq": "silence"}
DEAF = DEAD_WAN | {"gateway": "no", "gateway_arp": "no", "peer": "no", "printer": "no", "modem": "no", "resolver": "silence"}
NO_ROUTER = DEAF | {"peer": "yes", "printer": "yes"}
TOLD = {"check": "unreachable|silence", "hq": "unreachable|silence"}
"""A router says it once a second at most."""
BEHIND = DEAD_WAN | {"resolver": "silence"}
SHOWS: dict[str, dict[str, str]] = {
    "own cable": {"carrier": "no"},
    "switch power": {"carrier": "no"},
    "own port": DEAF,
    "switch hung": DEAF,
    "NIC receive": DEAF,
    "NIC transmit": DEAF,
    "router dead": NO_ROUTER,
    "router cable": NO_ROUTER,
    "router hung": NO_ROUTER | {"gateway_arp": "yes"},
    "router forwards nothing": BEHIND | {"modem": "no"},
    "router forwards only names": BEHIND | {"modem": "no", "resolver": "answer"},
    "modem": BEHIND | {"modem": "no"},
    "ISP access, silent": BEHIND,
    "ISP access, unreachable": BEHIND | TOLD,
    "ISP upstream": BEHIND | {"hop2": "yes"},
    "own resolver, silent": {"resolver": "silence"},
    "own resolver, SERVFAIL": {"resolver": "error"},
    "own resolver, refused": {"resolver": "refused"},
    "DNS blocked": {"resolver": "silence", "other_resolver": "silence"},
    "captive portal": {"anycast": "no", "hq_host": "no", "check": "302", "hq": "silence"},
    "captive portal, echo passes": {"check": "302", "hq": "silence"},
    "HQ server, RST": {"hq": "refused"},
    "HQ server, silent": {"hq": "silence"},
    "HQ server, 500": {"hq": "500"},
    "HQ path, unreachable": {"hq_host": "no", "hq": "unreachable"},
    "HQ path, silent": {"hq_host": "no", "hq": "silence"},
    "on the backup line": {"hop2": "no"},
    "printer off": {"printer": "no"},
    "peers gone": {"peer": "no"},
    "HQ refuses": {"hq": "401"},
}
WELL = {"carrier": "yes", "resolver": "answer", "other_resolver": "answer", "check": "204", "hq": "200"}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    need("ip", "nft", "ping", "arping")
    with living(Shape(), "f") as built:
        yield built


@pytest.fixture(autouse=True)
def ports_stay_open(request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "lab" in request.fixturenames:
        assert request.getfixturevalue("lab").policer.shut == {}


@pytest.mark.parametrize("name", SHOWS)
def test_a_fault_shows_in_the_columns_that_it_should_and_heals(lab: Lab, name: str) -> None:
    with FAULTS[name].breaking(lab, random.Random(1)):
        seen = look(lab)
        expected = {column: SHOWS[name].get(column, WELL.get(column, "yes")).split("|") for column in seen}
        assert not {column: said for column, said in seen.items() if said not in expected[column]}
    assert looks_well(wait_well(lab)), wait_well(lab)


def test_only_the_one_register_loses_its_cable_and_all_do_without_the_switch(lab: Lab) -> None:
    for name, other in (("own cable", "yes"), ("switch power", "no")):
        with FAULTS[name].breaking(lab, random.Random(1)):
            assert look(lab, "r2")["carrier"] == other
        assert looks_well(wait_well(lab)), name


def test_a_deaf_card_is_heard_and_a_mute_one_hears(lab: Lab) -> None:
    def received() -> int:
        return int(shown(lab.space(R1), "-s", "-o", "link", "show", "dev", "eth0").split("RX:")[1].split("\\")[1].split()[1])

    for name, hears in (("NIC receive", False), ("NIC transmit", True)):
        with FAULTS[name].breaking(lab, random.Random(1)):
            before = received()
            arp_answers(lab.space("r2"), "192.168.1.77")  # Asks everybody.
            assert (received() > before) is hears, name
        assert looks_well(wait_well(lab)), name


def test_a_second_owner_of_an_address_answers_for_it(lab: Lab) -> None:
    for name in ("duplicate IP, silent", "duplicate IP, loud"):
        with FAULTS[name].breaking(lab, random.Random(1)):
            assert arp_answers(lab.space(R1), lan4(R1), source="0.0.0.0") == {mac("stray")}
        assert arp_answers(lab.space(R1), lan4(R1), source="0.0.0.0") == set()
    assert looks_well(wait_well(lab))


def test_a_poser_wins_the_gateway_s_name_in_the_victim_s_table_alone(lab: Lab) -> None:
    def believed(register: str) -> str:
        return shown(lab.space(register), "neigh", "show", ROUTER_LAN[V4])

    assert answers(lab.space("r2"), ROUTER_LAN[V4])
    with FAULTS["gateway spoofed"].breaking(lab, random.Random(1)):
        till_s = time.monotonic() + 5.0
        while mac("stray") not in believed(R1):
            assert time.monotonic() < till_s
        assert lab.router_mac in believed("r2")
        assert arp_answers(lab.space(R1), ROUTER_LAN[V4], count=2) == {mac("stray"), lab.router_mac}
    assert looks_well(wait_well(lab))


def test_a_changed_gateway_answers_with_another_mac_and_no_longer_with_the_old_one(lab: Lab) -> None:
    for name in ("gateway MAC changed", "gateway MAC changed, untold"):
        before = lab.router_mac
        with FAULTS[name].breaking(lab, random.Random(1)):
            assert arp_answers(lab.space(R1), ROUTER_LAN[V4]) == {lab.router_mac}
            assert lab.router_mac != before
        assert looks_well(wait_well(lab, deadline_s=15.0))


def test_a_lost_lease_takes_address_and_route_and_leaves_the_lan(lab: Lab) -> None:
    with FAULTS["DHCP lost"].breaking(lab, random.Random(1)):
        assert "inet " not in shown(lab.space(R1), "-o", "addr", "show", "dev", "eth0")
        assert arp_answers(lab.space("r2"), ROUTER_LAN[V4])
    for name in ("wrong subnet, rogue DHCP", "wrong subnet, typed"):
        with FAULTS[name].breaking(lab, random.Random(1)):
            seen = look(lab)
            assert (seen["carrier"], seen["gateway"], seen["peer"]) == ("yes", "no", "no"), (name, seen)
        assert looks_well(wait_well(lab)), name


def test_an_interface_goes_down_or_away_and_comes_back(lab: Lab) -> None:
    with FAULTS["interface disabled"].breaking(lab, random.Random(1)):
        assert "state DOWN" in shown(lab.space(R1), "-o", "link", "show", "dev", "eth0")
    assert looks_well(wait_well(lab))
    with FAULTS["interface missing"].breaking(lab, random.Random(1)):
        assert not there(lab.space(R1))
    assert looks_well(wait_well(lab))


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("loss 20 % at the LAN", lan4("r2"), ""),
        ("loss 20 % at the router", ROUTER_LAN[V4], lan4("r2")),
        ("loss 20 % at the ISP", ISP[V4], ROUTER_LAN[V4]),
        ("loss 20 % in the internet", ANYCAST[V4][0], ISP[V4]),
    ],
)
def test_loss_begins_at_its_layer(lab: Lab, name: str, inside: str, outside: str) -> None:
    """200 echoes, of which 160 ± 17 (3 sigma) come back."""
    with FAULTS[name].breaking(lab, random.Random(1)):
        assert 0.7 < answers(lab.space(R1), inside, count=200, interval_s=0.002) < 0.9
        assert not outside or answers(lab.space(R1), outside, count=50, interval_s=0.002) == 1.0


def test_delay_is_added_where_it_is_meant(lab: Lab) -> None:
    def quick(address: str) -> float:
        return answers(lab.space(R1), address, wait_s=DELAY_S)

    for name, near, far in (("latency at the LAN", "", lan4("r2")), ("latency at the ISP", ROUTER_LAN[V4], ANYCAST[V4][0])):
        with FAULTS[name].breaking(lab, random.Random(1)):
            assert quick(far) == 0.0, name
            assert answers(lab.space(R1), far, count=3, interval_s=0.2, wait_s=1.0) == 1.0, name
            assert not near or quick(near) == 1.0, name
        assert looks_well(wait_well(lab)), name


def test_a_loop_multiplies_what_everybody_hears(lab: Lab) -> None:
    def received() -> int:
        return int(shown(lab.space("r3"), "-s", "-o", "link", "show", "dev", "eth0").split("RX:")[1].split("\\")[1].split()[1])

    with FAULTS["broadcast loop"].breaking(lab, random.Random(1)):
        before = received()
        time.sleep(1.0)
        assert received() - before > 1_000
    assert looks_well(wait_well(lab))


def test_the_ipv6_router_takes_itself_back(lab: Lab) -> None:
    def has_route() -> bool:
        return "default" in shown(lab.space(R1), "-6", "route", "show")

    till_s = time.monotonic() + 10.0
    with FAULTS["IPv6 router lost"].breaking(lab, random.Random(1)):
        while has_route():
            assert time.monotonic() < till_s
        assert look(lab)["anycast"] == "yes"
    assert looks_well(wait_well(lab, family=V6))


def test_more_than_fifteen_arp_frames_a_second_shut_the_port() -> None:
    need("ip", "nft", "ping", "arping")
    with living(Shape(families=(V4,)), "p") as lab:
        till_s = time.monotonic() + 20.0
        while not lab.policer.shut:
            assert time.monotonic() < till_s, lab.policer.most
            answers(lab.space(R1), "192.168.1.77", wait_s=0.01)
            for number in range(30):
                answers(lab.space(R1), f"192.168.1.{100 + number}", wait_s=0.01)
        assert list(lab.policer.shut) == [R1]
        assert look(lab) == {"carrier": "no"}
        assert look(lab, "r2")["gateway"] == "yes"
