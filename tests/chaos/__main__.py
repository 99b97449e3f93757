"""`python -m tests.chaos`: see the package."""

import argparse
import asyncio
import logging
import random
import sys
import time
from pathlib import Path

from tests.bench import rows
from tests.chaos.clock import ChaosLoop
from tests.chaos.kitchen import FAULT_EACH, Kitchen, Tally

WELL_AND_SLOW = "in a printer that can only say that it is well, said so while far behind, and lost its power"
FILE = Path(__file__).resolve().parents[2] / "build" / "bench.json"


def chaos(tickets: int, seed: int, tell: bool = False) -> Tally:
    """One run."""
    kitchen = Kitchen(tickets, seed, lambda line: print(line, file=sys.stderr, flush=True) if tell else None)
    with asyncio.Runner(loop_factory=ChaosLoop) as runner:
        return runner.run(kitchen.run())


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--tickets", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    print(f"{args.tickets} tickets, a fault at each {FAULT_EACH}th, seed {args.seed}", flush=True)
    began = time.perf_counter()
    tally = chaos(args.tickets, args.seed, tell=True)
    found = figures(tally, time.perf_counter() - began, args.seed)
    rows.merge(FILE, found)
    print(rows.table(found))
    print("faults: " + ", ".join(f"{kind} {count}" for kind, count in sorted(tally.faults.items())))
    print("ends: " + ", ".join(f"{kind} {count}" for kind, count in sorted(tally.ends.items())))
    for words, codes in (
        ("lost", tally.lost), (WELL_AND_SLOW, tally.well_and_slow), ("repeated without a mark", tally.unmarked),
    ):  # fmt: skip
        if codes:
            print(f"{words}:", *codes[:20], sep="\n  ")
    return 1 if tally.lost or tally.unmarked else 0


def figures(tally: Tally, seconds: float, seed: int) -> list[rows.Row]:
    """Of `build/bench.json`."""
    name = f"chaos, {tally.tickets:,} tickets, a fault each {FAULT_EACH}th"
    hours = tally.virtual_s / 3600
    note = f"seed {seed}; {tally.restarts} restarts; {hours:.1f} h in {seconds:.0f} s"
    said = f"{tally.repeats} marked; {tally.rerouted} came out elsewhere, {tally.carried} to be carried"
    said += f", {tally.released} released; {tally.ends.get('sent', 0)} ended as sent"
    return [
        rows.figure(f"{name}: lost", len(tally.lost), "tickets", 0, note),
        rows.figure(
            f"{name}: {WELL_AND_SLOW}", len(tally.well_and_slow), "tickets",
            note="nothing that such a printer says tells it from one that has printed",
        ),
        rows.figure(f"{name}: repeats without a mark", len(tally.unmarked), "tickets", 0),
        rows.figure(f"{name}: repeats printed, of all tickets", 100 * tally.repeats / tally.tickets, "%", note=said),
    ]


if __name__ == "__main__":
    sys.exit(main())
