"""How much longer a confirmed ticket takes than its bytes need on the wire, and how soon a cover that opens is on the pages."""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import websockets
from tests.bench import rows
from tests.bench.wires import BITS, MODEL
from tests.bench.world import PRINTERS, ROOT, TOKEN, agent, three_printers

from tillkeeper_drivers.api import Columns, PrintDocument, Rule, Text, Transport
from tillkeeper_drivers.escpos.encoder import encode, warm
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.serial import Line, SerialTransport
from tillkeeper_drivers.transport.tcp import TcpTransport

RECEIPT = PrintDocument(
    "bench",
    (
        Text("CORNER DINER", align="centre", width=2, height=2, bold=True),
        Text("12 High Street"),
        Rule(),
        *(Columns(f"2 BURGER MED RARE, BACON {n}", f"{n}.50") for n in range(20)),
        Rule("="),
        Columns("TOTAL", "215.00", bold=True),
        Text("Thank you"),
    ),
)
BAUDS = {9600: 9, 38400: 15, 115200: 30}
"""Baud and how many tickets."""
TCP_TURNS, TCP_ROUNDS = 8, 20
"""Short turns one after the other: what else the machine does meets all three alike."""
CHANGES = 100
GOAL_PERCENT, GOAL_TCP_MS, GOAL_TOLD_MS = 5.0, 2.0, 100.0
TOKEN_BYTES = b"be%02d"


@contextlib.contextmanager
def far_end(baud: int = 0) -> Iterator[str]:
    """See `wires`: the path of the line, or the port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.wires", *([str(baud)] if baud else [])],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


async def delivered_s(transport: Transport, turns: int, *, hold: bool) -> list[float]:
    """Seconds from the call to the confirmation, one ticket after the other."""
    printer = EscPosPrinter("bench", transport, profile(MODEL), hold=hold)
    attending = asyncio.create_task(printer.attend(lambda status: None, asyncio.Semaphore(1)))
    try:
        found = []
        for turn in range(turns + 1):
            began = time.perf_counter()
            delivery = await printer.deliver(RECEIPT, TOKEN_BYTES % (turn % 100))
            found.append(time.perf_counter() - began)
            assert delivery.by == "GS ( H", delivery
            await asyncio.sleep(0.02)
        return found[1:]
    finally:
        attending.cancel()
        await asyncio.gather(attending, return_exceptions=True)


def serial_row(baud: int, turns: int) -> rows.Row:
    size = len(encode(RECEIPT, profile(MODEL), b"be00"))
    wire_s = size * BITS / baud
    with far_end(baud) as path:
        times = asyncio.run(delivered_s(SerialTransport(path, Line(baud=baud)), turns, hold=True))  # type: ignore[arg-type]
    over = [100 * (taken - wire_s) / wire_s for taken in times]
    note = f"{size} bytes, {wire_s * 1000:.0f} ms on the wire; {rows.spread(over, '%')}"
    return rows.figure(f"confirmed ticket over its wire time, serial {baud} baud, p50", rows.p50(over), "%", GOAL_PERCENT, note)


async def raw_s(port: int, turns: int) -> list[float]:
    """Seconds for the same bytes and their answer over a plain socket, a connection each."""
    data = encode(RECEIPT, profile(MODEL), b"be00")
    found = []
    for _ in range(turns):
        began = time.perf_counter()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        await reader.readuntil(b"\x37\x22be00\x00")
        found.append(time.perf_counter() - began)
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.02)
    return found


def tcp_rows() -> list[rows.Row]:
    raw: list[float] = []
    times: dict[bool, list[float]] = {False: [], True: []}
    with far_end() as port:
        for _ in range(TCP_ROUNDS):
            raw += asyncio.run(raw_s(int(port), TCP_TURNS))
            for hold, found in times.items():
                found += asyncio.run(delivered_s(TcpTransport("127.0.0.1", int(port)), TCP_TURNS, hold=hold))
    base_ms = 1000 * rows.p50(raw)
    words = {False: "a connection each", True: "the connection stands"}
    return [
        rows.figure(
            f"confirmed ticket over the same bytes by a plain socket, TCP, {words[hold]}, p50",
            1000 * rows.p50(found) - base_ms, "ms", GOAL_TCP_MS, f"the plain socket: {base_ms:.3g} ms",
        )
        for hold, found in times.items()
    ]  # fmt: skip


async def told_ms(url: str, device: VirtualPrinter) -> list[float]:
    """From the moment the cover moves to the live message that says so."""
    found = []
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with websockets.connect(url, additional_headers=headers, proxy=None, max_size=None) as live:

        async def wait(cover: str) -> None:
            async with asyncio.timeout(20):
                async for message in live:
                    said = json.loads(message)
                    view = said.get("device", {}) if said.get("type") == "device" else {}
                    if view.get("device") == "receipt" and view["cover_open"] == cover:
                        return

        for turn in range(CHANGES):
            opens = turn % 2 == 0
            began = time.perf_counter()
            device.set_cover(open_=opens)
            await wait("yes" if opens else "no")
            found.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.1)
    return found


def live_row(folder: Path) -> rows.Row:
    async def scene() -> list[float]:
        async with contextlib.AsyncExitStack() as stack:
            devices = [await stack.enter_async_context(VirtualPrinter(MODEL, speed_mm_s=0)) for _ in PRINTERS]
            changes = three_printers([device.port for device in devices], drawer=False)
            changes["devices"]["receipt"]["hold"] = True
            with agent(folder / "telling", changes) as till:
                host, port = till.address
                await devices[PRINTERS.index("receipt")].changed.wait_for(lambda: devices[0].connected, 20)
                return await told_ms(f"ws://{host}:{port}/v1/live", devices[PRINTERS.index("receipt")])

    times = asyncio.run(scene())
    name = "cover moved -> live message, automatic status, p95"
    return rows.figure(name, rows.percentile(times, 95), "ms", GOAL_TOLD_MS, f"p50 {rows.p50(times):.3g} ms, {CHANGES} changes")


def measure(folder: Path) -> list[rows.Row]:
    warm()
    return [*(serial_row(baud, turns) for baud, turns in BAUDS.items()), *tcp_rows(), live_row(folder)]
