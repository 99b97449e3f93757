"""Days in which nothing is down: how often is an outage confirmed all the same?

What counts as true: in `clean` and at 1 % random loss nothing is, so that any confirmed fault is false. At 5 % random loss and
in the bursts (1 s every ten minutes, half or four fifths of all packets lost) `loss_*` is true, any outage is false. A ping
rule and the banner can only say "down", which is never true here.
"""

from typing import NamedTuple

from tests.bench.rows import Row, figure
from tests.netsim.rules import Rules
from tests.netsim.simulation import MakeEngine, Simulation
from tests.netsim.singles import hash_of
from tests.netsim.stores import STORES

PARTS = {"LAN": "cable0", "WAN": "access"}
NOISES = (
    "clean", "1 % LAN", "1 % WAN", "5 % LAN", "5 % WAN", "50 % bursts LAN", "50 % bursts WAN", "80 % bursts LAN",
    "80 % bursts WAN",
)  # fmt: skip
BURST_S, BURST_EVERY_S = 1.0, 600.0
SLICE_H = 4.0
"""A day is cut into pieces that run side by side, each with its own chance."""
Task = tuple[str, str, float, int]
"""Noise, store, hours, which piece."""


class Day(NamedTuple):
    """`false`: at which second of simulated time which faults were confirmed by whom. `loss`: true confirmations by code."""

    noise: str
    store: str
    hours: float
    false: tuple[tuple[float, int, tuple[str, ...]], ...]
    suspected: int
    loss: dict[str, int]
    rules: dict[str, int]
    took_s: float = 0.0


def tasks(hours: float, stores: tuple[str, ...] = ("1 register", "3 registers")) -> list[Task]:
    pieces = max(1, round(hours / SLICE_H))
    return [(noise, store, hours / pieces, piece) for noise in NOISES for store in stores for piece in range(pieces)]


def play(task: Task, make: MakeEngine) -> Day:
    noise, store_name, hours, _ = task
    sim = Simulation(STORES[store_name], make, seed=hash_of(task))
    rules = Rules(sim)
    _begin(sim, noise)
    sim.run(hours * 3600.0)
    false: list[tuple[float, int, tuple[str, ...]]] = []
    loss: dict[str, int] = {}
    suspected = 0
    for machine in sim.machines:
        confirmed: tuple[str, ...] = ()
        for at_s, verdict in machine.said:
            suspected += verdict.phase == "suspect"
            now = verdict.faults if verdict.phase == "confirmed" else ()
            if now and now != confirmed:
                if _true(noise, now):
                    loss[now[0]] = loss.get(now[0], 0) + 1
                else:
                    false.append((round(at_s, 1), machine.index, now))
            confirmed = now
    alarms = {rule.name: len(rule.alarms) for rule in rules.all()}
    return Day(noise, store_name, hours, tuple(false), suspected, loss, alarms)


def _true(noise: str, faults: tuple[str, ...]) -> bool:
    return noise[:2] not in ("cl", "1 ") and all(code.startswith("loss_") for code in faults)


def _begin(sim: Simulation, noise: str) -> None:
    if noise == "clean":
        return
    share, part = float(noise.split(" %", 1)[0]) / 100.0, PARTS[noise.rsplit(" ", 1)[1]]
    if "bursts" not in noise:
        sim.world.lose(part, share)
        return

    def burst() -> None:
        sim.world.lose(part, share)
        sim.at(sim.now_s + BURST_S, lambda: sim.world.lose(part, 0.0))
        sim.at(sim.now_s + BURST_EVERY_S, burst)

    sim.at(BURST_EVERY_S * sim.random.random(), burst)


def merged(days: list[Day]) -> dict[tuple[str, str], Day]:
    found: dict[tuple[str, str], Day] = {}
    for day in days:
        before = found.get((day.noise, day.store))
        if before is not None:
            day = Day(day.noise, day.store, before.hours + day.hours, before.false + day.false,
                      before.suspected + day.suspected, _sum(before.loss, day.loss), _sum(before.rules, day.rules))  # fmt: skip
        found[day.noise, day.store] = day
    return dict(sorted(found.items(), key=lambda item: (item[0][1], NOISES.index(item[0][0]))))


def _sum(one: dict[str, int], two: dict[str, int]) -> dict[str, int]:
    return {name: one.get(name, 0) + two.get(name, 0) for name in {**one, **two}}


def rows(days: list[Day]) -> list[Row]:
    found: list[Row] = []
    for (noise, store), day in merged(days).items():
        note = f"{day.hours:g} h, {day.suspected} suspicions, true: {_words(day.loss)}"
        found.append(figure(f"sim: {noise}, {store}: false CONFIRMED", float(len(day.false)), "", 0.0, note))
        if store == "1 register":
            found += [figure(f"sim: {noise}: {name}", float(count), "false alarms") for name, count in day.rules.items()]
    return found


def table(days: list[Day]) -> str:
    names = [name for day in days[:1] for name in day.rules]
    lines = [
        f"| noise | store | hours | false confirmed | suspicions | true loss verdicts | {' | '.join(names)} |",
        f"|---|---|---|---|---|---|{'---|' * len(names)}",
    ]
    for (noise, store), day in merged(days).items():
        rules = " | ".join(str(day.rules[name]) for name in names)
        lines.append(
            f"| {noise} | {store} | {day.hours:g} | {len(day.false)} | {day.suspected} | {_words(day.loss)} | {rules} |"
        )
    return "\n".join(lines)


def _words(loss: dict[str, int]) -> str:
    return ", ".join(f"{code} {count}" for code, count in sorted(loss.items())) or "none"
