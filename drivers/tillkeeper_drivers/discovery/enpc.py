"""Epson's ENPC, by which TM printers are found and asked over UDP port 3289. Pure.

The header (14 bytes) and function 0000h are from Epson's UB-E02 Technical Reference Guide, Rev. A, 4.7.1. What the answer to
0000h holds is not in there; the place of the name (after five bytes) is from an answer of a TM-T88V that its owner published.
Function 0001h (MAC at the beginning, name at byte 42, 170 bytes) is what a maker of compatible printers asks for in its own
library; Epson's guide does not name it. Nothing of either was captured by us.
"""

import struct

import msgspec

PORT = 3289
BASIC, INTERFACE = 0x0000, 0x0001
MAX_ANSWER = 1024

_HEADER = struct.Struct(">5scBBHHH")
_PRINTER = 3
_NAME_AT, _NAME_BYTES = 5, 128
_MAC_BYTES, _INTERFACE_NAME_AT = 6, 42


class Answer(msgspec.Struct, frozen=True):
    """`model` as the printer calls itself; `mac` as "aa:bb:..", empty where this answer has none."""

    model: str
    mac: str = ""


def query(function: int) -> bytes:
    """The question `BASIC` or `INTERFACE`."""
    return _HEADER.pack(b"EPSON", b"Q", _PRINTER, 0, function, 0, 0)


def parse(data: bytes) -> Answer | None:
    """What a datagram says; None where it is no good answer to one of the two questions."""
    if not _HEADER.size <= len(data) <= MAX_ANSWER:
        return None
    name, kind, device, _number, function, result, length = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if (name, kind, device, result) != (b"EPSON", b"q", _PRINTER, 0) or length > len(body):
        return None
    body = body[:length]
    if function == BASIC and len(body) > _NAME_AT:
        return Answer(_text(body[_NAME_AT : _NAME_AT + _NAME_BYTES]))
    if function == INTERFACE and len(body) >= _INTERFACE_NAME_AT:
        mac = body[:_MAC_BYTES]
        good = any(mac) and not mac[0] & 1
        return Answer(_text(body[_INTERFACE_NAME_AT:]), ":".join(f"{byte:02x}" for byte in mac) if good else "")
    return None


def _text(data: bytes) -> str:
    text = data.partition(b"\0")[0].decode("ascii", "replace")
    return "".join(character for character in text if character.isprintable()).strip()
