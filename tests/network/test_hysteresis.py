"""When something is suspected, confirmed, changed and over. Rounds of a small world on a virtual clock (`rounds.World`), with
the verdict's own explanation between."""

from collections.abc import Callable, Iterable

import msgspec
import pytest
from tests.network.rounds import NOW_S, PERIOD_S, SETUP, World, losing, row, sign, silent

from tillkeeper.network.faults import FAULTS
from tillkeeper.network.hysteresis import HOLD_MAX_S, HOLD_STALE_S, Settled, settle
from tillkeeper.network.model import Column, ColumnName, Evidence, Explanation, Verdict
from tillkeeper.network.verdict import explain

LONELY: tuple[ColumnName, ...] = ("broadcast", "neighbours", "switch")
"""What a store with one register, a router and nothing else does not have."""
GOALS_S = {
    "own_port": 1.0, "switch_hung": 1.0, "nic_receive": 1.0, "nic_transmit": 1.0, "router_dead": 1.0, "router_cable": 1.0,
    "router_hung": 1.2, "modem": 2.0, "isp_access": 2.0, "router_no_forward": 2.0, "isp_upstream": 2.0, "dns_own": 2.0,
    "dns_blocked": 2.0, "hq_server": 2.2, "hq_path": 2.2,
}  # fmt: skip
"""Of design/network.md; HQ's with the time-out of a TLS handshake that nobody answers."""


def said(
    world: World, until_s: float, state: Settled = Settled(), step_s: float = 0.1  # noqa: B008
) -> list[tuple[float, Verdict, Settled]]:
    found = []
    while world.now_s < until_s:
        evidence = world.step(step_s)
        state = settle(state, explain(evidence, SETUP), evidence, world.now_s)
        found.append((world.now_s, state.verdict, state))
    return found


def between(began_s: float, ended_s: float, dead: Iterable[ColumnName]) -> Callable[[float], set[ColumnName]]:
    columns = set(dead)
    return lambda now_s: columns if began_s <= now_s < ended_s else set()


def silenced(code: str) -> set[ColumnName]:
    return {name for name, is_to_be in FAULTS[code].columns.items() if is_to_be == "no"}


def looks(state: Settled, explanation: Explanation, evidence: Evidence, times: Iterable[float]) -> Settled:
    for at_s in times:
        state = settle(state, explanation, msgspec.structs.replace(evidence, at_s=at_s), at_s)
    return state


@pytest.mark.parametrize("absent", [(), LONELY], ids=["neighbours", "lonely"])
@pytest.mark.parametrize("code", GOALS_S)
def test_a_fault_is_confirmed_within_its_goal_and_over_a_second_after_it(code: str, absent: tuple[ColumnName, ...]) -> None:
    for seed in range(3):
        began_s, ended_s = 8.0 + 0.037 * seed, 14.0
        found = said(World(seed, dead=between(began_s, ended_s, silenced(code)), absent=absent), 20.0)
        confirmed = [(at_s, verdict) for at_s, verdict, _ in found if verdict.phase == "confirmed"]
        assert all(code in verdict.faults for _, verdict in confirmed)
        assert confirmed[0][0] - began_s <= GOALS_S[code]
        over = next(at_s for at_s, verdict, _ in found if at_s > ended_s and verdict.phase == "fine")
        assert 1.0 <= over - ended_s <= 1.6
        assert found[-1][1].phase == "fine"


def test_suspicion_comes_first_and_after_three_rounds_of_two_witnesses() -> None:
    found = said(World(1, dead=between(8.0, 12.0, silenced("router_dead"))), 12.0)
    suspected = next(at_s for at_s, verdict, _ in found if verdict.phase == "suspect")
    confirmed = next(at_s for at_s, verdict, _ in found if verdict.phase == "confirmed")
    assert 0.3 <= suspected - 8.0 <= 0.6
    assert confirmed > suspected


@pytest.mark.parametrize("absent", [(), LONELY], ids=["neighbours", "lonely"])
@pytest.mark.parametrize("chance", [0.0, 0.01, 0.05])
def test_random_misses_never_confirm_an_outage(chance: float, absent: tuple[ColumnName, ...]) -> None:
    for seed in range(2):
        found = said(World(seed, loss=lambda now_s: chance, absent=absent), 240.0)
        assert [verdict.faults for _, verdict, _ in found if verdict.phase == "confirmed"] == []
        assert found[-1][1].phase == "fine"


@pytest.mark.parametrize("chance", [0.5, 0.8])
def test_bursts_of_a_second_confirm_nothing(chance: float) -> None:
    found = said(World(5, loss=lambda now_s: chance if now_s % 6 >= 5 else 0.0), 240.0)
    assert [verdict.faults for _, verdict, _ in found if verdict.phase == "confirmed"] == []


def test_carrier_is_confirmed_at_the_first_look() -> None:
    fine = looks(Settled(), Explanation(faults=()), row("11 1111 1111 1111"), (NOW_S - 1.0, NOW_S - 0.5))
    evidence = row("01 ???? ???? ????", for_s=0.0)
    state = settle(fine, explain(evidence, SETUP), evidence, NOW_S)
    assert (state.verdict.phase, set(state.verdict.faults)) == ("confirmed", {"cable", "switch_power"})


def test_one_path_alone_needs_twice_the_rounds() -> None:
    """Only the gateway was ever asked anything else than itself: one witness."""
    marks = "11 ?0?? 0??? ????"
    for run, phase in ((7, "suspect"), (14, "confirmed")):
        evidence = row(marks, run=run, for_s=run / 10)
        one = {
            name: msgspec.structs.replace(column, paths=1 if name == "router" else 0, state=column.state)
            for name, column in evidence.columns.items()
        }
        one["gateway"] = Column(state="unknown")
        lonely = msgspec.structs.replace(evidence, columns=one)
        explanation = msgspec.structs.replace(explain(lonely, SETUP), margin=9.0)
        assert settle(Settled(), explanation, lonely, NOW_S).verdict.phase == phase


@pytest.mark.parametrize("phase", ["fine", "confirmed", "suspect"])
def test_nothing_rests_on_evidence_that_is_not_trusted(phase: str) -> None:
    state = Settled()
    if phase == "fine":
        state = looks(state, Explanation(faults=()), row("11 1111 1111 1111"), (NOW_S - 1.0,))
    elif phase == "confirmed":
        dead = row("11 1011 0000 0000")
        state = looks(state, explain(dead, SETUP), dead, (NOW_S - 0.1,))
    assert state.verdict.phase == (phase if phase != "suspect" else "checking")
    stalled = row("11 0000 0000 0000", run=100, trusted=False)
    after = settle(state, explain(stalled, SETUP), stalled, NOW_S)
    assert after.verdict.phase in ("checking", phase if phase == "confirmed" else "checking")
    assert after.verdict.faults in ((), state.verdict.faults)
    clean = row("11 1111 1111 1111", trusted=False)
    assert settle(state, Explanation(faults=()), clean, NOW_S).verdict.phase != "fine"


def test_a_long_pause_takes_back_what_was_said_and_the_same_fault_is_said_again_with_its_age() -> None:
    dead = row("11 1011 0000 0000")
    state = looks(Settled(), explain(dead, SETUP), dead, (NOW_S - 0.1,))
    since_s = state.verdict.since_s
    pause = row("11 ???? ???? ????", trusted=False)
    state = looks(state, Explanation(faults=()), pause, (NOW_S, NOW_S + HOLD_STALE_S + 1.0))
    assert state.verdict.phase == "checking"
    later = row("11 1011 0000 0000", at_s=NOW_S + 10.0)
    state = settle(state, explain(later, SETUP), later, NOW_S + 10.0)
    assert (state.verdict.phase, state.verdict.since_s) == ("confirmed", since_s)


def test_a_fault_that_healed_during_a_pause_is_over_only_once_that_was_seen_for_a_second() -> None:
    dead = row("11 1011 0000 0000")
    state = looks(Settled(), explain(dead, SETUP), dead, (NOW_S,))
    state = looks(state, Explanation(faults=()), row("11 ???? ???? ????", trusted=False), (NOW_S + 1.0, NOW_S + 9.0))
    clean = row("11 1111 1111 1111")
    state = looks(state, Explanation(faults=()), clean, (NOW_S + 10.0, NOW_S + 10.5))
    assert state.verdict.phase == "checking"
    state = looks(state, Explanation(faults=()), clean, (NOW_S + 11.1,))
    assert state.verdict.phase == "fine"


def test_unknown_is_neither_fine_nor_confirmed() -> None:
    state = looks(Settled(), Explanation(faults=()), row("11 ???? ???? ????"), (NOW_S, NOW_S + 5.0))
    assert state.verdict.phase == "checking"


def test_looks_without_news_do_not_end_a_fault() -> None:
    """Clean looks closer together than rounds are one look, and a second has to pass."""
    dead = row("11 1011 0000 0000")
    state = looks(Settled(), explain(dead, SETUP), dead, (NOW_S,))
    clean = row("11 1111 1111 1111")
    state = looks(state, Explanation(faults=()), clean, [NOW_S + 0.01 * i for i in range(50)])
    assert state.verdict.phase == "confirmed"


def test_a_flapping_fault_is_held_longer_each_time_up_to_a_bound() -> None:
    held: list[float] = []
    state, now_s = Settled(), NOW_S
    dead, clean = row("11 1011 0000 0000"), row("11 1111 1111 1111")
    for _ in range(6):
        state = looks(state, explain(dead, SETUP), dead, (now_s,))
        healed_s = now_s = now_s + 0.1
        while state.verdict.phase == "confirmed":
            state = looks(state, Explanation(faults=()), clean, (now_s,))
            now_s += 0.1
        held.append(now_s - healed_s)
    assert held[0] == pytest.approx(1.1, abs=0.15)
    assert held[1] == pytest.approx(2.1, abs=0.15)
    assert held == pytest.approx(sorted(held))
    assert max(held) <= HOLD_MAX_S + 0.2


def test_a_cable_that_comes_and_goes_is_called_loose() -> None:
    state, now_s = Settled(), NOW_S
    out, clean = row("01 ???? ???? ????"), row("11 1111 1111 1111")
    faults = []
    for _ in range(4):
        state = looks(state, explain(out, SETUP), out, (now_s,))
        faults.append(state.verdict.faults)
        state = looks(state, Explanation(faults=()), clean, [now_s + 0.1 * i for i in range(1, 60)])
        now_s += 6.0
    assert faults[0] == ("cable", "switch_power")
    assert faults[-1] == ("link_flapping",)


def test_another_fault_takes_the_place_of_a_confirmed_one_only_when_it_lasts() -> None:
    """While a dead router comes back its columns answer one after the other; for a moment it looks like the modem."""
    dead, line = row("11 1011 0000 0000"), row("11 1111 1010 0000")
    state = looks(Settled(), explain(dead, SETUP), dead, (NOW_S,))
    state = looks(state, explain(line, SETUP), line, (NOW_S + 0.1, NOW_S + 0.5))
    assert "router_dead" in state.verdict.faults
    line = row("11 1111 1010 0000", at_s=NOW_S + 1.0, run=20, for_s=2.0)
    state = looks(state, explain(line, SETUP), line, (NOW_S + 1.0,))
    later = row("11 1111 1010 0000", at_s=NOW_S + 1.8, run=28, for_s=2.8)
    state = looks(state, explain(later, SETUP), later, (NOW_S + 1.8,))
    assert state.verdict.faults == ("isp_access",)


def test_a_nearer_certain_fault_takes_the_place_at_once() -> None:
    line, out = row("11 1111 1010 0000"), row("01 ???? ???? ????")
    state = looks(Settled(), explain(line, SETUP), line, (NOW_S,))
    state = settle(state, explain(out, SETUP), out, NOW_S + 0.1)
    assert state.verdict.faults == ("cable", "switch_power")


def test_losses_that_seem_to_move_outwards_for_a_moment_stay_where_they_were() -> None:
    near = row("11 1111 1111 1111", signs=(sign("loss", layer="lan", amount=0.1),))
    near = msgspec.structs.replace(near, columns=near.columns | {"neighbours": losing(4)})
    far = row("11 1111 1111 1111", signs=(sign("loss", layer="isp", amount=0.1),))
    state = looks(Settled(), explain(near, SETUP), near, (NOW_S,))
    assert (state.verdict.phase, state.verdict.faults) == ("confirmed", ("loss_lan",))
    state = looks(state, explain(far, SETUP), far, (NOW_S + 0.1, NOW_S + 3.0))
    assert state.verdict.faults == ("loss_lan",)
    state = looks(state, explain(far, SETUP), far, (NOW_S + 5.5,))
    assert state.verdict.faults == ("loss_isp",)


def test_a_redirect_has_to_last_before_it_is_a_login_page() -> None:
    for age_s, phase in ((0.1, "checking"), (0.3, "suspect"), (0.6, "confirmed")):
        evidence = row("11 1111 11?1 1100", signs=(sign("captive_redirect", age_s=age_s),))
        assert settle(Settled(), explain(evidence, SETUP), evidence, NOW_S).verdict.phase == phase


def test_the_world_asks_what_the_verdict_weighs() -> None:
    assert set(PERIOD_S) == set(FAULTS["own_port"].columns) - {"carrier", "address"}


def test_a_cable_that_stays_out_after_flapping_is_called_out() -> None:
    state, now_s = Settled(), NOW_S
    out, clean = row("01 ???? ???? ????"), row("11 1111 1111 1111")
    for _ in range(3):
        state = looks(state, explain(out, SETUP), out, (now_s,))
        state = looks(state, Explanation(faults=()), clean, [now_s + 0.1 * i for i in range(1, 60)])
        now_s += 6.0
    state = looks(state, explain(out, SETUP), out, (now_s,))
    assert state.verdict.faults == ("link_flapping",)
    state = looks(state, explain(out, SETUP), out, [now_s + 0.5 * i for i in range(1, 14)])
    assert state.verdict.faults == ("cable", "switch_power")


def test_a_carrier_that_is_back_ends_the_verdict_even_if_nothing_answers_yet() -> None:
    out, quiet = row("01 ???? ???? ????"), row("11 ???? ???? ????")
    state = looks(Settled(), explain(out, SETUP), out, (NOW_S,))
    back = Column(state="yes", since_s=NOW_S + 1.0)
    quiet = msgspec.structs.replace(quiet, columns=quiet.columns | {"carrier": back})
    state = looks(state, Explanation(faults=()), quiet, (NOW_S + 1.5,))
    assert state.verdict.phase == "confirmed"
    state = looks(state, Explanation(faults=()), quiet, (NOW_S + 2.1,))
    assert (state.verdict.phase, state.verdict.faults) == ("checking", ())


def test_a_fault_does_not_inherit_the_age_of_another_suspicion() -> None:
    router = row("11 1011 0000 0000", run=4, for_s=0.4)
    state = settle(Settled(), msgspec.structs.replace(explain(router, SETUP), margin=0.0), router, NOW_S)
    assert state.verdict.phase == "suspect"
    out = row("01 ???? ???? ????")
    state = settle(state, explain(out, SETUP), out, NOW_S + 3.0)
    assert state.verdict.since_s == NOW_S + 3.0


def test_a_set_waits_a_moment_for_the_column_that_splits_it() -> None:
    """The gateway's ARP is asked less often than the router's echo: one more round tells a dead router from a hung one."""

    def after(waited_s: float, gateway_run: int) -> Verdict:
        state = Settled()
        for at_s in (NOW_S, NOW_S + waited_s):
            evidence = row("11 1011 0000 0000", at_s=at_s, run=8, for_s=0.7 + at_s - NOW_S)
            gateway = msgspec.structs.replace(
                evidence.columns["gateway"], state="yes", run=gateway_run if at_s > NOW_S else 1, missing_s=at_s - 0.25
            )
            evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"gateway": gateway})
            state = settle(state, explain(evidence, SETUP), evidence, at_s)
        return state.verdict

    assert after(0.1, 1).phase == "suspect"
    assert (after(0.1, 3).phase, after(0.1, 3).faults) == ("confirmed", ("router_dead", "router_cable"))
    undecided = after(0.2, 1)
    assert undecided.phase == "confirmed"
    assert "router_hung" in undecided.faults


def test_a_set_grows_no_wider_when_those_who_split_it_are_no_longer_asked() -> None:
    heard, forgotten = row("11 0000 0000 0000"), row("11 ?000 0000 0000", at_s=NOW_S + 9.0, run=90, for_s=10.0)
    state = looks(Settled(), explain(heard, SETUP), heard, (NOW_S, NOW_S + 0.3))
    before = state.verdict
    assert before.phase == "confirmed"
    assert "nic_transmit" in explain(forgotten, SETUP).faults
    for at_s in (NOW_S + 9.0, NOW_S + 15.0):
        state = settle(state, explain(forgotten, SETUP), msgspec.structs.replace(forgotten, at_s=at_s), at_s)
    assert state.verdict.faults == before.faults


def test_what_was_missed_while_something_nearer_was_dead_says_nothing_after_it() -> None:
    """The switch hung for 15 s and is back; the name server has not been asked since."""
    dead = row("11 0000 0000 0000", run=20, for_s=15.0)
    state = looks(Settled(), explain(dead, SETUP), dead, (NOW_S, NOW_S + 0.3))
    assert state.verdict.phase == "confirmed"
    stale = row("11 1111 1111 1111", at_s=NOW_S + 0.5)
    said = []
    for i in range(40):
        at_s = NOW_S + 0.5 + 0.1 * i
        resolver = silent(at_s, run=18, for_s=15.5 + 0.1 * i)
        columns = row("11 1111 1111 1111", at_s=at_s).columns | {"resolver": resolver}
        stale = msgspec.structs.replace(stale, at_s=at_s, columns=columns)
        assert explain(stale, SETUP).faults == ("dns_own",)
        state = settle(state, explain(stale, SETUP), stale, at_s)
        said.append((state.verdict.phase, state.verdict.faults))
    assert ("confirmed", ("dns_own",)) not in said
    assert said[11][0] == "fine"


def test_what_is_asked_again_in_vain_after_something_nearer_healed_is_said() -> None:
    dead = row("11 0000 0000 0000", run=20, for_s=15.0)
    state = looks(Settled(), explain(dead, SETUP), dead, (NOW_S, NOW_S + 0.3))
    for i in range(30):
        at_s = NOW_S + 0.5 + 0.1 * i
        resolver = silent(at_s, run=20 + 4 * i, for_s=15.5 + 0.1 * i)
        columns = row("11 1111 1111 1111", at_s=at_s).columns | {"resolver": resolver}
        evidence = msgspec.structs.replace(dead, at_s=at_s, columns=columns)
        state = settle(state, explain(evidence, SETUP), evidence, at_s)
    assert (state.verdict.phase, state.verdict.faults) == ("confirmed", ("dns_own",))


def test_losses_that_an_outage_left_behind_are_none_unless_they_stay() -> None:
    twin = row("11 1111 1111 1111", signs=(sign("duplicate_address"),))
    state = looks(Settled(), explain(twin, SETUP), twin, (NOW_S,))
    left = row("11 1111 1111 1111", signs=(sign("loss", layer="isp", amount=0.3),))
    state = looks(state, explain(left, SETUP), left, [NOW_S + 0.1 * i for i in range(1, 25)])
    assert state.verdict.phase == "fine"
    state = looks(state, explain(left, SETUP), left, (NOW_S + 3.5,))
    assert state.verdict.faults == ("loss_isp",)


@pytest.mark.parametrize("name", ["router", "anycast"])
def test_a_name_server_is_not_blamed_while_what_is_before_it_loses_packets(name: ColumnName) -> None:
    for recent, phase in (("..x.x.xx.x..x.x.xx..", "suspect"), ("..........x.........", "confirmed")):
        evidence = row("11 1111 1111 0111", run=6, for_s=1.5)
        before = msgspec.structs.replace(evidence.columns[name], recent=recent, misses=recent.count("x"))
        evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {name: before})
        explanation = msgspec.structs.replace(explain(evidence, SETUP), margin=9.0)
        assert explanation.faults == ("dns_own",)
        assert settle(Settled(), explanation, evidence, NOW_S).verdict.phase == phase


@pytest.mark.parametrize(
    ("kind", "amount", "age_s", "phase"),
    [
        ("loss", 0.2, 0.0, "confirmed"),
        ("loss", 0.6, 1.0, "suspect"),
        ("loss", 0.6, 2.3, "confirmed"),
        ("latency", 60.0, 1.0, "suspect"),
        ("latency", 60.0, 1.6, "confirmed"),
    ],
)
def test_heavy_losses_and_delays_may_yet_turn_out_to_be_a_loop(kind: str, amount: float, age_s: float, phase: str) -> None:
    evidence = row("11 1111 1111 1111", signs=(sign(kind, layer="isp", amount=amount, age_s=age_s),))
    assert settle(Settled(), explain(evidence, SETUP), evidence, NOW_S).verdict.phase == phase


def test_nothing_that_is_said_to_be_dead_may_have_answered_a_moment_ago() -> None:
    """Four of five packets are lost for a second: the router misses seven rounds, but the addresses behind it answered."""
    for age_s, phase in ((0.4, "suspect"), (0.9, "confirmed")):
        evidence = row("11 1011 0000 0000", run=9, for_s=0.9)
        anycast = silent(run=4, for_s=age_s)
        evidence = msgspec.structs.replace(evidence, columns=evidence.columns | {"anycast": anycast})
        explanation = Explanation(faults=("router_dead", "router_cable"), margin=5.4)
        assert settle(Settled(), explanation, evidence, NOW_S).verdict.phase == phase


def test_a_silence_behind_the_router_has_to_outlast_a_burst() -> None:
    for for_s, phase in ((1.0, "suspect"), (1.3, "confirmed")):
        evidence = row("11 1111 1111 0111", run=6, for_s=for_s)
        explanation = msgspec.structs.replace(explain(evidence, SETUP), margin=9.0)
        assert settle(Settled(), explanation, evidence, NOW_S).verdict.phase == phase


def test_what_is_not_asked_any_more_is_not_confirmed() -> None:
    """A burst left seven unanswered rounds behind, and nobody has asked since."""
    for asked_on, phase in ((False, "suspect"), (True, "confirmed")):
        state = Settled()
        for i in range(20):
            for_s = 0.7 + 0.1 * i
            evidence = row("11 1111 1110 0000", at_s=NOW_S + 0.1 * i, run=7 + (i if asked_on else 0), for_s=for_s)
            explanation = Explanation(faults=("isp_upstream",), margin=0.0 if i < 8 else 9.0)
            state = settle(state, explanation, evidence, NOW_S + 0.1 * i)
        assert state.verdict.phase == phase
