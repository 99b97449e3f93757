"""The words of usbredir (usbredirproto.h of the SPICE project, version 0.7 of the protocol), as far as one printer needs them.

Numbers are little-endian. Each packet is a header (type, length of what follows it, id), a header of its type, and data. The
first packet of each side is `hello` with a header that has a 32-bit id; later ids have 64 bits where both can.
"""

import asyncio
import struct
from dataclasses import dataclass

HELLO, CONNECT, DISCONNECT, RESET, INTERFACES, ENDPOINTS = 0, 1, 2, 3, 4, 5
SET_CONFIGURATION, GET_CONFIGURATION, CONFIGURATION = 6, 7, 8
SET_ALT, GET_ALT, ALT = 9, 10, 11
CANCEL, FILTER_FILTER, DISCONNECT_ACK = 21, 23, 24
CONTROL, BULK = 100, 101
SUCCESS, CANCELLED, STALL = 0, 1, 4
CAPABILITIES = 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 6
"""A device's version, an acknowledged disconnect, packet sizes of endpoints, ids of 64 and lengths of 32 bits: QEMU's XHCI
takes no device that lacks the last three."""
BULK_HEAD = struct.Struct("<BBHIH")
"""Endpoint, status, length, stream, the length's upper half."""
HIGH_SPEED = 2
BULK_TYPE, NO_ENDPOINT = 2, 255
_OURS = b"tillkeeper rig"
_MOST = 1 << 20


@dataclass(frozen=True)
class Packet:
    kind: int
    number: int
    body: bytes


class Wire:
    """A connection to QEMU's `usb-redir`, after both have said hello."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def greet(self) -> None:
        """Raises ConnectionError where the other side can not do what is needed."""
        self._writer.write(struct.pack("<III64sI", HELLO, 68, 0, _OURS, CAPABILITIES))
        kind, length, _number = struct.unpack("<III", await self._reader.readexactly(12))
        hello = await self._reader.readexactly(length)
        if kind != HELLO or int.from_bytes(hello[64:68], "little") & CAPABILITIES != CAPABILITIES:
            raise ConnectionError("no usbredir, or too old")

    async def read(self) -> Packet:
        """Raises IncompleteReadError where the machine is gone."""
        kind, length, number = struct.unpack("<IIQ", await self._reader.readexactly(16))
        if length > _MOST:
            raise ConnectionError(f"a packet of {length} bytes")
        return Packet(kind, number, await self._reader.readexactly(length))

    def send(self, kind: int, number: int, body: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(struct.pack("<IIQ", kind, len(body), number) + body)

    def close(self) -> None:
        self._writer.close()


def interfaces(class_: int, subclass: int, protocol: int) -> bytes:
    """A device with one interface."""
    lists = (bytes([one]).ljust(32, b"\0") for one in (0, class_, subclass, protocol))
    return struct.pack("<I", 1) + b"".join(lists)


def endpoints(bulk_out: int, bulk_in: int, size: int) -> bytes:
    """Endpoint 0 and two for bulk: out at 0 to 15, in at 16 to 31."""
    kinds, sizes = bytearray([NO_ENDPOINT] * 32), [0] * 32
    kinds[0] = kinds[16] = 0
    for place in (bulk_out, 16 + (bulk_in & 0x0F)):
        kinds[place], sizes[place] = BULK_TYPE, size
    sizes[0] = sizes[16] = 64
    return bytes(kinds) + bytes(64) + struct.pack("<32H", *sizes)


def connect(class_: int, vendor: int, product: int, version: int) -> bytes:
    return struct.pack("<BBBBHHH", HIGH_SPEED, class_, 0, 0, vendor, product, version)
