"""What is plugged in and pulled, seen by udev. Run by test_discovery_usb.py, see `umock`."""

import asyncio
import os
import time
from collections.abc import Callable

from tests.drivers.umock_node import main
from tests.drivers.umock_tree import Tree

from tillkeeper_drivers.api import Transport, TransportError
from tillkeeper_drivers.discovery import udev
from tillkeeper_drivers.discovery.found import Found
from tillkeeper_drivers.transport.serial import SerialTransport
from tillkeeper_drivers.transport.usblp import UsblpTransport

MODELS = ("tm-t88vi", "tm-t88v", "generic-80")


def seen() -> dict[str, Found]:
    return {found.identity: found for found in udev.scan(MODELS)}


async def open_fails(transport: Transport) -> tuple[str, bool]:
    try:
        async with transport.connect(5):
            raise AssertionError("it opened something")
    except TransportError as error:
        return error.reason, error.bytes_left


def refused(identity: str) -> TransportError:
    try:
        node = udev.node_of(identity)
    except TransportError as error:
        return error
    raise AssertionError(f"{identity} is at {node}")


async def until(holds: Callable[[], bool], why: str) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(why)


async def everything_is_named() -> None:
    tree = Tree()
    assert udev.scan() == ()
    tree.printer("1-1.4", 0, serial="J8XY012345")
    tree.printer("1-2", 1, ids=(0x0416, 0x5011), device_id="MFG:POS80;MDL:Printer;")
    tree.adapter("1-3", (0,), serial="A50285BI")
    tree.adapter("1-4", (1,), ids=(0x1A86, 0x7523), driver="ch341")
    there = seen()
    assert list(there) == ["serial:serial=A50285BI", "serial:port=1-4", "usb:serial=J8XY012345", "usb:port=1-2"], there
    epson = there["usb:serial=J8XY012345"]
    assert (epson.vendor, epson.model, epson.profile, epson.node) == ("Epson", "TM-T88VI", "tm-t88vi", "/dev/usb/lp0"), epson
    assert (epson.address, epson.port, epson.trouble) == ("usb:serial=J8XY012345", "1-1.4", "")
    assert there["usb:port=1-2"].title == "USB printer Zijiang Printer"
    assert "1-2" in there["usb:port=1-2"].detail
    assert there["serial:port=1-4"].model == "CH340"
    assert not any(found.trouble for found in there.values()), there
    assert udev.node_of("usb:serial=J8XY012345") == "/dev/usb/lp0"
    assert udev.node_of("usb:port=1-2") == "/dev/usb/lp1"
    assert udev.node_of("serial:serial=A50285BI") == "/dev/ttyUSB0"
    assert refused("usb:serial=A50285BI").reason == "not_plugged_in", "an adapter is no printer"
    assert refused("usb:port=1-9").reason == "not_plugged_in"


async def a_device_is_followed_to_another_node() -> None:
    """Pulled and plugged in elsewhere, it has another node; a stranger at its old node gets nothing."""
    tree = Tree()
    tree.printer("1-1", 0, serial="J8XY012345")
    assert udev.node_of("usb:serial=J8XY012345") == "/dev/usb/lp0"
    tree.pull("1-1")
    assert refused("usb:serial=J8XY012345").reason == "not_plugged_in"
    tree.printer("1-1", 0, serial="QQXX998877")
    tree.printer("1-5", 1, serial="J8XY012345")
    assert udev.node_of("usb:serial=J8XY012345") == "/dev/usb/lp1"
    assert udev.node_of("usb:port=1-1") == "/dev/usb/lp0", "a socket is whatever is in it"


async def two_with_one_serial_number() -> None:
    tree = Tree()
    tree.printer("1-1", 0, serial="J8XY012345")
    tree.printer("1-2", 1, serial="J8XY012345")
    tree.adapter("1-3", (0,), serial="0001", ids=(0x10C4, 0xEA60), driver="cp210x")
    tree.adapter("1-4", (1,), serial="0001", ids=(0x10C4, 0xEA60), driver="cp210x")
    there = seen()
    assert list(there) == ["serial:port=1-3", "serial:port=1-4", "usb:port=1-1", "usb:port=1-2"], there
    assert {found.trouble for found in there.values()} == {"two_alike"}
    assert all("socket" in found.detail and found.hint for found in there.values())
    error = refused("usb:serial=J8XY012345")
    assert error.reason == "wrong_device"
    assert "1-1, 1-2" in error.detail, error.detail
    assert refused("serial:serial=0001").reason == "wrong_device"
    assert udev.node_of("usb:port=1-2") == "/dev/usb/lp1"
    tree.pull("1-2")
    assert seen()["usb:serial=J8XY012345"].trouble == ""
    tree.pull("1-4")
    assert udev.node_of("serial:serial=0001") == "/dev/ttyUSB0", "a number that a person wrote down is taken as it is"


async def the_ports_of_one_adapter_are_apart() -> None:
    tree = Tree()
    tree.adapter("1-3", (0, 1), serial="FT1234XY", ids=(0x0403, 0x6010))
    assert list(seen()) == ["serial:serial=FT1234XY", "serial:port=1-3:1.1"], seen()
    assert not any(found.trouble for found in seen().values())
    assert udev.node_of("serial:serial=FT1234XY") == "/dev/ttyUSB0"
    assert udev.node_of("serial:port=1-3:1.1") == "/dev/ttyUSB1"
    assert udev.node_of("serial:port=1-3") == "/dev/ttyUSB0"


async def thieves_are_named() -> None:
    tree = Tree()
    tree.printer("1-1", None, serial="J8XY012345", driver="usbfs")
    tree.printer("1-2", None, serial="K8XY012345", driver="")
    tree.printer("1-6", None, serial="V8XY012345", driver="", use="ff")
    tree.adapter("1-3", (None,), ids=(0x1A86, 0x7523), driver="usbfs")
    there = seen()
    taken = there["usb:serial=J8XY012345"]
    assert (taken.trouble, "CUPS" in taken.hint or "program" in taken.hint) == ("held_by", True), taken
    assert (there["usb:serial=K8XY012345"].trouble, "usblp" in there["usb:serial=K8XY012345"].hint) == ("no_driver", True)
    assert "printer class" in there["usb:serial=V8XY012345"].hint
    assert there["serial:port=1-3"].trouble == "held_by", there["serial:port=1-3"]
    assert refused("usb:serial=J8XY012345").reason == "busy"
    assert refused("usb:serial=K8XY012345").reason == "unreachable"
    assert "usblp" in refused("usb:serial=K8XY012345").detail


async def modem_manager_is_named_where_it_runs_and_was_not_told_to_ignore() -> None:
    tree = Tree()
    tree.adapter("1-3", (0,), serial="A50285BI", candidate=True)
    tree.adapter("1-4", (1,), serial="B50285BI", candidate=True, ignored=True)
    tree.adapter("1-5", (2,), serial="C50285BI")
    assert not any(found.trouble for found in seen().values()), "it does not run"
    # A process of that name, which does nothing.
    child = await asyncio.create_subprocess_exec("sleep", "60", executable=_named("ModemManager"))
    try:
        await until(lambda: bool(seen()["serial:serial=A50285BI"].trouble), "its name is seen")
        there = seen()
        assert there["serial:serial=A50285BI"].trouble == "held_by"
        assert 'ATTRS{idVendor}=="0403"' in there["serial:serial=A50285BI"].hint
        assert not there["serial:serial=B50285BI"].trouble
        assert not there["serial:serial=C50285BI"].trouble
    finally:
        child.kill()
        await child.wait()


def _named(name: str) -> str:
    """A copy of sleep(1) called `name`, in the folder of this scenario's devices."""
    import shutil
    import tempfile

    path = os.path.join(tempfile.mkdtemp(prefix="tk-thief-"), name)
    shutil.copy("/usr/bin/sleep", path)
    return path


async def a_node_that_is_not_allowed() -> None:
    tree = Tree()
    tree.printer("1-1", 0, serial="J8XY012345")
    tree.adapter("1-3", (0,), serial="A50285BI")
    os.chmod(tree.testbed.get_root_dir(), 0o755)
    for node in ("/dev/usb/lp0", "/dev/ttyUSB0"):
        os.chmod(tree.node_file(node), 0o600)
    seen()
    os.setresuid(65_534, 65_534, 0)
    try:
        there = seen()
    finally:
        os.setresuid(0, 0, 0)
    assert {found.trouble for found in there.values()} == {"no_permission"}, there
    assert "group lp" in there["usb:serial=J8XY012345"].hint
    assert "group dialout" in there["serial:serial=A50285BI"].hint


async def plugging_in_and_out_is_told_live() -> None:
    tree = Tree()
    tree.printer("1-1", 0, serial="J8XY012345")
    told = asyncio.Event()
    watch = udev.Watch(told.set, "udev")
    try:
        for _ in range(3):
            tree.pull("1-1")
            await asyncio.wait_for(told.wait(), 5)
            await until(lambda: not seen(), "it is gone")
            told.clear()
            tree.printer("1-1", 0, serial="J8XY012345")
            tree.plugged("1-1")
            await asyncio.wait_for(told.wait(), 5)
            await until(lambda: "usb:serial=J8XY012345" in seen(), "it is back")
            told.clear()
    finally:
        watch.close()


async def thousands_of_events_are_few_calls() -> None:
    tree = Tree()
    tree.printer("1-1", 0, serial="J8XY012345")
    calls: list[float] = []
    watch = udev.Watch(lambda: calls.append(time.monotonic()), "udev")
    try:
        for _ in range(1000):
            tree.storm("1-1", 5)
            await asyncio.sleep(0)
        tree.pull("1-1")
        await until(lambda: not seen(), "the storm hides nothing")
        await until(lambda: bool(calls), "it was told")
    finally:
        watch.close()
    assert len(calls) <= 1010, len(calls)


async def transports_ask_where_the_device_is() -> None:
    tree = Tree()
    tree.printer("1-1", None, serial="OTHER12345", driver="")
    for transport in (
        UsblpTransport(lambda: udev.node_of("usb:serial=J8XY012345"), "usb:serial=J8XY012345"),
        SerialTransport(lambda: udev.node_of("serial:port=1-7"), None, "serial:port=1-7"),
    ):
        assert await open_fails(transport) == ("not_plugged_in", False)
        assert transport.name.startswith(("usb:serial=J8XY", "serial:port=1-7")), transport.name


if __name__ == "__main__":
    main(globals())
