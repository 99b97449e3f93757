"""Waiting for a change without polling."""

import asyncio
from collections.abc import Callable


class Changes:
    """Wakes everybody who waits for a condition whenever something changed."""

    def __init__(self) -> None:
        self._waiters: set[asyncio.Future[None]] = set()

    def notify(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait_for(self, condition: Callable[[], bool], deadline_s: float | None = None) -> None:
        """Return once `condition` holds. Raises `TimeoutError` at the deadline (seconds from now; None: never)."""
        async with asyncio.timeout(deadline_s):
            while not condition():
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)
