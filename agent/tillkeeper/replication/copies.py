"""Waits a moment for a second copy of what was just sold."""

import asyncio
from collections.abc import Callable

from tillkeeper.replication.model import LogId

MAX_WAITING = 1_024


class Copies:
    """Of all orders that wait.

    Args:
        wait_s: how long an order waits at most.
        near: whether another register can be reached that may have this log up to a seq in time; where none may, nothing waits.
    """

    def __init__(self, wait_s: float, near: Callable[[LogId, int], bool]) -> None:
        self.wait_s, self._near = wait_s, near
        self._waiting: list[tuple[LogId, int, asyncio.Future[None]]] = []
        self.in_time = self.late = 0

    async def second(self, log: LogId, seq: int) -> None:
        """Returns once another register has `log` up to `seq`, or after the time."""
        if self.wait_s <= 0 or not self._near(log, seq) or len(self._waiting) >= MAX_WAITING:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (log, seq, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(self.wait_s):
                await future
            self.in_time += 1
        except TimeoutError:
            self.late += 1
        finally:
            self._waiting.remove(entry)

    def stored(self, acked: Callable[[LogId], int]) -> None:
        """A register has answered; `acked` says up to where."""
        for log, seq, future in self._waiting:
            if not future.done() and acked(log) >= seq:
                future.set_result(None)

    def gone(self) -> None:
        """The last reachable register went: nobody need wait any more."""
        for _log, _seq, future in self._waiting:
            if not future.done():
                future.set_exception(TimeoutError())
