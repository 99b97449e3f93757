"""`python -m tests.bootvm`: how long a boot takes with the package and without it, in turn (`build/boot-vm.json`).

The clock of these machines counts instructions, 2 ns each, on one core (QEMU's -icount); while that is idle it goes with the
host's. Work is that time without the idle one: what else the host does is not in it. `--wall`: two cores and the host's clock.
"""

import argparse
import asyncio
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.bench import rows
from tests.boot.image import ROOT
from tests.bootvm import image
from tests.bootvm.image import RIG, Image
from tests.bootvm.machine import Register, Setup, booted, fresh_disk
from tests.bootvm.printer import UsbPrinter, at
from tests.bootvm.store import CALM_S, MODEL, NEVER_S, SOCKET

from tillkeeper_drivers.simulator.printer import VirtualPrinter

ROWS = ROOT / "build" / "boot-vm.json"
GOAL_PERCENT = 10.0
ROUNDS = 5
WHOLE_BOOT_S = 1800.0
A_TICKET = 100
"""Bytes at a time that no question has."""


@dataclass(frozen=True)
class Boot:
    """Seconds since the kernel's start."""

    multi_user_s: float
    work_s: float
    """Until multi-user.target, without the processor's idle time."""
    active_s: float = 0.0
    """The agent's unit."""
    sold_s: float = 0.0
    sold_work_s: float = 0.0
    printed_s: float = 0.0
    """The first sale's receipt, confirmed by the printer."""
    first_byte_s: float = 0.0
    """By this side's clock, since QEMU's start; of use with --wall only."""


async def measured(disks: Image, *, bare: bool, counted: bool) -> Boot:
    with tempfile.TemporaryDirectory(prefix="tillkeeper-boots-") as name:
        folder = Path(name)
        async with (
            VirtualPrinter(MODEL, speed_mm_s=0, idle_close_s=NEVER_S) as printer,
            at(folder / "cable", printer, image.NUMBER) as usb,
        ):
            await usb.plug()
            setup = Setup(bare=bare, counted=counted, cables=(folder / "cable",), words="rig.pos")
            async with booted(disks, fresh_disk(disks, folder, bare=bare), setup) as register:
                return await _read(register, usb, bare=bare)


async def _read(register: Register, usb: UsbPrinter, *, bare: bool) -> Boot:
    await register.run("systemctl is-system-running --wait", check=False, deadline_s=WHOLE_BOOT_S)
    (multi_user_s,) = await _properties(register, "multi-user.target", "ActiveEnterTimestampMonotonic")
    up_s, idle_s = map(float, (await register.wait_for("cat /run/rig-mark", CALM_S)).split())
    if bare:
        return Boot(multi_user_s, up_s - idle_s)
    await register.wait_for("test -s /run/rig-pos", WHOLE_BOOT_S)
    sale = json.loads(await register.run("cat /run/rig-pos"))
    await register.wait_for(f"/{RIG}/ask {SOCKET} '/v1/jobs?state=all' >/run/jobs && grep -q GS /run/jobs", CALM_S)
    jobs = json.loads(await register.run("cat /run/jobs"))["jobs"]
    (receipt,) = (job for job in jobs if job["document_class"] == "receipt")
    clock = "import time; print(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))"
    printed_s = receipt["settled_at_ms"] / 1000 - float(await register.run(f"python3 -ISc '{clock}'"))
    (active_s,) = await _properties(register, "tillkeeper.service", "ActiveEnterTimestampMonotonic")
    byte_s = next(at_s for at_s, data in usb.came if len(data) > A_TICKET) - register.began_s
    sold_work_s = sale["sold_s"] - sale["idle_s"]
    return Boot(multi_user_s, up_s - idle_s, active_s, sale["sold_s"], sold_work_s, printed_s, byte_s)


async def _properties(register: Register, unit: str, *names: str) -> list[float]:
    """Moments in seconds, in the order of `names`."""
    said = await register.run(f"systemctl show {' '.join(f'-p {name}' for name in names)} {unit}")
    values = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return [int(values[name]) / 1e6 for name in names]


def figures(without: list[Boot], with_it: list[Boot], *, counted: bool) -> list[rows.Row]:
    """The comparison is of pairs: each boot with the package against the one without it just before."""
    clock = "counted instructions, one core" if counted else "wall clock, two cores"

    def seconds(what: str, values: list[float], note: str = "") -> rows.Row:
        spread = rows.spread(values, "s") + (f"; {note}" if note else "")
        return rows.figure(f"kernel start -> {what} ({clock}), p50", rows.p50(values), "s", note=spread)

    def percent(what: str, values: list[float], against: list[float], goal: float | None = None) -> rows.Row:
        more = [(value / bare - 1) * 100 for value, bare in zip(values, against, strict=True)]
        name = f"kernel start -> {what} against multi-user.target without the package ({clock}), p50"
        return rows.figure(name, rows.p50(more), "%", goal, f"{len(more)} pairs, {rows.spread(more, '%')}")

    bare_s = [one.multi_user_s for one in without]
    work = [
        percent("a sale is acknowledged, work", [one.sold_work_s for one in with_it], [one.work_s for one in without]),
        percent("multi-user.target with the package, work", [one.work_s for one in with_it], [one.work_s for one in without]),
    ]
    return [
        seconds("multi-user.target without the package", bare_s),
        seconds("multi-user.target with the package", [one.multi_user_s for one in with_it]),
        seconds("the agent is ready", [one.active_s for one in with_it]),
        seconds("a sale is acknowledged", [one.sold_s for one in with_it]),
        seconds("its receipt is printed and confirmed", [one.printed_s for one in with_it]),
        percent("a ticket printed and confirmed", [one.printed_s for one in with_it], bare_s, GOAL_PERCENT),
        percent("multi-user.target with the package", [one.multi_user_s for one in with_it], bare_s),
        *(work if counted else ()),
    ]


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--wall", action="store_true")
    asked = parser.parse_args()
    disks = await asyncio.to_thread(image.ready)
    without: list[Boot] = []
    with_it: list[Boot] = []
    for round_ in range(1, asked.rounds + 1):
        for bare, boots in ((True, without), (False, with_it)):
            boots.append(await measured(disks, bare=bare, counted=not asked.wall))
            print(
                f"{round_}/{asked.rounds} load {os.getloadavg()[0]:.1f} {'without' if bare else 'with'}: {boots[-1]}",
                flush=True,
            )
        found = figures(without, with_it, counted=not asked.wall)
        rows.merge(ROWS, found)
    print(rows.table(found))


if __name__ == "__main__":
    asyncio.run(main())
