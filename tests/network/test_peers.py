"""What other registers' word changes."""

import msgspec
import pytest
from tests.network.rounds import SETUP, peer, row, sign, silent

from tillkeeper.network.faults import FAULTS
from tillkeeper.network.model import Tri
from tillkeeper.network.peers import live, word_cost
from tillkeeper.network.verdict import explain

OLD, NEW = "02:00:00:00:00:01", "02:00:00:00:00:66"
CHANGED = f"{OLD} -> {NEW}"


def test_peers_that_fell_silent_with_everything_else_say_nothing_of_now() -> None:
    deaf = row("11 0000 0000 0000", peers=(peer(gateway="yes"),))
    assert live(deaf) == ()
    hearing = row("11 1011 0000 0000", peers=(peer(gateway="yes"),))
    assert len(live(hearing)) == 1


@pytest.mark.parametrize(("word", "sign_"), [("no", -1), ("unknown", 0), ("yes", 1)])
def test_a_shared_fault_is_likelier_where_peers_see_it_too(word: Tri, sign_: int) -> None:
    evidence = row("11 1011 0000 0000", peers=(peer(gateway=word, router=word),), for_s=4.0)
    cost = word_cost(FAULTS["router_dead"], {"gateway", "router"}, evidence.at_s - 4.0, evidence)
    assert (cost > 0) - (cost < 0) == sign_


def test_a_peers_beacon_may_be_older_than_the_fault() -> None:
    evidence = row("11 1011 0000 0000", peers=(peer(gateway="yes", router="yes"),), for_s=1.0)
    assert word_cost(FAULTS["router_dead"], {"gateway", "router"}, evidence.at_s - 1.0, evidence) == 0.0


def test_what_is_mine_alone_is_not_asked_of_peers() -> None:
    evidence = row("11 1000 0000 0000", peers=(peer(gateway="yes"),), for_s=4.0)
    assert word_cost(FAULTS["nic_transmit"], {"gateway"}, evidence.at_s - 4.0, evidence) == 0.0


def test_i_ask_in_vain_and_all_that_i_hear_are_well() -> None:
    """Their router answers them: it is my transmitter, and not a dead router beside dead printers."""
    evidence = row("11 1000 0000 0000", peers=(peer("bar", gateway="yes"), peer("grill", gateway="yes")), for_s=4.0)
    assert explain(evidence, SETUP).faults == ("nic_transmit",)


def test_many_peers_weigh_no_more_than_two() -> None:
    two = row("11 1011 0000 0000", peers=[peer(f"r{i}", gateway="no", router="no") for i in range(2)], for_s=4.0)
    many = row("11 1011 0000 0000", peers=[peer(f"r{i}", gateway="no", router="no") for i in range(30)], for_s=4.0)
    assert explain(two, SETUP).margin == explain(many, SETUP).margin


def test_a_pretender_is_told_from_a_new_router_by_what_peers_have() -> None:
    def faults(peers_mac: str, *, age_s: float = 5.0, pinned: str = "", detail: str = CHANGED) -> tuple[str, ...]:
        changed = sign("gateway_mac_changed", age_s=age_s, detail=detail)
        evidence = row("11 1111 1111 1111", signs=(changed,), peers=(peer(gateway_mac=peers_mac, gateway="yes"),))
        return explain(evidence, msgspec.structs.replace(SETUP, gateway_mac=pinned)).faults

    assert faults(NEW) == ("gateway_replaced",)
    assert faults(OLD) == ("gateway_spoofed",)
    assert faults(OLD, age_s=0.5) == ("gateway_replaced",)
    assert faults("") == ("gateway_replaced",)
    assert faults("", pinned=OLD) == ("gateway_spoofed", "gateway_replaced")
    assert faults("", pinned=NEW) == ("gateway_replaced",)
    assert faults(OLD, detail=f"{CHANGED} VRRP") == ("gateway_replaced",)


def test_two_macs_that_both_answer_are_a_pretender_whatever_peers_have() -> None:
    evidence = row("11 1111 1111 1111", signs=(sign("gateway_two_macs", detail=CHANGED),), peers=(peer(gateway_mac=NEW),))
    assert explain(evidence, SETUP).faults == ("gateway_spoofed",)


def test_a_silent_broadcast_column_alone_is_no_fault_of_mine() -> None:
    evidence = row("11 1111 1111 1111")
    quiet = msgspec.structs.replace(evidence, columns=evidence.columns | {"broadcast": silent(run=20, for_s=20.0)})
    assert explain(quiet, SETUP).faults == ()


def test_who_takes_the_address_of_a_dead_router_and_routes_nothing_may_be_either() -> None:
    changed = sign("gateway_mac_changed", detail=CHANGED)
    assert explain(row("11 1111 0000 0000", signs=(changed,), run=30, for_s=3.0), SETUP).faults == (
        "gateway_spoofed", "gateway_replaced",
    )  # fmt: skip
