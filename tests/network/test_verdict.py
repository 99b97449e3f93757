"""What explains evidence at the least cost, away from the table: odd evidence, doubles, losses, advisories."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.network.rounds import NOW_S, SETUP, answering, losing, peer, row, sign, silent, unknown

from tillkeeper.network.faults import COLUMNS, FAULTS
from tillkeeper.network.likelihood import MUTE
from tillkeeper.network.model import Column, ColumnName, Evidence, PeerState, Sign, SignKind, Target
from tillkeeper.network.setup import Setup
from tillkeeper.network.verdict import explain

ASKED = tuple(MUTE)
SILENT_CODES = tuple(code for code, fault in FAULTS.items() if fault.keys)

_times = st.one_of(st.none(), st.floats(min_value=-10.0, max_value=2 * NOW_S))
_counts = st.integers(min_value=0, max_value=2_000)
_columns = st.builds(
    Column,
    state=st.sampled_from(("yes", "no", "unknown")),
    hits=_counts,
    misses=_counts,
    late=_counts,
    run=_counts,
    paths=st.integers(min_value=0, max_value=9),
    since_s=_times,
    answered_s=_times,
    missing_s=_times,
    recent=st.text(alphabet=".x", max_size=40),
    detail=st.sampled_from(("", "wireless", "192.168.100.1", "{odd}")),
)
_kinds: tuple[SignKind, ...] = SignKind.__args__  # type: ignore[attr-defined]
_signs = st.builds(
    Sign,
    kind=st.sampled_from(_kinds),
    since_s=st.floats(min_value=0.0, max_value=2 * NOW_S),
    subject=st.sampled_from(("", "grill", "ipv6")),
    layer=st.sampled_from(("", "lan", "router", "isp", "internet", "moon")),
    amount=st.floats(min_value=0.0, max_value=1e6),
    detail=st.sampled_from(("", "a -> b", "02:00:00:00:00:01 -> 02:00:00:00:00:02 VRRP")),
)
_peers = st.builds(
    PeerState,
    register=st.sampled_from(("bar", "grill")),
    session=st.integers(0, 3),
    sequence=st.integers(0, 9),
    address=st.just("192.168.1.11"),
    columns=st.dictionaries(st.sampled_from(COLUMNS), st.sampled_from(("yes", "no", "unknown"))),
    phase=st.sampled_from(("fine", "suspect", "confirmed")),
    gateway_mac=st.sampled_from(("", "a", "b")),
)
anything = st.builds(
    Evidence,
    at_s=st.just(NOW_S),
    interface=st.just("eth0"),
    columns=st.dictionaries(st.sampled_from(COLUMNS), _columns),
    signs=st.lists(_signs, max_size=4).map(tuple),
    peers=st.lists(_peers, max_size=3).map(tuple),
    trusted=st.booleans(),
)


@given(evidence=anything, families=st.sampled_from((("ipv4",), ("ipv6",), ("ipv4", "ipv6"))), box=st.booleans())
@settings(max_examples=400, deadline=None)
def test_anything_is_explained_by_faults_that_there_are(evidence: Evidence, families: tuple[str, ...], box: bool) -> None:
    setup = msgspec.structs.replace(SETUP, families=families, all_in_one=box)
    found = explain(evidence, setup)
    assert set(found.faults) <= set(FAULTS)
    assert len(set(found.faults)) == len(found.faults)
    assert found == explain(evidence, setup)
    if box:
        assert "router_cable" not in found.faults


_states = st.lists(st.sampled_from("01?"), min_size=len(ASKED), max_size=len(ASKED))


@given(marks=_states, name=st.sampled_from(ASKED), runs=st.integers(3, 60))
@settings(max_examples=300, deadline=None)
def test_an_answer_now_leaves_no_set_whose_members_all_say_that_it_is_dead(marks: list[str], name: str, runs: int) -> None:
    marks[ASKED.index(name)] = "1"  # type: ignore[arg-type]
    evidence = row("11" + "".join(marks), run=runs, for_s=runs / 10)
    columns = evidence.columns | {name: answering(age_s=0.0)}
    found = explain(msgspec.structs.replace(evidence, columns=columns), SETUP)
    assert not found.faults or any(FAULTS[code].columns[name] != "no" for code in found.faults)  # type: ignore[index]


@given(code=st.sampled_from(SILENT_CODES), run=st.integers(1, 40), more=st.integers(1, 20), name=st.sampled_from(ASKED))
@settings(max_examples=300, deadline=None)
def test_more_misses_never_make_what_predicts_them_less_likely(code: str, run: int, more: int, name: ColumnName) -> None:
    fault = FAULTS[code]
    dead = [one for one in ASKED if fault.columns[one] == "no"]
    name = dead[ASKED.index(name) % len(dead)]

    def with_run(rounds: int) -> Evidence:
        columns: dict[ColumnName, Column] = {one: answering() for one in COLUMNS}
        columns |= {one: silent(run=run, for_s=run / 10) for one in dead}
        columns[name] = silent(run=rounds, for_s=run / 10)
        return Evidence(at_s=NOW_S, interface="eth0", columns=columns)

    fewer, many = explain(with_run(run), SETUP), explain(with_run(run + more), SETUP)
    if code in fewer.faults:
        assert code in many.faults
        assert many.margin >= fewer.margin - 1e-9


def test_nothing_known_is_nothing_said() -> None:
    nothing = row("?? ???? ???? ????")
    assert explain(nothing, SETUP).faults == ()
    empty = Evidence(at_s=NOW_S, interface="eth0", columns={})
    assert explain(empty, SETUP).faults == ()


def test_one_reply_outweighs_many_misses() -> None:
    dead = row("11 1011 0000 0000", run=30, for_s=3.0)
    assert "router_dead" in explain(dead, SETUP).faults
    replied = msgspec.structs.replace(dead, columns=dead.columns | {"gateway": answering(age_s=0.05)})
    assert "router_dead" not in explain(replied, SETUP).faults
    heard_of_beyond = msgspec.structs.replace(dead, columns=dead.columns | {"anycast": answering(age_s=0.05)})
    assert not set(explain(heard_of_beyond, SETUP).faults) & {"router_dead", "router_cable", "router_hung", "modem"}


def test_an_old_answer_of_a_column_that_is_asked_seldom_says_nothing_against_it() -> None:
    """The gateway's ARP was answered just before all went silent, and has not been asked since."""
    dead = row("11 1011 0000 0000", run=10, for_s=1.0)
    evidence = msgspec.structs.replace(dead, columns=dead.columns | {"gateway": answering(age_s=1.05)})
    assert "router_dead" in explain(evidence, SETUP).faults


def test_what_falls_silent_by_itself_is_no_outage() -> None:
    for name in ("hop2", "modem", "portal", "switch", "broadcast", "neighbours", "router"):
        evidence = row("11 1111 1111 1111")
        evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {name: silent(run=100, for_s=10.0)})
        assert explain(evidence, SETUP).faults == (), name


def test_hq_that_answers_refutes_an_outage_of_the_line() -> None:
    assert explain(row("11 1111 1000 1101"), SETUP).faults == ()
    assert explain(row("11 1111 1000 ??01"), SETUP).faults == ()


def test_the_backup_line_explains_a_silent_second_hop() -> None:
    found = explain(row("11 1111 1001 1111", signs=(sign("on_backup_line"),)), SETUP)
    assert (found.faults, found.also) == ((), ("on_backup_line",))


def test_losses_compete_with_deaths() -> None:
    """Eight rounds of the router are lost in a burst, but others lose some as well: not enough to tell a death from losses."""
    lossy = row("11 1111 0000 0000", run=7, for_s=0.7)
    calm = explain(lossy, SETUP).margin
    lossy_neighbours = Column(
        state="yes", hits=40, misses=6, run=1, paths=1, since_s=1.0, answered_s=NOW_S - 0.25, missing_s=NOW_S - 0.1,
        recent="." * 24 + "xx.xx.xx.x",
    )  # fmt: skip
    some = msgspec.structs.replace(lossy, columns=lossy.columns | {"neighbours": lossy_neighbours})
    assert explain(some, SETUP).margin < calm


def test_a_second_fault_that_can_be_seen_is_told_besides() -> None:
    both = explain(row("11 1111 1111 0110"), SETUP)
    assert both.faults == ("dns_own",)
    assert "and:hq_server|hq_path" in both.also
    assert explain(row("11 1111 1111 0111"), SETUP).also == ()
    assert explain(row("11 1111 1111 1110"), SETUP).also == ()
    hidden = explain(row("11 1111 1000 0000"), SETUP)
    assert not [one for one in hidden.also if one.startswith("and:")]


def test_names_and_hq_may_fail_both_whatever_says_where_hq_is_lost() -> None:
    for unreachable in ((), (sign("hq_path_unreachable"),)):
        found = explain(row("11 1111 1111 0110", run=30, for_s=8.0, signs=unreachable), SETUP)
        assert found.faults == ("dns_own",)
        assert found.also[0] == ("and:hq_path" if unreachable else "and:hq_server|hq_path")


def test_nobody_answers_for_the_router_where_nobody_answers_at_all() -> None:
    found = explain(row("11 0000 0000 0000", signs=(sign("gateway_two_macs"),), run=30, for_s=4.0), SETUP)
    assert set(found.faults) == {"own_port", "switch_hung", "nic_receive"}
    assert explain(row("11 1111 1111 1111", signs=(sign("gateway_two_macs"),)), SETUP).faults == ("gateway_spoofed",)


def test_a_replaced_router_behind_which_the_line_is_dead() -> None:
    found = explain(row("11 1111 1010 0000", signs=(sign("gateway_mac_changed"),), run=30, for_s=3.0), SETUP)
    assert set(found.faults) == {"isp_access"}
    assert "and:gateway_replaced" in found.also
    begins = explain(row("11 1111 1010 0000", signs=(sign("gateway_mac_changed"),), run=3, for_s=0.4), SETUP)
    assert begins.faults == ("gateway_replaced",)
    assert begins.also == ()


def test_a_modem_that_routes_is_the_second_hop() -> None:
    modem = Target(name="modem", role="modem", family="ipv4", address="192.168.100.1", ways=("echo",))
    setup = Setup(register="till-1", targets=(modem,))
    evidence = row("11 1111 1110 0000")
    assert "isp_access" not in explain(evidence, setup).faults
    hop2 = msgspec.structs.replace(answering(), detail="192.168.100.1")
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"hop2": hop2})
    assert set(explain(evidence, setup).faults) == {"isp_access", "isp_upstream"}
    said = row("11 1111 10?0 0000", signs=(sign("router_says_unreachable", subject="192.168.100.1"),))
    assert explain(said, setup).faults == ("isp_access",)


def test_carrier_is_certain_and_silences_everything() -> None:
    signs = (sign("device_silent", subject="grill"), sign("family_broken", subject="ipv6"), sign("clock_wrong"),
             sign("metered"))  # fmt: skip
    found = explain(row("01 0000 0000 0000", signs=signs), SETUP)
    assert found.certain
    assert found.also == ("clock_wrong", "metered")


def test_an_address_may_take_its_time_after_the_carrier_is_back() -> None:
    lost = row("10 ???? ???? ????", signs=(sign("address_missing"),))
    assert explain(lost, SETUP).certain
    up = Column(state="yes", since_s=NOW_S - 1.0)
    fresh = msgspec.structs.replace(lost, columns=lost.columns | {"carrier": up})
    assert not explain(fresh, SETUP).certain


def test_a_dead_router_explains_the_lost_address() -> None:
    found = explain(row("10 1011 ???? ????", signs=(sign("address_missing"),)), SETUP)
    assert found.faults == ("router_dead", "router_cable")


def test_advisories_stand_beside_a_network_that_works() -> None:
    signs = (
        sign("device_silent", subject="grill"), sign("device_silent", subject="grill"), sign("wifi_weak", amount=-80.0),
        sign("family_broken", subject="ipv6"), sign("hq_refuses"), sign("peer_silent", subject="bar"),
    )  # fmt: skip
    found = explain(row("11 1111 1111 1111", signs=signs), SETUP)
    assert found.faults == ()
    assert found.also == ("device_silent:grill", "wifi_weak", "family_broken:ipv6", "hq_refuses", "peer_silent:bar")


def test_losses_of_a_broken_protocol_are_not_the_lines() -> None:
    signs = (sign("family_broken", subject="ipv6"), sign("loss", layer="isp", amount=0.5))
    assert explain(row("11 1111 1111 1111", signs=signs), SETUP).faults == ()


def test_losses_nearer_than_an_outage_are_told_besides() -> None:
    signs = (sign("loss", layer="lan", amount=0.2), sign("loss", layer="internet", amount=0.9))
    evidence = row("11 1111 1010 0000", signs=signs)
    found = explain(msgspec.structs.replace(evidence, columns=evidence.columns | {"neighbours": losing(5)}), SETUP)
    assert found.faults == ("isp_access",)
    assert "and:loss_lan" in found.also
    assert "and:loss_internet" not in found.also


def test_a_refusing_hq_is_alive() -> None:
    """Its refusals make the column "no" though it answers: an advisory, and no outage of the server."""
    hq = Column(state="no", hits=20, run=0, paths=1, since_s=NOW_S - 5.0, answered_s=NOW_S - 0.1)
    evidence = row("11 1111 1111 1111", signs=(sign("hq_refuses"),))
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"hq": hq})
    found = explain(evidence, SETUP)
    assert (found.faults, found.also) == ((), ("hq_refuses",))


def test_a_target_that_never_worked_weighs_nothing() -> None:
    evidence = row("11 1111 1111 1111")
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | dict.fromkeys(ASKED, unknown()))
    assert explain(evidence, SETUP).faults == ()


def test_peers_that_see_the_same_make_a_shared_fault_likelier() -> None:
    quiet = row("11 1111 1000 0000", peers=(peer(anycast="unknown"),), for_s=4.0)
    agreeing = row("11 1111 1000 0000", peers=(peer(anycast="no", hop2="no"),), for_s=4.0)
    contradicting = row("11 1111 1000 0000", peers=(peer(anycast="yes", hop2="yes"),), for_s=4.0)
    assert explain(agreeing, SETUP).margin > explain(quiet, SETUP).margin > explain(contradicting, SETUP).margin


def test_what_came_second_and_nearer_hides_the_first() -> None:
    """The router has been dead for a while when the own transmitter dies: of the router nothing can be said any more."""
    evidence = row("11 1000 0000 0000", run=60, for_s=20.0)
    late = {"neighbours": silent(run=20, for_s=2.0, paths=3), "switch": silent(run=6, for_s=2.0)}
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | late)
    assert explain(evidence, SETUP).faults == ("nic_transmit",)


def test_a_start_into_a_dead_router_is_more_than_losses() -> None:
    """ARP of the gateway was never answered, the neighbours answer: losses that last for seconds are none."""
    evidence = row("11 ?0?1 ???? ????", run=18, for_s=4.5)
    never = msgspec.structs.replace(evidence.columns["gateway"], hits=0, answered_s=None, paths=1, recent="x" * 18)
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"gateway": never})
    found = explain(evidence, SETUP)
    assert found.faults[:2] == ("router_dead", "router_cable")
    assert found.margin >= 3.0


def test_only_what_its_own_paths_support_is_in_a_set() -> None:
    """HQ refuses since a moment, nothing else has missed: that is no sign of a dead router."""
    hq = Column(state="no", hits=20, run=0, paths=1, since_s=NOW_S - 2.0, answered_s=NOW_S - 0.1)
    evidence = row("11 1111 1111 1111", signs=(sign("hq_host_alive"),))
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"hq": hq})
    assert set(explain(evidence, SETUP).faults) <= {"hq_server", "hq_path"}


def test_a_beacon_that_was_missed_rules_a_dead_transmitter_out() -> None:
    evidence = row("11 1000 0000 0000", run=8, for_s=0.8)
    heard = msgspec.structs.replace(answering(age_s=1.4), run=1, missing_s=NOW_S - 0.4)
    found = explain(msgspec.structs.replace(evidence, columns=evidence.columns | {"broadcast": heard}), SETUP)
    assert set(found.faults) == {"own_port", "switch_hung", "nic_receive"}


@pytest.mark.parametrize(
    ("layer", "detail", "faults"),
    [
        ("router", "or lan", ("loss_router", "loss_lan")),
        ("lan", "or router", ("loss_lan", "loss_router")),
        ("router", "", ("loss_router",)),
        ("lan", "", ("loss_lan",)),
        ("isp", "", ("loss_isp",)),
    ],
)
def test_losses_of_the_lan_or_the_router_are_both_until_it_is_decided(
    layer: str, detail: str, faults: tuple[str, ...]
) -> None:
    evidence = row("11 1111 1111 1111", signs=(sign("loss", layer=layer, amount=0.05, detail=detail),))
    assert explain(evidence, SETUP).faults == faults


def test_a_broken_protocol_does_not_hide_a_lossy_line() -> None:
    signs = (sign("family_broken", subject="ipv4"), sign("loss", layer="isp", amount=0.2))
    assert explain(row("11 1111 1111 1111", signs=signs), SETUP).faults == ("loss_isp",)


@pytest.mark.parametrize(
    ("later", "wanted"),
    [
        ({"hop2", "modem", "resolver", "other_resolver"}, {"modem", "router_no_forward"}),
        ({"router", "hop2", "modem", "gateway", "resolver", "other_resolver"}, {"router_dead", "router_cable"}),
    ],
)
def test_a_redirect_is_of_the_past_once_something_nearer_died(later: set[ColumnName], wanted: set[str]) -> None:
    """The login page kept addresses, its check and HQ from answering for 15 s; then the way to it was cut."""
    columns = row("11 1111 1110 1100", run=60, for_s=15.0, signs=(sign("captive_redirect", age_s=15.0),))
    assert explain(columns, SETUP).faults == ("captive_portal",)
    cut = msgspec.structs.replace(columns, columns=columns.columns | {name: silent(run=10, for_s=1.0) for name in later})
    found = explain(cut, SETUP)
    assert set(found.faults) == wanted
    assert found.margin >= 3.0
    assert not [one for one in found.also if one.startswith("and:")]


def test_a_login_page_that_hides_the_second_hop_is_still_one() -> None:
    evidence = row("11 1111 1000 1100", run=10, for_s=1.0, signs=(sign("captive_redirect", age_s=0.8),))
    hq = silent(run=10, for_s=1.0)
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"hq": hq, "hop2": answering()})
    assert explain(evidence, SETUP).faults == ("captive_portal",)


def test_hq_that_refuses_and_answers_in_turns_is_no_fault_of_its_server() -> None:
    """The agent's uplink is answered every second, and another port of the same host is closed."""
    hq = Column(
        state="no", hits=5, misses=20, run=7, paths=1, since_s=NOW_S - 0.7, answered_s=NOW_S - 0.7, missing_s=NOW_S - 0.6,
        recent="xxxx.xxxxxxx.xxxxxxx",
    )  # fmt: skip
    evidence = row("11 1111 1111 1111", signs=(sign("hq_host_alive"),))
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"hq": hq})
    assert explain(evidence, SETUP).faults == ()
    refusing = msgspec.structs.replace(hq, answered_s=NOW_S - 2.5, missing_s=NOW_S - 2.4, run=24)
    evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"hq": refusing})
    assert explain(evidence, SETUP).faults == ("hq_server",)
