"""Settings that name what is not there: an interface typed wrong, a name server that sends HQ's name to nowhere."""

import contextlib
import socket

import pytest
from tests.network.virtual_wire import OWN, ROUTER, Wire, setup_of, targets

from tillkeeper.config.network import Links
from tillkeeper.network.model import Fact, LinkSeen, ResolversSeen, Target
from tillkeeper.network.prober.poller import Poller
from tillkeeper.network.prober.watch import MOST_NAMED, Watch
from tillkeeper.network.wording import WORKS
from tillkeeper.network.words import Words, say


def words_of(wire: Wire) -> Words:
    return say(wire.report.verdict, wire.report.evidence, Links(), "front")


def misnamed() -> Wire:
    wire = Wire(setup_of(interface="enp3s0", has_uplink=True))
    others = ("eth0", "wlan0")
    wire.tell(LinkSeen(at_s=wire.now_s, interface="enp3s0", carrier="unknown", admin_up=False, gone=True, others=others))
    wire.run(3.0)
    return wire


def test_an_interface_typed_wrong_is_told_with_those_that_there_are() -> None:
    wire = misnamed()
    assert wire.report.verdict.faults == ("interface_missing",)
    assert "there are: eth0, wlan0" in " ".join(words_of(wire).evidence)


def test_where_hq_answers_over_another_interface_the_setting_is_wrong_and_nothing_is_restarted() -> None:
    wire = misnamed()
    wire.uplink = True
    wire.run(3.0)
    assert (wire.report.verdict.phase, wire.report.verdict.faults) == ("confirmed", ("interface_misnamed",))
    words = words_of(wire)
    assert words.works == WORKS["all"]
    assert not any("estart" in step for step in words.what_to_do)
    assert "enp3s0" in " ".join(words.evidence)
    assert "there are: eth0, wlan0" in " ".join(words.evidence)


def test_an_adapter_that_is_pulled_is_missing_though_hq_has_just_answered() -> None:
    wire = Wire(setup_of(has_uplink=True)).start()
    wire.uplink = True
    wire.run(12.0)
    wire.uplink = False
    wire.tell(LinkSeen(at_s=wire.now_s, interface="eth0", carrier="unknown", admin_up=False, gone=True))
    wire.run(5.0)
    said = {report.verdict.faults for report in wire.reports if report.verdict.phase == "confirmed"}
    assert said == {("interface_missing",)}


def test_the_kernel_says_which_interfaces_there_are() -> None:
    told: list[Fact] = []
    with contextlib.closing(Poller()) as poller:
        watch = Watch(poller, told.append, lambda *_: None, pinned="enp3s0typo")
        with contextlib.closing(watch):
            watch.resync(1.0)
    (seen,) = (fact for fact in told if isinstance(fact, LinkSeen))
    names = sorted(name for _, name in socket.if_nameindex() if name != "lo")
    assert seen.gone
    assert seen.others == tuple(names[:MOST_NAMED])


# --- HQ's name leads to nowhere ---


def named(host: str = "hq.example") -> Wire:
    """HQ is known by its name alone."""
    hq = Target(name="hq", role="hq", family="ipv4", address="", ways=("tcp", "tls"), host=host, port=443, wan=True)
    others = tuple(target for target in targets() if target.role != "hq")
    return Wire(setup_of(targets=(*others, hq), resolve_name=host, hq_host=host)).start()


def answered(wire: Wire, address: str, host: str = "hq.example") -> None:
    wire.details = {"resolver": address}
    wire.tell(ResolversSeen(at_s=wire.now_s, addresses=(ROUTER,), cached={host: (address,)}))
    wire.run(20.0)


def asked_hq(wire: Wire) -> set[str]:
    return {probe.target.address for _, probe in wire.probes if probe.target.role == "hq"}


NOWHERE = ["127.0.0.1", "127.8.9.9", "0.0.0.0", "0.1.2.3", "192.168.1.255", "255.255.255.255", "224.0.0.1", "240.0.0.1"]


@pytest.mark.parametrize("address", NOWHERE)
def test_a_name_server_that_sends_hq_to_nowhere_lies_and_nobody_is_asked_there(address: str) -> None:
    wire = named()
    answered(wire, address)
    assert asked_hq(wire) == set()
    assert wire.report.verdict.also == ("resolver_lies",)
    assert [sign.subject for sign in wire.signs("resolver_lies")] == [address]


def test_the_lie_is_said_beside_an_hq_that_does_not_answer_the_agent() -> None:
    wire = named()
    wire.uplink = True
    wire.run(12.0)
    wire.uplink = False
    wire.details = {"resolver": "127.0.0.1"}
    wire.tell(ResolversSeen(at_s=wire.now_s, addresses=(ROUTER,), cached={"hq.example": ("127.0.0.1",)}))
    for _ in range(20):
        wire.stamp(ok=False, trouble="refused")
        wire.run(1.0)
    assert set(wire.report.verdict.faults) <= {"hq_server", "hq_path"}
    assert "resolver_lies" in wire.report.verdict.also


@pytest.mark.parametrize(
    ("address", "host"), [("192.168.1.20", "hq.example"), ("203.0.113.9", "hq.example"), ("127.0.0.1", "hq.localhost")]
)
def test_an_hq_in_the_own_network_or_on_this_very_machine_is_none(address: str, host: str) -> None:
    wire = named(host)
    answered(wire, address, host)
    assert asked_hq(wire) == {address}
    assert not wire.signs("resolver_lies")


def test_an_ipv6_answer_that_hides_a_loopback_is_one() -> None:
    wire = Wire(setup_of()).start()
    wire.address(OWN)
    for address in ("::1", "::", "::ffff:127.0.0.1", "ff02::1"):
        assert not wire.engine.known.may_be_at(address, "hq.example"), address
    assert wire.engine.known.may_be_at("2001:db8::1", "hq.example")
