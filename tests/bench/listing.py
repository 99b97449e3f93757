"""One row of a list, where much waits and where little does: twenty printers that are switched off, and tickets for each."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench import rows
from tests.bench.client import Client
from tests.bench.world import Agent, agent

from tillkeeper import clock
from tillkeeper.config.load import load
from tillkeeper.journal.files import JOURNAL_FILE
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.machine import machine_id
from tillkeeper.spool.jobs import job_row
from tillkeeper.spool.model import Job, TicketData, TicketLine

PRINTERS = 20
FEW, MANY = 100, 10_000
"""The second is as much as an agent of so many printers holds in memory."""
ROUNDS, TURNS = 7, 60
AT_ONCE = 500
PATHS = {"/v1/jobs?limit=1": "the oldest of the jobs that wait", "/v1/devices": "the devices and how much waits for each"}
GOAL_X = 2.0


def store() -> dict[str, Any]:
    names = [f"printer-{number}" for number in range(PRINTERS)]
    devices = {
        name: {"kind": "escpos", "address": f"127.0.0.1:{port}", "profile": "tm-m30"}  # where nothing listens
        for port, name in enumerate(names, start=1)
    }
    stations = {name: {"title": name, "devices": [name], "stale_after_s": 86_400} for name in names}
    return {
        "registers": {"front": {"receipt_printer": None, "drawer": None}},
        "devices": {**dict.fromkeys(("receipt", "grill", "bar", "kitchen", "drawer")), **devices},
        "stations": {**dict.fromkeys(("grill", "cold", "bar")), **stations},
        "routing": {"default": [names[0]], "categories": None, "items": None},
    }


async def _fill(till: Agent, count: int) -> None:
    config = load(till.config)
    now_ms = clock.wall_ms()
    jobs = [_job(number, now_ms) for number in range(count)]
    till.data.mkdir(parents=True, exist_ok=True)
    async with await Journal.open(
        till.data / JOURNAL_FILE, config.store.id, config.this_register,
        wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id=machine_id(),
    ) as journal:  # fmt: skip
        for first in range(0, count, AT_ONCE):
            await journal.append(Batch(jobs=tuple(map(job_row, jobs[first : first + AT_ONCE]))))


def _job(number: int, now_ms: int) -> Job:
    name = f"printer-{number % PRINTERS}"
    ticket = TicketData(
        check_id=f"C{number}", ticket_code=f"B-{number % 1_000:03d}", revision=1, station=name, order_type="takeout",
        fired_at_ms=now_ms, items=(TicketLine("L1", "add", 1, "Cola"),),
    )  # fmt: skip
    return Job(
        job_id=clock.new_id(), device=name, document_class="kitchen_ticket", data=ticket, station=name,
        created_at_ms=now_ms + number, order=now_ms + number,
    )  # fmt: skip


def measure(folder: Path) -> list[rows.Row]:
    """Two agents side by side, asked in turn."""
    clients: list[Client] = []
    with ExitStack() as stack:
        for count in (FEW, MANY):
            changes = store()
            asyncio.run(_fill(Agent(folder / f"listing-{count}", changes), count))
            till = stack.enter_context(agent(folder / f"listing-{count}", changes))
            clients.append(stack.enter_context(till.local()))
        waiting = [sum(device["queued"] for device in client.get("/v1/devices")["devices"]) for client in clients]
        assert waiting == [FEW, MANY], waiting
        return [_row(path, what, clients) for path, what in PATHS.items()]


def _row(path: str, what: str, clients: list[Client]) -> rows.Row:
    ratios, medians = [], []
    for round_ in range(ROUNDS):
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(TURNS):
            for which in (0, 1) if round_ % 2 else (1, 0):
                times[which].append(_ask_ms(clients[which], path))
        few, many = map(rows.p50, times)
        ratios.append(many / few)
        medians.append((few, many))
    few, many = (rows.p50([pair[which] for pair in medians]) for which in (0, 1))
    note = f"{many:.3g} ms to {few:.3g} ms; {rows.spread(ratios, 'x')}"
    return rows.figure(f"{what}, with {MANY:,} waiting, to that with {FEW}, p50", rows.p50(ratios), "x", GOAL_X, note)


def _ask_ms(client: Client, path: str) -> float:
    began_ns = time.monotonic_ns()
    client.get(path)
    return (time.monotonic_ns() - began_ns) / 1e6
