"""Hearing out a device of which nothing is known: bounded in bytes and in time, whatever it says."""

import asyncio
from collections.abc import Callable

from tillkeeper_drivers.api import Connection

MOST_BYTES = 4096
"""More than any printer answers to all that is asked."""


class Ear:
    """`heard`: all bytes so far, at most `MOST_BYTES`."""

    def __init__(self, connection: Connection, longest_s: float) -> None:
        self._connection = connection
        self._end = asyncio.get_running_loop().time() + longest_s
        self.heard = bytearray()
        self.sent = bytearray()

    @property
    def echoes(self) -> bool:
        """Whether it sends back what it is sent."""
        return len(self.sent) >= 3 and bytes(self.heard[: len(self.sent)]) == bytes(self.sent[: len(self.heard)]) != b""

    async def ask(self, data: bytes, done: Callable[[bytes], bool], deadline_s: float) -> bool:
        """Send `data` and listen until `done`, which is told each portion once, or the deadline. Raises `TransportError`."""
        loop = asyncio.get_running_loop()
        end = min(self._end, loop.time() + deadline_s)
        self.sent += data
        await self._connection.write(data, max(0.05, deadline_s))
        while (left := end - loop.time()) > 0 and len(self.heard) < MOST_BYTES:
            try:
                portion = await self._connection.read(left)
            except TimeoutError:
                return False
            if not portion:
                return False
            portion = portion[: MOST_BYTES - len(self.heard)]
            self.heard += portion
            if done(portion):
                return True
        return False
