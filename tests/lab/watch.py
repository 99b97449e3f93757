"""A store at rest, for minutes: what three probers cost it. Then one is stopped, and then the machine is loaded: no verdict
may come of it.

A suspend can not be made here; `tests/network` and `tests/netsim` play it on the virtual clock."""

import asyncio
import contextlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys

import psutil
from tests.bench.rows import Row, figure
from tests.lab.register import Watched
from tests.lab.spaces import inside, now_s
from tests.lab.topology import Lab, Shape
from tests.lab.trial import watched

WARM_S, SAMPLE_S = 20.0, 10.0
STOPPED_S, AFTER_S = 10.0, 6.0
LOADED_S, LOAD_PROCESSES = 20.0, 4
DAY_S = 86_400
MIB = 1024 * 1024
CPU_GOAL, RSS_GOAL_MIB, WAN_GOAL_MB = 1.0, 25.0, 50.0


def _busy() -> None:
    while True:
        pass


def confirmed(register: Watched, from_s: float) -> list[tuple[str, ...]]:
    return [
        report.verdict.faults for at_s, report in register.reports if at_s >= from_s and report.verdict.phase == "confirmed"
    ]


def wan_bytes(lab: Lab) -> int:
    """Through the router, HQ's port left out: the stand-in's beats are not the prober's."""
    with inside(lab.space("router")):
        listed = subprocess.run(
            ("nft", "-j", "list", "counter", "inet", "count", "rest"), capture_output=True, text=True, timeout=10, check=True
        )
    return next(item["counter"]["bytes"] for item in json.loads(listed.stdout)["nftables"] if "counter" in item)


async def measure(seconds: float) -> list[Row]:
    with Lab(Shape()) as lab:
        async with lab.served(), watched(lab, lab.shape.names) as registers:
            await asyncio.sleep(WARM_S)
            found = await _at_rest(lab, registers, seconds)
            found.append(await _stopped(registers))
            found.append(await _loaded(registers))
            found.append(
                figure("lab, watched: ARP within one second at a port, most", max(lab.policer.most.values()), "", 15.0)
            )
            found.append(figure("lab, watched: ports shut by the policer", len(lab.policer.shut), "", 0.0))
    return found


async def _at_rest(lab: Lab, registers: list[Watched], seconds: float) -> list[Row]:
    processes = [psutil.Process(register.pid) for register in registers]
    before = [sum(process.cpu_times()[:2]) for process in processes]
    began_s, bytes_before = now_s(), wan_bytes(lab)
    told_before = [register.last.wan_bytes if register.last else 0 for register in registers]
    arp_before = dict(lab.policer.seen)
    most_rss = [0.0] * len(processes)
    while now_s() - began_s < seconds:
        await asyncio.sleep(min(SAMPLE_S, seconds))
        most_rss = [max(most, process.memory_info().rss / MIB) for most, process in zip(most_rss, processes, strict=True)]
        print(f"{now_s() - began_s:.0f} s: RSS {most_rss[0]:.1f} MiB", file=sys.stderr, flush=True)
    took_s = now_s() - began_s
    cpu = [100 * (sum(process.cpu_times()[:2]) - was) / took_s for process, was in zip(processes, before, strict=True)]
    a_day = DAY_S / took_s / 1e6
    told = sum(
        (register.last.wan_bytes if register.last else 0) - was for register, was in zip(registers, told_before, strict=True)
    )
    false = sum(len(confirmed(register, began_s)) for register in registers)
    arp = max((lab.policer.seen[name] - was) / took_s for name, was in arp_before.items())
    note = f"{took_s:.0f} s, three registers"
    return [
        figure("lab, watched: steady CPU of a prober, highest", max(cpu), "%", CPU_GOAL, note),
        figure("lab, watched: RSS of a prober, highest", max(most_rss), "MiB", RSS_GOAL_MIB, note),
        figure("lab, watched: ARP of a register, mean", arp, "/s", None, "the kernel's own are among them"),
        figure(
            "lab, watched: WAN of the store but HQ's port", (wan_bytes(lab) - bytes_before) * a_day, "MB/day", WAN_GOAL_MB, note
        ),
        figure("lab, watched: WAN of the store as the probers count it", told * a_day, "MB/day", WAN_GOAL_MB, note),
        figure("lab, watched: CONFIRMED while nothing was wrong", false, "", 0.0, note),
    ]


async def _stopped(registers: list[Watched]) -> Row:
    return figure("lab, watched: CONFIRMED after SIGSTOP for 10 s", len(await stopped(registers, STOPPED_S)), "", 0.0)


async def stopped(registers: list[Watched], seconds: float) -> list[tuple[str, ...]]:
    """What is confirmed after SIGSTOP for so long. The stopped one's peers may say that it is silent, and nothing else."""
    from_s = now_s()
    os.kill(registers[0].pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(registers[0].pid, signal.SIGCONT)
    await asyncio.sleep(AFTER_S)
    return [faults for register in registers for faults in confirmed(register, from_s)]


async def _loaded(registers: list[Watched]) -> Row:
    false = len(await loaded(registers, LOADED_S))
    stalls = max(register.last.stalls if register.last else 0 for register in registers)
    return figure(f"lab, watched: CONFIRMED while {LOAD_PROCESSES} busy loops ran", false, "", 0.0, f"{stalls} stalls told")


async def loaded(registers: list[Watched], seconds: float) -> list[tuple[str, ...]]:
    """What is confirmed while all cores are busy twice over."""
    from_s = now_s()
    with contextlib.ExitStack() as stack:
        for _ in range(LOAD_PROCESSES):
            process = multiprocessing.get_context("spawn").Process(target=_busy, daemon=True)
            process.start()
            stack.callback(process.join)
            stack.callback(process.kill)
        await asyncio.sleep(seconds)
    await asyncio.sleep(AFTER_S)
    return [faults for register in registers for faults in confirmed(register, from_s)]
