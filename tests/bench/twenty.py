"""Twenty network printers, each getting a ticket a second: from the order's answer to the first byte of its ticket. One of the
twenty is off, and one takes the connection and then neither reads nor answers.

Orders arrive at random (Poisson), whether or not the ones before were answered.
"""

import asyncio
import json
import queue
import random
import socket
import time
import tomllib
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench import rows
from tests.bench.client import left_of_answer, post
from tests.bench.world import Agent, Sinks, agent, sinks
from tests.support.ports import free_port

from tillkeeper.config.load import builtin_menu

PRINTERS, WELL = 20, 18
RATE, WARM_UP_S, LASTS_S = 20, 3.0, 40.0
CONNECTIONS = 16
GOAL_MS = 50.0
SEED = 3
LEFT_S = 20.0
"""So long after the last order a first byte may come."""


def items() -> list[str]:
    """Of the menu: those that can be ordered as they are."""
    menu = tomllib.loads(builtin_menu().read_text("utf-8"))
    asked = {group["id"] for group in menu["groups"] if group.get("min")}
    plain = [item["id"] for item in menu["items"] if not asked & set(item.get("modifier_groups", ()))]
    return plain[:PRINTERS]


def store(ports: list[int], dead: int, stuck: int) -> dict[str, Any]:
    names = [f"printer-{number}" for number in range(PRINTERS)]
    places = [*ports, dead, stuck]
    devices = {
        name: {"kind": "escpos", "address": f"127.0.0.1:{port}", "profile": "tm-m30"}
        for name, port in zip(names, places, strict=True)
    }
    return {
        "registers": {"front": {"receipt_printer": None, "drawer": None}},
        "devices": {**dict.fromkeys(("receipt", "grill", "bar", "kitchen", "drawer")), **devices},
        "stations": {
            **dict.fromkeys(("grill", "cold", "bar")), **{name: {"title": name, "devices": [name]} for name in names},
        },
        "routing": {
            "default": [names[0]],
            "categories": None,
            "items": {"bento-box": None, **{item: [name] for item, name in zip(items(), names, strict=True)}},
        },
    }  # fmt: skip


class Orders:
    """`answered_ns`: by printer, CLOCK_MONOTONIC when an order for it was answered."""

    def __init__(self, till: Agent) -> None:
        self.answered_ns: dict[int, list[int]] = defaultdict(list)
        self.refused: list[str] = []
        self._till = till
        self._due: asyncio.Queue[int | None] = asyncio.Queue()

    async def run(self, lasts_s: float) -> None:
        chance = random.Random(SEED)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CONNECTIONS):
                tasks.create_task(self._client())
            due = time.perf_counter()
            end = due + lasts_s
            while (due := due + chance.expovariate(RATE)) < end:
                await asyncio.sleep(due - time.perf_counter())
                self._due.put_nowait(chance.randrange(PRINTERS))
            for _ in range(CONNECTIONS):
                self._due.put_nowait(None)

    async def _client(self) -> None:
        names = items()
        reader, writer = await asyncio.open_unix_connection(str(self._till.socket))
        while (printer := await self._due.get()) is not None:
            line = {"item_id": names[printer], "quantity": 2}
            order = {"order_type": "takeout", "lines": [line], "tenders": [{"tender": "cash"}]}
            writer.write(post("Host: till\r\n", "/v1/orders", json.dumps(order).encode()))
            answer = b""
            while left_of_answer(answer) != 0:
                more = await reader.read(65_536)
                assert more, "the agent closed the connection"
                answer += more
            if answer[9:11] == b"20":
                self.answered_ns[printer].append(time.monotonic_ns())
            else:
                self.refused.append(answer[:300].decode())
        writer.close()
        await writer.wait_closed()


def measure(folder: Path) -> list[rows.Row]:
    with ExitStack() as stack:
        printers = stack.enter_context(sinks(WELL))
        dead = free_port()
        stuck = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        till = stack.enter_context(agent(folder / "twenty", store(printers.ports, dead, stuck.getsockname()[1])))
        warm = Orders(till)
        asyncio.run(warm.run(WARM_UP_S))
        _bytes(printers, warm)
        orders = Orders(till)
        asyncio.run(orders.run(LASTS_S))
        began = _bytes(printers, orders)
    waits = [
        (at - answered) / 1e6
        for printer in range(WELL)
        for answered, at in zip(sorted(orders.answered_ns[printer]), sorted(began[printer]), strict=False)
    ]
    wanted = sum(len(orders.answered_ns[printer]) for printer in range(WELL))
    name = "20 printers at 1 ticket/s, one off, one stuck: order accepted -> first byte, p99"
    note = f"{wanted} tickets, p50 {rows.p50(waits):.3g}, max {max(waits):.3g} ms"
    missing = wanted - len(waits)
    note += f"; {missing} NOT PRINTED" * bool(missing) + f"; refused: {orders.refused[:1]}" * bool(orders.refused)
    row = rows.figure(name, rows.percentile(waits, 99), "ms", GOAL_MS, note)
    whole = not missing and not orders.refused
    return [rows.Row(row.name, row.value, row.unit, row.goal, bool(row.holds) and whole, note)]


def _bytes(printers: Sinks, orders: Orders) -> dict[int, list[int]]:
    """When the documents of these orders began, by printer."""
    began: dict[int, list[int]] = defaultdict(list)
    left = sum(len(answered) for printer, answered in orders.answered_ns.items() if printer < WELL)
    end = time.monotonic() + LEFT_S
    while left and time.monotonic() < end:
        try:
            printer, at_ns = printers.documents.get(timeout=1)
        except queue.Empty:
            continue
        began[printer].append(at_ns)
        left -= 1
    return began
