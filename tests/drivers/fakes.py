"""Devices and sockets that misbehave on purpose. Written from the manuals, not from the drivers."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

COMMAND = re.compile(
    rb"\x10\x04(?P<realtime>[\x01-\x04])"
    rb"|\x1d\(H\x06\x00\x30\x30(?P<token>.{4})"
    rb"|(?P<paper>\x1dr[\x01\x31])"
    rb"|\x1bp(?P<pulse>[\x00\x01]..)"
    rb"|(?P<automatic>\x1da.)",
    re.DOTALL,
)


class FakePrinter:
    """A peer for `MemoryTransport`: answers as a model with these abilities would. Attributes may be set at any time."""

    def __init__(self, *, token: bool = True, paper: bool = True, realtime: bool = True, asb: bool = True) -> None:
        self.answers_token, self.answers_paper, self.answers_realtime, self.sends_asb = token, paper, realtime, asb
        self.cover_open = self.paper_out = self.pin_high = False
        self.silent = False
        self.drawer_moves = False
        self.holds_token = False
        """Keeps the process id back and sends it in place of the next answer to `DLE EOT`."""
        self.before_token = b""
        """Sent ahead of each process id."""
        self.on_document: Callable[[], None] = lambda: None
        """Called when the document's last question arrives, before it is answered."""
        self.on_realtime: Callable[[int], None] = lambda n: None
        """Called before `DLE EOT n` is answered."""
        self.pulses: list[bytes] = []
        self.asked: list[int] = []
        self._seen = bytearray()
        self._at = 0
        self._held = b""

    def __call__(self, data: bytes) -> bytes:
        self._seen += data
        answer = b""
        while (match := COMMAND.search(self._seen, self._at)) is not None:
            self._at = match.end()
            answer += self._answer(match)
        return b"" if self.silent else answer

    def automatic(self) -> bytes:
        """Four bytes, Epson ESC/POS reference, GS a."""
        offline = self.cover_open or self.paper_out
        first = 0x10 | (0x04 if self.pin_high else 0) | (0x08 if offline else 0) | (0x20 if self.cover_open else 0)
        return bytes((first, 0, 0x0C if self.paper_out else 0, 0))

    def _answer(self, match: "re.Match[bytes]") -> bytes:
        if match["realtime"]:
            n = match["realtime"][0]
            self.asked.append(n)
            self.on_realtime(n)
            offline = self.cover_open or self.paper_out
            if self._held:
                return self._held
            if not self.answers_realtime:
                return b""
            bits = {
                1: (0x04 if self.pin_high else 0) | (0x08 if offline else 0),
                2: (0x04 if self.cover_open else 0) | (0x20 if self.paper_out else 0),
                3: 0,
                4: 0x60 if self.paper_out else 0,
            }
            return bytes((0x12 | bits[n],))
        if match["automatic"]:
            return self.automatic() if self.sends_asb else b""
        if match["pulse"]:
            self.pulses.append(match["pulse"])
            self.pin_high = self.pin_high != self.drawer_moves
            return b""
        self.on_document()
        if self.cover_open or self.paper_out:
            return self.automatic() if self.sends_asb else b""
        if match["token"] and self.holds_token:
            self._held = b"\x37\x22" + match["token"] + b"\x00"
            return b""
        if match["token"]:
            return self.before_token + (b"\x37\x22" + match["token"] + b"\x00" if self.answers_token else b"")
        return b"\x00" if self.answers_paper else b""


@asynccontextmanager
async def tcp_peer(handle: Callable[[socket.socket], Coroutine[Any, Any, None]]) -> AsyncIterator[int]:
    """A TCP server on loopback; `handle(sock)` is awaited for every connection. Yields the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    loop = asyncio.get_running_loop()
    open_sockets: list[socket.socket] = []

    async def serve() -> None:
        while True:
            sock, _ = await loop.sock_accept(listener)
            open_sockets.append(sock)
            await handle(sock)

    task = asyncio.create_task(serve())
    await asyncio.sleep(0)  # it waits for the first one
    try:
        yield listener.getsockname()[1]
    finally:
        task.cancel()
        await asyncio.wait({task})
        for sock in open_sockets:
            sock.close()
        listener.close()
        if not task.cancelled():
            task.result()


def reset(sock: socket.socket) -> None:
    """Close with RST (SO_LINGER of 0 seconds)."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    sock.close()
