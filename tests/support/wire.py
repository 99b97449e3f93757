"""The wire between a page and its agent, in a test's hands: a SOCKS5 proxy (RFC 1928) that can stop forwarding.

A proxy and no plain relay, because the agent refuses a Host and an Origin that are not its own: with a proxy the page has the
agent's own address.

    async with Wire() as wire, chromium.page(url, proxy=wire.url) as page:
        wire.stall()          # nothing arrives any more, nothing is closed
        wire.flow()
"""

import asyncio
import contextlib
import socket
import struct

from tillkeeper_drivers.connections import stop_serving

CHUNK = 65_536
_VERSION, _NO_AUTH, _CONNECT, _IPV4, _NAME = 5, 0, 1, 1, 3
_DONE, _REFUSED = 0, 5


class Wire:
    """See the module. `async with` starts and ends it; `url` is what a browser context takes as its proxy."""

    def __init__(self) -> None:
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._answers = asyncio.Event()
        self._answers.set()
        self._server: asyncio.Server | None = None
        self._relays: set[asyncio.Task[None]] = set()
        self.url = ""

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.url = f"socks5://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            stop_serving(self._server)
        for relay in self._relays:
            relay.cancel()
        if self._relays:
            await asyncio.wait(self._relays)

    def stall(self) -> None:
        """Bytes in both directions wait from here on; every connection stays open, new ones open and say nothing."""
        self._flowing.clear()
        self._answers.clear()

    def lose_answers(self) -> None:
        """What the page sends arrives, what the agent answers waits: the order is made and nobody says so."""
        self._answers.clear()

    def flow(self) -> None:
        """All that waited goes on."""
        self._flowing.set()
        self._answers.set()

    def cut(self) -> None:
        """Close every connection. New ones are served."""
        for relay in self._relays:
            relay.cancel()

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer), name="wire relay")
        self._relays.add(task)
        task.add_done_callback(self._relays.discard)
        # A task that is cancelled before its first step runs no `finally`.
        task.add_done_callback(lambda _task: writer.transport.abort())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._relay(reader, writer)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = await _handshake(reader, writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
        except OSError:
            writer.write(_reply(_REFUSED))
            await writer.drain()
            return
        try:
            writer.write(_reply(_DONE))
            ways = [
                asyncio.ensure_future(_copy(reader, far_writer, self._flowing)),
                asyncio.ensure_future(_copy(far_reader, writer, self._answers)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.wait(ways)
        finally:
            far_writer.transport.abort()


async def _handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[str, int]:
    """Where the browser wants to go."""
    _version, methods = struct.unpack("!BB", await reader.readexactly(2))
    await reader.readexactly(methods)
    writer.write(bytes([_VERSION, _NO_AUTH]))
    _version, command, _reserved, kind = struct.unpack("!BBBB", await reader.readexactly(4))
    assert (command, kind in (_IPV4, _NAME)) == (_CONNECT, True), (command, kind)
    if kind == _IPV4:
        host = socket.inet_ntoa(await reader.readexactly(4))
    else:
        (length,) = await reader.readexactly(1)
        host = (await reader.readexactly(length)).decode("ascii")
    (port,) = struct.unpack("!H", await reader.readexactly(2))
    return host, port


def _reply(code: int) -> bytes:
    return struct.pack("!BBBB4sH", _VERSION, code, 0, _IPV4, bytes(4), 0)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter, flowing: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(CHUNK):
            await flowing.wait()
            sink.write(data)
            await sink.drain()
