"""`python -m tests.killloop`: see the package."""

import argparse
import asyncio
import json
import logging
import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from tests.killloop.loop import KillLoop
from tests.killloop.selling import own_day, real_orders
from tests.killloop.verdict import Promise, judge

ROOT = Path(__file__).resolve().parent.parent.parent
REAL = ROOT.parent / "shared" / "data" / "chipotle-orders.tsv"


def main() -> int:
    args = _arguments()
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    folder = args.folder or Path(tempfile.mkdtemp(prefix="kill-loop-"))
    folder.mkdir(parents=True, exist_ok=True)
    real = REAL.exists() and not args.own_day
    catalogue, planned = real_orders(REAL, folder) if real else (None, own_day(ROOT))
    print(f"{args.kills} kills, seed {args.seed}, {len(planned)} {'real' if real else 'own'} orders, in {folder}", flush=True)
    loop = KillLoop(folder, planned, catalogue=catalogue, seed=args.seed, tell=_tell)
    promises = judge(asyncio.run(loop.run(args.kills)))
    rows = _rows(loop, promises)
    _show(loop, promises, args.seed)
    _write(args.build, rows)
    if any(row["holds"] is False for row in rows):
        print(f"\nNOT KEPT. Everything is left in {folder}; the same again: --seed {args.seed}")
        return 1
    if args.folder is None:
        shutil.rmtree(folder)
    print("\nEvery promise was kept.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.killloop")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--own-day", action="store_true", help="the project's own orders, even where the real ones are there")
    parser.add_argument("--folder", type=Path, help="keep everything here")
    parser.add_argument("--build", type=Path, default=ROOT / "build", help="where the figures go")
    return parser.parse_args()


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _rows(loop: KillLoop, promises: list[Promise]) -> list[dict[str, Any]]:
    tally = loop.tally
    rows = [_row("SIGKILLs", tally.kills, "kills", None), _row("orders accepted", tally.orders, "orders", None)]
    rows += [_row(promise.name, promise.broken, promise.unit, 0) for promise in promises]
    return [*rows, _row("whole run", round(tally.seconds / 60, 2), "min", None)]


def _row(name: str, value: float, unit: str, goal: float | None) -> dict[str, Any]:
    holds = None if goal is None else value <= goal
    return {"name": f"kill-loop: {name}", "value": value, "unit": unit, "goal": goal, "holds": holds}


def _show(loop: KillLoop, promises: list[Promise], seed: int) -> None:
    print(f"\nkill loop, seed {seed}")
    for name, value in msgspec.to_builtins(loop.tally).items():
        shown = f"{value:.1f}" if isinstance(value, float) else value
        print(f"  {name:16} {shown}")
    print()
    for promise in promises:
        print(f"  {'kept  ' if not promise.broken else 'BROKEN'} {promise.broken:6} {promise.unit:12} {promise.name}")
        for example in promise.examples:
            print(f"         {example[:1500]}")


def _write(build: Path, rows: list[dict[str, Any]]) -> None:
    """The rows alone, and among the figures of the bench, where they replace those of the same name."""
    build.mkdir(parents=True, exist_ok=True)
    (build / "kill-loop.json").write_text(json.dumps({"rows": rows}, indent=1) + "\n", "utf-8")
    bench = build / "bench.json"
    others = json.loads(bench.read_text("utf-8"))["rows"] if bench.exists() else []
    own = {row["name"] for row in rows}
    kept = [row for row in others if row["name"] not in own]
    bench.write_text(json.dumps({"rows": [*kept, *rows]}, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
