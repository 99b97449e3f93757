"""All pairs of faults: the second begins while the first lasts, they end in either order.

Judged at the end of the overlap. *Right*: the nearer root cause is named, or both (`and:` in `also` counts). Where one of them
only degrades, it hides nothing: the outage is to be named, the degradation alone is *ambiguous*. *Wrong*: the farther alone,
neither, or nothing. Besides, a verdict that names neither is counted at any time while one of them lasts.
"""

import itertools
import random
from typing import NamedTuple

from tests.bench.rows import Row, figure
from tests.netsim.faults import BY_NAME, DEGRADED, OUTAGES, Fault
from tests.netsim.scoring import Score, spans
from tests.netsim.simulation import MakeEngine, Simulation
from tests.netsim.singles import WARM_S, Watched, hash_of, unwatched
from tests.netsim.store import Store
from tests.netsim.stores import STORES

from tillkeeper.network.faults import second_of
from tillkeeper.network.model import Verdict

WHERE = ("1 register", "1 register, managed switch", "3 registers", "3 registers, managed switch")
CLASHES = (
    frozenset({"cable", "link_flapping"}), frozenset({"switch_power", "link_flapping"}),
    frozenset({"interface_missing", "link_flapping"}), frozenset({"interface_disabled", "link_flapping"}),
    frozenset({"gateway_replaced", "gateway_spoofed"}), frozenset({"dhcp_lost", "wrong_subnet"}),
)  # fmt: skip
"""Cannot happen together, or one is the other's way of happening."""
CARRIER = {"cable", "switch_power"}
"""What a flapping link is at first."""
OVERLAP_S, APART_S = 16.0, 8.0
Task = tuple[str, str, str, int]
"""Two faults, store, seed."""


class PairResult(NamedTuple):
    first: str
    second: str
    store: str
    seed: int
    score: Score
    named: tuple[str, ...]
    also: tuple[str, ...]
    neither: tuple[tuple[float, tuple[str, ...]], ...]


def tasks(seeds: int = 1, only: float = 1.0) -> list[Task]:
    """`only`: which part of all pairs, the same on every run."""
    pool = [fault for fault in (*OUTAGES, *DEGRADED) if "5 %" not in fault.name or "20 %" in fault.name]
    found: list[Task] = []
    for where in WHERE:
        store = STORES[where]
        for one, two in itertools.combinations([fault for fault in pool if fault.suits(store)], 2):
            if one.code == two.code or frozenset({one.code, two.code}) in CLASHES:
                continue
            for seed in range(seeds):
                task = (one.name, two.name, where, seed)
                if only >= 1.0 or hash_of(task) % 1000 < only * 1000:
                    found.append(task)
    return found


def play(task: Task, make: MakeEngine, watched: Watched = unwatched) -> PairResult:
    chance = random.Random(hash_of(task))
    one, two = BY_NAME[task[0]], BY_NAME[task[1]]
    if chance.random() < 0.5:
        one, two = two, one
    store = STORES[task[2]]
    sim = Simulation(store, make, seed=hash_of(task) + 1)
    began_s = WARM_S + chance.uniform(0.0, 5.0)
    second_s = began_s + chance.uniform(0.0, APART_S)
    over_s = second_s + OVERLAP_S + chance.random()
    last_s = over_s + chance.uniform(3.0, 6.0)
    ends = [one, two] if chance.random() < 0.5 else [two, one]
    watched(sim)
    sim.at(began_s, lambda: one.begin(sim), f"{one.name} begins")
    sim.at(second_s, lambda: two.begin(sim), f"{two.name} begins")
    sim.at(over_s, lambda: ends[0].end(sim), f"{ends[0].name} ends")
    sim.at(last_s, lambda: ends[1].end(sim), f"{ends[1].name} ends")
    sim.run(over_s - 0.01)
    report = sim.machines[0].last
    verdict = report.verdict if report else Verdict(phase="checking")
    sim.run(last_s)
    true = {one.code, two.code} | (CARRIER if "link_flapping" in (one.code, two.code) else set())
    neither = tuple(
        (round(at_s - began_s, 2), said.faults)
        for at_s, said in spans(sim.machines[0].said, began_s, last_s - 0.01)
        if said.phase == "confirmed" and not _named(said) & true
    )
    return PairResult(
        one.name, two.name, task[2], task[3], judge_pair(verdict, one, two, store), verdict.faults, verdict.also, neither
    )


def _named(verdict: Verdict) -> set[str]:
    return {*verdict.faults, *(code for one in verdict.also for code in second_of(one))}


def judge_pair(verdict: Verdict, one: Fault, two: Fault, store: Store) -> Score:
    if verdict.phase != "confirmed":
        return "missed"
    named = _named(verdict)
    if one.degrades != two.degrades:
        root, other = (two, one) if one.degrades else (one, two)
        if not root.allowed(store) & named:
            return "ambiguous" if other.code in named else "wrong"
    else:
        nearest = min(one.depth, two.depth)
        roots = [fault for fault in (one, two) if fault.depth == nearest and fault.allowed(store) & named]
        if not roots:
            return "wrong"
    return "right" if set(verdict.faults) <= one.allowed(store) | two.allowed(store) else "ambiguous"


def rows(results: list[PairResult]) -> list[Row]:
    found: list[Row] = []
    for where in WHERE:
        group = [one for one in results if one.store == where]
        if not group:
            continue
        scores = [one.score for one in group]
        counts = ", ".join(f"{scores.count(kind)} {kind}" for kind in ("right", "ambiguous", "wrong", "missed"))
        bad = 100.0 * (scores.count("wrong") + scores.count("missed")) / len(group)
        found.append(figure(f"sim: pairs: {where}: nearer root cause not named", bad, "%", 1.0, f"n {len(group)}: {counts}"))
        said = sum(1 for one in group if one.neither)
        found.append(
            figure(f"sim: pairs: {where}: some verdict named neither", 100.0 * said / len(group), "%", 1.0, f"n {len(group)}")
        )
    return found


def table(results: list[PairResult]) -> str:
    """Those that are not right, the commonest mistake first."""
    lines = ["| first | second | store | score | named | also | named neither |", "|---|---|---|---|---|---|---|"]
    for one in sorted(results, key=lambda one: (one.score, one.named)):
        if one.score in ("wrong", "missed") or one.neither:
            neither = "; ".join(f"{at_s} s {'/'.join(codes)}" for at_s, codes in one.neither[:2])
            lines.append(f"| {one.first} | {one.second} | {one.store} | {one.score} | {'/'.join(one.named)} "
                         f"| {' '.join(one.also)} | {neither} |")  # fmt: skip
    return "\n".join(lines)
