"""The checks of the deep diagnosis on a virtual clock, over a line that answers as the test wants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tillkeeper.network.deep import dissect, packets
from tillkeeper.network.deep.check import Check, Outcome, Skip
from tillkeeper.network.deep.dhcp import Dhcp
from tillkeeper.network.deep.duplicate import DuplicateAddress
from tillkeeper.network.deep.gateway import GatewayClaims
from tillkeeper.network.deep.path_mtu import PathMtu
from tillkeeper.network.deep.switch_port import SwitchPortCheck
from tillkeeper.network.deep.trace import Trace
from tillkeeper.network.deep.values import Claim, Heard, IcmpHeard, Offer, SwitchPort

OWN, OTHER, ROUTER = "02:00:00:00:00:10", "02:00:00:00:00:66", "02:00:00:00:00:01"


@dataclass
class FakeLine:
    """Notes what is sent; `answer` makes up what comes back for it."""

    answer: Callable[[bytes | str], list[Heard]] = lambda sent: []
    mac: str = OWN
    mtu: int = 1500
    now_s: float = 0.0
    refuse: OSError | None = None
    asked: list[tuple[float, str, str]] = field(default_factory=list)
    discovers: list[float] = field(default_factory=list)
    sent: list[tuple[float, bytes]] = field(default_factory=list)
    waiting: list[Heard] = field(default_factory=list)
    next_ask_s: float = 0.0

    def ask(self, address: str, sender: str) -> bool:
        if self.now_s < self.next_ask_s:
            return False
        self.next_ask_s = self.now_s + 0.5
        self.asked.append((self.now_s, address, sender))
        self.waiting += self.answer(address)
        return True

    def discover(self, transaction: int) -> None:
        self.discovers.append(self.now_s)
        self.waiting += self.answer("discover")

    def packet(self, packet: bytes, target: str) -> float:
        if self.refuse is not None:
            raise self.refuse
        self.sent.append((self.now_s, packet))
        self.waiting += self.answer(packet)
        return self.now_s


def run(check: Check, line: FakeLine, end_s: float = 28.0) -> Outcome:
    """To the end of the check, 20 ms a step, as `deep.run` does."""
    check.begin(0.0)
    while True:
        outcome = check.poll(line.now_s, last=line.now_s >= end_s)
        if outcome is not None:
            return outcome
        assert line.now_s < end_s, "it did not end when it was told to"
        line.now_s += 0.02
        heard, line.waiting = line.waiting, []
        for each in heard:
            check.take(each, line.now_s)


def found(outcome: Outcome) -> dict[str, Any]:
    assert outcome.found is not None
    return outcome.found.plain()


# --- DHCP ---


def offer(server: str, mac: str, router: str, transaction: int = 7) -> Offer:
    return Offer(
        transaction=transaction, mac=mac, server=server, address="10.0.0.9", routers=(router,), resolvers=("9.9.9.9",),
        lease_s=600, relay="",
    )  # fmt: skip


def test_one_dhcp_server_is_told_with_what_it_offers() -> None:
    line = FakeLine(lambda sent: [offer("10.0.0.1", ROUTER, "10.0.0.1")])
    outcome = run(Dhcp(line, 7, "10.0.0.1"), line)
    assert outcome.words == "10.0.0.1 offers 10.0.0.9, router 10.0.0.1, resolvers 9.9.9.9"
    assert found(outcome) | {"offers": []} == {
        "servers": ["10.0.0.1"], "offers": [], "address": "10.0.0.9", "router": "10.0.0.1", "resolvers": ["9.9.9.9"],
        "lease_s": 600, "several": False, "foreign_router": False,
    }  # fmt: skip
    assert len(line.discovers) == 1, "who was answered does not ask again"


def test_a_second_dhcp_server_and_its_own_router_are_told() -> None:
    line = FakeLine(lambda sent: [offer("10.0.0.1", ROUTER, "10.0.0.1"), offer("10.0.0.66", OTHER, "10.0.0.66")])
    outcome = run(Dhcp(line, 7, "10.0.0.1"), line)
    assert found(outcome)["several"]
    assert found(outcome)["foreign_router"]
    assert OTHER in outcome.words


def test_without_a_dhcp_server_three_questions_go_out_and_others_answers_do_not_count() -> None:
    line = FakeLine(lambda sent: [offer("10.0.0.1", ROUTER, "10.0.0.1", transaction=8)])
    outcome = run(Dhcp(line, 7, ""), line)
    assert outcome.words == "No DHCP server answers"
    assert len(line.discovers) == 3


def test_a_crowd_of_dhcp_servers_is_bounded() -> None:
    line = FakeLine(lambda sent: [offer(f"10.0.{n // 250}.{n % 250}", OTHER, "10.0.0.66") for n in range(5000)])
    assert len(found(run(Dhcp(line, 7, ""), line))["offers"]) <= 8


# --- own address, gateway ---


def claim(address: str, mac: str, *, gratuitous: bool = False) -> Claim:
    return Claim(address=address, mac=mac, gratuitous=gratuitous)


def no_vendor(mac: str) -> str:
    return ""


def test_own_address_is_asked_for_three_times_as_rfc_5227_wants_it() -> None:
    line = FakeLine(lambda sent: [claim("10.0.0.10", OWN)])
    outcome = run(DuplicateAddress(line, ("10.0.0.10",), no_vendor), line)
    assert not found(outcome)["duplicate"], "the own MAC, heard through a hub, is no duplicate"
    assert [(address, sender) for _, address, sender in line.asked] == [("10.0.0.10", "0.0.0.0")] * 3
    gaps = [b - a for (a, _, _), (b, _, _) in zip(line.asked, line.asked[1:], strict=False)]
    assert all(1.0 <= gap <= 2.0 for gap in gaps)


def test_whoever_has_the_own_address_is_told_with_mac_and_maker() -> None:
    line = FakeLine(lambda sent: [claim(str(sent), OTHER)])
    outcome = run(DuplicateAddress(line, ("10.0.0.10", "fd00::10"), lambda mac: "Acme"), line)
    assert found(outcome)["claims"] == [f"10.0.0.10: {OTHER}, Acme, 3 times", f"fd00::10: {OTHER}, Acme, 3 times"]
    assert {sender for _, address, sender in line.asked if ":" in address} == {"::"}


def test_two_macs_for_the_gateway_are_told() -> None:
    line = FakeLine(lambda sent: [claim("10.0.0.1", ROUTER), claim("10.0.0.1", OTHER)])
    outcome = run(GatewayClaims(line, (("10.0.0.1", "10.0.0.10"),), no_vendor), line)
    assert found(outcome)["several"]
    assert ROUTER in outcome.words
    assert OTHER in outcome.words


def test_one_gateway_and_a_silent_one() -> None:
    line = FakeLine(lambda sent: [claim("10.0.0.1", "00:00:5e:00:01:05")] if sent == "10.0.0.1" else [])
    outcome = run(GatewayClaims(line, (("10.0.0.1", "10.0.0.10"), ("fe80::1", "fe80::10")), no_vendor), line)
    assert found(outcome)["silent"] == ["fe80::1"]
    assert not found(outcome)["several"]
    assert "shared by routers" in outcome.words


def test_announcements_of_the_gateways_address_are_counted() -> None:
    line = FakeLine(lambda sent: [claim("10.0.0.1", OTHER, gratuitous=True)])
    assert found(run(GatewayClaims(line, (("10.0.0.1", "10.0.0.10"),), no_vendor), line))["gratuitous"] == 5


def test_asking_together_keeps_the_allowance_and_starves_nobody() -> None:
    line = FakeLine()
    checks: list[Check] = [
        DuplicateAddress(line, ("10.0.0.10", "fd00::10"), no_vendor),
        GatewayClaims(line, (("10.0.0.1", "10.0.0.10"), ("fe80::1", "fe80::10")), no_vendor),
    ]
    for check in checks:
        check.begin(0.0)
    while checks:
        checks = [check for check in checks if check.poll(line.now_s, last=False) is None]
        line.now_s += 0.02
        assert line.now_s < 20.0
    asked = [address for _, address, _ in line.asked]
    assert {address: asked.count(address) for address in asked} == {"10.0.0.10": 3, "fd00::10": 3, "10.0.0.1": 5, "fe80::1": 5}


# --- switch ---


def port(name: str, protocol: Any = "LLDP") -> SwitchPort:
    return SwitchPort(
        protocol=protocol, mac=OTHER, switch="sw-bar", description="", port=name, port_description="", vlan=20, management=""
    )


def test_the_switch_port_ends_soon_after_it_was_heard_and_keeps_all() -> None:
    line = FakeLine(waiting=[port("7"), port("7"), port("Gi0/7", "CDP")])
    outcome = run(SwitchPortCheck(line, wireless=False), line)
    assert outcome.words == "Port 7 of sw-bar, VLAN 20"
    assert len(found(outcome)["heard"]) == 2
    assert line.now_s < 3.0


def test_a_silent_switch_is_waited_for_to_the_end() -> None:
    line = FakeLine()
    outcome = run(SwitchPortCheck(line, wireless=False), line, end_s=28.0)
    assert outcome.words.startswith("Nothing heard for 28 s")


# --- the way ---


def hop_answers(hops: list[str], target: str, *, deaf_to_echo: tuple[int, ...] = ()) -> Callable[[bytes | str], list[Heard]]:
    """A chain of routers with the target behind it; those in `deaf_to_echo` (1-based) answer UDP only."""

    def answer(sent: bytes | str) -> list[Heard]:
        assert isinstance(sent, bytes)
        ttl, udp = sent[8], sent[9] == 17
        identifier, sequence = (
            (int.from_bytes(sent[20:22], "big"), int.from_bytes(sent[22:24], "big"))
            if udp
            else (int.from_bytes(sent[24:26], "big"), int.from_bytes(sent[26:28], "big"))
        )
        there = ttl > len(hops)
        if (ttl if not there else len(hops) + 1) in deaf_to_echo and not udp:
            return []
        kind: Any = "time_exceeded" if not there else "port_unreachable" if udp else "echo_reply"
        return [
            IcmpHeard(
                source=target if there else hops[ttl - 1], kind=kind, destination=target, protocol="udp" if udp else "icmp",
                identifier=identifier, sequence=sequence,
            )
        ]  # fmt: skip

    return answer


def echo_heard(source: str, kind: Any, identifier: int, sequence: int, destination: str = "192.0.2.9") -> IcmpHeard:
    return IcmpHeard(
        source=source, kind=kind, destination=destination, protocol="icmp", identifier=identifier, sequence=sequence
    )  # fmt: skip


def trace(line: FakeLine) -> Trace:
    return Trace(line, "hq", "192.0.2.9", "10.0.0.10", 77, 50000)


def test_a_trace_names_every_hop() -> None:
    line = FakeLine(hop_answers(["10.0.0.1", "100.64.0.1"], "192.0.2.9"))
    outcome = run(trace(line), line)
    assert outcome.words == "HQ answers at hop 3"
    assert [hop.rsplit(" ", 2)[0] for hop in found(outcome)["hops"]] == ["1 10.0.0.1", "2 100.64.0.1", "3 192.0.2.9"]
    assert len(line.sent) <= 13


def test_where_echoes_are_dropped_datagrams_find_the_way() -> None:
    line = FakeLine(hop_answers(["10.0.0.1", "100.64.0.1"], "192.0.2.9", deaf_to_echo=(2, 3)))
    outcome = run(trace(line), line)
    assert found(outcome)["reached"]
    assert found(outcome)["hops"][1].startswith("2 100.64.0.1 ")


def test_a_trace_that_ends_early_says_where() -> None:
    only_two = hop_answers(["10.0.0.1", "100.64.0.1", *["203.0.113.1"] * 20], "192.0.2.9")
    line = FakeLine(lambda sent: only_two(sent) if isinstance(sent, bytes) and sent[8] <= 2 else [])
    outcome = run(trace(line), line)
    assert outcome.words == "The way to HQ is known up to hop 2 (100.64.0.1); nothing beyond it answers"
    assert len(line.sent) == 2 * 12 - 2, "two tries, twelve hops, and no second one where the first was answered"


def test_a_router_that_refuses_is_named() -> None:
    def answer(sent: bytes | str) -> list[Heard]:
        return [echo_heard("10.0.0.1", "prohibited", 77, 3)]

    outcome = run(trace(line := FakeLine(answer)), line)
    assert not found(outcome)["reached"]
    assert found(outcome)["stopped_by"] == "10.0.0.1 (prohibited)"


def test_answers_to_others_questions_make_no_hop() -> None:
    def answer(sent: bytes | str) -> list[Heard]:
        return [
            echo_heard("10.6.6.6", "time_exceeded", 78, 1),
            echo_heard("10.6.6.6", "time_exceeded", 77, 1, destination="192.0.2.8"),
            echo_heard("192.0.2.9", "echo_reply", 77, 900),
        ]

    assert run(trace(line := FakeLine(answer)), line).words == "No hop on the way to HQ answers"


# --- path MTU ---


def narrow(limit: int, *, tells: bool) -> Callable[[bytes | str], list[Heard]]:
    def answer(sent: bytes | str) -> list[Heard]:
        assert isinstance(sent, bytes)
        common: dict[str, Any] = {"destination": "192.0.2.9", "protocol": "icmp", "identifier": 9, "sequence": len(sent)}
        if len(sent) <= limit:
            return [IcmpHeard(source="192.0.2.9", kind="echo_reply", **common)]
        return [IcmpHeard(source="100.64.0.1", kind="too_big", mtu=limit, **common)] if tells else []

    return answer


def measure(line: FakeLine) -> Outcome:
    return run(PathMtu(line, (("HQ", "192.0.2.9", "10.0.0.10"), ("x", "192.0.2.7", "10.0.0.10")), 9), line)


def test_a_wide_path_is_found_at_once() -> None:
    line = FakeLine(narrow(1500, tells=True))
    assert found(measure(line))["mtu"] == 1500
    assert line.now_s < 0.5


def test_a_narrow_path_whose_router_says_so() -> None:
    result = found(measure(FakeLine(narrow(1452, tells=True))))
    assert (result["mtu"], result["told_mtu"], result["told_by"], result["black_hole"]) == (1440, 1452, "100.64.0.1", False)


def test_a_narrow_path_where_nobody_says_so_is_a_black_hole() -> None:
    result = found(measure(FakeLine(narrow(1452, tells=False))))
    assert (result["mtu"], result["black_hole"]) == (1440, True)


def test_where_hq_answers_no_echo_the_next_target_is_measured() -> None:
    def answer(sent: bytes | str) -> list[Heard]:
        if isinstance(sent, bytes) and sent[16:20] == bytes([192, 0, 2, 7]):
            return [echo_heard("192.0.2.7", "echo_reply", 9, len(sent), destination="192.0.2.7")]
        return []

    assert found(measure(FakeLine(answer)))["target"] == "192.0.2.7"
    assert measure(FakeLine()).state == "failed"


# --- all ---


@pytest.mark.parametrize(
    "check",
    [
        Dhcp(FakeLine(mac=""), 1, ""),
        SwitchPortCheck(FakeLine(), wireless=True),
        DuplicateAddress(FakeLine(), (), no_vendor),
        GatewayClaims(FakeLine(), (), no_vendor),
        Trace(FakeLine(), "hq", "", "", 1, 50000),
        Trace(FakeLine(), "anycast", "2001:db8::1", "", 1, 50000),
        PathMtu(FakeLine(), (("HQ", "", ""), ("x", "2001:db8::1", "")), 1),
    ],
    ids=lambda check: check.name,
)
def test_what_cannot_be_checked_is_left_out_with_the_reason(check: Check) -> None:
    with pytest.raises(Skip, match=r"\w+ \w+"):
        check.begin(0.0)


def test_packets_have_the_size_and_the_ttl_that_was_asked_for() -> None:
    for source, target in (("10.0.0.10", "192.0.2.9"), ("2001:db8::10", "2001:db8::9")):
        packet = packets.echo(source, target, 3, 1, 1400, 1400)
        assert len(packet) == 1400
        assert packet[7 if ":" in target else 8] == 3
    assert packets.echo("10.0.0.10", "192.0.2.9", 3, 1, 2)[6] & 0x40, "it must not be fragmented"


def test_a_question_reads_back_as_a_claim_of_its_sender_only() -> None:
    assert dissect.frame(packets.ask(OWN, "0.0.0.0", "10.0.0.10")) is None
    assert dissect.frame(packets.ask(OWN, "10.0.0.10", "10.0.0.1")) == claim("10.0.0.10", OWN)
