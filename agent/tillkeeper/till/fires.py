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
RETRY_S = 5.0


class Fires:
    def __init__(self, shelf: Shelf, intake: Intake, now_ms: WallClock) -> None:
        self._shelf = shelf
        self._intake = intake
        self._now_ms = now_ms
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """A check has changed: its time may be the next one."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            for check_id in self._shelf.due_for_fire(self._now_ms()):
                try:
                    await self._intake.fire_due(check_id)
                except TillkeeperError as error:
                    log.error("timed fire of check %s: %s", check_id, error)
                    await asyncio.sleep(RETRY_S)
            await self._wait(self._shelf.next_fire_at_ms())

    async def _wait(self, next_at_ms: int | None) -> None:
        timeout_s = None
        if next_at_ms is not None:
            timeout_s = min(max((next_at_ms - self._now_ms()) / 1000, 0.0), LONGEST_WAIT_S)
        try:
            async with asyncio.timeout(timeout_s):
                await self._woken.wait()
        except TimeoutError:
            return
