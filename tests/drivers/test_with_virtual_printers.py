"""The drivers in front of the simulator over real sockets: two readings of the same manuals must agree."""

import asyncio
from copy import deepcopy

import pytest
from msgspec.structs import replace

from tillkeeper_drivers.api import (
    Columns,
    Delivery,
    DriverError,
    NotSent,
    OutcomeUnknown,
    PrintDocument,
    PulseDocument,
    Qr,
    Rule,
    Text,
)
from tillkeeper_drivers.escpos.printer import EscPosPrinter
from tillkeeper_drivers.escpos.profile import profile
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.transport.tcp import TcpTransport

QUICK = Deadlines(pace=0.1, connect=1, write=1, confirm=0.6, answer=0.4, maybe=0.1, maybe_confirm=0.3, poll=0.05, pin=0.5)
SLIP = PrintDocument(
    "j",
    (
        Text("TAKEOUT", align="centre", width=2, height=2, bold=True),
        Text("Crème brûlée, борщ, 宫保鸡丁"),
        Text("evil \x1b@\x1bp\x00\x32\xc8 name", invert=True),
        Columns("2 Burger", "12.50"),
        Rule("="),
        Qr("https://shop.example/r/1"),
        Text("VOID", colour="red"),
    ),
)


def driver(device: VirtualPrinter, model: str) -> EscPosPrinter:
    transport = TcpTransport("127.0.0.1", device.port)
    return EscPosPrinter("bar", transport, profile(model), pin_use={2: "drawer"}, deadlines=QUICK)


EVIDENCE = {
    "tm-t88vi": {"GS ( H"},
    "tm-t20iii": {"GS ( H"},
    "tm-m30": {"GS ( H"},
    "tm-t88iii": {"GS r"},
    "tm-u220": {"GS r"},
    "generic-80": {"GS r", "DLE EOT"},
    "generic-58": {"GS r", "DLE EOT", "none"},
}


@pytest.mark.parametrize("model", sorted(EVIDENCE))
def test_a_slip_is_printed_once_readable_and_with_the_evidence_of_its_model(model: str) -> None:
    async def run() -> tuple[Delivery, str, bool]:
        async with VirtualPrinter(model, speed_mm_s=0) as device:
            delivery = await driver(device, model).deliver(SLIP, b"ab12")
            if profile(model).cut == "none":
                await device.changed.wait_for(lambda: "VOID" in device.hanging.as_text(), 5)
                return delivery, device.hanging.as_text(), device.mechanism.drawer_open
            slips = await device.wait_printed(1, 5)
            assert len(slips) == 1
            return delivery, slips[0].text, device.mechanism.drawer_open

    delivery, text, drawer_open = asyncio.run(run())
    assert delivery.by in EVIDENCE[model]
    assert "TAKEOUT" in text
    assert "Crème brûlée, борщ," in text
    assert "Gong Bao Ji Ding" in " ".join(text.split())
    assert "evil @p2È name" in text.replace("\n", " ")
    assert not drawer_open
    line = next(line for line in text.splitlines() if "2 Burger" in line)
    assert len(line.rstrip()) == profile(model).columns
    assert line.rstrip().endswith("12.50")
    assert "=" * profile(model).columns in text


@pytest.mark.parametrize("model", ["tm-t88vi", "tm-u220"])
def test_a_kick_opens_the_drawer_and_its_pin_confirms(model: str) -> None:
    async def run() -> Delivery:
        async with VirtualPrinter(model, speed_mm_s=0, drawer_closes_s=None) as device:
            printer = driver(device, model)
            delivery = await printer.deliver(PulseDocument("j", 2, 50), b"ab12")
            assert device.mechanism.drawer_open
            assert printer.polarity.open_level == "high"
            return delivery

    assert asyncio.run(run()).by == "drawer pin"


SLIP_20 = PrintDocument("j", tuple(Text(f"line {n}") for n in range(20)))

FAULTS: list[tuple[str, dict[str, object], type[DriverError], set[str]]] = [
    ("tm-t88vi", {"fault": "cover_open"}, NotSent, {"cover_open"}),
    ("tm-t88vi", {"fault": "paper_out"}, NotSent, {"paper_out"}),
    ("generic-80", {"fault": "paper_out"}, NotSent, {"paper_out"}),
    ("tm-u220", {"fault": "cover_open"}, NotSent, {"cover_open"}),
    ("tm-t88vi", {"power": "off"}, NotSent, {"unreachable"}),
    ("tm-t88vi", {"faults": {"silent": True}}, NotSent, {"no_answer"}),
    ("tm-t88vi", {"faults": {"rst_on_connect": True}}, NotSent, {"busy"}),
    ("tm-t88vi", {"faults": {"wrong_id": True}}, OutcomeUnknown, {"no_answer"}),
    ("tm-t88vi", {"faults": {"close_after_bytes": 60}}, OutcomeUnknown, {"lost"}),
    ("tm-t88vi", {"fault": "cover_open", "after_lines": 5}, OutcomeUnknown, {"cover_open"}),
    ("tm-t88vi", {"fault": "paper_out", "after_lines": 5}, OutcomeUnknown, {"paper_out"}),
    ("tm-t88iii", {"fault": "paper_out", "after_lines": 5}, OutcomeUnknown, {"paper_out"}),
    ("tm-t88vi", {"fault": "power_loss", "after_lines": 5}, OutcomeUnknown, {"lost"}),
]


@pytest.mark.parametrize(("model", "fault", "kind", "reasons"), FAULTS)
def test_faults_are_told_apart(
    model: str, fault: dict[str, object], kind: type[DriverError], reasons: set[str]
) -> None:
    async def run() -> bool:
        async with VirtualPrinter(model, speed_mm_s=0) as device:
            await device.command(deepcopy(fault))
            with pytest.raises(kind) as caught:
                await driver(device, model).deliver(SLIP_20, b"ab12")
            assert caught.value.reason in reasons
            return device.count == 0 or "wrong_id" in str(fault)

    assert asyncio.run(run())  # but for the id nothing was cut off as a whole ticket


def test_garbage_for_answers_never_confirms() -> None:
    async def run(seed: int) -> str:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0, seed=seed) as device:
            await device.command({"faults": {"garbage": True}})
            try:
                return (await driver(device, "tm-t88vi").deliver(SLIP_20, b"ab12")).how
            except DriverError as error:
                return type(error).__name__

    assert {asyncio.run(run(seed)) for seed in range(6)} <= {"NotSent", "OutcomeUnknown"}


def test_after_a_jam_is_cleared_the_printer_goes_on_without_being_switched_off() -> None:
    async def run() -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0) as device:
            printer = driver(device, "tm-t88vi")
            device.jam_cutter()
            with pytest.raises(OutcomeUnknown) as lost:
                await printer.deliver(PrintDocument("a", (Text("first"),)), b"aaaa")
            assert lost.value.reason == "cutter"
            with pytest.raises(NotSent) as refused:
                await printer.deliver(PrintDocument("b", (Text("second"),)), b"bbbb")
            assert refused.value.reason == "cutter"
            assert (await printer.status()).trouble() == "cutter", "the jam is still there"
            device.clear_cutter()
            assert (await printer.status()).trouble() is None
            delivery = await printer.deliver(PrintDocument("b", (Text("second"),)), b"bbbb")
            assert (delivery.how, delivery.by) == ("confirmed", "GS ( H")
            await device.wait_printed(1, 2)
            assert sum(slip.text.count("second") for slip in device.printed) == 1

    asyncio.run(run())


def test_a_drawer_that_stands_open_keeps_no_receipt_waiting() -> None:
    async def run() -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0, drawer_closes_s=None) as device:
            slow = replace(QUICK, pin=60)
            transport = TcpTransport("127.0.0.1", device.port)
            printer = EscPosPrinter("bar", transport, profile("tm-t88vi"), pin_use={2: "drawer"}, deadlines=slow)
            assert (await printer.deliver(PulseDocument("a"), b"aaaa")).by == "drawer pin"
            async with asyncio.timeout(30):  # less than the pin is given to move
                assert (await printer.deliver(PulseDocument("b"), b"bbbb")).how == "sent"

    asyncio.run(run())
