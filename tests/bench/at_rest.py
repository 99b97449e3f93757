"""Twenty registers of one store with nothing to do: what they cost each other, and their lines."""

import time
from pathlib import Path

import psutil
from tests.bench import rows
from tests.bench.accepting import timed_ms
from tests.bench.branch import Branch

REGISTERS, ORDERS, LASTS_S = 20, 3, 60.0
GOAL = 2.0
SETTLE_S, DEADLINE_S = 5.0, 60.0


def measure(folder: Path) -> list[rows.Row]:
    """Each has sold a little, holds what two others wrote, beats to HQ and to the registers that it has lines to."""
    names = ["front", *(f"till-{number:02d}" for number in range(2, REGISTERS + 1))]
    with Branch(folder / "rest", *names) as branch:
        for name in names:
            with branch[name].local() as client:
                for _ in range(ORDERS):
                    timed_ms(client)
        for name in names:
            branch.wait_equal(name, DEADLINE_S)
        time.sleep(SETTLE_S)
        others_s = psutil.cpu_times()
        began_s, used_s, carried = time.monotonic(), [branch[name].cpu_s() for name in names], branch.carried()
        time.sleep(LASTS_S)
        took_s = time.monotonic() - began_s
        shares = [100 * (branch[name].cpu_s() - one) / took_s for name, one in zip(names, used_s, strict=True)]
        to_each, to_hq = ((now - one) / took_s / REGISTERS for now, one in zip(branch.carried(), carried, strict=True))
        idle_s = psutil.cpu_times().idle - others_s.idle
        memory = [branch[name].rss_mib() for name in names]
    note = f"median {rows.p50(shares):.3g} %, least {min(shares):.3g} %; {took_s:.0f} s; the machine was busy to "
    note += f"{100 - 100 * idle_s / took_s / (psutil.cpu_count() or 1):.0f} %"
    wire = f"and {to_hq / 1000:.2g} kB/s to HQ; TLS and HTTP counted, TCP and below not; a beat a second each way"
    return [
        rows.figure("20 registers of a store at rest: processor of the busiest, of one core", max(shares), "%", GOAL, note),
        rows.figure("20 registers at rest: bytes between registers, for each", to_each / 1000, "kB/s", note=wire),
        rows.figure(
            "20 registers at rest: memory, p50", rows.p50(memory), "MiB", note=f"{min(memory):.3g} to {max(memory):.3g}"
        ),
    ]
