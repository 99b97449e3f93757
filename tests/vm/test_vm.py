"""Real kernel devices: usblp and a USB serial adapter, pulled out and put back while slips print."""

import asyncio
import json
import statistics
from collections.abc import Callable

import pytest
from tests.vm.conftest import Play
from tests.vm.image import KEPT
from tests.vm.machine import Machine, log
from tests.vm.store import (
    ADAPTER_NUMBER,
    CALM_S,
    NUMBER,
    SERIAL_NODE,
    USB_NODE,
    asks,
    begin,
    booted_at_s,
    carried,
    in_trouble,
    jobs,
    plug_serial,
    plug_usb,
    port_says,
    pull_usb,
    put_usb_back,
    until,
)

from tillkeeper_drivers.simulator.printer import VirtualPrinter

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]
USB = {"address": f"usb:{USB_NODE}"}
BY_NUMBER = {"usb": {"address": f"usb:serial={NUMBER}"}, "serial": {"address": f"serial:serial={ADAPTER_NUMBER}"}}
BY_NODE = {"usb": USB, "serial": {"address": f"serial:{SERIAL_NODE}"}}
CRAWL_MM_S = 12.0
"""Slow enough to pull the cable out in the middle of a ticket."""
ROUNDS = 5
A_TICKET = 100
"""Bytes at a time that no question has."""
LOOKS = 3
"""How often a mute printer is looked at while its paper is out."""
WAYS = pytest.mark.parametrize("way", ["usb", "serial"])


@WAYS
def test_a_sale_prints_confirmed_and_kicks_the_drawer(play: Play, way: str) -> None:
    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0, drawer_pin=2, drawer_closes_s=None) as printer:
            await begin(machine, receipt=BY_NODE[way])
            await plug(machine, way, printer)
            sold = await asks(machine, "order", "--item", "cheeseburger", "--cash", "50")
            (slip,) = await printer.wait_printed(1, CALM_S)
            assert sold["ticket_code"] in slip.text
            await printer.wait_drawer(open_=True, deadline_s=CALM_S)
            receipt = await until(machine, "receipt", "receipt", done)
            assert (receipt["state"], receipt["evidence"]) == ("confirmed", "GS ( H")

    play(scene)


@WAYS
def test_pulled_out_in_the_middle_of_a_ticket_it_prints_again_marked(play: Play, way: str) -> None:
    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("tm-m30", speed_mm_s=CRAWL_MM_S) as printer:
            await begin(machine, grill=BY_NUMBER[way])
            await plug(machine, way, printer)
            await asks(machine, "order", "--item", "cheeseburger:2", "--item", "cheeseburger", "--note", "no onions")
            await printer.changed.wait_for(lambda: len(printer.hanging.lines) >= 3, CALM_S)
            await pull(machine, way)
            waiting = await until(machine, "grill", "kitchen_ticket", lambda job: job["state"] != "sending")
            assert (waiting["state"], waiting["marks"]) == ("queued", ["POSSIBLE DUPLICATE"])
            await put_back(machine, way, printer)
            # All of the first had left already, and its power comes from the mains: it is finished, and nobody was told.
            slips = await printer.wait_printed(2, CALM_S)
            assert ["POSSIBLE DUPLICATE" in slip.text for slip in slips] == [False, True]
            ticket = await until(machine, "grill", "kitchen_ticket", done)
            assert (ticket["state"], ticket["evidence"]) == ("confirmed", "GS ( H")

    play(scene)


def test_a_mute_printers_port_says_that_the_paper_is_out(play: Play) -> None:
    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("generic-58", speed_mm_s=0) as printer:
            printer.faults.mute = True
            await begin(machine, grill={**USB, "profile": "generic-58"})
            await plug_usb(machine, printer)
            await port_says(machine, paper_out=True)
            await in_trouble(machine, "grill", "the paper is out")
            code = (await asks(machine, "order", "--item", "cheeseburger"))["ticket_code"]
            ordered_s = float(await machine.run("cut -d' ' -f1 /proc/uptime"))
            (ticket,) = await jobs(machine, "grill")
            assert (ticket["state"], ticket["attempts"]) == ("queued", 0)
            await machine.wait_for(f"test $(awk '$1 > {ordered_s}' {log('bridge')} | grep -c host) -ge {LOOKS}")
            assert max(one.count for one in await carried(machine, 0.0) if one.event == "host") < A_TICKET
            assert not printer.hanging.lines, "it has no cutter: what it prints hangs on"
            await port_says(machine, paper_out=False)
            assert (await until(machine, "grill", "kitchen_ticket", done))["state"] == "sent"
            await printer.changed.wait_for(lambda: code in printer.hanging.as_text(), CALM_S)
            assert printer.hanging.as_text().count(code) == 1

    play(scene)


def test_what_waited_prints_once_it_is_plugged_in_again(play: Play) -> None:
    """The figure that `make bench` has from umockdev, here with what the kernel and udev take. It is printed and not judged:
    the machine is slow."""
    took: dict[str, list[float]] = {"configured": [], "first byte": [], "ticket": [], "confirmed": []}

    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("tm-m30", speed_mm_s=0) as printer:
            await begin(machine, grill=BY_NUMBER["usb"])
            await plug_usb(machine, printer)
            booted_s = await booted_at_s(machine)
            codes: list[str] = []
            for number in range(1, ROUNDS + 1):
                await pull_usb(machine)
                codes.append((await asks(machine, "order", "--item", "cheeseburger"))["ticket_code"])
                await in_trouble(machine, "grill", "not plugged in")
                began_s = await put_usb_back(machine)
                slips = await printer.wait_printed(number, CALM_S)
                ticket = await until(machine, "grill", "kitchen_ticket", done)
                went = await carried(machine, began_s)
                by_host = [one.at_s for one in went if one.event == "host"]
                took["configured"].append(went[0].at_s - began_s)
                took["first byte"].append(by_host[0] - began_s)
                took["ticket"].append(next(one.at_s for one in went if one.count > A_TICKET) - began_s)
                took["confirmed"].append(ticket["settled_at_ms"] / 1000 - booted_s - began_s)
            assert [code in slip.text for code, slip in zip(codes, slips, strict=True)] == [True] * ROUNDS
            assert not any("POSSIBLE DUPLICATE" in slip.text for slip in slips)
            assert {(job["state"], job["evidence"]) for job in await jobs(machine, "grill")} == {("confirmed", "GS ( H")}
            await tell(machine, took)

    play(scene)


async def tell(machine: Machine, took: dict[str, list[float]]) -> None:
    """Prints the figures and keeps them in build/vm/figures.json."""
    count = "import time; a = time.perf_counter(); sum(map(int, range(1000000))); print(time.perf_counter() - a)"
    command = f"python3 -c '{count}'"
    there_s = float(await machine.run(command))
    shell = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.PIPE)
    here_s = float((await shell.communicate())[0])
    figures = {f"plugged in again -> {what}, s": [round(each, 3) for each in times] for what, times in took.items()}
    (KEPT / "figures.json").write_text(json.dumps({**figures, "times slower than this machine": round(there_s / here_s, 1)}))
    print()
    for what, times in took.items():
        print(f"plugged in again -> {what}: {min(times):.2f} to {max(times):.2f} s, median {statistics.median(times):.2f} s")
    print(f"the machine counts {there_s / here_s:.1f} times slower than the one that it runs on")


done: Callable[[dict[str, str]], bool] = lambda job: job["state"] in ("confirmed", "sent")  # noqa: E731


async def plug(machine: Machine, way: str, printer: VirtualPrinter) -> None:
    await (plug_usb if way == "usb" else plug_serial)(machine, printer)


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
