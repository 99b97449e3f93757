"""A USB printer at QEMU's USB controller: plugged in before the machine has a kernel, or while it runs, and pulled out.

What it says of itself is a descriptor after the USB printer class 1.1; behind its two endpoints is a virtual printer, whose
power comes from the mains: it lives on when the cable is pulled, and when the machine dies.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bootvm import usbredir as redir
from tests.bootvm.usbredir import Packet, Wire

from tillkeeper_drivers.simulator.printer import VirtualPrinter

VENDOR, PRODUCT, VERSION = 0x04B8, 0x0202, 0x0100
PRINTER_CLASS, OUT, IN, SIZE = 7, 0x01, 0x82, 512
WELL = 0x18
"""GET_PORT_STATUS (USB printer class 1.1, 4.2.2): selected, no error."""
_GET_STATUS, _GET_DESCRIPTOR = 0x00, 0x06  # USB 2.0, table 9-4
_DEVICE_ID, _PORT_STATUS, _SOFT_RESET = 0x00, 0x01, 0x02  # USB printer class 1.1, 4.2
_CLASS_IN, _CLASS_OUT, _CLASS_OUT_OTHER = 0xA1, 0x21, 0x23
_READ = 4096


class UsbPrinter:
    """The cable. `plug` and `pull` are hands; `first_byte_s` is when the last sale's first byte came, by this side's clock."""

    def __init__(self, printer: VirtualPrinter, number: str) -> None:
        self._printer, self._number = printer, number
        self._wire: Wire | None = None
        self._there = asyncio.Event()
        self._plugged = False
        self._let_go = asyncio.Event()
        self._to_host = bytearray()
        self._reads: list[Packet] = []
        self._writes: asyncio.Queue[Packet] = asyncio.Queue()
        self._line: asyncio.StreamWriter | None = None
        self._stuck_at: int | None = None
        self._halfway = asyncio.Event()
        self._pulled = asyncio.Event()
        self.came: list[tuple[float, bytes]] = []
        """What the host sent, with the time of each packet."""

    async def serve(self, path: Path, listening: asyncio.Event) -> None:
        """Where QEMU connects to, until cancelled."""
        server = await asyncio.start_unix_server(self._connected, str(path))
        async with server, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._write_on())
            tasks.create_task(self._read_on())
            listening.set()

    async def plug(self) -> None:
        """Put the cable in. Before the machine runs, it is in when it starts."""
        self._plugged = True
        if self._wire is not None:
            self._present(self._wire)

    def stick(self, at: int) -> None:
        """Of the next transfer that is longer than `at` bytes only so many come through, until the cable is pulled."""
        self._stuck_at = at
        self._pulled.clear()

    async def wait_stuck(self, deadline_s: float) -> None:
        """Until one stands in the middle. Raises TimeoutError."""
        async with asyncio.timeout(deadline_s):
            await self._halfway.wait()

    async def pull(self) -> None:
        """Pull it out; returns when the controller knows."""
        self._plugged = False
        self._stuck_at = None
        self._pulled.set()
        self._let_go.clear()
        if self._wire is not None:
            self._wire.send(redir.DISCONNECT, 0, b"")
            await self._let_go.wait()
        self._forget()

    def _present(self, wire: Wire) -> None:
        wire.send(redir.INTERFACES, 0, redir.interfaces(PRINTER_CLASS, 1, 2))
        wire.send(redir.ENDPOINTS, 0, redir.endpoints(OUT, IN, SIZE))
        wire.send(redir.CONNECT, 0, redir.connect(0, VENDOR, PRODUCT, VERSION))

    def _forget(self) -> None:
        self._reads.clear()
        while not self._writes.empty():
            self._writes.get_nowait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        wire = Wire(reader, writer)
        try:
            await wire.greet()
            self._forget()
            self._wire = wire
            if self._plugged:
                self._present(wire)
            while True:
                self._packet(wire, await wire.read())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the machine has ended
        finally:
            if self._wire is wire:
                self._wire = None
                self._let_go.set()
            wire.close()

    def _packet(self, wire: Wire, packet: Packet) -> None:
        match packet.kind:
            case redir.DISCONNECT_ACK:
                self._let_go.set()
            case redir.SET_CONFIGURATION | redir.GET_CONFIGURATION:
                wire.send(redir.CONFIGURATION, packet.number, bytes([redir.SUCCESS, 1]))
            case redir.SET_ALT | redir.GET_ALT:
                wire.send(redir.ALT, packet.number, bytes([redir.SUCCESS, 0, 0]))
            case redir.CONTROL:
                self._control(wire, packet)
            case redir.BULK if packet.body[0] & 0x80:
                self._reads.append(packet)
                self._answer()
            case redir.BULK:
                self._writes.put_nowait(packet)
            case redir.CANCEL:
                self._cancel(wire, packet.number)
            case _:
                pass  # a reset, a filter: nothing to answer

    def _cancel(self, wire: Wire, number: int) -> None:
        for packet in self._reads:
            if packet.number == number:
                self._reads.remove(packet)
                self._done(wire, packet, b"", redir.CANCELLED)
                return

    def _answer(self) -> None:
        """To what the host asked for, once there is something to say."""
        while self._wire is not None and self._reads and self._to_host:
            packet = self._reads.pop(0)
            wanted = int.from_bytes(packet.body[2:4], "little")
            said = bytes(self._to_host[:wanted])
            del self._to_host[: len(said)]
            self._done(self._wire, packet, said, redir.SUCCESS)

    @staticmethod
    def _done(wire: Wire, packet: Packet, data: bytes, status: int, taken: int = 0) -> None:
        head = redir.BULK_HEAD.pack(packet.body[0], status, taken or len(data), 0, 0)
        wire.send(redir.BULK, packet.number, head + data)

    async def _write_on(self) -> None:
        """Bytes of the host, to the printer; the host waits as long as the printer does not take them."""
        loop = asyncio.get_running_loop()
        while True:
            packet = await self._writes.get()
            data = packet.body[redir.BULK_HEAD.size :]
            self.came.append((loop.time(), data))
            if self._stuck_at is not None and len(data) > self._stuck_at:
                await self._pass_on(data[: self._stuck_at])
                self._halfway.set()
                await self._pulled.wait()
                self._halfway.clear()
                continue
            await self._pass_on(data)
            if self._wire is not None and self._plugged:
                self._done(self._wire, packet, b"", redir.SUCCESS, len(data))

    async def _pass_on(self, data: bytes) -> None:
        while self._line is None:
            await self._there.wait()
        with contextlib.suppress(ConnectionError):
            self._line.write(data)
            await self._line.drain()

    async def _read_on(self) -> None:
        """Answers of the printer, to the host. Nobody hears them while the cable is out."""
        while True:
            reader, self._line = await asyncio.open_connection("127.0.0.1", self._printer.port)
            self._there.set()
            with contextlib.suppress(ConnectionError):
                while said := await reader.read(_READ):
                    if self._plugged and self._wire is not None:
                        self._to_host += said
                        self._answer()
            self._there.clear()
            self._line.close()
            self._line = None

    def _control(self, wire: Wire, packet: Packet) -> None:
        endpoint, request, kind, _status, value, index, length = struct.unpack("<BBBBHHH", packet.body[:10])
        said = self._said(request, kind, value)
        status = redir.STALL if said is None else redir.SUCCESS
        data = (said or b"")[:length] if kind & 0x80 else b""
        count = len(data) if kind & 0x80 else length
        wire.send(
            redir.CONTROL,
            packet.number,
            struct.pack("<BBBBHHH", endpoint, request, kind, status, value, index, count if said is not None else 0) + data,
        )

    def _said(self, request: int, kind: int, value: int) -> bytes | None:
        """The answer to a control request; None is a stall."""
        if kind == _CLASS_IN:
            return {_DEVICE_ID: _device_id(), _PORT_STATUS: bytes([WELL])}.get(request)
        if kind in (_CLASS_OUT, _CLASS_OUT_OTHER):
            return b"" if request == _SOFT_RESET else None
        if kind & 0x80 and request == _GET_DESCRIPTOR:
            return _descriptor(value >> 8, value & 0xFF, self._number)
        if kind & 0x80 and request == _GET_STATUS:
            return bytes([1, 0])
        return None if kind & 0x80 else b""


def _descriptor(kind: int, index: int, number: str) -> bytes | None:
    """USB 2.0, 9.6."""
    match kind:
        case 1:
            strings = (1, 2, 3, 1)
            return struct.pack("<BBHBBBBHHHBBBB", 18, 1, 0x0200, 0, 0, 0, 64, VENDOR, PRODUCT, VERSION, *strings)
        case 2:
            interface = struct.pack("<9B", 9, 4, 0, 0, 2, PRINTER_CLASS, 1, 2, 0)
            ends = b"".join(struct.pack("<BBBBHB", 7, 5, end, 2, SIZE, 0) for end in (OUT, IN))
            whole = interface + ends
            return struct.pack("<BBHBBBBB", 9, 2, 9 + len(whole), 1, 1, 0, 0xC0, 1) + whole
        case 3:
            if index == 0:
                return bytes([4, 3, 0x09, 0x04])
            texts = {1: "EPSON", 2: "TM-T88VI", 3: number}
            text = texts.get(index, "").encode("utf-16-le")
            return bytes([2 + len(text), 3]) + text if text else None
        case 6:  # what it would be at the other speed
            return struct.pack("<BBHBBBBBB", 10, 6, 0x0200, 0, 0, 0, 64, 1, 0)
        case _:
            return None


def _device_id() -> bytes:
    """IEEE 1284: its length, two bytes, big-endian, comes first."""
    text = b"MFG:EPSON;CMD:ESC/POS;MDL:TM-T88VI;CLS:PRINTER;"
    return struct.pack(">H", len(text) + 2) + text


@contextlib.asynccontextmanager
async def at(path: Path, printer: VirtualPrinter, number: str) -> AsyncIterator[UsbPrinter]:
    """A cable whose other end QEMU finds at `path`."""
    usb, listening = UsbPrinter(printer, number), asyncio.Event()
    serving = asyncio.create_task(usb.serve(path, listening))
    try:
        await listening.wait()
        yield usb
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
