"""A document takes as long as it takes: no printer that is still at it is believed, and none is given up. In virtual time, over
real sockets, in front of virtual printers as slow as their models."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from msgspec.structs import replace
from tests.chaos.clock import ChaosLoop

from tillkeeper_drivers.api import Columns, Delivery, Feed, Logo, OutcomeUnknown, PrintDocument, Qr, Rule, Status, Text
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import Profile, profile
from tillkeeper_drivers.printing import pace
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.tcp import TcpTransport

T = TypeVar("T")
LINES = 12
SLIP = PrintDocument("j", tuple(Text(f"line {n:02}") for n in range(LINES)))
CAN_NOT_CONFIRM = ["tm-u220", "generic-80", "generic-58"]
"""Here none of them answers `GS r`, as many boards of their kind do not."""


def model_of(name: str) -> Profile:
    return replace(profile(name), paper_query="no")


def on(model: Profile, scene: Callable[[VirtualPrinter, EscPosPrinter], Awaitable[T]], speed_mm_s: float | None = None) -> T:
    async def run() -> T:
        async with VirtualPrinter(model.name, speed_mm_s=speed_mm_s, drawer_closes_s=None) as device:
            return await scene(device, EscPosPrinter("bar", TcpTransport("127.0.0.1", device.port), model))

    with asyncio.Runner(loop_factory=ChaosLoop) as runner:
        return runner.run(run())


def on_paper(device: VirtualPrinter) -> str:
    return "".join(slip.text for slip in device.printed) + device.hanging.as_text()


@pytest.mark.parametrize("model", CAN_NOT_CONFIRM)
@pytest.mark.parametrize("after_lines", [*range(1, LINES + 1)])
@pytest.mark.parametrize("off_s", [0.5, 60.0])
def test_a_printer_that_loses_its_power_after_it_took_a_ticket_is_not_believed(
    model: str, after_lines: int, off_s: float
) -> None:
    async def scene(device: VirtualPrinter, printer: EscPosPrinter) -> None:
        device.faults.power_loss_after_lines, device.faults.power_off_s = after_lines, off_s
        with pytest.raises(OutcomeUnknown) as unknown:
            await printer.deliver(SLIP, b"ab12")
        assert unknown.value.reason in ("lost", "no_answer")

    on(model_of(model), scene)


@pytest.mark.parametrize("model", CAN_NOT_CONFIRM)
@pytest.mark.parametrize("speed_mm_s", [None, 0])
def test_sent_means_that_the_last_line_was_printed(model: str, speed_mm_s: float | None) -> None:
    async def scene(device: VirtualPrinter, printer: EscPosPrinter) -> tuple[Delivery, bool, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        delivery = await printer.deliver(SLIP, b"ab12")
        return delivery, f"line {LINES - 1}" in on_paper(device), loop.time() - began

    delivery, whole, took_s = on(model_of(model), scene, speed_mm_s)
    assert (delivery.how, delivery.by) == ("sent", "DLE EOT")
    assert whole
    assert took_s < (LINES + 8) * profile(model).line_ms / 1000 + 1


def test_the_time_begins_anew_where_somebody_had_the_cover_open() -> None:
    async def scene(device: VirtualPrinter, printer: EscPosPrinter) -> None:
        device.faults.cover_open_after_lines = 2
        job = asyncio.ensure_future(printer.deliver(SLIP, b"ab12"))
        await device.changed.wait_for(lambda: device.mechanism.cover_open, 10)
        await asyncio.sleep(20)
        device.faults.power_loss_after_lines = LINES - 2  # the last one
        device.set_cover(open_=False)
        with pytest.raises(OutcomeUnknown):
            await job

    on(model_of("tm-u220"), scene)


def test_a_mute_printer_that_is_switched_off_does_not_pass_for_one_that_has_printed() -> None:
    async def scene(device: VirtualPrinter, printer: EscPosPrinter) -> None:
        device.faults.mute = True
        device.faults.power_loss_after_lines = LINES - 1
        with pytest.raises(OutcomeUnknown) as unknown:
            await printer.deliver(SLIP, b"ab12")
        assert unknown.value.reason == "lost"
        device.faults.power_loss_after_lines = None
        await device.power_on()
        delivery = await printer.deliver(SLIP, b"ab12")
        assert (delivery.how, delivery.by) == ("sent", "none")
        assert f"line {LINES - 1}" in on_paper(device)

    on(model_of("generic-58"), scene)


def test_a_display_is_not_waited_for() -> None:
    async def scene(device: VirtualPrinter) -> float:
        printer = EscPosPrinter("expo", TcpTransport("127.0.0.1", device.port), profile("kds-text"))
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert (await printer.deliver(SLIP, b"ab12")).by == "GS r"
        return loop.time() - began

    async def run() -> float:
        async with VirtualPrinter("tm-t88iii", speed_mm_s=0) as device:
            return await scene(device)

    with asyncio.Runner(loop_factory=ChaosLoop) as runner:
        assert runner.run(run()) < 0.5


# --- what takes longer than a confirmation is waited for ---


@pytest.mark.parametrize(("model", "lines", "evidence"), [("tm-u220", 100, "GS r"), ("tm-t88vi", 300, "GS ( H")])
def test_a_long_report_on_a_slow_printer_is_confirmed(model: str, lines: int, evidence: str) -> None:
    report = PrintDocument("j", tuple(Text(f"line {n:03}") for n in range(lines)))

    async def scene(device: VirtualPrinter, printer: EscPosPrinter) -> tuple[Delivery, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        delivery = await printer.deliver(report, b"ab12")
        assert f"line {lines - 1:03}" in device.printed[0].text
        return delivery, loop.time() - began

    delivery, took_s = on(profile(model), scene, 50 if model == "tm-t88vi" else None)
    assert (delivery.how, delivery.by) == ("confirmed", evidence)
    assert took_s > Deadlines().confirm + 3


def test_what_is_longer_than_the_buffer_is_written_as_it_is_printed() -> None:
    """4 KB fit into the printer, and hardly more into the kernels: the rest waits for longer than one write may."""
    report = PrintDocument("j", tuple(Text(f"line {n:03}".ljust(40, ".")) for n in range(250)))

    async def scene(device: VirtualPrinter, printer: EscPosPrinter) -> Delivery:
        return await printer.deliver(report, b"ab12")

    assert on(profile("tm-u220"), scene).how == "confirmed"


def test_the_time_counts_what_is_wrapped_high_and_fed() -> None:
    assert pace.lines((Text("x" * 40), Rule(), Feed(3), Logo(), Qr("short")), 40) == 1 + 1 + 3 + 10 + 16
    assert pace.lines((Text("x" * 20, width=2, height=3),), 40) == 3
    assert pace.lines((Text("word " * 16),), 40) >= 3, "80 cells, and words are not broken"
    assert pace.lines((Columns("x" * 30, "9.50"),), 40) == 1
    assert pace.lines((Text("宫" * 30),), 40) >= 2, "each takes two cells"
    assert pace.printing_s((), 40, 0.1) == pytest.approx(pace.CUT_LINES * 0.1)
    assert pace.printing_s(tuple(Text("x") for _ in range(1000)), 40, 0.33) == pace.MOST_S
    assert pace.printing_s((Text("x"),), 40, 0) == 0


# --- a connection that is turned away ---


def test_a_printer_that_resets_a_second_connection_is_busy_and_there() -> None:
    async def scene(device: VirtualPrinter, printer: EscPosPrinter) -> Status:
        _, writer = await asyncio.open_connection("127.0.0.1", device.port)
        writer.write(b"somebody else's\n")
        await device.changed.wait_for(lambda: device.connected, 5)
        try:
            return await printer.status()
        finally:
            writer.close()
            await writer.wait_closed()

    status = on(profile("tm-t88vi"), scene)
    assert status.reachable == "yes"
    assert status.trouble() is None
    assert status.detail.startswith("busy: ")
