"""Measure the figures of this release: prints a table, writes `build/bench.json`. See `docs/figures.md`.

python -m tests.bench [--only NAME ...] [--markdown]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.bench import (
    accepting,
    append,
    at_rest,
    books,
    confirming,
    day,
    finding,
    handover,
    hq_postgres,
    listing,
    load,
    modes,
    packets,
    printing,
    probing,
    roles,
    rows,
    starting,
    twenty,
    window,
)
from tests.bench.world import ROOT

KEPT = ROOT / "build" / "bench"
FILE = ROOT / "build" / "bench.json"

FIGURES: dict[str, Callable[[Path], list[rows.Row]]] = {
    "append": append.measure,
    "accepting": accepting.measure,
    "printing": printing.measure,
    "confirming": confirming.measure,
    "starting": lambda folder: starting.measure(folder, KEPT),
    "past": lambda folder: accepting.measure_past(folder, KEPT),
    "finding": finding.measure,
    "listing": listing.measure,
    "day": day.measure,
    "hq-postgres": hq_postgres.measure,
    "converging": lambda folder: books.measure_converging(folder, KEPT),
    "month": lambda folder: books.measure_month(folder, KEPT),
    "felt": lambda folder: books.measure_felt(folder, KEPT),
    "copies": books.measure_copies,
    "at-rest": at_rest.measure,
    "load": load.measure,
    "handover": handover.measure,
    "modes": modes.measure,
    "roles": roles.measure,
    "twenty": twenty.measure,
    "window": window.measure,
    "probing": probing.measure,
    "packets": packets.measure,
}


def main() -> int:
    """0 where every goal that could be measured holds, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure the figures of this release.")
    parser.add_argument("--only", nargs="+", choices=FIGURES, default=list(FIGURES))
    parser.add_argument("--markdown", action="store_true", help="the table as it stands in docs/figures.md")
    args = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    found: list[rows.Row] = []
    for name in args.only:
        began = time.perf_counter()
        # Beside the kept journals, so that all is on one disk, and readable for the user that CUPS works as.
        with tempfile.TemporaryDirectory(dir=KEPT, prefix="run-") as folder:
            Path(folder).chmod(0o755)
            found += FIGURES[name](Path(folder))
        print(f"{name}: {time.perf_counter() - began:.0f} s", file=sys.stderr)
    rows.merge(FILE, found)
    print(rows.markdown(found) if args.markdown else rows.table(found))
    return 1 if any(row.holds is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
