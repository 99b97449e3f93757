"""Columns out of answers and silences."""

import random

from tests.network.virtual_wire import setup_of, targets

from tillkeeper.network.capabilities import Open, Path
from tillkeeper.network.evidence import WINDOW_S, EvidenceKeeper
from tillkeeper.network.model import Column, Evidence, Family, Probe, Target
from tillkeeper.network.windows import MOST, RECENT, Run, Tally


def path_of(name: str, family: Family = "ipv4", *, column: str = "anycast") -> Path:
    target = Target(name=name, role="anycast", family=family, address="1.1.1.1", ways=("echo",), wan=True)
    path = Path(target, "echo", column, 0.0)
    path.works = "yes"
    return path


def judged(keeper: EvidenceKeeper, now_s: float, paths: tuple[Path, ...] = ()) -> Evidence:
    return keeper.evidence(
        now_s, interface="eth0", given={"carrier": Column(state="yes")}, blind=False, paths=paths, beacons=0, signs=(),
        peers=(), trusted=True,
    )  # fmt: skip


def test_a_column_is_dead_after_three_rounds_and_tells_when_it_began() -> None:
    keeper = EvidenceKeeper(setup_of())
    keeper.hit("ipv4", "router", 1, 10.0, 10.001)
    for number, state in ((2, "yes"), (3, "yes"), (4, "no")):
        keeper.miss("ipv4", "router", number, 9.9 + number / 10)
        assert judged(keeper, 10.3).columns["router"].state == state
    column = judged(keeper, 10.3).columns["router"]
    assert (column.run, column.hits, column.misses, column.recent) == (3, 1, 3, ".xxx")
    assert column.missing_s == column.since_s == 10.1
    assert column.answered_s == 10.001


def test_a_round_is_answered_if_anybody_answers_in_it() -> None:
    keeper = EvidenceKeeper(setup_of())
    for number in range(1, 6):
        keeper.miss("ipv4", "anycast", number, float(number))
        keeper.hit("ipv4", "anycast", number, float(number), number + 0.02)
    column = judged(keeper, 5.1).columns["anycast"]
    assert column.run == 0
    assert column.recent == "....."


def test_time_outs_that_come_after_a_newer_answer_make_no_run() -> None:
    run = Run()
    run.hit(10, 1.0)
    for number in (7, 8, 9):
        run.miss(number, number / 10)
    assert run.run == 0
    run.miss(11, 1.1)
    assert (run.run, run.missing_s) == (1, 1.1)


def test_a_late_answer_takes_its_miss_back() -> None:
    keeper = EvidenceKeeper(setup_of())
    entry = keeper.miss("ipv4", "router", 1, 1.0)
    keeper.miss("ipv4", "router", 2, 1.1)
    keeper.late("ipv4", "router", entry, 3, 1.3)
    column = judged(keeper, 1.4).columns["router"]
    assert (column.hits, column.misses, column.late, column.run) == (0, 1, 1, 0)


def test_the_window_forgets_and_is_bounded() -> None:
    tally = Tally()
    for number in range(10 * MOST):
        tally.miss(number, number / 1_000)
    assert len(tally.entries) <= MOST
    assert tally.counts[1] <= MOST
    assert len(tally.run.outcomes) == RECENT
    tally.expire(10 * MOST / 1_000 + WINDOW_S + 1)
    assert tally.counts == [0, 0, 0, 0]


def test_what_a_column_counts_never_goes_below_nothing_whatever_the_order() -> None:
    chance = random.Random(4)
    tally = Tally()
    entries = []
    for number in range(3_000):
        now_s = number / 50
        what = chance.random()
        if what < 0.4:
            tally.hit(number, now_s, now_s)
        elif what < 0.8:
            entries.append(tally.miss(chance.randrange(max(1, number - 5), number + 2), now_s))
        elif entries:
            tally.came_late(entries.pop(chance.randrange(len(entries))), number, now_s)
        tally.expire(now_s)
        assert min(tally.counts) >= 0
        assert sum(tally.counts[:3]) == len(tally.entries)


def test_the_better_family_speaks_and_the_run_needs_both_to_be_silent() -> None:
    keeper = EvidenceKeeper(setup_of(families=("ipv4", "ipv6")))
    for number in range(1, 9):
        keeper.miss("ipv4", "anycast", number, number / 10)
        keeper.hit("ipv6", "anycast", number, number / 10, number / 10)
    evidence = judged(keeper, 0.9)
    assert evidence.families["ipv4"]["anycast"].state == "no"
    assert evidence.columns["anycast"].state == "yes"
    assert evidence.columns["anycast"].misses == 0
    for number in range(9, 13):
        keeper.miss("ipv4", "anycast", number, number / 10)
        keeper.miss("ipv6", "anycast", number, number / 10)
    assert judged(keeper, 1.4).columns["anycast"].run == 4


def test_one_of_several_that_is_switched_off_is_taken_out_of_its_column() -> None:
    keeper = EvidenceKeeper(setup_of())
    dead = path_of("anycast:a")
    taken_out = []
    for number in range(1, 7):
        keeper.hit("ipv4", "anycast", number, float(number), float(number))
        probe = Probe(number=number, target=dead.target, way="echo", timeout_ms=100)
        taken_out.append(keeper.timed_out(Open(dead, probe, number, float(number)), others_answer=True))
    assert taken_out == [False, False, False, False, True, False]
    column = judged(keeper, 6.1, (dead, path_of("anycast:b"))).columns["anycast"]
    assert (column.misses, column.paths) == (0, 1)


def test_a_way_that_never_worked_carries_no_weight() -> None:
    keeper = EvidenceKeeper(setup_of())
    mute = path_of("anycast:a")
    mute.works = "unknown"
    for number in range(1, 20):
        probe = Probe(number=number, target=mute.target, way="echo", timeout_ms=100)
        mute.sent += 1
        keeper.timed_out(Open(mute, probe, number, float(number)), others_answer=False)
    assert judged(keeper, 20.0, (mute,)).columns["anycast"].state == "unknown"
    assert mute.works == "no"


def test_a_refusal_is_no_silence_and_ends_with_the_first_good_answer() -> None:
    keeper = EvidenceKeeper(setup_of())
    keeper.hit("ipv4", "hq", 1, 1.0, 1.0)
    keeper.refute("ipv4", "hq", 2, 2.0, "refused")
    column = judged(keeper, 2.1).columns["hq"]
    assert (column.state, column.detail) == ("no", "refused")
    keeper.hit("ipv4", "hq", 3, 3.0, 3.0)
    column = judged(keeper, 3.1).columns["hq"]
    assert (column.state, column.detail) == ("yes", "")


def test_a_column_that_is_not_asked_becomes_unknown() -> None:
    keeper = EvidenceKeeper(setup_of(targets=targets()))
    keeper.hit("ipv4", "router", 1, 1.0, 1.0)
    assert judged(keeper, 5.0).columns["router"].state == "yes"
    assert judged(keeper, 60.0).columns["router"].state == "unknown"
