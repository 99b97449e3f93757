"""Where a device is: `host:port` (TCP); `usb:` or `serial:` with `serial=...` (the number that USB gives the device),
`port=1-1.4` (the socket it is in) or `/dev/...`. Pure."""

import re
from typing import Literal

Kind = Literal["tcp", "serial", "usb", "folder"]

_NODE = re.compile(r"/dev/[A-Za-z0-9_@%+=:,./-]{1,250}")
_USBLP = re.compile(r"/dev/usb/lp\d+|/dev/usblp\d+")
_TTY = re.compile(r"/dev/(tty|serial/|rfcomm|pts/)")
_SERIAL = re.compile(r"[^\x00-\x1f\x7f]{1,126}")
"""As long as a USB string may be (USB 2.0, 9.6.7)."""
_SOCKET = re.compile(r"\d{1,3}-\d{1,3}(\.\d{1,3}){0,5}")
"""The kernel's name of a USB socket: bus, port of the root hub, ports of the hubs on the way."""
_INTERFACE = re.compile(r"(:\d{1,2}\.\d{1,3})?")
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
FORMS = "host:port, usb:serial=..., usb:port=1-1.4, usb:/dev/..., or the same with serial:"


def kind(address: str) -> Kind:
    """What `address` begins with says."""
    scheme = address.partition(":")[0]
    if scheme == "serial" and _names_a_path(address):
        return "serial"
    if scheme == "folder" and _names_a_path(address):
        return "folder"
    return "usb" if scheme == "usb" and _names_a_path(address) else "tcp"


def _names_a_path(address: str) -> bool:
    """A host may be called "serial" or "usb"; then digits follow."""
    return not address.partition(":")[2].isdecimal()


def node(address: str) -> str:
    """The path of a serial or USB address that is one."""
    return address.partition(":")[2]


def identity(address: str) -> str:
    """`address` where it names a USB device by its serial number or its socket, else an empty text."""
    key = address.partition(":")[2].partition("=")
    return address if kind(address) != "tcp" and key[0] in ("serial", "port") and key[1] else ""


def mac(text: str) -> str:
    """A MAC in its usual form ("00:26:ab:01:02:03"), whatever separates its bytes; empty where it is none of one device."""
    plain = text.strip().lower().replace("-", ":")
    if len(plain) == 12 and ":" not in plain:
        plain = ":".join(plain[at : at + 2] for at in range(0, 12, 2))
    good = _MAC.fullmatch(plain) and plain != "00:00:00:00:00:00" and not int(plain[:2], 16) & 1
    return plain if good else ""


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
    if which == "folder":
        return "" if node(address).startswith("/") else f"{node(address)!r} is not a path from the root, as /mnt/kds"
    if identity(address):
        return _identity_problem(address, which)
    path = node(address)
    if not path.startswith("/dev/"):
        return f"{path!r} is not a path below /dev, as /dev/serial/by-id/... or /dev/usb/lp0, nor serial=... or port=..."
    if not _NODE.fullmatch(path) or "//" in path or path.endswith("/") or {".", ".."} & set(path.split("/")):
        return f"{path!r} is an odd path for a device: letters, digits and _ @ % + = : , . - between single slashes"
    if which == "serial" and _USBLP.fullmatch(path):
        return f"{path!r} is a USB printer: write usb:{path}"
    if which == "usb" and _TTY.match(path):
        return f"{path!r} is a serial port: write serial:{path}"
    return ""


def _identity_problem(address: str, which: Kind) -> str:
    key, _, value = address.partition(":")[2].partition("=")
    if key == "serial":
        return "" if _SERIAL.fullmatch(value) and value == value.strip() else f"{value!r} can be no serial number"
    socket = _SOCKET.match(value)
    rest = value[socket.end() :] if socket else value
    if socket and (not rest or (which == "serial" and _INTERFACE.fullmatch(rest))):
        return ""
    return f"{value!r} is not a USB socket as `tillkeeper devices discover` names it, as 1-1.4"


def is_host_port(address: str, lowest: int = 1) -> bool:
    """Whether `address` is a host, a colon and a port of at least `lowest`."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not re.fullmatch("[0-9]{1,5}", port) or not lowest <= int(port) <= 65_535:
        return False
    bracketed = host.startswith("[") and host.endswith("]")
    return bracketed or not re.search(r"[\s/:\[\]]", host)
