"""What a column costs under a hypothesis, in nats. Pure.

A column's rounds until its present run of unanswered ones cost the same under every hypothesis, so only the run counts:

* alive: every unanswered round costs `MISS`, up to the column's `MUTE` - an answerer may fall silent for a reason of its own
  (filtered, rate-limited, switched off), and beyond that more silence says nothing more about what is in front of it. Columns
  that share a component fail together for reasons that no hypothesis names, so the second of them counts less (`SHARED`).
* dead since `onset`: rounds sent after it are free, earlier ones cost as if alive. The onset is not before the last answer of
  any column that the fault silences: one answer makes all misses before it worth nothing, however many.
* lossy with rate p from some moment on: -ln p a miss and -ln(1 - p) an answer, best moment and best rate of `RATES`. Needs no
  streak, and so explains a burst that also hits what a dead component would leave alone.
"""

import math

from tillkeeper.network.faults import FAULTS, Fault
from tillkeeper.network.model import Column, ColumnName, Evidence, Value

MISS = 1.6
"""-ln 0.2: an unanswered round of a healthy column is rare, but comes in company; independent 2 % would be 3.9."""
UNHEARD = 2.6
"""The same for a beacon: it comes unasked, and is missed only three tenths of a second after its time."""
NEAR_MISS = 2.1
"""The same for the devices on the LAN: those that answer at all are seldom missed where nothing is lost, and few are asked."""
MUTE: dict[ColumnName, float] = {
    "broadcast": 6.0, "gateway": 12.0, "switch": 6.0, "neighbours": 8.0, "router": 8.0, "hop2": 5.0, "modem": 5.0,
    "anycast": 12.0, "resolver": 12.0, "other_resolver": 12.0, "portal": 5.0, "hq": 12.0,
}  # fmt: skip
"""What it costs at most that a column is silent by itself. A gateway has to answer ARP; a second hop often answers nobody."""
COST: dict[ColumnName, float] = {"broadcast": UNHEARD, "neighbours": NEAR_MISS}
ANOTHER = 0.4
"""So much rarer is it, for every further target, that all of a column fall silent by themselves."""
SHARED = (1.0, 0.6, 0.4, 0.3)
"""Weight of the costliest silent column of a group, of the next, and so on."""
GROUPS: tuple[tuple[ColumnName, ...], ...] = (
    ("gateway", "router"),
    ("broadcast", "switch", "neighbours"),
    ("hop2", "modem", "anycast", "resolver", "other_resolver", "portal", "hq"),
)
BURST_S = 1.5
PASSES = 1.0
"""Losses so heavy that a whole run fits pass: every second beyond the first and a half costs a nat."""
RATES = (0.05, 0.2, 0.5, 0.8)
LOSS_PRIOR = 0.5
"""Bursts are far commoner than deaths, and a death that is taken for a burst is only said a little later."""
LOSSY: dict[str, tuple[ColumnName, ...]] = {
    "lan": ("broadcast", "gateway", "switch", "neighbours", "router", "hop2", "modem", "anycast", "resolver", "other_resolver",
            "portal", "hq"),
    "router": ("gateway", "router", "hop2", "modem", "anycast", "other_resolver", "portal", "hq"),
    "isp": ("hop2", "modem", "anycast", "other_resolver", "portal", "hq"),
    "internet": ("anycast", "other_resolver", "portal", "hq"),
}  # fmt: skip
"""What each layer's losses touch: itself and everything beyond."""
RECENT = 32
WINDOW_S = 5.0
"""What a column's `hits` and `misses` are of (`windows.WINDOW_S`)."""
PATHS = 3
"""So many targets of one column count apart when losses have to hit all of them."""
IN_TURNS: frozenset[ColumnName] = frozenset({"anycast"})
"""Of whose targets each round asks one (`plan.Plan._burst`): its answer is no luck of several."""
_RATES = tuple((-math.log(rate), [0.0, *(-math.log(1 - rate**n) for n in range(1, PATHS + 1))]) for rate in RATES)


class Silence(Value, frozen=True):
    """A column as the costs need it. `run`: unanswered rounds until now, `since_s`: when the first of them was sent,
    `answered_s`: the last answer before them, None where there never was one."""

    run: int
    since_s: float
    answered_s: float | None
    recent: str
    asked_s: tuple[float, ...]
    """When each of `recent` was; empty where that is not known."""
    rounds: float
    """In `WINDOW_S`, about."""
    paths: int
    together: int
    """So many of them are asked in one round."""
    alive: float
    """What it costs if the column should answer."""


def silence(name: ColumnName, column: Column, at_s: float) -> Silence | None:
    """None for a column that carries no weight."""
    if name in ("carrier", "address") or column.state == "unknown" or column.hits + column.misses + column.run == 0:
        return None
    run, since_s, answered_s = column.run, column.missing_s, column.answered_s
    if since_s is None:
        since_s = column.since_s if column.state == "no" and column.since_s is not None else at_s
        if run and since_s == at_s and answered_s is not None:
            since_s = answered_s
    if column.state == "no" and run < 3:
        # It answered, but not as it has to (a refusing HQ, a redirecting portal): as good as silent since then.
        since_s = column.since_s if column.since_s is not None else at_s
        run = max(run, 1 + int(min(max(at_s - since_s, 0.0), 10.0) * 4))
        answered_s = None if answered_s is None else min(answered_s, since_s)
    if run == 0:
        answered_s = at_s if answered_s is None else answered_s
    elif answered_s is None and column.hits:
        answered_s = since_s
    paths = max(1, min(column.paths, PATHS))
    recent = column.recent or _spread(column.hits, max(column.misses - run, 0)) + "x" * run
    return Silence(
        run=run, since_s=since_s, answered_s=answered_s, recent=recent[-RECENT:],
        asked_s=column.asked_s if len(column.asked_s) == len(column.recent) else (),
        rounds=max(run, (column.hits + column.misses) / max(column.paths, 1)), paths=paths,
        together=1 if name in IN_TURNS else paths,
        alive=min(MUTE[name] * (1 + ANOTHER * (paths - 1)), COST.get(name, MISS) * run),
    )  # fmt: skip


def _spread(hits: int, misses: int) -> str:
    """Earlier rounds whose order is not known: misses evenly among the answers."""
    total = min(hits + misses, RECENT)
    if total == 0:
        return ""
    lost = round(misses * total / (hits + misses))
    return "".join("x" if (i + 1) * lost // total > i * lost // total else "." for i in range(total))


def grouped(costs: dict[ColumnName, float]) -> float:
    """The sum, where columns that share a component count less from the second on."""
    total = 0.0
    for group in GROUPS:
        found = sorted((costs[name] for name in group if costs.get(name, 0.0) > 0), reverse=True)
        total += sum(cost * SHARED[min(i, len(SHARED) - 1)] for i, cost in enumerate(found))
    return total


def onset(dead: dict[ColumnName, Silence]) -> float:
    """The earliest moment from which all of these can have been dead: the last answer of any of them."""
    return max((one.answered_s for one in dead.values() if one.answered_s is not None), default=-math.inf)


def before(one: Silence, onset_s: float, at_s: float) -> float:
    """What the rounds of a run cost that were sent before the onset: they ought to have been answered."""
    if one.run == 0 or onset_s <= one.since_s:
        return 0.0
    # A run of one still has an age; one round more than the elapsed share keeps a single late answer from being nothing.
    share = min((onset_s - one.since_s) / max(at_s - one.since_s, 1e-3), 1.0)
    return min(one.alive, MISS * one.run * share)


def dead_cost(silences: dict[ColumnName, Silence], dead: set[ColumnName], answering: set[ColumnName], at_s: float) -> float:
    """A component died that silences `dead`, while `answering` should go on. The other columns may follow it, not lead it."""
    found = {name: one for name, one in silences.items() if name in dead}
    onset_s = onset(found) if any(one.run for one in found.values()) else at_s
    costs = {
        name: one.alive if name in answering else before(one, onset_s, at_s) for name, one in silences.items() if one.run
    }  # fmt: skip
    return grouped(costs)


def loss_cost(silences: dict[ColumnName, Silence], layer: str, at_s: float) -> float:
    """Losses from `layer` on, at the rate that fits best, either since the longest of the runs began or for as long as is
    remembered; what is nearer should answer."""
    touched = LOSSY[layer]
    rest = grouped({name: one.alive for name, one in silences.items() if name not in touched})
    lossy = [one for name, one in silences.items() if name in touched]
    onset_s = min((one.since_s for one in lossy if one.run), default=at_s)
    lasting = PASSES * max(0.0, at_s - onset_s - BURST_S)
    best = math.inf
    for since_s in (onset_s, at_s - WINDOW_S):
        hits, misses, spared = [0] * (PATHS + 1), 0, 0
        for one in lossy:
            hit, miss, chance = _counts(one, since_s)
            hits[one.together] += hit
            misses += miss
            spared += chance
        for miss_cost, hit_costs in _RATES:
            cost = misses * miss_cost + sum(count * hit_costs[paths] for paths, count in enumerate(hits) if count)
            best = min(best, cost - spared * MISS)
    return LOSS_PRIOR + rest + best + lasting


def _counts(one: Silence, since_s: float) -> tuple[int, int, int]:
    """Answers and misses among the rounds since then, but at least the whole run; and how many misses outside the run would be
    chance otherwise. What is still open is neither: no answer is newer than the last one. A round is missed when all its
    paths are."""
    earlier = one.recent[: max(0, len(one.recent) - one.run)]
    if one.asked_s:
        # In a doubt that has just begun far more is asked than before: only each round's own time tells what was since then.
        wanted = sum(1 for at_s in one.asked_s[: len(earlier)] if at_s >= since_s)
    else:
        until_s = one.answered_s if one.answered_s is not None else since_s
        wanted = min(len(earlier), max(0, math.ceil((one.rounds - one.run) * (until_s - since_s) / WINDOW_S)))
    part = earlier[len(earlier) - wanted :]
    chance = part.count("x")
    return wanted - chance, (chance + one.run) * one.paths, chance


def silences_of(evidence: Evidence) -> dict[ColumnName, Silence]:
    found: dict[ColumnName, Silence] = {}
    for name, column in evidence.columns.items():
        one = silence(name, column, evidence.at_s)
        if one is not None:
            found[name] = one
    return found


def _sets(fault: Fault) -> tuple[set[ColumnName], set[ColumnName]]:
    dead = {name for name, is_to_be in fault.columns.items() if is_to_be == "no"}
    return dead, {name for name, is_to_be in fault.columns.items() if is_to_be == "yes"}


SETS = {fault.code: _sets(fault) for fault in FAULTS.values()}
"""Of every fault: the columns that it silences, and those that must go on."""
