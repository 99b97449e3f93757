"""From what the kernel and udev say of USB printers and serial adapters to `Found`: identities, and what is wrong. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from tillkeeper_drivers.discovery import models
from tillkeeper_drivers.discovery.found import Found, Trouble


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """One interface of a USB device that prints or is a serial port.

    `node`: empty where there is none. `port`: the kernel's path of the socket, "1-1.4". `interface`: its number in the device.
    `driver`: of the kernel, "usbfs" where a program took it. `device_id`: of IEEE 1284. `may_open`: this user may.
    `probed_by`: a program that speaks to new serial ports and is not told to leave this one alone. `holders`: who has it, in
    words."""

    kind: Literal["usb", "serial"]
    node: str
    vendor_id: int
    product_id: int
    port: str
    interface: int = 0
    manufacturer: str = ""
    product: str = ""
    serial: str = ""
    driver: str = ""
    device_id: str = ""
    may_open: bool = True
    probed_by: str = ""
    holders: str = ""


_GROUPS = {"usb": "lp", "serial": "dialout"}
_Said = tuple[Trouble, str, str]


def found(ports: Iterable[Port], known: Collection[str] = ()) -> tuple[Found, ...]:
    """In the order of their sockets. `known`: names of profiles."""
    there = sorted(ports, key=lambda port: (port.kind, port.port, port.interface, port.node))
    firsts = {id(port) for port in first_ports(there)}
    own = [serial_of(port) if id(port) in firsts else "" for port in there]
    serials = Counter((port.kind, serial) for port, serial in zip(there, own, strict=True))
    unnamed = Counter(_sort(port) for port, serial in zip(there, own, strict=True) if not serial)
    return tuple(
        _found(port, serial, serials[port.kind, serial], unnamed[_sort(port)], known)
        for port, serial in zip(there, own, strict=True)
    )


def first_ports(ports: Iterable[Port]) -> list[Port]:
    """Of each device the first one: that has its serial number, the others go by their socket."""
    first: dict[tuple[str, str], Port] = {}
    for port in ports:
        before = first.setdefault((port.kind, port.port), port)
        if port.interface < before.interface:
            first[port.kind, port.port] = port
    return list(first.values())


def serial_of(port: Port) -> str:
    """The serial number that tells this device from others of its kind, empty where it has none."""
    named = models.device_id(port.device_id)
    return next((text for text in (port.serial, named.get("SN", "")) if models.tells_apart(text)), "")


def socket_of(port: Port) -> str:
    """"1-1.4", and "1-1.4:1.1" for the second port of an adapter."""
    return f"{port.port}:1.{port.interface}" if port.interface and port.kind == "serial" else port.port


def matches(port: Port, identity: str) -> bool:
    """Whether `port` is what an address "usb:serial=.." or "serial:port=.." means. A serial number that a person wrote down is
    taken as it is, whatever it looks like."""
    kind, _, rest = identity.partition(":")
    key, _, value = rest.partition("=")
    if kind != port.kind:
        return False
    if key == "port":
        return value == socket_of(port)
    own = (port.serial, models.device_id(port.device_id).get("SN", ""))
    return key == "serial" and bool(value) and value in own


def _sort(port: Port) -> tuple[str, int, int]:
    return port.kind, port.vendor_id, port.product_id


def _found(port: Port, serial: str, of_this_serial: int, unnamed: int, known: Collection[str]) -> Found:
    socket = socket_of(port)
    own = bool(serial) and of_this_serial == 1
    identity = f"{port.kind}:serial={serial}" if own else f"{port.kind}:port={socket}"
    named = models.device_id(port.device_id)
    vendor = models.maker(port.vendor_id, named.get("MFG", "") or port.manufacturer)
    chip = models.ADAPTERS.get((port.vendor_id, port.product_id), "") if port.kind == "serial" else ""
    model = chip or named.get("MDL", "") or port.product
    trouble, detail, hint = _trouble(port, alike=not own and (of_this_serial if serial else unnamed) > 1)
    if not trouble and not own:
        detail = f"it has no serial number of its own: known by its socket {socket}"
    what = "USB printer" if port.kind == "usb" else "serial adapter"
    name = " ".join(part for part in (vendor, model) if part) or f"{port.vendor_id:04x}:{port.product_id:04x}"
    return Found(
        identity=identity,
        bus=port.kind,
        address=identity,
        title=f"{what} {name}",
        vendor=vendor,
        model=model,
        serial=port.serial,
        port=socket,
        profile=models.profile(model, known) if port.kind == "usb" else "",
        node=port.node,
        trouble=trouble,
        detail=detail,
        hint=hint,
    )


def _trouble(port: Port, *, alike: bool) -> _Said:
    if not port.node:
        return _no_node(port)
    if not port.may_open:
        group = _GROUPS[port.kind]
        return (
            "no_permission",
            f"the agent's user may not open {port.node}",
            f"add the user to the group {group} (usermod -aG {group} USER) and restart the agent",
        )
    if port.probed_by:
        return (
            "held_by",
            f"{port.probed_by} sends commands of its own to {port.node}",
            "a udev rule keeps it away: "
            f'ATTRS{{idVendor}}=="{port.vendor_id:04x}", ATTRS{{idProduct}}=="{port.product_id:04x}", '
            'ENV{ID_MM_DEVICE_IGNORE}="1"',
        )
    if alike:
        return (
            "two_alike",
            f"another device here has the same serial number or also none: this one is known by its socket {socket_of(port)}",
            "leave both in their sockets; a swap of the cables swaps the devices",
        )
    return "", "", ""


def _no_node(port: Port) -> _Said:
    if port.driver == "usbfs":
        who = port.holders or "a program"
        thief = "brltty" if "brltty" in who else "CUPS" if "cups" in who or "usb" in who else ""
        hint = {
            "brltty": "remove the package brltty, then plug the adapter in again",
            "CUPS": "remove the printer's queue from CUPS, then plug the printer in again",
        }.get(thief, "end that program, then plug the device in again")
        return "held_by", f"taken away from the kernel: {who}", hint
    if port.kind == "usb":
        return (
            "no_driver",
            f"no driver serves it ({port.driver or 'none is bound'})",
            "load the kernel's module usblp (modprobe usblp); where it is loaded, set the printer's USB to printer class "
            "by its switches",
        )
    return "no_driver", f"the kernel made no port of it ({port.driver or 'no driver is bound'})", "plug it in again"
