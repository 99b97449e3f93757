"""The same faults as the other rules see them: how soon they say "down", and that they name nothing."""

import random
from typing import NamedTuple

from tests.bench.rows import Row, figure, percentile
from tests.netsim.faults import BY_NAME
from tests.netsim.rules import Rules
from tests.netsim.scoring import score
from tests.netsim.simulation import MakeEngine, Simulation
from tests.netsim.singles import WARM_S, hash_of
from tests.netsim.stores import STORES

FAULTS = (
    "cable", "own port", "router dead", "router hung", "modem", "ISP upstream", "own resolver", "captive portal, echo free",
    "HQ silent",
)  # fmt: skip
LASTS_S = 60.0
OURS = "this prober"
Task = tuple[str, int]


class Compared(NamedTuple):
    fault: str
    seed: int
    alarms_s: dict[str, float | None]


def tasks(seeds: int) -> list[Task]:
    return [(name, seed) for name in FAULTS for seed in range(max(1, seeds // 5))]


def play(task: Task, make: MakeEngine) -> Compared:
    fault, store = BY_NAME[task[0]], STORES["1 register"]
    sim = Simulation(store, make, seed=hash_of(("compare", *task)))
    rules = Rules(sim)
    began_s = WARM_S + random.Random(hash_of(task)).uniform(0.0, 2.0)
    sim.at(began_s, lambda: fault.begin(sim))
    sim.run(began_s + LASTS_S)
    ours = score(fault, store, task[1], sim.machines, began_s, began_s + LASTS_S, sim.now_s)
    alarms = {rule.name: next((at_s - began_s for at_s in rule.alarms if at_s >= began_s), None) for rule in rules.all()}
    return Compared(task[0], task[1], {OURS: ours.confirmed_s, **alarms})


def table(results: list[Compared]) -> str:
    names = list(results[0].alarms_s)
    lines = [f"| fault | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    for fault in FAULTS:
        group = [one for one in results if one.fault == fault]
        cells = []
        for name in names:
            times = [at_s for one in group if (at_s := one.alarms_s[name]) is not None]
            cells.append(f"{percentile(times, 50):.2f} s" if len(times) * 2 > len(group) else "never")
        lines.append(f"| {fault} | {' | '.join(cells)} |")
    return "\n".join(lines)


def rows(results: list[Compared]) -> list[Row]:
    found: list[Row] = []
    for name in results[0].alarms_s:
        for fault in FAULTS:
            times = [at_s for one in results if one.fault == fault and (at_s := one.alarms_s[name]) is not None]
            if times:
                found.append(figure(f"sim: {fault}: {name}, p50", percentile(times, 50), "s", None, f"n {len(times)}"))
    return found
