"""Asking a device how it is, between jobs and before one."""

import asyncio

from tillkeeper.spool import policy
from tillkeeper.spool.health import Health
from tillkeeper.spool.model import Job
from tillkeeper.spool.ports import Spooling
from tillkeeper.spool.queue import DeviceQueue
from tillkeeper_drivers.api import Reason, Status

TURN_S = 2.0
"""So long a device that is away waits for its turn to be asked again."""


class Asking:
    """Of one worker, whose `health` is told."""

    def __init__(self, worker_id: str, health: Health, queue: DeviceQueue, spool: Spooling) -> None:
        self._id, self._health, self._queue, self._spool = worker_id, health, queue, spool

    async def poll(self) -> None:
        """Look, unless others are looking: a later look will do, and a job that comes meanwhile does not wait for it."""
        if self._spool.looks.locked():
            return
        async with self._spool.looks:
            await self.look()

    async def look(self) -> None:
        before = self._health.status
        status = await self._health.look()
        if not self._queue.counts[0] and policy.may_repeat_now(status) is None:
            self._health.works()
        if status != before:
            self._spool.changed(self._id)

    async def obstacle(self, job: Job) -> Reason | None:
        """After trouble, and before a repeat, the device is asked first: that costs no write to the disk."""
        health = self._health
        doubtful = health.refusals or job.may_have_printed or health.away or health.tells_trouble
        if job.document_class == "drawer_pulse" or not doubtful:
            return None
        status = await (self._in_turn() if health.away else health.look())
        if status is None:
            return "unreachable"
        return policy.may_repeat_now(status) if job.may_have_printed else status.trouble()

    async def _in_turn(self) -> Status | None:
        """Those that are away take turns, together with the looks at idle ones. None where it takes too long: a ticket that is
        to be rerouted does not wait for that."""
        looks = self._spool.looks
        try:
            async with asyncio.timeout(TURN_S):
                await looks.acquire()
        except TimeoutError:
            return None
        try:
            return await self._health.look()
        finally:
            looks.release()
