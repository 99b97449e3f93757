"""How soon a printer prints again that was plugged in again, or that has another address."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest
from tests.bench import rows
from tests.devices.lan import NET, NetPrinter, lan
from tests.devices.shop import Shop
from tests.drivers import umock

from tillkeeper.config.model import Device

REPLUG_S, FOLLOWED_S = 2.0, 10.0
REPLUG = "plugged in again -> its waiting ticket prints, the slowest of 4"
SCENARIOS = {
    f"{REPLUG} (confirms)": "plugged_in_again_a_printer_that_confirms_prints",
    f"{REPLUG} (mute)": "plugged_in_again_a_mute_printer_prints",
}
MOVED = "network printer with another address -> a ticket prints there, the slowest of 5"
MOVES = 5


def measure(_folder: Path) -> list[rows.Row]:
    found = []
    for name, scenario in SCENARIOS.items():
        try:
            said = umock.run("umock_finder", scenario)
        except pytest.skip.Exception as reason:
            found.append(rows.missing(name, "s", REPLUG_S, str(reason)))
            continue
        took = json.loads(next(line for line in said.splitlines() if line.startswith("{")))["took_s"]
        found.append(rows.figure(name, max(took), "s", REPLUG_S, f"{min(took):.2f} to {max(took):.2f} s"))
    if os.geteuid():
        return [*found, rows.missing(MOVED, "s", FOLLOWED_S, "namespaces need root")]
    with lan("printer") as there:
        address = f"{there.address('printer')}:9100"
        printer = Device(kind="escpos", address=address, mac=there.mac("printer"), profile="generic-58")

        async def moves() -> list[float]:
            took = []
            shop = Shop(grill=printer)
            async with NetPrinter(there, "printer", "TM-T88VI")() as device, shop.open():
                await shop.ticket("T-0", "grill")
                await _printed(device, "T-0")
                await shop.until_done(60)  # it moves between two tickets
                for number in range(1, MOVES + 1):
                    there.move("printer", f"{NET}.{60 + number}")
                    began = time.monotonic()
                    await shop.ticket(f"T-{number}", "grill")
                    await _printed(device, f"T-{number}")
                    took.append(time.monotonic() - began)
                    await shop.until_done(60)
            return took

        took = asyncio.run(moves())
    return [*found, rows.figure(MOVED, max(took), "s", FOLLOWED_S, f"{min(took):.2f} to {max(took):.2f} s")]


async def _printed(device: NetPrinter, code: str) -> None:
    async with asyncio.timeout(60):
        while code.encode() not in device.received:  # noqa: ASYNC110 - the printer tells nobody
            await asyncio.sleep(0.01)
