"""The Star driver in front of the simulator over real sockets: two readings of the same manuals must agree."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from copy import deepcopy
from typing import TypeVar

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
    Status,
    Text,
)
from tillkeeper_drivers.printing.settings import Deadlines
from tillkeeper_drivers.simulator.effects import Picture
from tillkeeper_drivers.simulator.paper import Paper
from tillkeeper_drivers.simulator.printer import VirtualPrinter
from tillkeeper_drivers.star import raster
from tillkeeper_drivers.star.printer import StarPrinter
from tillkeeper_drivers.star.profile import load_profiles, profile
from tillkeeper_drivers.transport.tcp import TcpTransport

T = TypeVar("T")
QUICK = Deadlines(
    connect=2, write=1, confirm=0.5, answer=0.8, maybe=0.1, pace=0.1, poll=0.05, pin=0.5, beat=0.1, idle_poll=0.05
)
PATIENT = replace(QUICK, confirm=5)
MODELS = sorted(load_profiles())
TEXT_MODELS = [model for model in MODELS if load_profiles()[model].language != "raster"]
SLIP = PrintDocument(
    "j",
    (
        Text("TAKEOUT", align="centre", width=2, height=2, bold=True), Text("Crème brûlée, борщ, 宫保鸡丁"),
        Text("evil \x1b@\x07\x1c\x17\x05 name", invert=True), Columns("2 Burger", "12.50"), Rule("="),
        Qr("https://shop.example/r/1"), Text("VOID", colour="red"),
    ),
)  # fmt: skip
LONG = PrintDocument("j", tuple(Text(f"line {n}") for n in range(20)))


def driver(device: VirtualPrinter, model: str, deadlines: Deadlines = QUICK, *, hold: bool = False) -> StarPrinter:
    transport = TcpTransport("127.0.0.1", device.port)
    return StarPrinter("bar", transport, profile(model), {2: "drawer", 5: "bell"}, deadlines, hold=hold)


def on(model: str, scene: Callable[[VirtualPrinter], Awaitable[T]], *, speed_mm_s: float = 0) -> T:
    async def run() -> T:
        async with asyncio.timeout(60), VirtualPrinter(model, speed_mm_s=speed_mm_s, drawer_closes_s=None) as device:
            return await scene(device)

    return asyncio.run(run())


def rows(paper: Paper) -> bytes:
    """The ink of a raster slip, without the white."""
    pictures = (line.graphics.rows for line in paper.lines if isinstance(line.graphics, Picture))
    return b"".join(pictures).replace(bytes(72), b"")


@pytest.mark.parametrize("model", TEXT_MODELS)
def test_a_slip_is_printed_once_and_readable(model: str) -> None:
    async def scene(device: VirtualPrinter) -> tuple[Delivery, str, list[object]]:
        delivery = await driver(device, model).deliver(SLIP, b"ab12")
        (slip,) = await device.wait_printed(1, 5)
        assert not device.mechanism.drawer_open
        return delivery, slip.text, list(device.engine.unknown)

    delivery, text, unknown = on(model, scene)
    assert (delivery.how, delivery.by) == ("confirmed", "Star ETB" if model == "tsp650ii" else "ESC GS ETX")
    assert unknown == []
    assert "TAKEOUT" in text
    assert "Crème brûlée, борщ," in text
    assert "Gong Bao Ji Ding" in " ".join(text.split())
    assert re.search(r"evil \??@\?* name", text), "nothing of it was a command"
    assert "[QR: https://shop.example/r/1]" in text
    line = next(line for line in text.splitlines() if "2 Burger" in line)
    assert len(line) == profile(model).columns
    assert "=" * profile(model).columns in text


def test_a_raster_printer_prints_what_was_drawn() -> None:
    async def scene(device: VirtualPrinter) -> tuple[Delivery, bytes]:
        delivery = await driver(device, "tsp100").deliver(SLIP, b"ab12")
        (slip,) = await device.wait_printed(1, 5)
        assert not device.engine.unknown
        return delivery, rows(slip.paper)

    delivery, ink = on("tsp100", scene)
    assert (delivery.how, delivery.by) == ("confirmed", "Star ETB")
    assert ink == raster.picture(SLIP, profile("tsp100")).tobytes().replace(bytes(72), b"")


@pytest.mark.parametrize("model", MODELS)
def test_one_document_after_the_other_each_confirmed(model: str) -> None:
    async def scene(device: VirtualPrinter) -> int:
        printer = driver(device, model)
        for n in range(40):  # more than the counter counts
            delivery = await printer.deliver(PrintDocument("j", (Text(f"slip {n}"),)), b"ab%02d" % n)
            assert delivery.how == "confirmed"
        return device.count

    assert on(model, scene) == 40


FAULTS: list[tuple[dict[str, object], type[DriverError], set[str]]] = [
    ({"fault": "cover_open"}, NotSent, {"cover_open"}),
    ({"fault": "paper_out"}, NotSent, {"paper_out"}),
    ({"fault": "unrecoverable"}, NotSent, {"unrecoverable"}),
    ({"head": "hot"}, NotSent, {"temperature"}),
    ({"power": "off"}, NotSent, {"unreachable"}),
    ({"faults": {"silent": True}}, NotSent, {"no_answer"}),
    ({"faults": {"mute": True}}, NotSent, {"no_answer"}),
    ({"faults": {"rst_on_connect": True}}, NotSent, {"busy"}),
    ({"faults": {"wrong_id": True}}, OutcomeUnknown, {"no_answer"}),
    ({"faults": {"close_after_bytes": 100}}, OutcomeUnknown, {"lost"}),
    ({"fault": "cover_open", "after_lines": 5}, OutcomeUnknown, {"cover_open"}),
    ({"fault": "paper_out", "after_lines": 5}, OutcomeUnknown, {"paper_out"}),
    ({"fault": "power_loss", "after_lines": 5}, OutcomeUnknown, {"lost"}),
    ({"fault": "cutter_jam"}, OutcomeUnknown, {"cutter"}),
]


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
@pytest.mark.parametrize(("fault", "kind", "reasons"), FAULTS, ids=lambda value: str(value)[:40])
def test_faults_are_told_apart(model: str, fault: dict[str, object], kind: type[DriverError], reasons: set[str]) -> None:
    foreign = "wrong_id" in str(fault)
    if foreign:  # where it counts wrongly, that mostly shows before the document is sent
        kind, reasons = DriverError, {"busy", "no_answer"}

    async def scene(device: VirtualPrinter) -> None:
        await device.command(deepcopy(fault))
        with pytest.raises(kind) as caught:
            await driver(device, model).deliver(LONG, b"ab12")
        assert caught.value.reason in reasons
        if isinstance(caught.value, NotSent):
            assert not device.hanging.lines
        assert device.count == (foreign and isinstance(caught.value, OutcomeUnknown))

    on(model, scene)


@pytest.mark.parametrize("fault", ["garbage", "truncate", "echo", "babble"])
@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
def test_answers_that_mean_nothing_never_confirm_what_is_not_on_paper(model: str, fault: str) -> None:
    async def run(seed: int) -> str:
        async with VirtualPrinter(model, speed_mm_s=0, seed=seed) as device:
            await device.command({"faults": {fault: True}})
            try:
                how = (await driver(device, model).deliver(LONG, b"ab12")).how
                assert device.count == 1  # a babbling printer may still be heard
                return how
            except DriverError as error:
                return type(error).__name__

    assert {asyncio.run(run(seed)) for seed in range(3)} <= {"NotSent", "OutcomeUnknown"} | (
        {"confirmed"} if fault == "babble" else set()
    )


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
def test_a_roll_that_is_changed_in_mid_ticket_is_one_ticket_and_confirmed(model: str) -> None:
    async def scene(device: VirtualPrinter) -> tuple[Delivery, int]:
        device.faults.paper_out_after_lines = 4
        job = asyncio.ensure_future(driver(device, model, PATIENT).deliver(LONG, b"ab12"))
        await device.changed.wait_for(lambda: device.mechanism.paper_out, 5)
        device.load_paper(1_000)
        return await job, len(await device.wait_printed(1, 5))

    delivery, slips = on(model, scene)
    assert delivery.how == "confirmed"
    assert slips == 1


@pytest.mark.parametrize("model", ["mc-print2", "tsp100"])
def test_a_long_report_is_waited_for_as_long_as_it_prints(model: str) -> None:
    async def scene(device: VirtualPrinter) -> Delivery:
        report = PrintDocument("j", tuple(Text(f"line {n}") for n in range(60)))
        return await driver(device, model, replace(QUICK, pace=1)).deliver(report, b"ab12")

    assert on(model, scene, speed_mm_s=300).how == "confirmed"


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
def test_a_document_that_was_given_up_confirms_none_that_follows(model: str) -> None:
    """Somebody closes the cover after the first was given up: its end is counted in the middle of the second."""

    async def scene(device: VirtualPrinter) -> None:
        printer = driver(device, model)
        await printer.deliver(PrintDocument("a", (Text("before"),)), b"aaaa")
        device.faults.cover_open_after_lines = 2
        with pytest.raises(OutcomeUnknown) as lost:
            await printer.deliver(LONG, b"bbbb")
        assert lost.value.reason == "cover_open"
        with pytest.raises(NotSent):
            await printer.deliver(PrintDocument("c", (Text("refused"),)), b"cccc")
        device.faults.power_loss_after_lines = 20  # behind what is left of the first: in the second, if it is sent at all
        device.set_cover(open_=False)
        with pytest.raises(OutcomeUnknown) as gone:
            await printer.deliver(LONG, b"dddd")
        assert gone.value.reason == "lost"
        assert device.count == 2

    on(model, scene)


def test_a_printer_that_is_far_behind_gets_no_document_until_it_has_caught_up() -> None:
    async def scene(device: VirtualPrinter) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", device.port)
        writer.write(b"somebody else's\n" * 100)
        await writer.drain()
        await device.changed.wait_for(lambda: not device.engine.idle, 5)
        writer.close()
        await writer.wait_closed()
        await device.changed.wait_for(lambda: not device.connected, 5)
        printer = driver(device, "tsp650ii", PATIENT)
        reasons: list[str] = []
        while True:
            try:
                delivery = await printer.deliver(LONG, b"ab12")
                break
            except NotSent as error:
                reasons.append(error.reason)
        assert delivery.how == "confirmed"
        assert set(reasons) == {"busy"}
        (slip,) = device.printed
        assert slip.text.count("line 7\n") == 1

    on("tsp650ii", scene, speed_mm_s=300)


def test_a_jam_is_over_when_the_cover_was_opened_and_shut() -> None:
    async def scene(device: VirtualPrinter) -> None:
        printer = driver(device, "tsp650ii")
        device.jam_cutter()
        with pytest.raises(OutcomeUnknown) as jammed:
            await printer.deliver(PrintDocument("a", (Text("first"),)), b"aaaa")
        assert jammed.value.reason == "cutter"
        assert (await printer.status()).trouble() == "cutter"
        device.clear_cutter()
        device.set_cover(open_=True)
        device.set_cover(open_=False)
        assert (await printer.deliver(PrintDocument("b", (Text("second"),)), b"bbbb")).how == "confirmed"
        assert sum(slip.text.count("second") for slip in device.printed) == 1

    on("tsp650ii", scene)


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
def test_a_kick_opens_the_drawer_and_the_switch_confirms_it(model: str) -> None:
    async def scene(device: VirtualPrinter) -> None:
        printer = driver(device, model)
        delivery = await printer.deliver(PulseDocument("j", 2, 100), b"ab12")
        assert (delivery.how, delivery.by) == ("confirmed", "drawer pin")
        assert device.mechanism.drawer_open
        assert printer.polarity.open_level == "high"
        (pulse, _opened) = device.store.drawer
        assert (pulse.pin, pulse.on_ms, pulse.command) == (2, 100, "BEL")
        again = await printer.deliver(PulseDocument("k", 2, 50), b"ab13")
        assert (again.how, again.by) == ("sent", "none")
        with pytest.raises(NotSent, match="bell"):
            await printer.deliver(PulseDocument("l", 5, 50), b"ab14")
        device.set_drawer(open_=False)
        device.set_cover(open_=True)
        with pytest.raises(NotSent) as refused:
            await printer.deliver(PulseDocument("m", 2, 50), b"ab15")
        assert refused.value.reason == "cover_open"
        device.set_cover(open_=False)
        await printer.status()
        assert not device.mechanism.drawer_open, "a kick that was refused must not come later"

    on(model, scene)


@pytest.mark.parametrize("model", MODELS)
def test_status_says_what_is_true_and_unknown_where_nobody_answers(model: str) -> None:
    async def scene(device: VirtualPrinter) -> None:
        printer = driver(device, model)
        assert (await printer.status()).trouble() is None
        device.load_paper(0)
        device.set_drawer(open_=True)
        status = await printer.status()
        assert (status.trouble(), status.drawer_pin_high) == ("paper_out", "yes")
        device.faults.silent = True
        assert (await printer.status()).paper_out == "unknown"
        device.power_off()
        assert (await printer.status()).trouble() == "unreachable"

    on(model, scene)


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3"])
def test_one_that_does_not_report_by_itself_is_asked(model: str) -> None:
    async def scene(device: VirtualPrinter) -> None:
        device.engine.asb_mask = 0
        assert (await driver(device, model).deliver(SLIP, b"ab12")).how == "confirmed"
        assert device.engine.asb_mask == 1, "it reports from now on"

    on(model, scene)


def test_a_model_that_can_not_confirm_is_sent_to_and_looked_at() -> None:
    async def scene(device: VirtualPrinter) -> None:
        mute = replace(profile("tsp650ii"), print_end="none")
        printer = StarPrinter("bar", TcpTransport("127.0.0.1", device.port), mute, None, QUICK)
        delivery = await printer.deliver(SLIP, b"ab12")
        assert (delivery.how, delivery.by) == ("sent", "Star status")
        await device.wait_printed(1, 5)
        device.faults.cover_open_after_lines = 3
        with pytest.raises(OutcomeUnknown) as lost:  # longer than its buffer: the rest is never taken
            await printer.deliver(PrintDocument("j", tuple(Text(f"line {n} of many") for n in range(900))), b"ab13")
        assert lost.value.reason == "cover_open"

    on("tsp650ii", scene)


@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
def test_attended_it_tells_each_change_by_itself_and_prints_over_the_same_connection(model: str) -> None:
    async def scene(device: VirtualPrinter) -> None:
        printer = driver(device, model, PATIENT, hold=True)
        told: list[Status] = []
        came = asyncio.Event()

        def changed(status: Status) -> None:
            told.append(status)
            came.set()

        async def until(seen: Callable[[Status], bool]) -> None:
            async with asyncio.timeout(5):
                while not (told and seen(told[-1])):
                    came.clear()
                    await came.wait()

        attending = asyncio.ensure_future(printer.attend(changed, asyncio.Semaphore(2)))
        try:
            await until(lambda status: status.trouble() is None and status.online == "yes")
            device.set_cover(open_=True)
            await until(lambda status: status.trouble() == "cover_open")
            device.set_cover(open_=False)
            await until(lambda status: status.trouble() is None)
            for n in range(3):
                assert (await printer.deliver(PrintDocument("j", (Text(f"slip {n}"),)), b"ab%02d" % n)).how == "confirmed"
            device.set_drawer(open_=True)
            await until(lambda status: status.drawer_pin_high == "yes")
            assert device.count == 3
            device.power_off()
            await until(lambda status: status.reachable == "no")
            await device.power_on()
            await until(lambda status: status.reachable == "yes" and status.trouble() is None)
        finally:
            attending.cancel()
            await asyncio.wait({attending})
        await device.changed.wait_for(lambda: not device.connected, 5)

    on(model, scene)


@pytest.mark.parametrize("pin", [2, 5])
@pytest.mark.parametrize("model", ["tsp650ii", "mc-print3", "tsp100"])
def test_a_ticket_that_rings_rings_once_before_it_is_printed(model: str, pin: int) -> None:
    async def scene(device: VirtualPrinter) -> None:
        printer = StarPrinter("bar", TcpTransport("127.0.0.1", device.port), profile(model), {pin: "bell"}, PATIENT)
        assert (await printer.deliver(replace(SLIP, bell=True), b"ab12")).how == "confirmed"
        assert [event.pin for event in device.store.drawer if event.kind == "pulsed"] == [pin]
        assert (await printer.deliver(SLIP, b"ab13")).how == "confirmed"
        assert len([event for event in device.store.drawer if event.kind == "pulsed"]) == 1
        assert device.count == 2

    on(model, scene)
