"""When what is seen is enough: what was answered meanwhile counts by its own time, and sets become small at once."""

import msgspec
import pytest
from tests.network.rounds import NOW_S, SETUP, row, sign

from tillkeeper.network.hysteresis import Settled, settle
from tillkeeper.network.likelihood import loss_cost, silences_of
from tillkeeper.network.model import Column, ColumnName, Evidence, Explanation
from tillkeeper.network.support import supported, waits
from tillkeeper.network.verdict import explain

HQ_DEAD = "11 ?111 1111 1111"


def asked(evidence: Evidence, **columns: Column) -> Evidence:
    return msgspec.structs.replace(evidence, columns={**evidence.columns, **columns})  # type: ignore[dict-item]


def burst(rounds: str, *, calm: int = 4, at_s: float = NOW_S) -> Column:
    """Asked once a second until a doubt began, and ten times a second since: `rounds` are those."""
    times = [at_s - len(rounds) / 10 - (calm - i) for i in range(calm)]
    times += [at_s - (len(rounds) - i) / 10 for i in range(len(rounds))]
    answers = [when for when, mark in zip(times, "." * calm + rounds, strict=True) if mark == "."]
    run = len(rounds) - len(rounds.rstrip("x"))
    return Column(
        state="no" if run >= 3 else "yes", hits=len(answers), misses=rounds.count("x"), run=run, paths=2, since_s=1.0,
        answered_s=answers[-1], missing_s=at_s - run / 10 if run else None, recent="." * calm + rounds, asked_s=tuple(times),
    )  # fmt: skip


def hq_silent(anycast: str, *, run: int = 7) -> Evidence:
    far: dict[str, Column] = {"hop2": burst("." * run), "anycast": burst(anycast), "hq": burst("x" * run)}
    return asked(row(HQ_DEAD), **far)


def test_a_silence_among_answers_of_the_same_moment_needs_no_second() -> None:
    evidence = hq_silent(".......")
    explanation = explain(evidence, SETUP)
    assert set(explanation.faults) == {"hq_server", "hq_path"}
    assert settle(Settled(), explanation, evidence, NOW_S).verdict.phase == "confirmed"
    unknown = {name: msgspec.structs.replace(column, asked_s=()) for name, column in evidence.columns.items()}
    by_rate = loss_cost(silences_of(msgspec.structs.replace(evidence, columns=unknown)), "internet", NOW_S)
    assert by_rate + 2.0 < loss_cost(silences_of(evidence), "internet", NOW_S)


@pytest.mark.parametrize("anycast", ["x......", "......x", "...x..."])
def test_one_miss_of_what_ought_to_answer_makes_it_wait(anycast: str) -> None:
    evidence = hq_silent(anycast)
    explanation = msgspec.structs.replace(explain(evidence, SETUP), faults=("hq_server", "hq_path"), margin=9.0)
    assert settle(Settled(), explanation, evidence, NOW_S).verdict.phase == "suspect"


def test_what_a_second_fault_silences_is_no_loss() -> None:
    """HQ was silent before the name server was: neither keeps the other from being confirmed."""
    evidence = row("11 1111 1111 0110", run=12, for_s=3.0)
    explanation = explain(evidence, SETUP)
    assert (explanation.faults, explanation.also) == (("dns_own",), ("and:hq_server|hq_path",))
    assert settle(Settled(), explanation, evidence, NOW_S).verdict.phase == "confirmed"


def test_a_login_page_leads_before_an_hq_that_was_silent_already() -> None:
    evidence = row("11 1111 1111 1100", run=30, for_s=8.0, signs=(sign("captive_redirect", age_s=3.0),))
    portal = msgspec.structs.replace(evidence.columns["portal"], run=4, missing_s=NOW_S - 3.0, answered_s=NOW_S - 3.2)
    explanation = explain(asked(evidence, portal=portal), SETUP)
    assert explanation.faults == ("captive_portal",)
    assert explanation.also[0] in ("and:hq_server|hq_path", "and:hq_path|hq_server", "and:hq_server", "and:hq_path")


def test_a_server_that_pauses_for_half_a_second_is_not_down() -> None:
    for run, enough in ((5, False), (7, True)):
        assert supported(("hq_server", "hq_path"), hq_silent("." * run, run=run), 9.0, NOW_S, confirm=True) is enough


def test_old_misses_are_not_of_now() -> None:
    """Seven rounds of a burst, a minute in which nothing was asked for want of bytes, and one miss by chance."""
    for away_s, phase in ((60.0, "suspect"), (0.0, "confirmed")):
        evidence = row("11 1111 1110 0000", run=8, for_s=2.0 + away_s)
        times = (*(NOW_S - 2.0 - away_s + i / 10 for i in range(7)), NOW_S - 0.1)
        for name in ("anycast", "other_resolver", "portal", "hq"):
            column = msgspec.structs.replace(evidence.columns[name], recent="x" * 8, asked_s=times)
            evidence = asked(evidence, **{name: column})
        explanation = Explanation(faults=("isp_upstream",), margin=9.0)
        assert settle(Settled(), explanation, evidence, NOW_S).verdict.phase == phase


def test_what_was_not_asked_after_a_burst_did_not_outlast_it() -> None:
    for last_s, enough in ((0.6, False), (1.1, True)):
        times = tuple(NOW_S - 1.4 + last_s * i / 7 for i in range(8))
        silent = msgspec.structs.replace(burst("x" * 8), asked_s=(*[NOW_S - 9.0] * 4, *times), missing_s=times[0])
        evidence = asked(row(HQ_DEAD), hq=silent)
        assert supported(("hq_server", "hq_path"), evidence, 4.0, NOW_S, confirm=True) is enough


def test_few_answers_of_what_is_left_alone_are_no_proof() -> None:
    evidence = asked(row(HQ_DEAD), hq=burst("xxxx"), anycast=burst("...."), hop2=burst("...."))
    assert not supported(("hq_server", "hq_path"), evidence, 9.0, NOW_S, confirm=True)


def test_what_is_older_than_is_remembered_is_no_loss() -> None:
    """A column that was silent for more rounds than are kept says nothing of losses before."""
    long = Column(
        state="no", misses=50, run=50, paths=1, since_s=NOW_S - 5.0, answered_s=NOW_S - 5.1, missing_s=NOW_S - 5.0,
        recent="x" * 32, asked_s=tuple(NOW_S - 3.2 + i / 10 for i in range(32)),
    )  # fmt: skip
    silent: dict[str, Column] = dict.fromkeys(("hop2", "anycast", "hq"), long)
    explanation = explain(asked(row("11 ?111 1000 1??0"), **silent), SETUP)
    assert "isp_access" in explanation.faults
    assert explanation.margin > 6.0


def test_a_set_becomes_smaller_at_once_and_another_fault_only_when_it_lasts() -> None:
    wide = row("11 ?0?? 0000 0000", run=10)
    state = settle(Settled(), explain(wide, SETUP), wide, NOW_S)
    assert state.verdict.phase == "confirmed"
    assert {"own_port", "router_dead"} <= set(state.verdict.faults)
    for tenths in range(1, 6):
        at_s = NOW_S + tenths / 10
        evidence = row("11 ?0?1 0000 0000", at_s=at_s, run=10 + tenths, for_s=1.0 + tenths / 10)
        state = settle(state, explain(evidence, SETUP), evidence, at_s)
    assert set(state.verdict.faults) == {"router_dead", "router_cable"}


def test_a_second_fault_is_told_only_when_it_lasts() -> None:
    """After a heal the columns answer one after the other; what still waits for its turn is no second fault."""
    evidence = row("11 ?0?? 0000 0000", run=10)
    state = settle(Settled(), explain(evidence, SETUP), evidence, NOW_S)
    shown = []
    for tenths in range(12):
        at_s = NOW_S + tenths / 10
        also = ("metered", "and:modem|router_no_forward" if tenths % 2 else "and:modem")
        explanation = Explanation(faults=state.verdict.faults, also=also, margin=9.0)
        state = settle(state, explanation, msgspec.structs.replace(evidence, at_s=at_s), at_s)
        assert state.verdict.also[0] == "metered"
        shown.append(len(state.verdict.also) == 2)
    assert shown == [False] * 7 + [True] * 5


@pytest.mark.parametrize(("age_s", "is_open"), [(0.6, True), (0.2, False)])
def test_an_answer_of_the_first_moments_splits_nothing(age_s: float, is_open: bool) -> None:
    """A device that answered just as the router fell silent may have died with it; one that answered since has not."""
    name: ColumnName = "neighbours"
    evidence = row("11 ?0?1 0000 0000", run=7, for_s=0.7)
    column = msgspec.structs.replace(evidence.columns[name], answered_s=NOW_S - age_s)
    evidence = asked(evidence, neighbours=column)
    assert waits(("router_dead", "router_cable", "own_port"), evidence, NOW_S, NOW_S) is is_open
