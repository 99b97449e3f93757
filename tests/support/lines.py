"""A line between two registers that can be cut, or made to swallow everything: a TCP relay on loopback."""

import asyncio
import socket
from contextlib import suppress
from typing import Self

from tests.support.ports import held_port, port_of

from tillkeeper_drivers.connections import start_serving, stop_serving

CHUNK = 65_536


class Line:
    """Relays a port of loopback to `target` (host, port). `cut`: what is open is reset and what is new refused. `hole`: as
    if a switch had lost its power: connections stay open, new ones are taken, and nothing goes through any more."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.target = target
        self.carried = 0
        """Bytes, both ways."""
        self.calls = 0
        """Connections so far."""
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._port = 0
        self._held: socket.socket | None = None
        """So that nobody else is called by it while it is cut."""
        self._passes = asyncio.Event()
        self._passes.set()

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self._port)

    @property
    def standing(self) -> int:
        """Connections that are open now."""
        return len(self._tasks)

    async def __aenter__(self) -> Self:
        self._held = held_port()
        self._port = port_of(self._held)
        await self.mend()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        if self._held is not None:
            self._held.close()

    async def mend(self) -> None:
        """Whole again, on the same port. What had been swallowed by a hole is lost with its connection."""
        if not self._passes.is_set():
            await self.cut()
            self._passes.set()
        if self._server is None:
            server = await asyncio.start_server(self._accepted, "127.0.0.1", self._port, start_serving=False)
            self._server = await start_serving(server)

    def hole(self) -> None:
        self._passes.clear()

    async def cut(self) -> None:
        if self._server is not None:
            stop_serving(self._server)
            self._server = None
        for writer in tuple(self._open):
            writer.transport.abort()
        for task in tuple(self._tasks):
            task.cancel()
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()
            return
        self._open.add(writer)
        self.calls += 1
        task = asyncio.create_task(self._relay(reader, writer), name="line")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _task: self._drop(writer))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self.target)
        except OSError:
            return
        self._open.add(far_writer)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._copy(reader, far_writer))
                both.create_task(self._copy(far_reader, writer))
        finally:
            self._drop(far_writer)

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK):
                await self._passes.wait()
                self.carried += len(data)
                sink.write(data)
                await sink.drain()
        sink.transport.abort()  # TLS without its goodbye, as when a process dies

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.transport.abort()
