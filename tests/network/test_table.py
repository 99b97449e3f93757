"""The table of design/network.md, row by row: what a register sees and what may be said of it. The table is the oracle; the
catalogue that the verdict works with is written apart from it."""

import itertools
import re
from dataclasses import dataclass

import msgspec
import pytest
from tests.network.rounds import NOW_S, SETUP, losing, peer, row, sign

from tillkeeper.network.faults import COLUMNS, FAULTS
from tillkeeper.network.model import ColumnName, Evidence, PeerState, Sign, Tri
from tillkeeper.network.verdict import explain

DEAF = ("own_port", "switch_hung", "nic_receive")
ROUTER = ("router_dead", "router_cable")
LINE = ("modem", "isp_access", "router_no_forward")


@dataclass(frozen=True)
class Row:
    """carrier address | broadcast gateway switch neighbours | router hop2 modem anycast | resolver other_resolver portal hq"""

    marks: str
    right: tuple[str, ...]
    signs: tuple[Sign, ...] = ()
    peers_see: str = "1"
    """What the peers' own columns say of all that is silent here and shared."""


TABLE: dict[str, Row] = {
    "own cable or NIC; switch without power": Row("01 ???? ???? ????", ("cable", "switch_power")),
    "own switch port or VLAN; hung switch; NIC receive dead": Row("11 0000 0000 0000", DEAF),
    "NIC transmit dead": Row("11 1000 0000 0000", ("nic_transmit",)),
    "router dead; cable router-switch": Row("11 1011 0000 0000", ROUTER, peers_see="0"),
    "router dead, the resolver is in the store": Row("11 1011 0000 1000", ROUTER, peers_see="0"),
    "router hung": Row("11 1111 0000 0000", ("router_hung",), peers_see="0"),
    "modem or ISP access": Row("11 1111 10?0 0000", LINE, peers_see="0"),
    "modem or ISP access, the router says unreachable": Row(
        "11 1111 10?0 0000", ("modem", "isp_access"), (sign("router_says_unreachable", subject="192.168.1.1"),), peers_see="0"
    ),
    "modem or ISP access, the modem answers": Row("11 1111 1010 0000", ("isp_access",), peers_see="0"),
    "modem or ISP access, the modem is silent": Row("11 1111 1000 0000", ("modem", "router_no_forward"), peers_see="0"),
    "ISP upstream": Row("11 1111 11?0 0000", ("isp_upstream",), peers_see="0"),
    "ISP upstream, the router resolves": Row("11 1111 11?0 1000", ("isp_upstream",), peers_see="0"),
    "no second hop was ever seen": Row("11 1111 1??0 0000", ("modem", "isp_access", "isp_upstream", "router_no_forward")),
    "DNS: own resolver": Row("11 1111 11?1 0111", ("dns_own",), peers_see="0"),
    "DNS: blocked": Row("11 1111 11?1 0011", ("dns_blocked",), peers_see="0"),
    "DNS: no other resolver asked": Row("11 1111 11?1 0?11", ("dns_own", "dns_blocked"), peers_see="0"),
    "captive portal": Row("11 1111 11?1 1100", ("captive_portal",), (sign("captive_redirect"),), peers_see="0"),
    "captive portal, addresses silent": Row(
        "11 1111 11?0 1100", ("captive_portal",), (sign("captive_redirect"),), peers_see="0"
    ),
    "HQ server": Row("11 1111 11?1 1110", ("hq_server",), (sign("hq_host_alive"),), peers_see="0"),
    "HQ server or the path to it": Row("11 1111 11?1 1110", ("hq_server", "hq_path"), peers_see="0"),
    "path to HQ": Row("11 1111 11?1 1110", ("hq_path",), (sign("hq_path_unreachable"),), peers_see="0"),
    "nothing": Row("11 1111 1111 1111", ()),
    "off the table: duplicate address": Row("11 1111 0101 1110", ("duplicate_address",), (sign("duplicate_address"),)),
    "off the table: DHCP lost": Row("10 11?1 ???? ????", ("dhcp_lost",), (sign("address_missing"),)),
    "off the table: an address of one's own making": Row("10 11?1 ???? ????", ("dhcp_lost",), (sign("address_self_assigned"),)),
    "off the table: no default route": Row("11 11?1 ???? ????", ("no_gateway",), (sign("gateway_missing"),)),
    "off the table: wrong subnet": Row("11 10?0 00?0 0000", ("wrong_subnet",), (sign("wrong_subnet"),)),
    "off the table: two MACs for the router": Row("11 1111 0000 0000", ("gateway_spoofed",), (sign("gateway_two_macs"),)),
    "off the table: a new MAC for the router": Row("11 1111 1111 1111", ("gateway_replaced",), (sign("gateway_mac_changed"),)),
    "off the table: loop": Row("11 1010 0000 0000", ("broadcast_loop",), (sign("broadcast_loop", amount=90_000.0),)),
    "off the table: losses": Row("11 1111 1111 1111", ("loss_isp",), (sign("loss", layer="isp", amount=0.2),)),
    "off the table: losses before the router": Row(
        "11 1111 1111 1111", ("loss_router", "loss_lan"), (sign("loss", layer="router", amount=0.05, detail="or lan"),)
    ),
    "off the table: delays": Row("11 1111 1111 1111", ("latency_router",), (sign("latency", layer="router", amount=300.0),)),
    "off the table: no advertisement": Row("11 1111 1111 1111", ("ipv6_router_lost",), (sign("router_advertisement_lost"),)),
    "off the table: adapter gone": Row("?? ???? ???? ????", ("interface_missing",), (sign("interface_missing"),)),
    "off the table: adapter off": Row("?? ???? ???? ????", ("interface_disabled",), (sign("interface_disabled"),)),
    "off the table: flapping": Row("11 1111 1111 1111", ("link_flapping",), (sign("link_flapping"),)),
    "off the table: Wi-Fi": Row("01 ???? ???? ????", ("wifi_lost",), (sign("wifi_not_associated"),)),
}


def seen(row_: Row, *, peers: bool, managed: bool, for_s: float = 4.0) -> Evidence:
    marks = list(row_.marks.replace(" ", ""))
    if not peers:
        marks[COLUMNS.index("broadcast")] = "?"
    if not managed:
        marks[COLUMNS.index("switch")] = "?"
    state: Tri = "yes" if row_.peers_see == "1" else "no"
    silent: dict[ColumnName, Tri] = {name: state for name, mark in zip(COLUMNS, marks, strict=True) if mark == "0"}
    shared: dict[str, Tri] = {name: state for name, state in silent.items() if name not in ("carrier", "broadcast", "switch")}
    others: tuple[PeerState, ...] = (peer("bar", **shared), peer("grill", **shared)) if peers else ()
    return row("".join(marks), signs=row_.signs, peers=others, for_s=for_s)


@pytest.mark.parametrize(("peers", "managed"), list(itertools.product((True, False), repeat=2)))
@pytest.mark.parametrize("name", TABLE)
def test_every_row_gives_its_set(name: str, peers: bool, managed: bool) -> None:
    wanted = TABLE[name]
    right = set(wanted.right)
    if not peers and (wanted.right == DEAF or name == "NIC transmit dead"):
        right = {*DEAF, "nic_transmit"}  # nobody broadcasts: a dead transmitter looks the same
    found = explain(seen(wanted, peers=peers, managed=managed), SETUP)
    assert set(found.faults) == right


@pytest.mark.parametrize("families", [("ipv4",), ("ipv6",), ("ipv4", "ipv6")])
@pytest.mark.parametrize("name", [name for name in TABLE if not re.search("DHCP|own making|default route", name)])
def test_the_protocol_makes_no_difference(name: str, families: tuple[str, ...]) -> None:
    evidence = seen(TABLE[name], peers=True, managed=True)
    evidence = msgspec.structs.replace(evidence, families=dict.fromkeys(families, evidence.columns))  # type: ignore[misc]
    setup = msgspec.structs.replace(SETUP, families=families)
    assert set(explain(evidence, setup).faults) == set(TABLE[name].right)


@pytest.mark.parametrize("name", [name for name, one in TABLE.items() if "0" in one.marks and not one.signs])
def test_the_likeliest_comes_first(name: str) -> None:
    found = explain(seen(TABLE[name], peers=True, managed=True), SETUP).faults
    assert list(found) == sorted(found, key=lambda code: FAULTS[code].prior)


def test_every_fault_of_the_catalogue_is_in_the_table() -> None:
    told = {code for one in TABLE.values() for code in one.right}
    kinds = {code.partition("_")[0] for code in told}
    assert {code for code in FAULTS if code not in told and code.partition("_")[0] not in kinds} == set()
    assert told <= set(FAULTS)


@pytest.mark.parametrize("place", ["lan", "router", "isp", "internet"])
@pytest.mark.parametrize("kind", ["loss", "latency"])
def test_losses_and_delays_are_named_by_the_layer_that_they_begin_at(kind: str, place: str) -> None:
    evidence = row("11 1111 1111 1111", signs=(sign(kind, layer=place, amount=0.3),))
    if place == "lan":
        evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"neighbours": losing(9)})
    assert explain(evidence, SETUP).faults == (f"{kind}_{place}",)


def test_evidence_is_of_the_moment_that_it_says() -> None:
    assert seen(TABLE["nothing"], peers=True, managed=True).at_s == NOW_S
