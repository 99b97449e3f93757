"""How soon a register serves: measured at the printers and at the API, from outside of the machine."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import rows as bench
from tests.boot.register import AGENT, Till, until
from tests.boot.scenes import stalls
from tests.boot.shop import Shop

START = "unit start -> a ticket is printed"
READY = "unit start -> READY=1"
WORKED = "processor time of the agent until then"
"""The same on a machine that does other things."""
ROUNDS = 12
GOALS_S = {START: 1.0, stalls.KILLED: 1.5}
QUIET_S = 0.3


async def starts(shop: Shop, rounds: int) -> None:
    """The unit is started, and a POS orders at once: until the kitchen's printer on the LAN has the ticket."""
    till = shop["r1"]
    for _ in range(rounds):
        await till.systemctl("stop", AGENT)
        await asyncio.sleep(QUIET_S)  # what stopping it has set going is over
        shop.measured.setdefault(START, []).append(await _start(shop, till))
        shop.measured.setdefault(READY, []).append(await _ready_s(till))
    await shop.settled()


async def _start(shop: Shop, till: Till) -> float:
    key, began_s = shop.key(), time.monotonic()
    order = asyncio.create_task(till.order(key, patience_s=60.0))
    await till.systemctl("start", "--no-block", AGENT)
    await until("the ticket", lambda: _is_printed(shop, key), look_s=0.002)
    took_s = time.monotonic() - began_s
    shop.measured.setdefault(WORKED, []).append(_worked_s(await stalls.outer_pid(till)))
    said = await order
    shop.note(key, till.name, said["check_id"], said["totals"]["gross_minor"])
    return took_s


async def kills(shop: Shop, rounds: int) -> None:
    await stalls.killed(shop, rounds)


async def stalled(shop: Shop, rounds: int) -> None:
    await stalls.stopped(shop, max(1, rounds // 3))


async def _is_printed(shop: Shop, key: str) -> bool:
    printers = shop.printers["kitchen"]
    return any(key in slip.text for slip in printers.slips("grill")[-3:])


def _worked_s(pid: int) -> float:
    """Its threads' user and system time (proc(5), `stat`)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _ready_s(till: Till) -> float:
    """As systemd counts it."""
    began, ready = [
        int(await asyncio.to_thread(till.machine.shown, AGENT, f"{name}Monotonic")) / 1e6
        for name in ("ExecMainStartTimestamp", "ActiveEnterTimestamp")
    ]
    return ready - began


def rows(measured: dict[str, list[float]], watchdog_s: float) -> list[bench.Row]:
    """`watchdog_s`: WatchdogSec of the agent's unit."""
    goals = GOALS_S | {stalls.STALLED: watchdog_s + 2.0, stalls.HUNG: watchdog_s + 2.0}
    found = []
    for name, values in measured.items():
        goal = goals.get(name)
        found.append(bench.figure(f"boot: {name}, median", bench.p50(values), "s", goal, _note(values)))
        found.append(bench.figure(f"boot: {name}, slowest", max(values), "s", None if name == START else goal, _note(values)))
    return found


def _note(values: Sequence[float]) -> str:
    return f"{len(values)} times, {min(values):.2f} to {max(values):.2f} s; load {os.getloadavg()[0]:.0f}"
