"""Stores with everything going wrong, on a virtual clock. Prints a table, writes `build/simulation.json`; ends with 0 only if
every invariant held in every run. See docs/simulation.md.

python -m tests.simulation [--seed S [--trace]] [--first N] [--seeds N] [--minutes M] [--hours H] [--workers N]
"""

import argparse
import logging
import multiprocessing
import os
import sys
import time
from collections import Counter
from pathlib import Path

from tests.bench import rows as bench
from tests.simulation.world import Outcome, play

FILE = Path(__file__).resolve().parent.parent.parent / "build" / "simulation.json"
SHORT = 40


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, help="this run alone")
    parser.add_argument("--trace", action="store_true", help="with all that happened in it")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--minutes", type=float, help="virtual minutes of faults in each run; by the seed where not given")
    parser.add_argument("--hours", type=float, help="virtual hours in all; more seeds until then")
    parser.add_argument("--file", type=Path, default=FILE)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    logging.disable(logging.NOTSET if args.trace else logging.CRITICAL)
    if args.seed is not None:
        return show(play(args.seed, args.minutes), args.trace)
    return many(args)


def show(outcome: Outcome, trace: bool) -> int:
    for line in outcome.trace if trace else outcome.trace[-SHORT:]:
        print(line)
    print(f"\nseed {outcome.seed}: {outcome.violation or 'all held'}")
    print(f"faults {outcome.faults}\ncounts {outcome.counts}\nconverged in {outcome.converged_s:g} s\ndigest {outcome.digest}")
    return 1 if outcome.violation else 0


def many(args: argparse.Namespace) -> int:
    began_s = time.perf_counter()
    found: list[Outcome] = []
    wanted_s = (args.hours or 0.0) * 3600
    with multiprocessing.Pool(args.workers, maxtasksperchild=50) as pool:
        first, count = args.first, args.seeds
        while count:
            jobs = [(seed, args.minutes) for seed in range(first, first + count)]
            for outcome in pool.imap(_play, jobs, chunksize=1):
                found.append(outcome)
                if outcome.violation:
                    print(f"seed {outcome.seed}: {outcome.violation}", flush=True)
            first += count
            count = args.seeds if sum(one.virtual_s for one in found) < wanted_s else 0
    table = rows(found, time.perf_counter() - began_s)
    print("\n" + bench.table(table))
    bench.merge(args.file, table)
    failed = [one for one in found if one.violation]
    if failed:
        one = failed[0]
        print(f"\nseed {one.seed} once more: python -m tests.simulation --seed {one.seed} --trace\n")
        show(one, trace=False)
    return 1 if failed else 0


def _play(job: tuple[int, float | None]) -> Outcome:
    return play(*job)


def rows(found: list[Outcome], took_s: float) -> list[bench.Row]:
    counts: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for one in found:
        counts.update(one.counts)
        done.update(one.faults)
    converged = [one.converged_s for one in found if not one.violation] or [0.0]
    virtual_h = sum(one.virtual_s for one in found) / 3600
    failed = sum(bool(one.violation) for one in found)
    return [
        bench.figure("simulation: runs in which an invariant did not hold", failed, "runs", 0, f"of {len(found)} seeds"),
        bench.figure("simulation: virtual time", virtual_h, "h", None, f"in {took_s:.0f} s"),
        bench.figure("simulation: faults", done.total(), "", None, ", ".join(f"{n} {k}" for k, n in done.most_common())),
        bench.figure("simulation: sales answered", counts["sales"], "", None, f"{counts['refused']} refused"),
        bench.figure("simulation: all mended -> converged, the slowest", max(converged), "s", 300.0),
        bench.figure("simulation: all mended -> converged, p50", bench.p50(converged), "s"),
        bench.figure("simulation: events in quarantine, all listed", counts["events in quarantine"], ""),
        bench.figure("simulation: events whose last copy went with a disk", counts["lost with a disk"], ""),
        bench.figure("simulation: places in a log that two machines took, all listed", counts["places in conflict"], ""),
        bench.figure("simulation: acts of a primary, one at a time", counts["exclusive acts"], ""),
        bench.figure(
            "simulation: roles moved", sum(n for name, n in counts.items() if name.startswith("roles ")), "", None,
            ", ".join(f"{n} {name[6:]}" for name, n in counts.most_common() if name.startswith("roles ")),
        ),
        bench.figure(
            "simulation: online orders accepted", counts["orders accepted"], "", None,
            f"{counts['orders refused']} refused, {counts['orders expired']} expired, "
            f"{counts['orders placed twice, marked']} placed twice, marked",
        ),
        bench.figure("simulation: words of 86", counts["set_availability"], ""),
        bench.figure(
            "simulation: tickets that a restored copy was told of", counts["tickets told to have come out"], "", None,
            f"{counts['repeats of copied disks']} that nobody knew of came out again",
        ),
        bench.figure("simulation: tickets adopted", counts["adopted"], "", None, f"{counts['tickets']} printed"),
    ]


if __name__ == "__main__":
    sys.exit(main())
