"""USB printers and serial adapters that umockdev makes up, as udev shows them: the device, its interface, its node."""

import errno
import os
import termios
from pathlib import Path
from typing import Any

import gi

gi.require_version("UMockdev", "1.0")
from gi.repository import UMockdev  # noqa: E402 - only after its version was chosen

ROOT = "/devices/pci0000:00/0000:00:14.0/usb1"


class Tree:
    """What is plugged in. Sockets are kernel names ("1-1.4"). `alive`: nodes are terminals that can be talked through; each of
    those can be made once only. Else they are files."""

    def __init__(self, *, alive: bool = False) -> None:
        self._alive = alive
        self._handlers: list[Any] = []
        self._numbers = 0
        self.testbed = UMockdev.Testbed.new()
        self._paths: dict[str, list[str]] = {}

    def printer(
        self,
        socket: str,
        number: int | None,
        *,
        serial: str = "",
        ids: tuple[int, int] = (0x04B8, 0x0202),
        device_id: str = "MFG:EPSON;CMD:ESC/POS;MDL:TM-T88VI;CLS:PRINTER;",
        driver: str = "usblp",
        use: str = "07",
    ) -> None:
        """At /dev/usb/lp<number>; without a node where that is None."""
        self._device(socket, ids, serial, {"manufacturer": "EPSON", "product": "TM-T88VI"})
        self._interface(socket, 0, use, driver, device_id)
        if number is not None:
            self._node(socket, 0, f"usbmisc/lp{number}", f"usb/lp{number}", "usbmisc", f"180:{number}")

    def adapter(
        self,
        socket: str,
        numbers: tuple[int | None, ...],
        *,
        serial: str = "",
        ids: tuple[int, int] = (0x0403, 0x6001),
        driver: str = "ftdi_sio",
        candidate: bool = False,
        ignored: bool = False,
    ) -> None:
        """With a port /dev/ttyUSB<number> on each of its interfaces; None is an interface without one."""
        properties = {"ID_MM_DEVICE_IGNORE": "1"} if ignored else {}
        self._device(socket, ids, serial, {"product": "USB Serial"}, properties)
        for interface, number in enumerate(numbers):
            self._interface(socket, interface, "ff", driver, "")
            if number is not None:
                name = f"ttyUSB{number}"
                more = {"ID_MM_CANDIDATE": "1"} if candidate else {}
                self._node(socket, interface, f"{name}/tty/{name}", name, "tty", f"188:{number}", more)

    def plugged(self, socket: str) -> None:
        """Tell of it, as udev does once its rules have run."""
        for path in self._paths[socket]:
            self.testbed.uevent(f"/sys{path}", "add")

    def pull(self, socket: str) -> None:
        """Take it away and tell of that."""
        for path in reversed(self._paths.pop(socket)):
            self.testbed.uevent(f"/sys{path}", "remove")
            self.testbed.remove_device(f"/sys{path}")
        self._forget_terminals()

    def storm(self, socket: str, count: int) -> None:
        """`count` events about something that does not change; few at once: umockdev gives up where a queue is full."""
        path = f"/sys{self._paths[socket][0]}"
        for _ in range(count):
            self.testbed.uevent(path, "change")

    def node_file(self, node: str) -> str:
        """Where the made-up node really is."""
        return f"{self.testbed.get_root_dir()}{node}"

    def _forget_terminals(self) -> None:
        """umockdev keeps the number of a terminal that is gone, and dies when the kernel gives it again."""
        if not self._alive:
            return
        dev = Path(self.testbed.get_root_dir(), "dev")
        there = {os.readlink(entry) for entry in (dev / ".node").iterdir()}
        for entry in (dev / ".ptymap").iterdir():
            if os.readlink(entry) not in there:
                entry.unlink()

    # --- the tree ---

    def _device(
        self, socket: str, ids: tuple[int, int], serial: str, texts: dict[str, str], properties: dict[str, str] | None = None
    ) -> None:
        path = f"{ROOT}/{socket}"
        self._paths[socket] = [path]
        attributes = {"idVendor": f"{ids[0]:04x}", "idProduct": f"{ids[1]:04x}", **texts}
        if serial:
            attributes["serial"] = serial
        self._numbers += 1
        bus = f"bus/usb/001/{self._numbers:03}"
        self._add(path, "usb", {"DEVTYPE": "usb_device", "DEVNAME": f"/dev/{bus}", **(properties or {})}, attributes, bus)

    def _interface(self, socket: str, number: int, use: str, driver: str, device_id: str) -> None:
        path = f"{ROOT}/{socket}/{socket}:1.{number}"
        attributes = {"bInterfaceClass": use, "bInterfaceNumber": f"{number:02x}"}
        if device_id:
            attributes["ieee1284_id"] = device_id
        self._paths[socket].append(path)
        self._add(path, "usb", {"DEVTYPE": "usb_interface", **({"DRIVER": driver} if driver else {})}, attributes)
        if driver:
            self.testbed.set_attribute_link(f"/sys{path}", "driver", f"../../../../../../bus/usb/drivers/{driver}")

    def _node(
        self,
        socket: str,
        interface: int,
        place: str,
        node: str,
        subsystem: str,
        numbers: str,
        properties: dict[str, str] | None = None,
    ) -> None:
        path = f"{ROOT}/{socket}/{socket}:1.{interface}/{place}"
        self._paths[socket].append(path)
        major, _, minor = numbers.partition(":")
        named = {"DEVNAME": f"/dev/{node}", "MAJOR": major, "MINOR": minor, **(properties or {})}
        self._add(path, subsystem, named, {"dev": numbers}, node)

    def _add(
        self, path: str, subsystem: str, properties: dict[str, str], attributes: dict[str, str], node: str = ""
    ) -> None:
        alive = self._alive and not node.startswith("bus/")
        content = "" if alive else "=00"
        lines = [f"P: {path}", *([f"N: {node}{content}"] if node else []), f"E: SUBSYSTEM={subsystem}"]
        lines += [f"E: {name}={value}" for name, value in properties.items()]
        lines += [f"A: {name}={value}\\n" for name, value in attributes.items()]
        self.testbed.add_from_string("\n".join(lines) + "\n\n")
        if node and alive:
            handler = UMockdev.IoctlBase()
            handler.connect("handle-ioctl", _answer)
            self.testbed.attach_ioctl(f"/dev/{node}", handler)
            self._handlers.append(handler)


def _answer(_handler: Any, client: Any) -> bool:
    """A serial port that is always ours and whose queue is always empty."""
    request = client.get_request()
    if request == termios.TIOCOUTQ:
        client.get_arg().resolve(0, 4).update(0, bytes(4))
    good = request in (termios.TIOCOUTQ, termios.TIOCEXCL, termios.TIOCNXCL)
    client.complete(0 if good else -1, 0 if good else errno.ENOTTY)
    return True
