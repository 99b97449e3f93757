"""What the finder says of real kernel devices: they come and go, are not allowed, are taken by others."""

import json

import pytest
from tests.vm.conftest import Play
from tests.vm.image import RIG
from tests.vm.machine import Machine, log
from tests.vm.store import (
    ADAPTER_NUMBER,
    CALM_S,
    NUMBER,
    SOCKET,
    USB_NODE,
    asks,
    begin,
    found,
    in_trouble,
    plug_serial,
    plug_usb,
    pull_usb,
    start_agent,
    until,
)

from tillkeeper_drivers.simulator.printer import VirtualPrinter

pytestmark = [pytest.mark.root, pytest.mark.timeout(600)]
USB, SERIAL = f"usb:serial={NUMBER}", f"serial:serial={ADAPTER_NUMBER}"
PRINTER, ADAPTER = f"USB printer Epson TM-T88VI ({USB})", f"USB serial adapter FTDI FT232R ({SERIAL})"
THIEF = "cupsd"


def test_they_are_discovered_and_watched_as_they_come_and_go(play: Play) -> None:
    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0) as one, VirtualPrinter("tm-u220", speed_mm_s=0) as other:
            await begin(machine, receipt={"address": USB}, bar={"address": SERIAL})
            await machine.start("watch", f"tillkeeper devices watch --socket {SOCKET} --json")
            await machine.wait_for(f"grep -q 'device bar' {log('watch')}")
            await plug_usb(machine, one)
            await plug_serial(machine, other)
            await found(machine, lambda there: set(there) == {USB, SERIAL})
            listed = {each["address"]: each for each in (await asks(machine, "devices", "discover"))["found"]}
            assert (listed[USB]["profile"], listed[USB]["devices"], listed[USB]["trouble"]) == ("tm-t88vi", ["receipt"], "")
            assert (listed[SERIAL]["devices"], listed[SERIAL]["trouble"]) == (["bar"], "")
            well = "no trouble known"
            for said in ((USB, "there"), (SERIAL, "there"), ("device receipt", well), ("device bar", well)):
                await watched(machine, *said)
            await pull_usb(machine)
            await machine.unplug("serial")
            await found(machine, lambda there: not there)
            for said in (
                (USB, "gone"),
                (SERIAL, "gone"),
                ("device receipt", "not plugged in"),
                ("device bar", "not plugged in"),
            ):
                await watched(machine, *said)

    play(scene)


def test_what_is_not_allowed_says_which_group_is_missing(play: Play) -> None:
    """The rights are those that udev's own rules give."""

    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0) as one, VirtualPrinter("tm-u220", speed_mm_s=0) as other:
            await begin(machine, groups="", grill={"address": USB}, bar={"address": SERIAL})
            await plug_usb(machine, one)
            await plug_serial(machine, other)
            there = await found(machine, lambda there: [each["trouble"] for each in there.values()] == ["no_permission"] * 2)
            assert "group lp" in there[USB]["hint"]
            assert "group dialout" in there[SERIAL]["hint"]
            await asks(machine, "order", "--item", "cheeseburger")
            await waits(machine, "grill", "may not be opened")
            await machine.end("agent")
            assert one.count == 0
            await start_agent(machine)  # as one who is in the groups
            await one.wait_printed(1, CALM_S)

    play(scene)


def test_a_program_that_takes_the_printer_from_the_kernel_is_named(play: Play) -> None:
    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0) as printer:
            await begin(machine, grill={"address": USB})
            await plug_usb(machine, printer)
            there = await found(machine, lambda there: USB in there)
            shown = f"udevadm info -q property --property=DEVNAME --value /sys/bus/usb/devices/{there[USB]['port']}"
            bus_node = (await machine.run(shown)).strip()
            await machine.start("thief", f"python3 /{RIG}/thief.py {THIEF} takes {bus_node} 0")
            there = await found(machine, lambda there: bool(USB in there and there[USB]["trouble"] == "held_by"))
            assert THIEF in there[USB]["detail"] + there[USB]["hint"], there
            await asks(machine, "order", "--item", "cheeseburger")
            await waits(machine, "grill", "is busy")
            await machine.end("thief", "TERM")
            await printer.wait_printed(1, CALM_S)
            await found(machine, lambda there: not there[USB]["trouble"])

    play(scene)


def test_a_program_that_keeps_the_node_open_is_named(play: Play) -> None:
    async def scene(machine: Machine) -> None:
        async with VirtualPrinter("tm-t88vi", speed_mm_s=0) as printer:
            await begin(machine, grill={"address": USB})
            await machine.end("agent")
            await plug_usb(machine, printer)
            await machine.start("thief", f"python3 /{RIG}/thief.py {THIEF} keeps {USB_NODE}")
            await machine.wait_for(f"grep -q 'has it' {log('thief')}")
            await start_agent(machine)
            await asks(machine, "order", "--item", "cheeseburger")
            await waits(machine, "grill", "is busy")
            (grill,) = [each for each in (await asks(machine, "devices", "list"))["devices"] if each["device"] == "grill"]
            assert THIEF in json.dumps(grill), grill
            await machine.end("thief", "TERM")
            await printer.wait_printed(1, CALM_S)

    play(scene)


async def waits(machine: Machine, device: str, words: str) -> None:
    """The device's ticket does, for a trouble that the agent knows, with or without having tried."""
    await in_trouble(machine, device, words)
    await until(machine, device, "kitchen_ticket", lambda job: bool(job["state"] == "queued"))


async def watched(machine: Machine, what: str, words: str) -> None:
    """`devices watch` has said it."""
    await machine.wait_for(f"grep -F '{what}' {log('watch')} | grep -q '{words}'")
