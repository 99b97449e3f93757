"""Plays one fault (or two) again and shows what was said on which evidence.

python -m tests.netsim.show "router dead" --store "3 registers" --seed 4 [--second "HQ silent"] [--every] [--last S]
"""

import argparse
import sys

from tests.netsim import pairs, singles
from tests.netsim.faults import BY_NAME
from tests.netsim.simulation import EngineLike, Simulation
from tests.netsim.stores import STORES

from tillkeeper.network.engine import Engine
from tillkeeper.network.model import Report
from tillkeeper.network.setup import Setup


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.netsim.show", description=__doc__)
    parser.add_argument("fault", choices=list(BY_NAME))
    parser.add_argument("--second", choices=list(BY_NAME))
    parser.add_argument("--store", choices=list(STORES), default="1 register")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--register", type=int, default=0)
    parser.add_argument("--every", action="store_true", help="all reports, not only where the verdict changes")
    args = parser.parse_args()
    kept: list[Simulation] = []

    def make(setup: Setup, now_s: float) -> EngineLike:
        return Engine(setup, now_s)

    def watched(sim: Simulation) -> None:
        kept.append(sim)
        sim.machines[args.register].reports = []

    if args.second:
        print(pairs.play((args.fault, args.second, args.store, args.seed), make, watched))
    else:
        print(singles.evidence_of(singles.play((args.fault, args.store, args.seed), make, watched)[1], args.store))
    machine = kept[0].machines[args.register]
    print("events:", [(round(at_s, 2), what) for at_s, what in kept[0].told])
    before = None
    for report in machine.reports or []:
        said = (report.verdict.phase, report.verdict.faults, report.verdict.also)
        if args.every or said != before:
            print(_line(report, machine.offset_s))
        before = said
    return 0


def _line(report: Report, offset_s: float) -> str:
    verdict, columns = report.verdict, report.evidence.columns
    shown = " ".join(
        f"{name}={column.state[0]}{column.run}({column.hits}/{column.misses}/{column.paths})"
        for name, column in columns.items()
    )
    signs = " ".join(f"{sign.kind}:{sign.subject}{sign.layer}:{sign.amount:.2g}" for sign in report.evidence.signs)
    trusted = "" if report.evidence.trusted else " UNTRUSTED"
    return (
        f"{report.at_s - offset_s:8.2f} {verdict.phase} {'/'.join(verdict.faults)} also {' '.join(verdict.also)}{trusted}\n"
        f"         {shown}\n         {signs}"
    )


if __name__ == "__main__":
    sys.exit(main())
