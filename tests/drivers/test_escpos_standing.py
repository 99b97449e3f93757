"""Attended printers on serial lines and USB: what stands, what is pulled, and who else has the node."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from tests.drivers.fakes import FakePrinter
from tests.drivers.ptys import LineFaults, SerialDevice, printer_on_a_line

from tillkeeper_drivers.api import NotSent, OutcomeUnknown, PrintDocument, Status, Text, Transport
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.serial import SerialTransport

SLIP = PrintDocument("j", (Text("2 Burger"), Text("no onions")))
LIMITS = Deadlines(
    connect=2, write=2, confirm=1, answer=1, maybe=0.1, maybe_confirm=0.3, pace=0.1, poll=0.1, beat=0.3, idle_poll=0.2,
    again=0.4,
)


class Told:
    """What an attended printer has told."""

    def __init__(self, transport: Transport, model: str) -> None:
        self.printer = EscPosPrinter("bar", transport, profile(model), {2: "drawer"}, LIMITS, hold=True)
        self.all: list[Status] = []
        self._news = asyncio.Event()

    def heard(self, status: Status) -> None:
        self.all.append(status)
        self._news.set()

    async def until(self, holds: Callable[[Status], bool], deadline_s: float = 10) -> Status:
        async with asyncio.timeout(deadline_s):
            while not self.all or not holds(self.all[-1]):
                self._news.clear()
                await self._news.wait()
        return self.all[-1]

    async def until_trouble(self, trouble: str | None) -> Status:
        return await self.until(lambda status: status.trouble() == trouble)


@asynccontextmanager
async def attended(transport: Transport, model: str = "tm-t88vi") -> AsyncIterator[Told]:
    told = Told(transport, model)
    task = asyncio.create_task(told.printer.attend(told.heard, asyncio.Semaphore(2)))
    try:
        yield told
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("model", ["tm-t88vi", "tm-m30", "tm-u220", "generic-80"])
def test_a_printer_on_a_serial_line_tells_and_prints(model: str) -> None:
    async def run() -> None:
        device = VirtualPrinter(model, speed_mm_s=0, idle_close_s=3600)
        async with asyncio.timeout(30), device, printer_on_a_line(device) as line:
            async with attended(SerialTransport(line.path), model) as told:
                await told.until_trouble(None)
                for turn in range(3):
                    device.set_cover(open_=True)
                    await told.until_trouble("cover_open")
                    device.set_cover(open_=False)
                    await told.until_trouble(None)
                    assert (await told.printer.deliver(SLIP, b"ab1%d" % turn)).how in ("confirmed", "sent")
            await device.wait_printed(3, 5)
            assert len(device.printed) == 3

    asyncio.run(run())


def test_an_adapter_that_is_pulled_and_plugged_in_elsewhere_goes_on() -> None:
    async def run() -> None:
        peer, path = FakePrinter(), ""
        async with asyncio.timeout(30), SerialDevice(peer) as first, SerialDevice(peer) as second:
            path = first.path
            async with attended(SerialTransport(lambda: path)) as told:
                await told.until_trouble(None)
                first.hang_up()
                path = "/dev/serial/by-id/pulled"
                gone = await told.until_trouble("not_plugged_in")
                assert gone.reachable == "no"
                path = second.path
                await told.until_trouble(None)
                assert (await told.printer.deliver(SLIP, b"ab12")).how == "confirmed"

    asyncio.run(run())


def test_one_that_is_pulled_in_the_middle_of_a_ticket_is_unknown() -> None:
    async def run() -> None:
        peer = FakePrinter(token=False)
        async with asyncio.timeout(30), SerialDevice(peer) as line, attended(SerialTransport(line.path)) as told:
            await told.until_trouble(None)
            job = asyncio.create_task(told.printer.deliver(SLIP, b"ab12"))
            await line.took(len(line.received) + 60)
            line.hang_up()
            with pytest.raises(OutcomeUnknown) as unknown:
                await job
            assert unknown.value.reason == "lost"

    asyncio.run(run())


def test_who_else_has_the_node_is_named_and_nobody_fights_for_it() -> None:
    async def run() -> None:
        async with asyncio.timeout(30), SerialDevice(FakePrinter()) as line:
            thief = SerialTransport(line.path)
            # The one that came first keeps it, until it lets it go.
            async with thief.connect(2), attended(SerialTransport(line.path)) as told:
                taken = await told.until_trouble("busy")
                assert "in use" in taken.detail
            async with attended(SerialTransport(line.path)) as told:
                await told.until_trouble(None)

    asyncio.run(run())


def test_a_line_that_is_looped_is_told_and_gets_no_document() -> None:
    async def run() -> None:
        looped = SerialDevice(lambda data: data, LineFaults(split=True), 3)
        async with asyncio.timeout(30), looped as line, attended(SerialTransport(line.path)) as told:
            silent = await told.until_trouble("no_answer")
            assert "sends back what it is sent" in silent.detail
            with pytest.raises(NotSent, match="no_answer"):
                await told.printer.deliver(SLIP, b"ab12")
            assert b"Burger" not in line.received

    asyncio.run(run())
