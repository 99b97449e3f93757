"""A register in the machine: the real agent, and printers that hang on its real devices and are virtual behind them."""

import asyncio
import base64
import json
import shlex
import tomllib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from tests.support.toml import dumps, merged
from tests.vm.image import RIG
from tests.vm.machine import Machine, log

from tillkeeper.config.embedded import example_toml
from tillkeeper_drivers.simulator.printer import VirtualPrinter

SOCKET = "/tmp/tillkeeper.sock"
CONFIG = "/etc/tillkeeper.toml"
DATA = "/var/lib/tillkeeper"
USER = "nobody"
NUMBER, ADAPTER_NUMBER = "J8XY012345", "A50285BI"
USB_NODE, SERIAL_NODE = "/dev/usb/lp0", "/dev/ttyUSB0"
PORT = "/dev/virtio-ports/printer"
ALLOWED = "lp,dialout"
CALM_S = 120.0
"""Without hardware help everything takes ten times as long, and more on a busy machine."""


async def prepare(machine: Machine) -> None:
    """A gadget that is not plugged in yet."""
    await machine.run(f"/{RIG}/gadget make {NUMBER}")


async def begin(machine: Machine, *, groups: str = ALLOWED, **devices: dict[str, Any]) -> None:
    """Nothing is plugged in, nothing is left of the scene before; the agent starts with `devices` changed in its config."""
    await pull_usb(machine)
    await machine.clear()
    own: dict[str, Any] = {
        "data_dir": DATA, "api": {"socket": SOCKET}, "network": {"watch": False}, "devices": devices,
        # Slow as all is here, another device would step in before the cable is back.
        "stations": {"grill": {"backup": None, "carry": False}},
    }  # fmt: skip
    text = base64.b64encode(dumps(merged(tomllib.loads(example_toml()), own)).encode()).decode()
    await machine.run(f"rm -rf {DATA} {SOCKET} && install -d -o {USER} {DATA} && echo {text} | base64 -d > {CONFIG}")
    await start_agent(machine, groups)


async def start_agent(machine: Machine, groups: str = ALLOWED) -> None:
    """As an ordinary user, who is in `groups` and may open what these may."""
    member_of = f"--groups={groups}" if groups else "--clear-groups"
    user = f"setpriv --reuid={USER} --regid=nogroup {member_of} --no-new-privs"
    await machine.start("agent", f"{user} tillkeeper run --config {CONFIG}")
    await machine.wait_for(f"/{RIG}/get {SOCKET} /v1/status", CALM_S)


async def asks(machine: Machine, *command: str) -> Any:
    """The JSON of a `tillkeeper` command."""
    return json.loads(await machine.run(shlex.join(("tillkeeper", *command, "--socket", SOCKET, "--json"))))


async def gets(machine: Machine, path: str) -> Any:
    return json.loads(await machine.run(f"/{RIG}/get {SOCKET} {shlex.quote(path)}"))


async def plug_usb(machine: Machine, printer: VirtualPrinter) -> None:
    """The printer at the machine's USB, as /dev/usb/lp0. Its power comes from the mains: it lives on when it is pulled out."""
    await machine.plug("printer-end", "virtserialport", printer.port, name="printer")
    await machine.wait_for(f"test -e {PORT}")
    await machine.start("bridge", f"python3 /{RIG}/bridge.py /dev/g_printer0 {PORT}")
    await put_usb_back(machine)
    await machine.wait_for(f"grep configured {log('bridge')} && test -c {USB_NODE}")


async def put_usb_back(machine: Machine) -> float:
    """Returns when, in seconds since the machine's boot."""
    return float(await machine.run(f"/{RIG}/gadget plug"))


async def pull_usb(machine: Machine) -> None:
    """Until the bridge has seen it too: one that holds the gadget on would be in the way of its coming back."""
    await machine.run(f"/{RIG}/gadget unplug")
    await machine.wait_for(f"! test -s {log('bridge')} || tail -n 1 {log('bridge')} | grep pulled")


async def plug_serial(machine: Machine, printer: VirtualPrinter) -> None:
    """The printer at a USB serial adapter, as /dev/ttyUSB0."""
    await machine.plug("serial", "usb-serial", printer.port, serial=ADAPTER_NUMBER)


async def port_says(machine: Machine, *, paper_out: bool) -> None:
    """What the printer's USB interface answers to GET_PORT_STATUS."""
    await machine.signal("bridge", "USR1" if paper_out else "USR2")


@dataclass(frozen=True)
class Carried:
    """What went over the bridge: seconds since the machine's boot, "host", "printer", "configured" or "pulled", bytes."""

    at_s: float
    event: str
    count: int


async def carried(machine: Machine, since_s: float) -> list[Carried]:
    lines = (line.split() for line in (await machine.run(f"cat {log('bridge')}")).splitlines())
    all_of_it = [Carried(float(at_s), event, int(count)) for at_s, event, count in lines]
    return [one for one in all_of_it if one.at_s >= since_s]


async def booted_at_s(machine: Machine) -> float:
    """By its wall clock, in seconds since the epoch."""
    return float(await machine.run("python3 -c 'import time; print(time.time() - time.clock_gettime(time.CLOCK_BOOTTIME))'"))


async def in_trouble(machine: Machine, device: str, words: str) -> None:
    """Until the agent has seen that it is."""

    async def seen() -> bool:
        devices = (await gets(machine, "/v1/devices"))["devices"]
        return any(one["device"] == device and words in one["trouble"] for one in devices)

    await wait_until(machine, seen, lambda: f"{device} is not seen to be in trouble: {words}")


async def jobs(machine: Machine, device: str) -> list[Any]:
    """Of `device`, oldest first, settled ones too."""
    return [job for job in (await gets(machine, "/v1/jobs?state=all"))["jobs"] if job["device"] == device]


async def until(machine: Machine, device: str, document_class: str, look: Callable[[Any], bool]) -> Any:
    """The device's last document of this class once `look` says yes to it. Raises AssertionError with what it is instead."""
    ones: list[Any] = []

    async def there() -> bool:
        ones[:] = [job for job in await jobs(machine, device) if job["document_class"] == document_class]
        return bool(ones) and look(ones[-1])

    await wait_until(machine, there, lambda: f"{device}: {ones}")
    return ones[-1]


async def found(machine: Machine, look: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Address -> device of the agent's list, once `look` says yes to it. Raises AssertionError with what it is instead."""
    ones: dict[str, Any] = {}

    async def there() -> bool:
        ones.clear()
        ones.update({one["address"]: one for one in (await gets(machine, "/v1/devices/found"))["found"]})
        return look(ones)

    await wait_until(machine, there, lambda: str(ones))
    return ones


async def wait_until(machine: Machine, there: Callable[[], Awaitable[bool]], said: Callable[[], str]) -> None:
    """Each look takes the machine a tenth of a second: there is no pause in between."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + CALM_S
    while not await there():
        if loop.time() > until_s:
            raise AssertionError(f"not within {CALM_S:g} s; {said()}\n{await machine.run('cat ' + log('agent'))}")
