"""One attached display: what goes out to it, and why it ends."""

import asyncio
from typing import Literal

from tillkeeper_drivers.api import DisplaySocket
from tillkeeper_drivers.kds.messages import ToDisplay, encode

CloseReason = Literal["gone", "replaced", "closed", "too_large", "bad_frame", "no_hello", "twice_hello", "too_slow"]
"""Why `attach` returned. `gone`: the display went; all others are the agent's doing and were said to it
(`bye`), but to one that takes nothing."""
MAX_TOLD = 256
"""Frames besides tickets that may wait for a slow display."""


class Connection:
    """One attached display. Frames go out one at a time, in order."""

    def __init__(self, socket: DisplaySocket, send_s: float) -> None:
        self._socket = socket
        self._send_s = send_s
        self._sending = asyncio.Lock()
        self._told: asyncio.Queue[ToDisplay] = asyncio.Queue(MAX_TOLD)
        self.greeted = False
        self.end: asyncio.Future[CloseReason] = asyncio.get_running_loop().create_future()

    async def send(self, message: ToDisplay) -> bool:
        """Whether the socket took the frame. A display that takes none for `send_s` is let go."""
        try:
            async with asyncio.timeout(self._send_s), self._sending:
                await self._socket.send(encode(message))
        except TimeoutError:
            self.finish("too_slow")
            return False
        except ConnectionError:
            self.finish("gone")
            return False
        return True

    def tell(self, message: ToDisplay) -> None:
        """Send it soon, without waiting. A display with `MAX_TOLD` of them before it is let go."""
        try:
            self._told.put_nowait(message)
        except asyncio.QueueFull:
            self.finish("too_slow")

    async def send_told(self) -> None:
        while await self.send(await self._told.get()):
            pass

    def finish(self, reason: CloseReason) -> None:
        if not self.end.done():
            self.end.set_result(reason)
