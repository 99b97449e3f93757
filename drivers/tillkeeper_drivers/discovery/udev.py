"""USB printers and serial adapters of this machine, by udev (libudev through pyudev; without a udev daemon, by sysfs alone).

What is told live is only *that* something changed: whoever listens looks at all there is again. So thousands of events cost one
look, and an overrun of the kernel's queue (ENOBUFS) loses nothing. Facts: the kernel's Documentation/ABI/testing/sysfs-bus-usb
(names of sockets, attributes), drivers/usb/class/usblp.c (`ieee1284_id`), ModemManager's udev rules (ID_MM_CANDIDATE).
"""

import asyncio
import errno
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyudev

from tillkeeper_drivers.api import Reason, TransportError
from tillkeeper_drivers.discovery import models, ports
from tillkeeper_drivers.discovery.found import Found
from tillkeeper_drivers.discovery.ports import Port
from tillkeeper_drivers.transport import holders

_PRINTER_CLASS, _VENDOR_CLASS = "07", "ff"
_SERIAL_NAMES = ("ttyUSB*", "ttyACM*")
_UDEV_LISTENS = Path("/run/udev/control")
_MOST_AT_ONCE = 256
_MOST_DEVICES = 256
MODEM_MANAGER = "ModemManager"


def scan(known: Collection[str] = ()) -> tuple[Found, ...]:
    """All that is plugged in now, with what is wrong. Blocks for milliseconds; for a thread.

    Args:
        known: names of profiles, for those that fit.
    """
    return ports.found(_all_ports(), known)


def node_of(identity: str) -> str:
    """The node of "usb:serial=..", "usb:port=..", "serial:serial=.." or "serial:port=.." now. Blocks for milliseconds.

    Raises:
        TransportError: bytes_left is False; "not_plugged_in"; "wrong_device" where two match, for either may be meant; "busy"
            or "unreachable" where it is plugged in and has no node.
    """
    context = pyudev.Context()
    nodes = [port for port in _nodes(context, identity.partition(":")[0]) if ports.matches(port, identity)]
    nodes = nodes if ":port=" in identity else ports.first_ports(nodes)
    if len(nodes) == 1:
        return nodes[0].node
    if nodes:
        where = ", ".join(ports.socket_of(port) for port in nodes)
        raise _not_found("wrong_device", f"{len(nodes)} devices are {identity} (sockets {where}): name it by its socket")
    for port in _all_ports():
        if ports.matches(port, identity):
            said = ports.found([port])[0]
            raise _not_found("busy" if said.trouble == "held_by" else "unreachable", f"{identity}: {said.detail}; {said.hint}")
    raise _not_found("not_plugged_in", f"{identity} is not plugged in, or switched off")


def _not_found(reason: Reason, detail: str) -> TransportError:
    return TransportError(reason, detail, bytes_left=False)


class Watch:
    """Calls `changed` on the running loop whenever something was plugged in or out, many events at once counted as one.

    Args:
        source: "udev" (after udev's rules) or "kernel" (where no udev runs: the kernel itself makes the nodes). None finds out.

    Raises:
        OSError: the kernel's events can not be had here.
    """

    def __init__(self, changed: Callable[[], None], source: str | None = None) -> None:
        self._changed = changed
        chosen = source or ("udev" if _UDEV_LISTENS.exists() else "kernel")
        self._monitor = pyudev.Monitor.from_netlink(pyudev.Context(), source=chosen)
        for subsystem in ("usb", "usbmisc", "tty"):
            self._monitor.filter_by(subsystem)
        self._monitor.start()
        self._fd: int = self._monitor.fileno()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._ready)

    def fileno(self) -> int:
        return self._fd

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        del self._monitor

    def _ready(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                os.read(self._fd, 1)  # the rest of a datagram goes with it
            except BlockingIOError:
                break
            except OSError as error:
                if error.errno == errno.ENOBUFS:  # some were lost: all is looked at again anyway
                    continue
                self._loop.remove_reader(self._fd)
                raise
        self._changed()


# --- what the kernel has ---


def _all_ports() -> list[Port]:
    context = pyudev.Context()
    there = [*_nodes(context, "usb"), *_nodes(context, "serial")]
    taken = {(port.port, port.interface) for port in there}
    more = _without_node(context, {port.port for port in there})
    there.extend(port for port in more if (port.port, port.interface) not in taken)
    return there[:_MOST_DEVICES]


def _nodes(context: Any, kind: str) -> Iterator[Port]:
    devices = context.list_devices()
    if kind == "usb":
        devices.match_subsystem("usbmisc").match_sys_name("lp*")
    else:
        devices.match_subsystem("tty")
        for name in _SERIAL_NAMES:
            devices.match_sys_name(name)
    for device in devices:
        interface, whole = device.find_parent("usb", "usb_interface"), device.find_parent("usb", "usb_device")
        node = device.device_node
        if node and interface is not None and whole is not None and (port := _port(kind, interface, whole)) is not None:
            may_open = os.access(node, os.R_OK | os.W_OK)
            probed_by = _probed_by(device, whole) if kind == "serial" else ""
            yield _with(port, node=node, may_open=may_open, probed_by=probed_by)


def _without_node(context: Any, served: Collection[str]) -> Iterator[Port]:
    """Interfaces of printers and of known adapters. `served`: sockets of devices that have a node."""
    for interface in context.list_devices(subsystem="usb", DEVTYPE="usb_interface"):
        whole = interface.find_parent("usb", "usb_device")
        if whole is None or (port := _port("usb", interface, whole)) is None:
            continue
        use = _text(interface, "bInterfaceClass")
        maker = port.vendor_id in models.PRINTER_MAKERS and whole.sys_name not in served
        if (port.vendor_id, port.product_id) in models.ADAPTERS:
            if whole.sys_name not in served:
                yield _held(_with(port, kind="serial"), whole)
        elif use == _PRINTER_CLASS or (maker and use == _VENDOR_CLASS):
            yield _held(port, whole)


def _port(kind: str, interface: Any, whole: Any) -> Port | None:
    try:
        vendor_id, product_id = (int(_text(whole, name), 16) for name in ("idVendor", "idProduct"))
        number = int(_text(interface, "bInterfaceNumber") or "0", 16)
    except ValueError:  # it was pulled while it was looked at
        return None
    return Port(
        kind="usb" if kind == "usb" else "serial",
        node="",
        vendor_id=vendor_id,
        product_id=product_id,
        port=whole.sys_name,
        interface=number,
        manufacturer=_text(whole, "manufacturer"),
        product=_text(whole, "product"),
        serial=_text(whole, "serial"),
        driver=interface.driver or "",
        device_id=_text(interface, "ieee1284_id"),
    )


def _held(port: Port, whole: Any) -> Port:
    bus_node = whole.device_node
    return _with(port, holders=holders.of(bus_node)) if port.driver == "usbfs" and bus_node else port


def _probed_by(device: Any, whole: Any) -> str:
    """ModemManager's own rules mark candidates; a rule of a person tells it to ignore one, or the whole device."""
    ignored = any(
        each.properties.get(name) == "1" for each in (device, whole) for name in ("ID_MM_DEVICE_IGNORE", "ID_MM_PORT_IGNORE")
    )
    candidate = device.properties.get("ID_MM_CANDIDATE") == "1"
    return MODEM_MANAGER if candidate and not ignored and holders.running(MODEM_MANAGER) else ""


def _text(device: Any, name: str) -> str:
    value = device.attributes.get(name)
    if value is None:
        return ""
    return "".join(character for character in value.decode("utf-8", "replace") if character.isprintable()).strip()[:126]


def _with(port: Port, **changes: Any) -> Port:
    return msgspec.structs.replace(port, **changes)
