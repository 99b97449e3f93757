"""A register in the machine: the real agent, and printers that hang on its real devices and are virtual behind them."""

import base64
import json
import shlex
import tomllib
from typing import Any

from tests.support.toml import dumps, merged
from tests.vm.image import RIG
from tests.vm.machine import Machine

from tillkeeper.config.embedded import example_toml
from tillkeeper_drivers.simulator.printer import VirtualPrinter

SOCKET = "/tmp/tillkeeper.sock"
CONFIG = "/etc/tillkeeper.toml"
NUMBER = "J8XY012345"
USB_NODE, SERIAL_NODE = "/dev/usb/lp0", "/dev/ttyUSB0"
PORT = "/dev/virtio-ports/printer"
BRIDGE_LOG, BRIDGE_PID = "/tmp/bridge.log", "/tmp/bridge.pid"
READY = "ready"
CALM_S = 120.0
"""Without hardware help everything takes ten times as long, and more on a busy machine."""


async def prepare(machine: Machine) -> None:
    """A gadget that is not plugged in yet, and a snapshot to come back to."""
    await machine.run(f"/{RIG}/gadget make {NUMBER}")
    await machine.human(f"savevm {READY}")


async def begin(machine: Machine, **devices: dict[str, Any]) -> None:
    """Everything as at first, with nothing plugged in; the agent starts with `devices` changed in its configuration."""
    await machine.restore(READY)
    own: dict[str, Any] = {
        "data_dir": "/var/lib/tillkeeper", "api": {"socket": SOCKET}, "network": {"watch": False}, "devices": devices,
        # Slow as all is here, another device would step in before the cable is back.
        "stations": {"grill": {"backup": None, "carry": False}},
    }  # fmt: skip
    text = base64.b64encode(dumps(merged(tomllib.loads(example_toml()), own)).encode()).decode()
    await machine.run(f"echo {text} | base64 -d > {CONFIG}")
    await machine.run(f"setsid tillkeeper run --config {CONFIG} > /tmp/agent.log 2>&1 &")
    await machine.wait_for(f"tillkeeper status --socket {SOCKET}", CALM_S)


async def asks(machine: Machine, *command: str) -> Any:
    """The JSON of a `tillkeeper` command."""
    return json.loads(await machine.run(shlex.join(("tillkeeper", *command, "--socket", SOCKET, "--json"))))


async def plug_usb(machine: Machine, printer: VirtualPrinter) -> None:
    """The printer at the machine's USB, as /dev/usb/lp0. Its power comes from the mains: it lives on when it is pulled out."""
    await machine.plug("printer-end", "virtserialport", printer.port, name="printer")
    await machine.wait_for(f"test -e {PORT}")
    await machine.run(f"python3 /{RIG}/bridge.py /dev/g_printer0 {PORT} > {BRIDGE_LOG} 2>&1 & echo $! > {BRIDGE_PID}")
    await put_usb_back(machine)


async def put_usb_back(machine: Machine) -> None:
    await machine.run(f"/{RIG}/gadget plug")
    await machine.wait_for(f"test -c {USB_NODE}")


async def pull_usb(machine: Machine) -> None:
    """Until the bridge has seen it too: one that holds the gadget on would be in the way of its coming back."""
    await machine.run(f"/{RIG}/gadget unplug")
    await machine.wait_for(f"tail -n 1 {BRIDGE_LOG} | grep pulled")


async def plug_serial(machine: Machine, printer: VirtualPrinter) -> None:
    """The printer at a USB serial adapter, as /dev/ttyUSB0."""
    await machine.plug("serial", "usb-serial", printer.port)
    await machine.wait_for(f"test -c {SERIAL_NODE}")


async def port_says(machine: Machine, *, paper_out: bool) -> None:
    """What the printer's USB interface answers to GET_PORT_STATUS."""
    await machine.run(f"kill -{'USR1' if paper_out else 'USR2'} $(cat {BRIDGE_PID})")
