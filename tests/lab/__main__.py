"""Break a store's network again and again and see what the prober says: prints a table, writes `build/lab.json`.

    python -m tests.lab [--trials 200] [--only FAULT ...] [--seed N] [--jobs 2] [--alone 0.2] [--families dual|ipv4|ipv6]
    python -m tests.lab --watch 600

`--trials` are all trials together, spread over the faults. Root only.
"""

import argparse
import asyncio
import random
import signal
import sys
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench import rows as figures
from tests.lab import tables, watch
from tests.lab.faults import FAULTS, SLOW_TO_SHOW
from tests.lab.places import V4, V6
from tests.lab.record import keep
from tests.lab.scoring import Outcome
from tests.lab.topology import Lab, Shape
from tests.lab.trial import LATE_S, NotSettled, Trial, run

FILE = Path(__file__).resolve().parents[2] / "build" / "lab.json"
AGAIN = 3
FAMILIES = {"dual": (V4, V6), "ipv4": (V4,), "ipv6": (V6,)}


@dataclass
class Session:
    """What all labs of one run share."""

    queue: list[Trial]
    shape: Shape
    total: int
    results: list[tuple[str, bool, Outcome]] = field(default_factory=list)
    shut: dict[str, str] = field(default_factory=dict)
    most_arp: int = 0
    unsettled: int = 0
    late: int = 0

    def note(self, trial: Trial, outcome: Outcome, arp: int) -> None:
        self.results.append((trial.fault.name, trial.alone, outcome))
        took = "-" if outcome.detect_s is None else f"{outcome.detect_s:.3f} s"
        back = "-" if outcome.recovery_s is None else f"{outcome.recovery_s:.2f} s"
        extra = f" others {' '.join(outcome.others)}" * bool(outcome.others) + f" flaps {outcome.flaps}" * bool(outcome.flaps)
        extra += " not corrected" if outcome.corrected is False else ""
        print(
            f"[{len(self.results)}/{self.total}] {trial.fault.name}{' (alone)' if trial.alone else ''}, seed {trial.seed}: "
            f"{outcome.verdict} {','.join(outcome.said)} after {took}, back after {back}{extra}, {arp} ARP/s",
            file=sys.stderr, flush=True,
        )  # fmt: skip


def planned(names: list[str], trials: int, alone: float, seed: int) -> list[Trial]:
    """Each fault equally often, in a random order; a share of them without peers."""
    chance = random.Random(seed)
    each = max(1, round(trials / len(names)))
    # A fault of the peers themselves needs them.
    may = {name: FAULTS[name].truth or FAULTS[name].also for name in names}
    found = [
        Trial(FAULTS[name], chance.randrange(2**31), alone=bool(may[name]) and number >= each - round(each * alone))
        for name in names
        for number in range(each)
    ]
    chance.shuffle(found)
    return found


async def work(session: Session, label: str) -> None:
    """Trials one after the other, in a lab of its own. A port that was shut ends the lab: it would stay shut."""
    while session.queue:
        lab = Lab(session.shape, label)
        await asyncio.to_thread(lab.__enter__)
        try:
            async with lab.served():
                while session.queue and not lab.policer.shut:
                    if not await attempt(session, lab, session.queue.pop()):
                        break
                session.shut |= {f"{label} {host}": why for host, why in lab.policer.shut.items()}
        finally:
            await asyncio.to_thread(lab.__exit__, None, None, None)


async def attempt(session: Session, lab: Lab, trial: Trial) -> bool:
    """One trial; again where the lab was late. False: this lab is of no more use."""
    for left in reversed(range(AGAIN)):
        try:
            tried = await run(lab, trial)
        except NotSettled as error:
            session.unsettled += 1
            print(f"{trial.fault.name}: the probers did not settle\n{error}", file=sys.stderr, flush=True)
            return False
        if tried.late_s > LATE_S and left:
            session.late += 1
            print(f"{trial.fault.name}: the lab was {tried.late_s:.2f} s late, again", file=sys.stderr, flush=True)
            continue
        arp = lab.policer.begin()
        session.most_arp = max(session.most_arp, arp)
        session.note(trial, tried.outcome, arp)
        await asyncio.to_thread(keep, FILE.parent / "lab", trial, tried.outcome, tried.registers)
        return True
    return True


async def trials(args: argparse.Namespace) -> list[figures.Row]:
    shape = Shape(families=FAMILIES[args.families], managed=not args.unmanaged, modem=not args.no_modem)
    names = args.only or [name for name in FAULTS if name not in SLOW_TO_SHOW]
    names = [name for name in names if FAULTS[name].families & set(shape.families)]
    queue = planned(names, args.trials, args.alone, args.seed)
    for old in (FILE.parent / "lab").glob("*.jsonl"):
        old.unlink()
    session = Session(queue, shape, len(queue))
    try:
        await asyncio.gather(*(work(session, chr(ord("a") + number)) for number in range(args.jobs)))
    except asyncio.CancelledError:
        print(f"ended after {len(session.results)} of {session.total}: these are told", file=sys.stderr)
    groups = tables.grouped(session.results)
    print(tables.table(groups))
    found = tables.rows(groups)
    found.append(figures.figure("lab: ports shut by the policer", len(session.shut), "", 0.0, " ".join(session.shut.values())))
    found.append(figures.figure("lab: ARP within one second at a port, most", session.most_arp, "", 15.0))
    found.append(figures.figure("lab: trials done again, for the lab was late", session.late, ""))
    found.append(figures.figure("lab: trials that could not begin", session.unsettled, "", 0.0))
    return found


async def ended_by_signals(work: Coroutine[None, None, list[figures.Row]]) -> list[figures.Row]:
    """SIGTERM and SIGINT cancel the work: probers and namespaces are taken down whoever ends this."""
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await task


def main() -> int:
    """0 where every goal holds, else 1."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.lab", description="Break a store's network and see what the prober says."
    )
    parser.add_argument("--trials", type=int, default=200, help="all together (200)")
    parser.add_argument("--only", nargs="+", choices=FAULTS, metavar="FAULT", help=", ".join(FAULTS).replace("%", "%%"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="labs at a time; many make each other late (2)")
    parser.add_argument("--alone", type=float, default=0.25, help="share of the trials without other registers (0.25)")
    parser.add_argument("--families", choices=FAMILIES, default="dual")
    parser.add_argument("--unmanaged", action="store_true", help="the switch has no address")
    parser.add_argument("--no-modem", action="store_true", help="the modem has no address")
    parser.add_argument(
        "--watch", type=float, metavar="SECONDS", help="no faults: CPU, memory, ARP and bytes of a prober at rest"
    )
    args = parser.parse_args()
    began = time.perf_counter()
    found = asyncio.run(ended_by_signals(watch.measure(args.watch) if args.watch else trials(args)))
    print(f"{time.perf_counter() - began:.0f} s", file=sys.stderr)
    figures.merge(FILE, found)
    print(figures.table(found))
    return 1 if any(row.holds is False for row in found) else 0


if __name__ == "__main__":
    sys.exit(main())
