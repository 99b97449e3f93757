"""Real kernel devices: usblp and a USB serial adapter, pulled out and put back while slips print."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.support.prerequisites import need
from tests.vm import image
from tests.vm.machine import Machine, started
from tests.vm.store import (
    CALM_S,
    NUMBER,
    SERIAL_NODE,
    USB_NODE,
    asks,
    begin,
    plug_serial,
    plug_usb,
    port_says,
    prepare,
    pull_usb,
    put_usb_back,
)

from tillkeeper_drivers.simulator.printer import VirtualPrinter

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]
USB = {"address": f"usb:{USB_NODE}"}
BY_NUMBER = {"address": f"usb:serial={NUMBER}"}
BY_NODE = {"address": f"serial:{SERIAL_NODE}"}
CRAWL_MM_S = 12.0
"""Slow enough to pull the cable out in the middle of a ticket."""

Play = Callable[[Callable[[Machine], Coroutine[Any, Any, None]]], None]


@pytest.fixture(scope="module")
def play() -> Iterator[Play]:
    """Plays a scene in a machine that is booted once; each scene starts from the same snapshot."""
    need("qemu-system-x86_64", "qemu-img", "mmdebstrap", "mke2fs", "depmod", "busybox")
    with asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()
        machine = runner.run(stack.enter_async_context(started(image.ready())))
        try:
            runner.run(prepare(machine))
            yield lambda scene: runner.run(scene(machine))
        finally:
            runner.run(stack.aclose())


def test_a_sale_prints_confirmed_and_kicks_the_drawer_through_usblp(play: Play) -> None:
    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0, drawer_pin=2, drawer_closes_s=None) as printer:
            await begin(machine, receipt=USB)
            await plug_usb(machine, printer)
            sold = await asks(machine, "order", "--item", "cheeseburger", "--cash", "50")
            (slip,) = await printer.wait_printed(1, CALM_S)
            assert sold["ticket_code"] in slip.text
            await printer.wait_drawer(open_=True, deadline_s=CALM_S)
            receipt = await settled(machine, "receipt", "receipt")
            assert (receipt["state"], receipt["evidence"]) == ("confirmed", "GS ( H")

    play(scene)


@pytest.mark.parametrize("way", ["usb", "serial"])
def test_pulled_out_in_the_middle_of_a_ticket_it_prints_again_marked(play: Play, way: str) -> None:
    async def scene(machine: Machine) -> None:
        plug = plug_usb if way == "usb" else plug_serial
        async with VirtualPrinter("tm-m30", speed_mm_s=CRAWL_MM_S) as printer:
            await begin(machine, grill=BY_NUMBER if way == "usb" else BY_NODE)
            await plug(machine, printer)
            await asks(machine, "order", "--item", "cheeseburger:2", "--item", "cheeseburger", "--note", "no onions")
            await some_paper(printer)
            await pull(machine, way)
            waiting = await until(machine, "grill", lambda job: job["state"] != "sending")
            assert (waiting["state"], waiting["marks"]) == ("queued", ["POSSIBLE DUPLICATE"])
            await put_back(machine, way, printer)
            # All of the first had left already, and its power comes from the mains: it is finished, and nobody was told.
            slips = await printer.wait_printed(2, CALM_S)
            assert ["POSSIBLE DUPLICATE" in slip.text for slip in slips] == [False, True]
            done = await settled(machine, "grill", "kitchen_ticket")
            assert (done["state"], done["evidence"]) == ("confirmed", "GS ( H")

    play(scene)


def test_a_mute_printers_port_says_that_the_paper_is_out(play: Play) -> None:
    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("generic-58", speed_mm_s=0) as printer:
            printer.faults.mute = True
            await begin(machine, grill={**USB, "profile": "generic-58"})
            await plug_usb(machine, printer)
            await port_says(machine, paper_out=True)
            await asks(machine, "order", "--item", "cheeseburger")
            await until(machine, "grill", lambda job: job["reason"] == "paper_out")
            assert printer.count == 0
            await port_says(machine, paper_out=False)
            await printer.wait_printed(1, CALM_S)
            assert (await settled(machine, "grill", "kitchen_ticket"))["state"] == "sent"

    play(scene)


async def some_paper(printer: VirtualPrinter) -> None:
    await printer.changed.wait_for(lambda: len(printer.hanging.lines) >= 3, CALM_S)


async def pull(machine: Machine, way: str) -> None:
    if way == "usb":
        await pull_usb(machine)
    else:
        await machine.unplug("serial")


async def put_back(machine: Machine, way: str, printer: VirtualPrinter) -> None:
    if way == "usb":
        await put_usb_back(machine)
    else:
        await plug_serial(machine, printer)


async def until(machine: Machine, device: str, look: Callable[[Any], bool]) -> Any:
    """The device's one job once `look` says yes to it."""
    async with asyncio.timeout(CALM_S):
        while True:
            (job,) = [job for job in (await asks(machine, "jobs", "list"))["jobs"] if job["device"] == device]
            if look(job):
                return job


async def settled(machine: Machine, device: str, document_class: str) -> Any:
    """The device's document of this class, once it waits for nothing more."""
    async with asyncio.timeout(CALM_S):
        while True:
            for job in (await asks(machine, "jobs", "list", "--state", "all"))["jobs"]:
                if (job["device"], job["document_class"]) == (device, document_class) and job["state"] in ("confirmed", "sent"):
                    return job
