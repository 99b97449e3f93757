"""An attended printer to which things happen all the time: what is confirmed is on paper, and what was not sent is not."""

import asyncio
from random import Random

import pytest

from tillkeeper_drivers.api import DriverError, NotSent, PrintDocument, Text
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.tcp import TcpTransport

TICKETS = 30
LIMITS = Deadlines(
    connect=1, write=0.5, confirm=0.3, answer=0.3, maybe=0.1, maybe_confirm=0.2, pace=0.1, poll=0.05, beat=0.2,
    idle_poll=0.1, again=0.2,
)


async def happenings(device: VirtualPrinter, chance: Random) -> None:
    """For ever: something breaks, a little later somebody mends it."""
    breaks = (
        {"cover": "open"}, {"paper": 0}, {"head": "hot"}, {"cutter": "jam"}, {"power": "off"}, {"drawer": "open"},
        {"fault": "cover_open", "after_lines": 2}, {"fault": "paper_out", "after_lines": 3}, {"fault": "silent"}, {"lie": True},
        {"fault": "power_loss", "after_lines": 2}, {"fault": "mute"}, {"fault": "garbage"}, {"fault": "truncate"},
        {"fault": "rst"},
    )  # fmt: skip
    while True:
        await asyncio.sleep(chance.uniform(0.0, 0.2))
        await device.command(dict(chance.choice(breaks)))
        await asyncio.sleep(chance.uniform(0.0, 0.3))
        mended = {"cover": "closed", "paper": "full", "head": "cool", "cutter": "clear", "drawer": "closed", "lie": False}
        await device.command({**mended, "fault": "none", "power": "on"})


@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("model", ["tm-t88vi", "tm-t88iii"])
def test_what_is_confirmed_is_on_paper(model: str, seed: int, *, hold: bool) -> None:
    async def run() -> None:
        chance = Random(f"{model} {seed} {hold}")
        confirmed: list[str] = []
        not_sent: list[str] = []
        unknown = 0
        async with asyncio.timeout(120), VirtualPrinter(model, speed_mm_s=300, seed=seed) as device:
            transport = TcpTransport("127.0.0.1", device.port)
            printer = EscPosPrinter("bar", transport, profile(model), deadlines=LIMITS, hold=hold)
            tasks = [
                asyncio.create_task(printer.attend(lambda status: None, asyncio.Semaphore(1))),
                asyncio.create_task(happenings(device, chance)),
            ]
            for number in range(TICKETS):
                name = f"ticket {number}."
                document = PrintDocument("j", (Text("one"), Text("two"), Text("three"), Text(name)))
                try:
                    await printer.deliver(document, b"t%03d" % number)
                except DriverError as error:
                    if isinstance(error, NotSent):
                        not_sent.append(name)
                        await asyncio.sleep(0.05)
                    else:
                        unknown += 1
                else:
                    confirmed.append(name)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            paper = "".join(slip.text for slip in device.printed) + device.hanging.as_text()
        assert len(confirmed) >= 3
        assert unknown or not_sent, "nothing happened to it"
        assert [name for name in confirmed if paper.count(name) != 1] == [], "confirmed and not on paper, or twice"
        assert [name for name in not_sent if name in paper] == [], "not sent, and on paper all the same"

    asyncio.run(run())
