"""The far end of a serial line: a pseudo-terminal whose device misbehaves with a seed, and one that is a virtual printer.

A pseudo-terminal has no modem lines, no parity and no pacing, and TIOCOUTQ is always 0 on it.
"""

import asyncio
import os
import random
import termios
import tty
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from tillkeeper_drivers.simulator.printer import VirtualPrinter

Peer = Callable[[bytes], bytes]


class LineFaults(msgspec.Struct, frozen=True):
    """What goes wrong. Counts are bytes."""

    never_reads: bool = False
    bytes_per_s: float | None = None
    """How fast the device takes bytes."""
    hang_up_after: int | None = None
    garbage_first: int = 0
    """Said before anybody opened the port."""
    split: bool = False
    """Reads and answers in random portions."""


class SerialDevice:
    """A device on a pseudo-terminal; `path` is the port. `received` is what it took.

    Args:
        ends: both descriptors where the pseudo-terminal is there already: the device's and the port's.
    """

    def __init__(
        self, peer: Peer, faults: LineFaults | None = None, seed: int = 0, ends: tuple[int, int] | None = None
    ) -> None:
        self.faults = faults or LineFaults()
        self.received = bytearray()
        self._took = asyncio.Event()
        self._peer = peer
        self._random = random.Random(seed)
        # Our own descriptor of the port keeps the line up between two jobs, as a cable does.
        self._master, self._port = ends or os.openpty()
        tty.setraw(self._port)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._port)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "SerialDevice":
        if self.faults.garbage_first:
            os.write(self._master, self._random.randbytes(self.faults.garbage_first))
        if not self.faults.never_reads:
            self._task = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_error: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            if not self._task.cancelled():
                self._task.result()
        self.hang_up()
        os.close(self._port)

    def hang_up(self) -> None:
        """The adapter is pulled."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def say(self, data: bytes) -> None:
        os.write(self._master, data)

    async def took(self, count: int, deadline_s: float = 5) -> None:
        """Until the device has taken `count` bytes."""
        async with asyncio.timeout(deadline_s):
            while len(self.received) < count:
                self._took.clear()
                await self._took.wait()

    def settings(self) -> tuple[int, str, bool]:
        """What the port is set to: baud, the form of a byte ("8N1"), RTS/CTS flow control."""
        _iflag, _oflag, cflag, _lflag, speed, _ospeed, _cc = termios.tcgetattr(self._port)
        speeds = {getattr(termios, name): name for name in dir(termios) if name[:1] == "B" and name[1:].isdigit()}
        bits = 8 if cflag & termios.CSIZE == termios.CS8 else 7
        parity = ("O" if cflag & termios.PARODD else "E") if cflag & termios.PARENB else "N"
        return int(speeds[speed][1:]), f"{bits}{parity}{2 if cflag & termios.CSTOPB else 1}", bool(cflag & termios.CRTSCTS)

    async def _work(self) -> None:
        while self._master >= 0:
            await readable(self._master)
            most = self._random.randint(1, 64) if self.faults.split else 4096
            if self.faults.bytes_per_s:
                most = max(1, int(self.faults.bytes_per_s / 50))
                await asyncio.sleep(most / self.faults.bytes_per_s)
            if self.faults.hang_up_after is not None:
                most = min(most, self.faults.hang_up_after - len(self.received))
            data = os.read(self._master, most)
            self.received += data
            self._took.set()
            if self.faults.hang_up_after is not None and len(self.received) >= self.faults.hang_up_after:
                self.hang_up()
                return
            answer = self._peer(data)
            while answer:
                size = self._random.randint(1, len(answer)) if self.faults.split else len(answer)
                os.write(self._master, answer[:size])
                answer = answer[size:]
                await asyncio.sleep(0)


@asynccontextmanager
async def printer_on_a_line(device: VirtualPrinter, ends: tuple[int, int] | None = None) -> AsyncIterator[SerialDevice]:
    """A cable from a port to a running virtual printer. A printer that takes nothing more holds up the line, and one that
    loses its power hangs it up."""
    line = SerialDevice(lambda _data: b"", LineFaults(never_reads=True), ends=ends)
    reader, writer = await asyncio.open_connection("127.0.0.1", device.port)

    async def forth() -> None:
        while True:
            await readable(line._master)
            writer.write(os.read(line._master, 256))
            await writer.drain()

    async def back() -> None:
        with suppress(ConnectionError):
            while data := await reader.read(4096):
                line.say(data)
        line.hang_up()

    async with line:
        tasks = {asyncio.create_task(forth()), asyncio.create_task(back())}
        try:
            yield line
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()
    loop.add_reader(fd, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(fd)
