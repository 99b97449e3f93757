"""A hundred orders a second for half a minute, arriving whether or not the ones before were answered, to ten printers.

Each order is two items of one of ten stations, paid in cash, so it fires one ticket; arrivals are random (Poisson). Drawer and
receipts are left out: no coil and no single printer takes a hundred a second. Latency counts from the moment an order was due,
not from when a connection was free.
"""

import asyncio
import json
import random
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench import rows
from tests.bench.client import left_of_answer, post
from tests.bench.world import Agent, Sinks, agent, settle, sinks

from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.files import JOURNAL_FILE

RATE, LASTS_S = 100, 30.0
WARM_UP_S = 2.0
CONNECTIONS = 32
RSS_EVERY_S = 0.5
SEED = 1
ITEMS = (
    "onion-soup", "cheeseburger", "lasagne", "greek-salad", "tuna-nigiri", "fries", "tiramisu", "cola", "sencha", "gin",
)  # fmt: skip
"""One for each station."""


class Load:
    """What happened: seconds from due to answered, and answers that were no acceptance."""

    def __init__(self, till: Agent) -> None:
        self.waited_s: list[float] = []
        self.refused: list[str] = []
        self.rss_mib: list[float] = []
        self._till = till
        self._due: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()

    async def run(self, lasts_s: float) -> None:
        chance = random.Random(SEED)
        async with asyncio.TaskGroup() as tasks:
            watch = tasks.create_task(self._watch())
            clients = [tasks.create_task(self._client()) for _ in range(CONNECTIONS)]
            due = time.perf_counter()
            end = due + lasts_s
            while (due := due + chance.expovariate(RATE)) < end:
                await asyncio.sleep(due - time.perf_counter())
                item = chance.choice(ITEMS)
                order = {
                    "order_type": chance.choice(("takeout", "dine_in")),
                    "lines": [{"item_id": item, "quantity": 2}, {"item_id": item, "note": "well packed"}],
                    "tenders": [{"tender": "cash"}],
                }
                self._due.put_nowait((due, json.dumps(order).encode()))
            for _ in clients:
                self._due.put_nowait(None)
            await asyncio.gather(*clients)
            watch.cancel()

    async def _watch(self) -> None:
        while True:
            self.rss_mib.append(self._till.rss_mib())
            await asyncio.sleep(RSS_EVERY_S)

    async def _client(self) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self._till.socket))
        while (work := await self._due.get()) is not None:
            due, body = work
            writer.write(post("Host: till\r\n", "/v1/orders", body))
            answer = b""
            while left_of_answer(answer) != 0:
                more = await reader.read(65_536)
                assert more, "the agent closed the connection"
                answer += more
            self.waited_s.append(time.perf_counter() - due)
            if answer[9:11] != b"20":
                self.refused.append(answer[:300].decode())
        writer.close()
        await writer.wait_closed()


def ten_printers(ports: list[int]) -> dict[str, Any]:
    names = [f"printer-{number}" for number in range(len(ports))]
    example = dict.fromkeys(("receipt", "grill", "bar", "kitchen", "drawer"))
    devices = {
        name: {"kind": "escpos", "address": f"127.0.0.1:{port}", "profile": "tm-m30"}
        for name, port in zip(names, ports, strict=True)
    }
    stations = {name: {"title": name, "devices": [name]} for name in names}
    return {
        "registers": {"front": {"receipt_printer": None, "drawer": None}},
        "devices": {**example, **devices},
        "stations": {**dict.fromkeys(("grill", "cold", "bar")), **stations},
        "routing": {
            "default": [names[0]],
            "categories": None,
            "items": {"bento-box": None, **{item: [name] for item, name in zip(ITEMS, names, strict=True)}},
        },
    }


def measure(folder: Path) -> list[rows.Row]:
    with ExitStack() as stack:
        printers = stack.enter_context(sinks(len(ITEMS)))
        till = stack.enter_context(agent(folder / "load", ten_printers(printers.ports)))
        asyncio.run(Load(till).run(WARM_UP_S))
        settle(till)
        printers.forget()
        before = _confirmed(till)
        load = Load(till)
        asyncio.run(load.run(LASTS_S))
        ended = time.perf_counter()
        settle(till)
        drained_s = time.perf_counter() - ended
        confirmed = _confirmed(till) - before
        printed = _printed(printers)
    accepted = len(load.waited_s) - len(load.refused)
    waits_ms = [1000 * waited for waited in load.waited_s]
    p99 = rows.percentile(waits_ms, 99)
    whole = not load.refused and confirmed == accepted == printed
    note = f"{accepted} orders, p50 {rows.p50(waits_ms):.3g}, max {max(waits_ms):.3g} ms; {printed} tickets begun, "
    note += f"{confirmed} confirmed, none left {drained_s:.2g} s after the last order"
    note += f"; {len(load.refused)} refused: {load.refused[0]}" if load.refused else ""
    wait = rows.figure("100 orders/s to 10 printers: order due -> accepted, p99", p99, "ms", 50.0, note)
    wait = rows.Row(wait.name, wait.value, wait.unit, wait.goal, bool(wait.holds) and whole, note)
    rss_note = f"resident set, highest of {len(load.rss_mib)} samples under that load"
    return [wait, rows.figure("agent memory while printing", max(load.rss_mib), "MiB", 60.0, rss_note)]


def _confirmed(till: Agent) -> int:
    reading = connect_reader(till.data / JOURNAL_FILE)
    try:
        found: int = reading.execute("SELECT count(*) FROM jobs WHERE state = 'confirmed'").get
    finally:
        reading.close()
    return found


def _printed(printers: Sinks) -> int:
    count = 0
    while not printers.documents.empty():
        printers.documents.get_nowait()
        count += 1
    return count
