"""A virtual printer in a process of its own, on a loopback port or at the end of a serial line with a line's pace.

    python -m tests.bench.wires [BAUD]

Says one line, the port number or the path of the line, and ends with its standard input. A pseudo-terminal has no pace: here
the far end takes and says each byte when a line of this speed (8N1, ten bits a byte) would have carried it.
"""

import asyncio
import contextlib
import os
import sys
import tty

from tillkeeper_drivers.simulator.printer import VirtualPrinter

MODEL = "tm-t88vi"
BITS = 10
_CHUNK_S = 0.002
"""A chunk is handed over when its last byte is through."""
_TICK_S = 0.0012
"""epoll sleeps in whole milliseconds: the last one is spun away, or each answer would come so much late."""


class Pace:
    """One direction of a line."""

    def __init__(self, baud: int) -> None:
        self._byte_s = BITS / baud
        self._free_at = 0.0
        self.most = max(1, int(_CHUNK_S / self._byte_s))

    def rested(self) -> None:
        """Nothing was there to be carried until now."""
        self._free_at = max(self._free_at, asyncio.get_running_loop().time())

    async def carry(self, count: int) -> None:
        """Until `count` bytes more are through, which stood right behind the last ones."""
        loop = asyncio.get_running_loop()
        self._free_at += count * self._byte_s
        while (left := self._free_at - loop.time()) > 0:  # noqa: ASYNC110 - a time is waited for, not a fact
            await asyncio.sleep(max(0.0, left - _TICK_S))


async def readable(fd: int) -> None:
    loop = asyncio.get_running_loop()
    ready = loop.create_future()
    loop.add_reader(fd, lambda: None if ready.done() else ready.set_result(None))
    try:
        await ready
    finally:
        loop.remove_reader(fd)


async def forth(master: int, writer: asyncio.StreamWriter, baud: int) -> None:
    pace = Pace(baud)
    while True:
        try:
            data = os.read(master, pace.most)
        except BlockingIOError:
            await readable(master)
            pace.rested()
            continue
        await pace.carry(len(data))
        writer.write(data)


async def back(master: int, reader: asyncio.StreamReader, baud: int) -> None:
    pace = Pace(baud)
    while data := await reader.read(4096):
        pace.rested()  # an answer is a few bytes, and handed over when its last one is through
        await pace.carry(len(data))
        os.write(master, data)


async def serve(baud: int) -> None:
    async with VirtualPrinter(MODEL, speed_mm_s=0, idle_close_s=3600, keep=4) as device:
        tasks: list[asyncio.Task[None]] = []
        if baud:
            master, port = os.openpty()
            tty.setraw(port)
            os.set_blocking(master, False)
            reader, writer = await asyncio.open_connection("127.0.0.1", device.port)
            tasks = [asyncio.create_task(forth(master, writer, baud)), asyncio.create_task(back(master, reader, baud))]
            print(os.ttyname(port), flush=True)
        else:
            print(device.port, flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for task in tasks:
            task.cancel()


def first_served() -> None:
    """A line and a printer do not share our processor: where that is allowed, this process goes before all others."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


if __name__ == "__main__":
    first_served()
    asyncio.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
