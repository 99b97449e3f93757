"""Where a device is: `host:port` (TCP), `serial:/dev/...` or `usb:/dev/...`. Pure."""

import re
from typing import Literal

Kind = Literal["tcp", "serial", "usb"]

_NODE = re.compile(r"/dev/[A-Za-z0-9_@%+=:,./-]{1,250}")
_USBLP = re.compile(r"/dev/usb/lp\d+|/dev/usblp\d+")
_TTY = re.compile(r"/dev/(tty|serial/|rfcomm|pts/)")
FORMS = "host:port, serial:/dev/... or usb:/dev/..."


def kind(address: str) -> Kind:
    """What `address` begins with says."""
    scheme = address.partition(":")[0]
    if scheme == "serial" and _names_a_path(address):
        return "serial"
    return "usb" if scheme == "usb" and _names_a_path(address) else "tcp"


def _names_a_path(address: str) -> bool:
    """A host may be called "serial" or "usb"; then digits follow."""
    return not address.partition(":")[2].isdecimal()


def node(address: str) -> str:
    """The path of a serial or USB address."""
    return address.partition(":")[2]


def host_port(address: str) -> tuple[str, int]:
    """Of "host:port", "[v6]:port" or "host"; the port of raw printing where none is given."""
    host, colon, port = address.rpartition(":")
    if not colon or "]" in port:
        return address.strip("[]"), 9100
    return host.strip("[]"), int(port)


def problem(address: str) -> str:
    """What is wrong with `address`, or an empty text."""
    which = kind(address)
    if which == "tcp":
        return "" if is_host_port(address) else f"{address!r} is not {FORMS}"
    path = node(address)
    if not path.startswith("/dev/"):
        return f"{path!r} is not a path below /dev, as /dev/serial/by-id/... or /dev/usb/lp0"
    if not _NODE.fullmatch(path) or "//" in path or path.endswith("/") or {".", ".."} & set(path.split("/")):
        return f"{path!r} is an odd path for a device: letters, digits and _ @ % + = : , . - between single slashes"
    if which == "serial" and _USBLP.fullmatch(path):
        return f"{path!r} is a USB printer: write usb:{path}"
    if which == "usb" and _TTY.match(path):
        return f"{path!r} is a serial port: write serial:{path}"
    return ""


def is_host_port(address: str, lowest: int = 1) -> bool:
    """Whether `address` is a host, a colon and a port of at least `lowest`."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not re.fullmatch("[0-9]{1,5}", port) or not lowest <= int(port) <= 65_535:
        return False
    bracketed = host.startswith("[") and host.endswith("]")
    return bracketed or not re.search(r"[\s/:\[\]]", host)
