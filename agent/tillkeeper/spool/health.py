"""How one device is doing, as far as its worker knows."""

import asyncio
import logging

from tillkeeper.clock import WallClock
from tillkeeper.spool import policy
from tillkeeper.spool.model import Job
from tillkeeper_drivers.api import Device, Reason, Status

log = logging.getLogger(__name__)

STATUS_CEILING_S = 30.0
DRIVER_FAULTS = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What a driver's own mistake looks like. It costs one document, never the agent."""


class Health:
    """`refusing_since_ms`: wall clock, None while nothing is known against the device. Times of pauses are the loop's."""

    def __init__(self, device: Device, now_ms: WallClock) -> None:
        self._device = device
        self._now_ms = now_ms
        self._closed_until = 0.0
        self.refusals = 0
        self.refusing_since_ms: int | None = None
        self.last_reason: Reason = "unreachable"
        self.status: Status | None = None
        self.status_at_ms: int | None = None
        self.storage_trouble = False

    @property
    def pause_s(self) -> float:
        """How long nothing is tried yet; 0 or less where the device may be tried."""
        return self._closed_until - asyncio.get_running_loop().time()

    @property
    def refuses(self) -> bool:
        """Known not to take anything right now. Once its pause is over it may have recovered: nobody asked yet."""
        return self.refusing_since_ms is not None and self.pause_s > 0

    @property
    def trouble(self) -> str:
        """A `Reason`, "storage", or empty."""
        if self.storage_trouble:
            return "storage"
        if self.refusing_since_ms is not None:
            return self.last_reason
        return (self.status.trouble() or "") if self.status is not None else ""

    def pause(self, pause_s: float) -> None:
        self._closed_until = asyncio.get_running_loop().time() + pause_s

    def works(self) -> None:
        """A document went out, or the device is well and nothing waits. A clean status alone proves nothing: some say that
        they are well and take no job."""
        self.refusals = 0
        self.refusing_since_ms = None

    def refused(self, job: Job, reason: Reason, now_ms: int) -> None:
        """Count a refusal; what concerns only this document, or a drawer, says nothing about the printing."""
        if job.document_class == "drawer_pulse" or reason in policy.HOPELESS:
            return
        self.refusals += 1
        self.last_reason = reason
        if self.refusing_since_ms is None:
            self.refusing_since_ms = job.first_refused_at_ms if job.first_refused_at_ms is not None else now_ms

    async def look(self) -> Status:
        """Ask the device now."""
        try:
            async with asyncio.timeout(STATUS_CEILING_S):
                status = await self._device.status()
        except TimeoutError:
            status = Status(detail=f"no status within {STATUS_CEILING_S:g} s")
        except DRIVER_FAULTS as error:
            log.exception("the driver of %s failed", self._device.id)
            status = Status(detail=f"the driver failed: {type(error).__name__}")
        self.status = status
        self.status_at_ms = self._now_ms()
        return status
