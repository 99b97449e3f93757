"""Star printers that say what they should not, slowly or without end: nothing of it confirms, and each document has an end."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spool.virtual import run_virtual

from tillkeeper_drivers.api import DriverError, NotSent, OutcomeUnknown, PrintDocument, Text
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.star.printer import StarPrinter
from tillkeeper_drivers.star.profile import load_profiles, profile
from tillkeeper_drivers.transport.memory import Faults, MemoryTransport
from tillkeeper_drivers.transport.tcp import TcpTransport

QUICK = Deadlines(pace=0.1, connect=1, write=0.5, confirm=0.4, answer=0.2, maybe=0.1, maybe_confirm=0.3, poll=0.05, pin=0.2)
SLIP = PrintDocument("j", (Text("Table 4"), Text("2 x Burger")))
TEXT_MODELS = sorted(name for name, model in load_profiles().items() if model.language != "raster")
"""A raster is drawn in a thread, which knows no virtual time."""
LONG = PrintDocument("j", tuple(Text(f'7"{n} Burger') for n in range(60)))
PIECES = (
    b"\x23\x06\x00\x00\x00\x00\x00\x06\x00", b"\x23\x06\x20\x00\x00\x00\x00\x06\x00", b"\x1b\x1d\x03\x01aa\x00\x00",
    b"\x1b\x1d\x03\x00aa\x00\x00", b"\x23\x86\x00\x00\x00\x00\x00\x06\x00\x00\x08\x1b\x1d\x03\x01aa\x00\x00", b"\x11", b"\x13",
)  # fmt: skip
"""Statuses whose counter stands still at 3, and print ends of somebody else, bare and inside a status."""


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(TEXT_MODELS),
    st.lists(st.binary(max_size=12), min_size=1, max_size=12),
    st.booleans(),
    st.integers(0, 99),
)
def test_whatever_a_device_says_a_document_has_one_honest_end(model: str, says: list[bytes], hold: bool, seed: int) -> None:
    chance = random.Random(seed)
    pieces = [*says, *PIECES]

    def peer(data: bytes) -> bytes:
        return b"".join(chance.choices(pieces, k=chance.randint(0, 3)))

    transport = MemoryTransport(peer, Faults(split_reads=True), seed)
    printer = StarPrinter("bar", transport, profile(model), deadlines=QUICK, hold=hold)
    told: list[str | None] = []

    async def scenario() -> str:
        attending = asyncio.create_task(printer.attend(lambda status: told.append(status.trouble()), asyncio.Semaphore(1)))
        await asyncio.sleep(1)
        try:
            async with asyncio.timeout(120):
                return (await printer.deliver(SLIP, b"zz~~")).how
        except NotSent:
            assert b"Burger" not in transport.received
            return "not sent"
        except OutcomeUnknown:
            return "unknown"
        finally:
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)

    how = run_virtual(scenario())
    assert how != "confirmed", "nobody said that this document is done"
    if profile(model).print_end != "none":
        assert how in ("not sent", "unknown")


@pytest.mark.parametrize("hold", [True, False])
@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
def test_a_printer_that_drains_a_byte_a_second_has_an_end(model: str, *, hold: bool) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(40), VirtualPrinter(model, speed_mm_s=0, buffer_bytes=64) as device:
            await device.command({"faults": {"drain_bytes_per_s": 1}})
            printer = StarPrinter(
                "bar", TcpTransport("127.0.0.1", device.port), profile(model), deadlines=QUICK, hold=hold
            )
            attending = asyncio.create_task(printer.attend(lambda status: None, asyncio.Semaphore(2)))
            for _ in range(2):
                with pytest.raises(DriverError):
                    await printer.deliver(LONG, b"ab12")
            assert device.count == 0
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)

    asyncio.run(scenario())


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3"])
def test_a_printer_that_lies_about_its_paper_confirms_nothing_that_is_not_on_it(model: str) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(60), VirtualPrinter(model, speed_mm_s=0) as device:
            await device.command({"lie": True, "paper": 3})
            printer = StarPrinter("bar", TcpTransport("127.0.0.1", device.port), profile(model), deadlines=QUICK)
            with pytest.raises(OutcomeUnknown):
                await printer.deliver(LONG, b"ab12")
            assert device.count == 0
            with pytest.raises(NotSent):  # it does not come to the end of what it has: no second ticket on top of it
                await printer.deliver(LONG, b"ab13")

    asyncio.run(scenario())


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3"])
def test_after_a_fault_the_attended_printer_is_well_again(model: str) -> None:
    async def scenario() -> None:
        async with asyncio.timeout(60), VirtualPrinter(model, speed_mm_s=0, seed=5) as device:
            printer = StarPrinter(
                "bar", TcpTransport("127.0.0.1", device.port), profile(model), deadlines=QUICK, hold=True
            )
            attending = asyncio.create_task(printer.attend(lambda status: None, asyncio.Semaphore(2)))
            for fault in ("echo", "truncate", "garbage", "silent", "close_each_byte", "rst"):
                await device.command({"power": "off"})
                await device.command({"fault": fault, "power": "on"})
                with pytest.raises(DriverError):
                    await printer.deliver(SLIP, b"ab12")
                await device.command({"power": "off"})
                await device.command({"fault": "none", "power": "on"})
                assert (await printer.deliver(SLIP, b"ab13")).how == "confirmed", fault
            attending.cancel()
            await asyncio.gather(attending, return_exceptions=True)

    asyncio.run(scenario())
