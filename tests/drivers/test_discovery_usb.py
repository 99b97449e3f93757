"""USB printers and serial adapters: what is plugged in, where it is, what is wrong with it."""

import asyncio
import os
import socket
from pathlib import Path

import pytest
from tests.drivers import umock

from tillkeeper_drivers.discovery import models, ports, udev
from tillkeeper_drivers.discovery.ports import Port


@pytest.mark.parametrize("scenario", umock.scenarios("umock_discovery"))
def test_udev(scenario: str) -> None:
    umock.run("umock_discovery", scenario)


@pytest.mark.parametrize(
    ("model", "profile"),
    [
        ("TM-T88VI", "tm-t88vi"),
        ("EPSON TM-T88V Series", "tm-t88v"),
        ("TM-T88", ""),
        ("XTM-T88VI", ""),
        ("", ""),
        ("TM-T20III", ""),
    ],
)
def test_a_model_names_its_profile(model: str, profile: str) -> None:
    assert models.profile(model, ("tm-t88v", "tm-t88vi", "generic-80")) == profile


@pytest.mark.parametrize(
    ("serial", "own"),
    [("J8XY012345", True), ("A50285BI", True), ("0001", False), ("12345678", False), ("0000000000", False), ("", False)],
)
def test_a_default_is_no_serial_number(serial: str, own: bool) -> None:
    assert models.tells_apart(serial) is own


def test_a_device_id_cut_short_or_made_of_nonsense() -> None:
    assert models.device_id("MANUFACTURER:EPSON;MODEL:TM-T20;SN:X;junk;:;MDL:other") == {
        "MFG": "EPSON",
        "MDL": "TM-T20",
        "SN": "X",
        "": "",
    }
    assert models.device_id("") == {}


def test_a_serial_number_may_come_by_the_device_id() -> None:
    port = Port(kind="usb", node="/dev/usb/lp0", vendor_id=0x04B8, product_id=1, port="1-1", device_id="MDL:TM-X;SN:QWER1234;")
    assert ports.found([port])[0].identity == "usb:serial=QWER1234"
    assert ports.matches(port, "usb:serial=QWER1234")
    assert not ports.matches(port, "serial:serial=QWER1234")
    assert not ports.matches(port, "usb:serial=")


@pytest.mark.root
def test_an_overrun_of_the_kernels_queue_is_a_reason_to_look() -> None:
    """Real events of the kernel, more than the queue takes."""
    tell = next(Path("/sys/class/tty").glob("*/uevent"))
    if not os.access(tell, os.W_OK):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("only root may have the kernel tell of a device again")

    async def run() -> None:
        told = asyncio.Event()
        watch = udev.Watch(told.set, "kernel")
        try:
            with socket.socket(fileno=os.dup(watch.fileno())) as queue:
                queue.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            for _ in range(200):
                tell.write_text("change")  # nobody reads meanwhile
            await asyncio.wait_for(told.wait(), 5)
            for _ in range(3):
                await asyncio.sleep(0.01)
                told.clear()
            tell.write_text("change")
            await asyncio.wait_for(told.wait(), 5)
        finally:
            watch.close()

    asyncio.run(run())
