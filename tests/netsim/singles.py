"""Every single fault, begun at a random phase and healed: how soon it is named, how rightly, how soon it is over."""

import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from tests.bench.rows import Row, figure, percentile
from tests.netsim.faults import ALL, BY_NAME
from tests.netsim.scoring import Result, score
from tests.netsim.simulation import MakeEngine, Simulation
from tests.netsim.stores import STORES, seeds_for

WARM_S = 30.0
"""Capabilities are learned meanwhile."""
HEAL_S = 20.0
RECOVERY_GOAL_S = 1.5
Task = tuple[str, str, int]
"""Fault, store, seed."""
Watched = Callable[[Simulation], None]


def unwatched(_: Simulation) -> None:
    """Nobody looks on."""


def tasks(seeds: int, stores: Collection[str] = (), faults: Collection[str] = ()) -> list[Task]:
    """`stores`: only in these; none: in all. `faults`: only those whose name begins with one of these; none: all."""
    return [
        (fault.name, name, seed)
        for name, store in STORES.items()
        if not stores or name in stores
        for fault in ALL
        if fault.suits(store) and (not faults or fault.name.startswith(tuple(faults)))
        for seed in range(seeds_for(name, seeds))
    ]


def play(task: Task, make: MakeEngine, watched: Watched = unwatched) -> tuple[str, Result]:
    fault_name, store_name, seed = task
    fault, store = BY_NAME[fault_name], STORES[store_name]
    sim = Simulation(store, make, seed=hash_of(task))
    chance = random.Random(hash_of(task) + 1)
    began_s = WARM_S + chance.uniform(0.0, 10.0)
    ended_s = began_s + fault.lasts_s + chance.random()
    if store.registers > 1:
        sim.machines[0].reports = []
    watched(sim)
    sim.at(began_s, lambda: fault.begin(sim), f"{fault.name} begins")
    sim.at(ended_s, lambda: fault.end(sim), f"{fault.name} ends")
    sim.run(ended_s + HEAL_S)
    return store_name, score(fault, store, seed, sim.machines, began_s, ended_s, sim.now_s)


def hash_of(task: Iterable[object]) -> int:
    """The same on every run, which `hash` of a text is not."""
    value = 0
    for character in "|".join(str(part) for part in task):
        value = (value * 131 + ord(character)) % 2_147_483_647
    return value


def table(results: list[tuple[str, Result]]) -> str:
    """Fault x store, as Markdown."""
    lines = [
        "| store | fault | n | suspect p50 / p95 s | confirmed p50 / p95 s | unambiguous p95 s | goal | right | ambiguous "
        "| wrong | missed | recovery p95 s | relapses |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (store, name), group in grouped(results).items():
        fault, n, scores = BY_NAME[name], len(group), [one.score for one in group]
        cells = (
            store, name, n, _pair([one.suspect_s for one in group]), _pair([one.confirmed_s for one in group]),
            _p95([one.right_s for one in group]), f"{fault.goal_s:g}", f"{100.0 * scores.count('right') / n:.0f} %",
            scores.count("ambiguous") or "", scores.count("wrong") or "", scores.count("missed") or "",
            _p95([one.recovered_s for one in group]), sum(one.relapses for one in group) or "",
        )  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def rows(results: list[tuple[str, Result]]) -> list[Row]:
    found: list[Row] = []
    for (store, name), group in grouped(results).items():
        fault, n = BY_NAME[name], len(group)
        times = [one.confirmed_s for one in group if one.confirmed_s is not None]
        if times:
            exact = [one.right_s for one in group if one.right_s is not None]
            exact = [one.right_s for one in group if one.right_s is not None]
            note = f"n {n}, p50 {percentile(times, 50):.3g} s, unambiguous p95 {_p95(list(exact))} s"
            found.append(figure(f"sim: {store}: {name}: confirmed p95", percentile(times, 95), "s", fault.goal_s, note))
        bad = 100.0 * sum(one.score != "right" for one in group) / n
        goal = 100.0 - fault.goal_right
        shown = sorted({"/".join(one.first) for one in group if one.score != "right"})[:3]
        found.append(figure(f"sim: {store}: {name}: not named rightly", bad, "%", goal, f"n {n} {' '.join(shown)}".strip()))
        known = [one.corrected for one in group if one.corrected is not None]
        if known:
            wrong = 100.0 * known.count(False) / len(known)
            found.append(figure(f"sim: {store}: {name}: not corrected rightly by peers", wrong, "%", 1.0, f"n {len(known)}"))
    found += _summary(results)
    return found


def _summary(results: list[tuple[str, Result]]) -> list[Row]:
    outages = [one for _, one in results if not BY_NAME[one.fault].degrades and not BY_NAME[one.fault].advisory]
    healed = [one.recovered_s for one in outages if one.recovered_s is not None and one.fault != "link flapping"]
    others = sum(len(one.others) for _, one in results)
    found = [
        figure(
            "sim: single faults: wrong",
            float(sum(one.score == "wrong" for one in outages)),
            "verdicts",
            0.0,
            f"n {len(outages)}",
        ),
        figure("sim: single faults: confirmed again after the end", float(sum(one.relapses for one in outages)), "times", 0.0),
        figure("sim: single faults: confirmed by registers that have nothing", float(others), "times", 0.0),
    ]
    if healed:
        found.append(figure("sim: recovery p95", percentile(healed, 95), "s", RECOVERY_GOAL_S, f"n {len(healed)}"))
    return found


def grouped(results: list[tuple[str, Result]]) -> dict[tuple[str, str], list[Result]]:
    order: dict[tuple[str, str], list[Result]] = defaultdict(list)
    place: Callable[[tuple[str, Result]], tuple[int, int]] = lambda one: (  # noqa: E731
        list(STORES).index(one[0]), [fault.name for fault in ALL].index(one[1].fault))  # fmt: skip
    for store, result in sorted(results, key=place):
        order[store, result.fault].append(result)
    return order


def _pair(times: list[float | None]) -> str:
    known = [one for one in times if one is not None]
    return f"{percentile(known, 50):.2f} / {percentile(known, 95):.2f}" if known else "-"


def _p95(times: list[float | None]) -> str:
    known = [one for one in times if one is not None]
    return f"{percentile(known, 95):.2f}" if known else "-"


def misses(results: list[tuple[str, Result]]) -> str:
    """Every trial that is not right, or after which something was said that is not."""
    bad = [
        (one, store) for store, one in results if one.score != "right" or one.relapses or one.others or one.corrected is False
    ]
    return "\n".join(evidence_of(one, store) for one, store in bad)


def evidence_of(result: Result, store: str) -> str:
    """One line for whoever has to look into it; `python -m tests.netsim.show` plays it again."""
    times = [None if at_s is None else round(at_s, 2) for at_s in (result.suspect_s, result.confirmed_s, result.right_s)]
    return (
        f"{result.score}: {result.fault!r} in {store!r}, seed {result.seed}: first {'/'.join(result.first)}, "
        f"wrong {result.wrong}, "
        f"suspect, confirmed, unambiguous {times}, recovered {result.recovered_s}, relapses {result.relapses}, "
        f"others {result.others}, corrected {result.corrected}"
    )
