"""Plugging in and out under a running spool. Run by tests/devices/test_finder.py, see `umock`."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import msgspec
from tests.devices.shop import Shop
from tests.drivers.ptys import SerialDevice, printer_on_a_line
from tests.drivers.umock_node import main
from tests.drivers.umock_tree import Tree

from tillkeeper.config.model import Device, SerialLine
from tillkeeper_drivers.simulator.printer import VirtualPrinter

Plugged = Callable[[tuple[int, int]], AbstractAsyncContextManager[Callable[[str], bool]]]
"""Connects a printer to the two ends of a line; says whether a ticket was printed."""

PRINTER = Device(
    kind="escpos", address="serial:serial=A50285BI", serial=SerialLine(baud=115_200), profile="generic-58", confirm_timeout_s=5
)


async def until(holds: Callable[[], bool], within_s: float, why: str) -> None:
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > within_s:
            raise AssertionError(why)
        await asyncio.sleep(0.005)


def ends(tree: Tree, node: str) -> tuple[int, int]:
    return tree.testbed.get_dev_fd(node), os.open(node, os.O_RDWR | os.O_NOCTTY)


async def plugged_in_again_a_mute_printer_prints() -> None:
    @asynccontextmanager
    async def plugged(fds: tuple[int, int]) -> AsyncIterator[Callable[[str], bool]]:
        async with SerialDevice(lambda _data: b"", None, 0, fds) as device:
            yield lambda code: code.encode() in device.received

    await _replug(PRINTER, plugged)


async def plugged_in_again_a_printer_that_confirms_prints() -> None:
    async with VirtualPrinter("tm-t88vi", speed_mm_s=0, idle_close_s=3600) as printer:

        @asynccontextmanager
        async def plugged(fds: tuple[int, int]) -> AsyncIterator[Callable[[str], bool]]:
            async with printer_on_a_line(printer, fds):
                yield lambda code: any(code in slip.text for slip in printer.printed)

        await _replug(msgspec.structs.replace(PRINTER, profile="tm-t88vi"), plugged)


async def _replug(config: Device, plugged: Plugged) -> None:
    """Each time in another socket and with another node, while a ticket waits."""
    tree = Tree(alive=True)
    shop = Shop("udev", bar=config)
    took: list[float] = []
    async with shop.open():
        await shop.ticket("T-0", "bar")
        await until(lambda: shop.trouble("bar") == "not_plugged_in", 10, shop.trouble("bar"))
        for number in range(4):
            # Long enough for the pauses between two tries to have become long.
            await asyncio.sleep(1.5)
            socket, code = f"1-{number + 1}", f"T-{number}"
            tree.adapter(socket, (number,), serial="A50285BI")
            began = time.monotonic()
            async with plugged(ends(tree, f"/dev/ttyUSB{number}")) as printed:
                await until(partial(printed, code), 10, f"{code} does not print")
                took.append(time.monotonic() - began)
                await shop.until_done(10)
                tree.pull(socket)
                await until(lambda: not shop.finder.found(), 5, "it is gone from the list")
            await shop.ticket(f"T-{number + 1}", "bar")
            await until(lambda: shop.trouble("bar") == "not_plugged_in", 20, shop.trouble("bar"))
    print(json.dumps({"took_s": took}))


async def a_storm_of_events_is_few_looks() -> None:
    tree = Tree()
    tree.adapter("1-1", (0,), serial="A50285BI")
    shop = Shop("udev", bar=PRINTER)
    async with shop.open():
        await until(lambda: len(shop.finder.found()) == 1, 10, "it is there")
        began, looks = time.monotonic(), shop.finder.looks
        for _ in range(800):
            tree.storm("1-1", 5)
            await asyncio.sleep(0.001)
        for number in range(20):
            tree.pull("1-1")
            await asyncio.sleep(0.005)  # umockdev's queue is short
            tree.adapter("1-1", (0,), serial=f"B50285BI{number}")
            await asyncio.sleep(0.005)
        await until(lambda: [one.serial for one in shop.finder.found()] == ["B50285BI19"], 10, "the last of it is what counts")
        spent_s = time.monotonic() - began
        assert shop.finder.looks - looks <= 5 * spent_s + 3, (shop.finder.looks - looks, spent_s)


async def a_trouble_that_ends_wakes_the_device() -> None:
    """The node's rights come a moment after the node (udev's rules, a person)."""
    tree = Tree()
    tree.adapter("1-1", (None,), serial="A50285BI", driver="")
    shop = Shop("udev", bar=PRINTER)
    async with shop.open():
        await until(lambda: len(shop.finder.found()) == 1, 10, "it is there")
        assert shop.finder.found()[0].trouble == "no_driver"
        assert shop.came == []
        tree.pull("1-1")
        tree.adapter("1-1", (0,), serial="A50285BI")
        await until(lambda: "bar" in shop.came, 10, "it was told")
        assert shop.locator.devices_of(shop.finder.found()[0]) == ("bar",)


if __name__ == "__main__":
    main(globals())
