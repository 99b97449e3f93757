"""Online and offline: whether an order is accepted as fast, how soon an outage and its end are known, and that a register sells
right after it was started without HQ. HQ is a process behind a cable that is cut (connections are refused) or made a hole
(nothing answers any more, and nobody says so)."""

import json
import random
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

from tests.bench import rows
from tests.bench.accepting import PAUSE_S, WARM_UP, timed_ms
from tests.bench.branch import HQ, Branch
from tests.bench.client import Client
from tests.bench.world import TYPICAL, Agent, settle

FRONT = "front"
ROUNDS, TURNS = 8, 40
OUTAGES, STARTS = 20, 7
LOOK_S = 0.01
MOST_S = 30.0
SEED = 7
ORDER = json.dumps(TYPICAL).encode()
Outage = Literal["cut", "hole"]


def measure(folder: Path) -> list[rows.Row]:
    return [*_ratio(folder), *_outages(folder / "outages"), _start(folder / "start")]


def _ratio(folder: Path) -> list[rows.Row]:
    """Two registers, each with an HQ of its own, asked in turn; one is online, the other not, and then the other way round."""
    names = ("even", "odd")
    with ExitStack() as stack:
        branches = [stack.enter_context(Branch(folder / name, FRONT)) for name in names]
        clients = [stack.enter_context(branch[FRONT].local()) for branch in branches]
        for client in clients:
            for _ in range(WARM_UP):
                timed_ms(client, ORDER)
        ratios, medians = [], []
        for turn in range(ROUNDS):
            away = turn % 2
            branches[away].hole(FRONT, HQ)
            branches[1 - away].mend(FRONT, HQ)
            _wait(clients[away], "offline", "red")
            _wait(clients[1 - away], "online", "green")
            times: dict[bool, list[float]] = {True: [], False: []}
            for pair in range(TURNS):
                for which in (0, 1) if pair % 2 else (1, 0):
                    times[which == away].append(timed_ms(clients[which], ORDER))
            offline, online = rows.p50(times[True]), rows.p50(times[False])
            ratios.append(offline / online)
            medians.append((offline, online))
    offline, online = (rows.p50([pair[which] for pair in medians]) for which in (0, 1))
    note = f"{offline:.3g} ms offline, {online:.3g} ms online; {rows.spread(ratios, 'x')}"
    return [rows.figure("order accepted offline, to that online, p50", rows.p50(ratios), "x", 1.05, note)]


def _outages(folder: Path) -> list[rows.Row]:
    """Each at another moment of the beat. Orders are placed all the while: the mode changes between two of them."""
    chance = random.Random(SEED)
    found: list[rows.Row] = []
    with ExitStack() as stack:
        branch = stack.enter_context(Branch(folder, FRONT))
        client = stack.enter_context(branch[FRONT].local())
        slowest_ms = 0.0
        for how, words in (("hole", "nothing answers"), ("cut", "connections are refused")):
            known: list[float] = []
            live: list[float] = []
            for _ in range(OUTAGES):
                _wait(client, "online", "green")
                time.sleep(chance.uniform(0.5, 2.0))
                began_s = time.monotonic()
                (branch.hole if how == "hole" else branch.cut)(FRONT, HQ)
                known.append(_wait(client, "offline", "red") - began_s)
                end_s = time.monotonic() + chance.uniform(0.5, 4.0)
                while time.monotonic() < end_s:
                    slowest_ms = max(slowest_ms, timed_ms(client, ORDER))
                    time.sleep(0.1)
                began_s = time.monotonic()
                branch.mend(FRONT, HQ)
                live.append(_wait(client, "online", "green", selling=True) - began_s)
            found.append(_span(f"outage ({words}) -> mode and dot, p95", known, 2.0))
            found.append(_span(f"heal ({words}) -> live between sales, p95", live, 3.0))
        settle(branch[FRONT])
    found.append(rows.figure("the slowest order during these outages", slowest_ms, "ms", note="nothing switches over"))
    return found


def _span(name: str, values: list[float], goal_s: float) -> rows.Row:
    note = f"p50 {rows.p50(values):.3g} s, most {max(values):.3g} s, {len(values)} times"
    return rows.figure(name, rows.percentile(values, 95), "s", goal_s, note)


def _start(folder: Path) -> rows.Row:
    """Power comes back and HQ does not: from the start of the process to the first order answered."""
    times: list[float] = []
    with ExitStack() as stack:
        branch = stack.enter_context(Branch(folder, FRONT))
        branch.hole(FRONT, HQ)
        till: Agent = branch[FRONT]
        for round_ in range(STARTS + 1):
            till.stop()
            began_ns = till.launch()
            till.wait_ready()
            with till.local() as client:
                _, answered_ns = client.order(ORDER)
            settle(till)
            if round_:  # the first one reads the files from the disk
                times.append((answered_ns - began_ns) / 1e9)
    note = f"{rows.spread(times, 's')}, {len(times)} times"
    return rows.figure("start without HQ -> first order answered, worst", max(times), "s", 2.0, note)


def _wait(client: Client, mode: str, colour: str, *, selling: bool = False) -> float:
    """CLOCK_MONOTONIC in seconds when the register said so."""
    end_s = time.monotonic() + MOST_S
    while True:
        status: dict[str, Any] = client.get("/v1/status")
        now_s = time.monotonic()
        if (status["mode"], status["dot"]["colour"]) == (mode, colour):
            return now_s
        assert now_s < end_s, f"not {mode} within {MOST_S:g} s: {status['mode']}, {status['dot']}"
        if selling:
            timed_ms(client, ORDER)
        time.sleep(max(0.0, LOOK_S - PAUSE_S) if selling else LOOK_S)
