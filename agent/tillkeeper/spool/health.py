"""How one device is doing, as far as its worker knows: what it told by itself, or was asked."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from tillkeeper.clock import WallClock
from tillkeeper.spool import policy
from tillkeeper.spool.model import Job
from tillkeeper_drivers.api import NOT_THERE, Attended, Device, Reason, Status

log = logging.getLogger(__name__)

STATUS_CEILING_S = 30.0
ATTEND_AGAIN_S = 10.0
"""Until a driver that failed while it attended its device may try again; meanwhile the device is asked."""
ANNOUNCE_S = 0.05
"""A device whose cover rattles is announced so often at most."""
DRIVER_FAULTS = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What a driver's own mistake looks like. It costs one document, never the agent."""


class Health:
    """`refusing_since_ms`: wall clock, None while nothing is known against the device. Times of pauses are the loop's.

    Args:
        changed: the device told something by itself; must not block.
        well_again: what it told is that it can be tried now.
    """

    def __init__(
        self, device: Device, now_ms: WallClock, changed: Callable[[], None], well_again: Callable[[], None]
    ) -> None:
        self._device = device
        self._now_ms = now_ms
        self._changed, self._well_again = changed, well_again
        self._announcement: asyncio.TimerHandle | None = None
        self._announced_at = 0.0
        self.attended = False
        """It tells by itself how it is, and is not asked while it is idle."""
        self._closed_until = 0.0
        self.refusals = 0
        self.refusing_since_ms: int | None = None
        self.last_reason: Reason = "unreachable"
        self.status: Status | None = None
        self.status_at_ms: int | None = None
        self.storage_trouble = False
        self.stuck: set[str] = set()
        """Drawers that did not open at their last kick."""
        self.missed: dict[str, int] = {}
        """Drawer -> wall clock of when its last pulse was given up unsent."""

    @property
    def pause_s(self) -> float:
        """How long nothing is tried yet; 0 or less where the device may be tried."""
        return self._closed_until - asyncio.get_running_loop().time()

    @property
    def refuses(self) -> bool:
        """Known not to take anything right now. Once its pause is over it may have recovered: nobody asked yet."""
        return (self.refusing_since_ms is not None and self.pause_s > 0) or self.tells_trouble

    @property
    def tells_trouble(self) -> bool:
        """Known by itself not to take anything: no attempt has to find out."""
        return self.attended and self.status is not None and self.status.trouble() is not None

    @property
    def may_be_over(self) -> bool:
        """Last heard in trouble, and not one to tell when that is over: what it printed since speaks against it."""
        return not self.attended and self.status is not None and self.status.trouble() is not None

    @property
    def away(self) -> bool:
        """It could not be reached when it was last tried: each dial makes the machine ask who has its address."""
        if self.refusals and self.last_reason == "unreachable":
            return True
        return self.status is not None and self.status.reachable == "no"

    @property
    def unreachable(self) -> bool:
        """Known not to be there, or not to be reached from here."""
        if self.refusing_since_ms is not None and self.last_reason in NOT_THERE:
            return True
        return self.status is not None and self.status.reachable == "no"

    @property
    def well(self) -> bool:
        """Known to be well: it said so, and takes documents."""
        return self.refusing_since_ms is None and self.status is not None and policy.may_repeat_now(self.status) is None

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

    def end_pause(self) -> None:
        """There is reason to try it now."""
        self._closed_until = 0.0

    def forget(self) -> None:
        """It is another device from now on."""
        self.status = self.status_at_ms = None
        self.works()
        self.end_pause()

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

    def kicked(self, drawer: str, *, stuck: bool) -> None:
        """A pulse went out, and its drawer opened, stayed shut, or can not tell."""
        self.missed.pop(drawer, None)
        if stuck:
            self.stuck.add(drawer)
        else:
            self.stuck.discard(drawer)

    def not_kicked(self, drawer: str, now_ms: int) -> None:
        """A pulse was given up before it could be sent. As many are kept as there are drawers."""
        self.missed[drawer] = now_ms

    def _learned(self, status: Status) -> None:
        before, self.status = self.status, status
        self.status_at_ms = self._now_ms()
        if before is not None and {before.drawer_pin_high, status.drawer_pin_high} == {"yes", "no"}:
            self.stuck.clear()  # somebody has the key
            self.missed.clear()

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
        self._learned(status)
        return status

    # --- by itself ---

    async def attend(self, looks: AbstractAsyncContextManager[object]) -> None:
        """Hear what the device tells by itself, until cancelled. Returns where it has to be asked instead."""
        while isinstance(self._device, Attended):
            self.attended = True
            try:
                await self._device.attend(self._told, looks)
                return
            except DRIVER_FAULTS:
                log.exception("the driver of %s failed while it attended the device", self._device.id)
            finally:
                self.attended = False
                if self._announcement is not None:
                    self._announcement.cancel()
                    self._announcement = None
            await asyncio.sleep(ATTEND_AGAIN_S)

    def _told(self, status: Status) -> None:
        was_well = self.status is not None and policy.may_repeat_now(self.status) is None
        self._learned(status)
        if not was_well and policy.may_repeat_now(status) is None:
            self.end_pause()
            self._well_again()
        if self._announcement is None:
            loop = asyncio.get_running_loop()
            self._announcement = loop.call_at(max(loop.time(), self._announced_at + ANNOUNCE_S), self._announce)

    def _announce(self) -> None:
        self._announcement = None
        self._announced_at = asyncio.get_running_loop().time()
        self._changed()
