"""Trouble in the middle of a ticket: what a printer makes of it is waited for, and nothing is printed twice unseen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from msgspec.structs import replace
from tests.drivers.fakes import FakePrinter
from tests.spool.virtual import run_virtual

from tillkeeper_drivers.api import Delivery, NotSent, OutcomeUnknown, PrintDocument, Status, Text
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.memory import MemoryTransport
from tillkeeper_drivers.transport.tcp import TcpTransport

TICKET = PrintDocument("j", tuple(Text(f"line {n}") for n in range(12)))
LIMITS = Deadlines(
    connect=2, write=2, confirm=1.0, answer=1, maybe=0.1, maybe_confirm=0.4, pace=0.1, poll=0.05, beat=0.5, idle_poll=0.1
)


class Kitchen:
    """A virtual printer, its attended driver, and what that told."""

    def __init__(self, device: VirtualPrinter, model: str) -> None:
        self.device = device
        transport = TcpTransport("127.0.0.1", device.port)
        self.printer = EscPosPrinter("bar", transport, profile(model), {2: "drawer"}, LIMITS, hold=True)
        self.told: list[Status] = []
        self._news = asyncio.Event()

    def changed(self, status: Status) -> None:
        self.told.append(status)
        self._news.set()

    async def until(self, trouble: str) -> None:
        """Until the device says that it has this trouble ("" for none)."""
        async with asyncio.timeout(10):
            while not self.told or (self.told[-1].trouble() or "") != trouble:
                self._news.clear()
                await self._news.wait()

    def start(self, token: bytes = b"ab12") -> "asyncio.Task[Delivery]":
        return asyncio.create_task(self.printer.deliver(TICKET, token))


@asynccontextmanager
async def kitchen(model: str = "tm-t88vi") -> AsyncIterator[Kitchen]:
    async with asyncio.timeout(30), VirtualPrinter(model, speed_mm_s=0) as device:
        here = Kitchen(device, model)
        task = asyncio.create_task(here.printer.attend(here.changed, asyncio.Semaphore(2)))
        try:
            await here.until("")
            yield here
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def in_kitchen(scene: Callable[[Kitchen], Awaitable[None]], model: str = "tm-t88vi") -> None:
    async def run() -> None:
        async with kitchen(model) as here:
            await scene(here)

    asyncio.run(run())


@pytest.mark.parametrize("model", ["tm-t88vi", "tm-t88iii", "tm-u220", "generic-80"])
@pytest.mark.parametrize("trouble", ["paper_out", "cover_open"])
def test_a_ticket_that_somebody_comes_to_finish_is_confirmed_late_and_printed_once(model: str, trouble: str) -> None:
    async def scene(here: Kitchen) -> None:
        await here.device.command({"fault": trouble, "after_lines": 4})
        job = here.start()
        await here.until(trouble)
        await asyncio.sleep(LIMITS.confirm + 0.3)  # longer than a confirmation may take
        assert not job.done(), "it is being waited for"
        if trouble == "paper_out":
            here.device.load_paper(500)
        else:
            here.device.set_cover(open_=False)
        delivery = await job
        assert delivery.how == "confirmed"
        slips = await here.device.wait_printed(1, 5)
        assert [slip.text.count("line 7") for slip in slips] == [1]
        await here.until("")

    in_kitchen(scene, model)


def test_where_nobody_comes_the_outcome_is_unknown_and_says_why() -> None:
    async def scene(here: Kitchen) -> None:
        await here.device.command({"fault": "paper_out", "after_lines": 4})
        began = asyncio.get_running_loop().time()
        with pytest.raises(OutcomeUnknown) as unknown:
            await here.start()
        assert unknown.value.reason == "paper_out"
        assert asyncio.get_running_loop().time() - began < LIMITS.longest
        with pytest.raises(NotSent):
            await here.start(b"ab13")

    in_kitchen(scene)


def test_a_jam_in_the_middle_goes_on_once_somebody_had_the_cover_open() -> None:
    async def scene(here: Kitchen) -> None:
        here.device.jam_cutter()
        job = here.start()
        await here.until("cutter")
        await asyncio.sleep(0.3)
        assert here.device.mechanism.cutter_error, "nothing moves while a hand may be in it"
        here.device.set_cover(open_=True)
        await asyncio.sleep(0.3)
        here.device.clear_cutter()
        assert here.device.mechanism.cutter_error
        here.device.set_cover(open_=False)
        assert (await job).by == "GS ( H"
        assert [slip.text.count("line 7") for slip in here.device.printed] == [1]

    in_kitchen(scene)


def test_a_head_that_is_too_hot_is_no_defect_and_goes_on_by_itself() -> None:
    async def scene(here: Kitchen) -> None:
        here.device.set_overheated(hot=True)
        await here.until("temperature")
        with pytest.raises(NotSent) as refused:
            await here.start()
        assert refused.value.reason == "temperature"
        here.device.set_overheated(hot=False)
        await here.until("")
        assert (await here.start(b"ab13")).how == "confirmed"

    in_kitchen(scene)


def test_what_the_printer_was_made_to_forget_is_never_confirmed() -> None:
    async def scene(here: Kitchen) -> None:
        await here.device.command({"fault": "cover_open", "after_lines": 4})
        job = here.start()
        await here.until("cover_open")
        here.device.engine.receive(b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08")  # DLE DC4 8, from whomever
        here.device.set_cover(open_=False)
        with pytest.raises(OutcomeUnknown):
            await job
        assert (await here.start(b"ab13")).how == "confirmed"

    in_kitchen(scene)


def test_power_lost_in_the_middle_is_unknown_and_the_return_is_told() -> None:
    async def scene(here: Kitchen) -> None:
        await here.device.command({"fault": "power_loss", "after_lines": 4})
        with pytest.raises(OutcomeUnknown) as unknown:
            await here.start()
        assert unknown.value.reason == "lost"
        await here.until("unreachable")
        await here.device.power_on()
        await here.until("")
        assert (await here.start(b"ab13")).how == "confirmed"
        assert sum(slip.text.count("line 11") for slip in here.device.printed) == 1

    in_kitchen(scene)


def test_a_printer_that_is_offline_because_it_is_full_is_waited_for() -> None:
    class Full(FakePrinter):
        """Says that it is offline, and no cause, while it prints."""

        looks = 0

        def __call__(self, data: bytes) -> bytes:
            answer = super().__call__(data)
            if b"Burger" in bytes(self._seen) and data == b"\x10\x04\x01" and self.looks < 20:
                self.looks += 1
                return b"\x1a"
            return answer

    peer = Full(token=False, paper=False, asb=False)
    printer = EscPosPrinter("bar", MemoryTransport(peer), replace(profile("tm-u220"), paper_query="no"))

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert (await printer.deliver(PrintDocument("j", (Text("2 Burger"),)), b"ab12")).by == "DLE EOT"
        assert loop.time() - began > 15, "it was at work for so long"
        assert printer.last_status.trouble() is None

    run_virtual(scenario())
