"""The engine of the prober on a virtual clock: prints tables, writes `build/sim.json`. See `docs/network-figures.md`.

python -m tests.netsim [--only NAME ...] [--seeds N] [--hours H] [--stores S ...] [--workers N]
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import rows as bench
from tests.netsim import budgets, comparing, noise, pairs, pauses, singles
from tests.netsim.simulation import EngineLike
from tests.netsim.stores import STORES

from tillkeeper.network.engine import Engine
from tillkeeper.network.setup import Setup

ROOT = Path(__file__).resolve().parent.parent.parent
FILE = ROOT / "build" / "sim.json"
MISSES = ROOT / "build" / "sim-misses.txt"
"""Single faults that were not named rightly, one a line, to be played again with `python -m tests.netsim.show`."""


def make(setup: Setup, now_s: float) -> EngineLike:
    return Engine(setup, now_s)


PLAY: dict[str, Callable[[Any, Any], Any]] = {
    "noise": noise.play,
    "singles": singles.play,
    "pairs": pairs.play,
    "pauses": pauses.play,
    "budgets": budgets.play,
    "comparing": comparing.play,
}
ROWS: dict[str, Callable[[Any], list[bench.Row]]] = {
    "noise": noise.rows,
    "singles": singles.rows,
    "pairs": pairs.rows,
    "pauses": pauses.rows,
    "budgets": budgets.rows,
    "comparing": comparing.rows,
}
TABLES: dict[str, Callable[[Any], str]] = {
    "noise": noise.table,
    "singles": singles.table,
    "pairs": pairs.table,
    "comparing": comparing.table,
}


def tasks(name: str, seeds: int, hours: float, stores: list[str], faults: list[str]) -> list[Any]:
    return {
        "noise": lambda: noise.tasks(hours),
        "singles": lambda: singles.tasks(seeds, stores, faults),
        "pairs": lambda: pairs.tasks(max(1, seeds // 50), min(1.0, seeds / 50)),
        "pauses": lambda: pauses.tasks(min(hours, 2.0), max(1, seeds // 25)),
        "budgets": lambda: budgets.tasks(hours),
        "comparing": lambda: comparing.tasks(seeds),
    }[name]()


def play(job: tuple[str, Any]) -> tuple[str, Any]:
    name, task = job
    return name, PLAY[name](task, make)


def run(jobs: list[tuple[str, Any]], workers: int) -> dict[str, list[Any]]:
    """All of them, with progress on stderr; results in the order of the jobs."""
    found: dict[str, list[Any]] = {}
    began_s = shown_s = time.perf_counter()
    with multiprocessing.Pool(workers, maxtasksperchild=200) as pool:
        for done, (name, result) in enumerate(pool.imap(play, jobs, chunksize=1), start=1):
            found.setdefault(name, []).append(result)
            now_s = time.perf_counter()
            if now_s - shown_s > 10.0 or done == len(jobs):
                shown_s = now_s
                print(f"{done} of {len(jobs)}, now {name}, {now_s - began_s:.0f} s", file=sys.stderr, flush=True)
    return found


def main() -> int:
    """0 where every goal holds, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.netsim", description="Play the prober's engine on a virtual clock.")
    parser.add_argument("--only", nargs="+", choices=list(PLAY), default=list(PLAY))
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--stores", nargs="+", choices=list(STORES), default=[], help="single faults only in these")
    parser.add_argument("--faults", nargs="+", default=[], metavar="BEGINNING", help="only single faults so named")
    parser.add_argument("--workers", type=int, default=min(4, os.cpu_count() or 1))
    args = parser.parse_args()
    jobs = [(name, task) for name in args.only for task in tasks(name, args.seeds, args.hours, args.stores, args.faults)]
    found = run(jobs, args.workers)
    rows = [row for name, results in found.items() for row in ROWS[name](results)]
    for name, results in found.items():
        if name == "singles":
            MISSES.parent.mkdir(parents=True, exist_ok=True)
            MISSES.write_text(singles.misses(results) + "\n", "utf-8")
        if name in TABLES:
            print(f"\n## {name}\n\n{TABLES[name](results)}")
    print("\n" + bench.table(rows))
    bench.merge(FILE, rows)
    return 1 if any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
