"""What people read: every fault has words, nobody at the counter reads jargon, places and numbers of the configuration are
in it."""

import re

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.network.rounds import NOW_S, SETUP, peer, row, sign
from tests.network.test_table import TABLE, seen
from tests.network.test_verdict import anything

from tillkeeper.config.network import Link, Links
from tillkeeper.network.faults import ADVISORIES, FAULTS
from tillkeeper.network.model import Column, Evidence, Verdict
from tillkeeper.network.verdict import explain
from tillkeeper.network.words import Words, headline_of, say

LINKS = Links(
    cables={"till-1": Link(cable_colour="blue", where="to the switch under the counter")},
    switch=Link(where="under the counter, left of the safe"),
    router=Link(where="in the office", cable_colour="yellow"),
    modem=Link(where="in the cellar"),
    internet=Link(provider="Fibernet", isp_phone="0800 123 456", account="4711"),
)  # fmt: skip
SETS = tuple({one.right for one in TABLE.values() if one.right} | {("own_port", "switch_hung", "nic_receive", "nic_transmit")})
JARGON = re.compile(
    r"\b(ARP|ND|DHCP|ICMP|TCP|UDP|TLS|MAC|VLAN|NIC|LAN|WAN|RST|TTL|DNS|gateway|carrier|subnet|resolver|latency|packets?|ping"
    r"|anycast|echo|hop|port|beacon|interface|NaN|None|inf)\b"
)


def confirmed(faults: tuple[str, ...], links: Links = LINKS, *, box: bool = False, evidence: Evidence | None = None) -> Words:
    return say(Verdict(phase="confirmed", faults=faults), evidence, links, "till-1", all_in_one=box)


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("faults", [(code,) for code in FAULTS] + list(SETS))
def test_everything_at_the_counter_is_plain_and_whole(faults: tuple[str, ...], box: bool) -> None:
    for links in (LINKS, Links()):
        words = confirmed(faults, links, box=box)
        assert words.what_to_do
        assert words.works.endswith(".")
        for text in (words.headline, words.question, words.works, *words.what_to_do):
            assert not re.search(r"[{}]|  |\(\)|\.\.|\?\.| ,| \.", text), text
            assert not JARGON.search(text), text
        assert not words.headline.endswith((".", "?"))
        assert words.headline[0].isupper()
        assert len(words.headline) <= 90
        assert all(step[0].isupper() and step[-1] in ".?" for step in words.what_to_do)
        assert len(set(words.what_to_do)) == len(words.what_to_do) <= 7


@pytest.mark.parametrize("faults", [one for one in SETS if len(one) > 1])
def test_a_set_comes_with_a_question_that_splits_it(faults: tuple[str, ...]) -> None:
    assert confirmed(faults).question.endswith("?")


@pytest.mark.parametrize("code", FAULTS)
def test_suspicion_is_said_with_reserve(code: str) -> None:
    words = say(Verdict(phase="suspect", faults=(code,)), None, LINKS, "till-1")
    assert words.headline.startswith("Not sure yet: it may be ")
    assert not JARGON.search(words.headline)


def test_the_cable_or_the_switch() -> None:
    words = confirmed(("cable", "switch_power"))
    assert words.headline == "The cable of this register or the switch's power"
    first, second = words.what_to_do[:2]
    assert "the cable at the back of this register (blue, to the switch under the counter)" in first
    assert second == "Look at the switch (under the counter, left of the safe): does it have lights?"
    assert words.question == "Does the switch have lights?"
    assert words.works.startswith("Selling and cash go on.")


def test_a_cable_without_a_place_of_its_own_goes_to_the_switch() -> None:
    links = msgspec.structs.replace(LINKS, cables={"till-1": Link(cable_colour="red")})
    assert "(red, to the switch under the counter, left of the safe)" in confirmed(("cable",), links).what_to_do[0]
    assert "the cable at the back of this register:" in confirmed(("cable",), Links()).what_to_do[0]


def test_whom_to_call_and_what_to_say() -> None:
    steps = " ".join(confirmed(("isp_access",)).what_to_do)
    assert "Call Fibernet at 0800 123 456. Say the account number 4711." in steps
    assert "Call the internet provider." in " ".join(confirmed(("isp_access",), Links()).what_to_do)
    of_modem = Links(modem=Link(isp_phone="0800 9"))
    assert "0800 9" in " ".join(confirmed(("isp_access",), of_modem).what_to_do)


def test_an_all_in_one_box_is_one_thing() -> None:
    for faults in SETS:
        words = confirmed(faults, box=True)
        for text in (words.headline, words.question, *words.what_to_do):
            assert not re.search(r"\bswitch\b(?! under)", text.replace("to the switch under the counter", "")), text


def test_braces_in_the_configuration_are_no_placeholders() -> None:
    links = Links(switch=Link(where="{cable} {"), internet=Link(provider="{call}", account="}{"))
    assert "{cable} {" in " ".join(confirmed(("cable", "switch_power"), links).what_to_do)
    assert "Call {call}. Say the account number }{." in " ".join(confirmed(("isp_access",), links).what_to_do)


def test_fine_and_checking_are_said_shortly() -> None:
    fine = say(Verdict(phase="fine"), row("11 1111 1111 1111"), LINKS, "till-1")
    assert (fine.headline, fine.what_to_do, fine.works) == ("The network works", (), "")
    assert say(Verdict(phase="checking"), None, LINKS, "till-1").headline == "Checking the network"
    backup = say(Verdict(phase="fine", also=("on_backup_line",)), None, LINKS, "till-1")
    assert backup.headline == "The network works, on the backup line"
    assert "Fibernet" in backup.also[0].hint


@pytest.mark.parametrize("marks", ["11 1111 1??? ????", "11 1111 11?? 1???", "11 1111 1?0? ????"])
def test_a_network_whose_internet_never_answered_is_not_said_to_work(marks: str) -> None:
    said = say(Verdict(phase="fine"), row(marks), LINKS, "till-1")
    assert said.headline == "The store's network works; whether the internet does is not known"
    assert said.evidence == ("Nothing in the internet has answered so far",)
    assert said.works == "Selling, printing and cash go on."
    assert "no internet" in said.what_to_do[0]
    assert "Fibernet" in said.what_to_do[-1]


@pytest.mark.parametrize("code", [*ADVISORIES, *(f"and:{code}" for code in FAULTS)])
def test_every_advisory_has_words(code: str) -> None:
    subjects = {"family_broken": ":ipv6", "device_silent": ":grill", "device_routed": ":grill", "peer_silent": ":bar"}
    (also,) = say(Verdict(phase="fine", also=(code + subjects.get(code, ""),)), None, LINKS, "till-1").also
    assert also.text != code
    assert also.hint.endswith((".", "?"))
    assert not re.search(r"[{}]|\(\)", also.text + also.hint)


def test_headlines_of_the_history() -> None:
    assert headline_of(("switch_power",)) == "The switch has no power"
    assert headline_of(("cable", "switch_power")) == "The cable of this register or the switch's power"
    assert headline_of(()) == ""
    assert headline_of(("something new",)) == ""


def test_evidence_names_what_is_silent_for_how_long_and_what_answers_all_the_same() -> None:
    evidence = row("11 1011 0000 0000", run=40, for_s=4.0, peers=(peer("bar", gateway="no"),))
    words = confirmed(("router_dead", "router_cable"), evidence=evidence)
    assert "The router has not answered for 4 s (40 questions)" in words.evidence
    assert "Printers, screens and other registers answered 0.1 s ago, in 0.4 ms" in words.evidence
    assert "The register bar does not reach the router either" in words.evidence
    assert len(words.evidence) <= 12


def test_what_goes_on_without_names_depends_on_whether_hq_is_still_there() -> None:
    there, gone = row("11 1111 1111 0111"), row("11 1111 1111 0110")
    assert confirmed(("dns_own",), evidence=there).works == "Selling, printing and cash go on."
    assert "sent later" in confirmed(("dns_own",), evidence=gone).works


def test_an_answer_from_before_the_trouble_is_no_evidence() -> None:
    evidence = row("11 1111 1100 0??1", run=8, for_s=0.8)
    stale = msgspec.structs.replace(evidence.columns["hq"], answered_s=NOW_S - 1.9)
    late = msgspec.structs.replace(evidence, columns=evidence.columns | {"hq": stale})
    assert any(words.startswith("HQ's server answered") for words in confirmed(("isp_upstream",), evidence=evidence).evidence)
    assert not any(words.startswith("HQ's server") for words in confirmed(("isp_upstream",), evidence=late).evidence)


def test_a_login_page_has_not_been_silent() -> None:
    words = confirmed(("captive_portal",), evidence=row("11 1111 1111 1100", run=8, for_s=4.0))
    assert any(line.startswith("The check for a login page has given no right answer for 4 s") for line in words.evidence)


def test_evidence_of_the_kernel_and_of_signs() -> None:
    out = confirmed(("cable", "switch_power"), evidence=row("01 ???? ???? ????", for_s=90.0))
    assert out.evidence == ("The interface eth0 has had no carrier for 90 s",)
    loss = row("11 1111 1111 1111", signs=(sign("loss", layer="isp", amount=0.2),))
    assert '20 % of the questions are lost from the layer "isp" on' in confirmed(("loss_isp",), evidence=loss).evidence


def test_a_round_trip_too_short_to_be_measured_is_left_out() -> None:
    evidence = row("11 1011 0000 0000")
    quick = Column(state="yes", hits=9, paths=1, answered_s=NOW_S - 0.5, rtt_ms=0.01)
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"neighbours": quick})
    assert "Printers, screens and other registers answered 0.5 s ago" in confirmed(("router_dead",), evidence=evidence).evidence


def test_a_store_whose_only_protocol_is_lost_is_not_told_that_everything_goes_on() -> None:
    with_ipv4, without = row("11 1111 1111 1111"), row("11 1110 0000 0000")
    assert confirmed(("ipv6_router_lost",), evidence=with_ipv4).works == "Everything goes on."
    assert "HQ" in confirmed(("ipv6_router_lost",), evidence=without).works


@given(evidence=anything, phase=st.sampled_from(("fine", "checking", "suspect", "confirmed")))
@settings(max_examples=200, deadline=None)
def test_no_evidence_is_too_odd_for_words(evidence: Evidence, phase: str) -> None:
    found = explain(evidence, SETUP)
    words = say(Verdict(phase=phase, faults=found.faults, also=found.also), evidence, LINKS, "till-1")  # type: ignore[arg-type]
    assert words.headline
    assert len(words.evidence) <= 20


@pytest.mark.parametrize("name", TABLE)
def test_every_row_of_the_table_has_evidence(name: str) -> None:
    evidence = seen(TABLE[name], peers=True, managed=True)
    found = explain(evidence, SETUP)
    words = say(Verdict(phase="confirmed", faults=found.faults, also=found.also), evidence, LINKS, "till-1")
    assert bool(words.evidence) == bool(found.faults)


def test_a_second_fault_is_said_as_the_set_that_it_is() -> None:
    verdict = Verdict(phase="confirmed", faults=("gateway_replaced",), also=("and:modem|router_no_forward", "and:modem|what"))
    second, unknown = say(verdict, None, LINKS, "till-1").also
    assert second.text == "No internet: the modem or the router"
    assert second.hint.startswith("Look at the modem")
    assert unknown.code == "and:modem|what"
