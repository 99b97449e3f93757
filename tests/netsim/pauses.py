"""The process or the whole machine does not run for a while; what lay open then says nothing.

Nothing is wrong in these hours (but for the carrier, which a machine that wakes has only after two seconds), so any other
confirmed fault is false. `loaded`: every step comes late, 40 ms in the mean, up to a second.
"""

import random
from collections.abc import Callable
from typing import NamedTuple

from tests.bench.rows import Row, figure
from tests.netsim.simulation import MakeEngine, Simulation
from tests.netsim.singles import hash_of
from tests.netsim.stores import STORES

KINDS = ("suspend of 10 min", "stall of 10 s", "stall of 10 s, unnoticed by the shell", "stalls of 0.2 to 2 s", "loaded")
WAKING_S = 4.0
Task = tuple[str, str, float, int]
"""Kind, store, hours, seed."""


class Pauses(NamedTuple):
    kind: str
    store: str
    hours: float
    pauses: int
    false: tuple[tuple[float, int, tuple[str, ...]], ...]


def tasks(hours: float, seeds: int) -> list[Task]:
    return [(kind, store, hours, seed) for kind in KINDS for store in ("1 register", "3 registers") for seed in range(seeds)]


def play(task: Task, make: MakeEngine) -> Pauses:
    kind, store, hours, _ = task
    sim = Simulation(STORES[store], make, seed=hash_of(task))
    chance = random.Random(hash_of(task) + 1)
    plan = _plans(sim, chance)[kind]
    until_s = hours * 3600.0
    at_s, woken, count = 20.0, [], 0
    while plan is not None and at_s < until_s:
        for_s = plan(at_s)
        woken.append(at_s + for_s)
        at_s += for_s + chance.uniform(10.0, 60.0)
        count += 1
    if plan is None:
        sim.lag_s = 0.04
    sim.run(until_s)
    false = tuple(
        (round(said_s, 1), machine.index, verdict.faults)
        for machine in sim.machines
        for said_s, verdict in machine.said
        if verdict.phase == "confirmed" and not _waking(kind, said_s, woken, verdict.faults)
    )
    return Pauses(kind, store, hours, count, false)


def _plans(sim: Simulation, chance: random.Random) -> dict[str, Callable[[float], float] | None]:
    def stall(at_s: float, for_s: float, told: bool = True) -> float:
        sim.at(at_s, lambda: sim.stall(0, for_s, told))
        return for_s

    def suspend(at_s: float) -> float:
        sim.at(at_s, lambda: sim.suspend(0, 600.0))
        return 600.0

    return {
        "suspend of 10 min": suspend,
        "stall of 10 s": lambda at_s: stall(at_s, 10.0),
        "stall of 10 s, unnoticed by the shell": lambda at_s: stall(at_s, 10.0, told=False),
        "stalls of 0.2 to 2 s": lambda at_s: stall(at_s, chance.uniform(0.2, 2.0), told=chance.random() < 0.5),
        "loaded": None,
    }


def _waking(kind: str, said_s: float, woken: list[float], faults: tuple[str, ...]) -> bool:
    if not kind.startswith("suspend") or not set(faults) <= {"cable", "switch_power"}:
        return False
    return any(0.0 <= said_s - at_s < WAKING_S for at_s in woken)


def rows(results: list[Pauses]) -> list[Row]:
    found: list[Row] = []
    for kind in KINDS:
        group = [one for one in results if one.kind == kind]
        if group:
            note = f"{sum(one.pauses for one in group)} pauses in {sum(one.hours for one in group):g} h"
            found.append(figure(f"sim: {kind}: wrong verdicts", float(sum(len(one.false) for one in group)), "", 0.0, note))
    return found
