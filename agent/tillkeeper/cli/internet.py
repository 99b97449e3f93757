"""A piece of internet that can be cut: a TCP relay on loopback, for the demonstration and for tests."""

import asyncio
import socket
from contextlib import suppress

from tillkeeper_drivers.connections import start_serving, stop_serving

CHUNK = 65_536


class Internet:
    """Relays a loopback port to `target` until `cut`, which resets what is open and refuses what is new, like a router
    without an uplink that answers for it. `async with` starts and stops it; `address` is where to connect."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._relays: set[asyncio.Task[None]] = set()
        self._port = 0
        self._held: socket.socket | None = None
        """Bound and never listening: while the link is cut nobody else is given its port."""

    @property
    def address(self) -> tuple[str, int]:
        return ("127.0.0.1", self._port)

    async def __aenter__(self) -> "Internet":
        held = self._held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        self._port = held.getsockname()[1]
        await self.restore()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        if self._held is not None:
            self._held.close()

    async def restore(self) -> None:
        """The link is back, on the same port."""
        server = await asyncio.start_server(self._accepted, "127.0.0.1", self._port, start_serving=False)
        self._server = await start_serving(server)

    async def cut(self) -> None:
        """The link is gone; returns when nothing is open any more."""
        if self._server is None:
            return
        stop_serving(self._server)
        self._server = None
        for writer in tuple(self._open):
            writer.transport.abort()
        while self._relays:
            await asyncio.wait(tuple(self._relays))

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # cut while the connection was on its way in
            writer.transport.abort()
            return
        self._open.add(writer)
        task = asyncio.create_task(self._relay(reader, writer), name="internet relay")
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)
        # A task that is cancelled before its first step runs no `finally`.
        task.add_done_callback(lambda _task: self._drop(writer))

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            return
        self._open.add(far_writer)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(_copy(reader, far_writer))
                both.create_task(_copy(far_reader, writer))
        finally:
            self._drop(far_writer)

    def _drop(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        writer.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(CHUNK):
            sink.write(data)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
