"""Timed fire: lines that wait for a time are fired when it comes, also after a restart and on paid checks."""

import asyncio
import logging

from tillkeeper.clock import WallClock
from tillkeeper.errors import TillkeeperError
from tillkeeper.till.intake import Intake
from tillkeeper.till.shelf import Shelf

log = logging.getLogger(__name__)

LONGEST_WAIT_S = 1.0
"""The wall clock may step, so no wait is longer than this while something waits for a time."""
RETRY_MS = 5_000


class Fires:
    def __init__(self, shelf: Shelf, intake: Intake, now_ms: WallClock) -> None:
        self._shelf = shelf
        self._intake = intake
        self._now_ms = now_ms
        self._woken = asyncio.Event()
        self._failed_until_ms: dict[str, int] = {}
        """Checks whose fire was refused (a full disk): tried again later, and no other check waits for them."""

    def wake(self) -> None:
        """A check has changed: its time may be the next one."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            for check_id in self._shelf.due_for_fire(self._now_ms()):
                if not 0 < self._failed_until_ms.get(check_id, 0) - self._now_ms() <= RETRY_MS:
                    await self._fire(check_id)
            await self._wait(self._shelf.next_fire_at_ms())

    async def _fire(self, check_id: str) -> None:
        try:
            await self._intake.fire_due(check_id)
        except TillkeeperError as error:
            log.error("timed fire of check %s: %s", check_id, error)
            self._failed_until_ms[check_id] = self._now_ms() + RETRY_MS
        else:
            self._failed_until_ms.pop(check_id, None)

    async def _wait(self, next_at_ms: int | None) -> None:
        timeout_s = None
        if next_at_ms is not None:
            soonest_s = LONGEST_WAIT_S if self._failed_until_ms else 0.0
            timeout_s = min(max((next_at_ms - self._now_ms()) / 1000, soonest_s), LONGEST_WAIT_S)
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return
