"""A device of the config on a serial port, and one whose USB printer is not there."""

import asyncio

import msgspec
import pytest
from tests.devices.test_registry import registry
from tests.drivers.ptys import printer_on_a_line
from tests.spool.world import config

from tillkeeper.config.model import Device, SerialLine
from tillkeeper_drivers.api import NotSent, PrintDocument, Text
from tillkeeper_drivers.simulator.printer import VirtualPrinter

SLIP = PrintDocument("j", (Text("2 Burger"),))


def test_a_serial_printer_of_the_config_prints() -> None:
    async def run() -> None:
        device = VirtualPrinter("tm-t88vi", speed_mm_s=0, idle_close_s=3600)
        async with device, printer_on_a_line(device) as line:
            counter = Device(
                kind="escpos",
                address=f"serial:{line.path}",
                serial=SerialLine(baud=115_200, flow="rts_cts", stop_bits=2),
                profile="tm-t88vi",
            )
            made = registry(msgspec.structs.replace(config(), devices={"counter": counter}))
            delivery = await made.device("counter").deliver(SLIP, b"ab12")
            assert delivery.by == "GS ( H"
            assert "2 Burger" in (await device.wait_printed(1, 5))[0].text
            assert line.settings() == (115_200, "8N2", True)
            await made.close()

    asyncio.run(run())


def test_a_usb_printer_that_is_not_there_is_not_plugged_in() -> None:
    async def run() -> None:
        window = Device(kind="escpos", address="usb:/dev/usb/lp97", profile="tm-t20iii")
        wall = Device(kind="escpos_display", address="serial:/dev/serial/by-id/nobody")
        made = registry(msgspec.structs.replace(config(), devices={"window": window, "wall": wall}))
        for name in ("window", "wall"):
            status = await made.device(name).status()
            assert status.reachable == "no"
            assert "not there" in status.detail
        with pytest.raises(NotSent, match="usb:/dev/usb/lp97") as refused:
            await made.device("window").deliver(SLIP, b"ab12")
        assert refused.value.reason == "not_plugged_in"
        await made.close()

    asyncio.run(run())
