"""Two to six registers sell while links, registers, disks and HQ fail at random; then HQ's books are compared. Root only.

    python -m tests.storelab [--minutes 10] [--seed N] [--registers 3] [--only KIND ...]

Writes `build/store-lab.json`; 0 only if every promise was kept. A run that fails leaves its folder behind and prints its seed.
"""

import argparse
import asyncio
import logging
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.bench import rows as bench
from tests.storelab.lan import MOST, names
from tests.storelab.plan import plan
from tests.storelab.world import Run, StoreLab

FILE = Path(__file__).resolve().parents[2] / "build" / "store-lab.json"
CONVERGE_GOAL_S = 120.0
ACTS_GOAL_S, RELAY_GOAL_S = 5.0, 1.5
KILLS, SLEEP_S = 8, 60.0
COUNTS = (
    ("sales accepted", "sales"), ("sales accepted, by the clone", "sales"),
    ("cents compared", "cents"), ("cents in quarantine", "cents"), ("events", "events"),
    ("only on the lost disk", "sales"), ("oldest only on the lost disk", "s"),
    ("events only on the lost disk", "events"), ("asked again across a lost disk", "sales"),
    ("taken and never answered", "sales"), ("forked logs", "logs"), ("conflicts expected", "events"),
    ("conflicts listed", "events"), ("tickets printed", "tickets"), ("marked repeats", "tickets"),
    ("repeats without a mark, of copied disks", "tickets"), ("ticket codes given twice", "checks"),
    ("ticket codes given twice, by a clone", "checks"), ("payments of open checks", ""),
    ("checks that changed hands", "checks"), ("checks handed over", ""), ("checks forked", ""), ("merges", ""),
    ("days closed", "days"),
    ("closed days compared", "days"), ("events in another day than stamped", "events"), ("roles promoted", ""),
    ("roles declared_alone", ""), ("roles returned", ""),
)  # fmt: skip


def rows(run: Run) -> list[bench.Row]:
    # To the cent: `figure` would round.
    found = [bench.Row(f"store lab: {name}", run.verdict.counts.get(name, 0), unit) for name, unit in COUNTS]
    found += [bench.figure(f"store lab: {one.name}", one.broken, one.unit, 0.0) for one in run.verdict.promises]
    acted, relayed = run.drilled.acted_s, run.drilled.relayed_s
    if acted:
        note = f"{len(acted)} kills; {bench.spread(acted, 's')}"
        found.append(bench.figure("store lab: primary killed -> its backup acts, p95", _p95(acted), "s", ACTS_GOAL_S, note))
        note = f"{len(relayed)} kills; {bench.spread(relayed, 's')}"
        found.append(bench.figure("store lab: primary killed -> its log is at HQ, p95", _p95(relayed), "s", RELAY_GOAL_S, note))
    woken = sum(said == "" for said in run.drilled.woken)
    found.append(
        bench.figure("store lab: days closed by a primary that had slept", woken, "", 0.0, ", ".join(run.drilled.woken))
    )
    found.append(bench.figure("store lab: faults", sum(run.faults.values()), "", None, f"{len(run.faults)} kinds"))
    found.append(bench.figure("store lab: answers asked for again", run.repeated, ""))
    found.append(bench.figure("store lab: registers say of conflicts", run.alarms, "alarms"))
    if run.unconverged:
        found.append(bench.missing("store lab: until all have everything", "s", CONVERGE_GOAL_S, run.unconverged))
    else:
        found.append(bench.figure("store lab: until all have everything", run.converge_s, "s", CONVERGE_GOAL_S))
    return found


def _p95(values: list[float]) -> float:
    return bench.percentile(values, 95)


def show(run: Run) -> None:
    for kind, count in sorted(run.faults.items()):
        print(f"  {count:4} {kind}")
    print()
    for reason, count in sorted(run.verdict.counts.items()):
        print(f"  {count:8} {reason}")
    print()
    print("  refused:", ", ".join(f"{count} {code}" for code, count in sorted(run.refusals.items())))
    print()
    for promise in run.verdict.promises:
        print(f"  {'kept  ' if not promise.broken else 'BROKEN'} {promise.broken:6} {promise.unit:12} {promise.name}")
        for example in promise.examples:
            print(f"         {example[:1500]}")


async def play(folder: Path, seed: int, seconds: float, only: list[str], registers: int) -> Run:
    planned = tuple(one for one in plan(seed, seconds, names(registers)) if not only or one.kind in only)

    def tell(words: str) -> None:
        print(words, file=sys.stderr, flush=True)

    async with StoreLab(folder, seed, tell, registers=registers) as store:
        await store.drill(max(1, round(KILLS * min(1.0, seconds / 300))), min(SLEEP_S, seconds / 5))
        return await store.run(planned, seconds)


async def ended_by_signals(folder: Path, seed: int, seconds: float, only: list[str], registers: int) -> Run:
    """SIGTERM and SIGINT cancel the work: processes and namespaces are taken down whoever ends this."""
    task = asyncio.create_task(play(folder, seed, seconds, only, registers))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.storelab", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--registers", type=int, default=3, choices=range(2, MOST + 1))
    parser.add_argument("--only", nargs="+", default=[], metavar="KIND", help="these faults alone")
    parser.add_argument("--file", type=Path, default=FILE, help="where the figures go")
    args = parser.parse_args()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    folder = Path(tempfile.mkdtemp(prefix="store-lab-"))
    print(f"{args.minutes:g} minutes, seed {args.seed}, in {folder}", flush=True)
    run = asyncio.run(ended_by_signals(folder, args.seed, args.minutes * 60, args.only, args.registers))
    found = rows(run)
    show(run)
    print(bench.table(found))
    bench.merge(args.file, found)
    if run.unconverged or not run.verdict.kept or any(row.holds is False for row in found):
        print(f"\nNOT KEPT. Everything is left in {folder}.")
        print(f"The same faults again: make store-lab MINUTES={args.minutes:g} SEED={args.seed} REGISTERS={args.registers}")
        return 1
    shutil.rmtree(folder)
    print("\nEvery promise was kept.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
