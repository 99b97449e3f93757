"""A device whose driver can be made anew between two jobs: to its worker it stays one and the same."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Literal

from tillkeeper_drivers.api import Attended, Delivery, Device, Document, OutcomeUnknown, Sensing, Status

PATIENCE_S = 5.0
"""So long whoever sets the device up waits for the job that is on; then that is cut off, and its outcome is unknown."""


class Changeable:
    """A `Device` and `Attended`. `driver`: the one at work.

    What is asked of it while somebody sets it up (`apart`) waits, for it never takes long.
    """

    def __init__(self, driver: Device) -> None:
        self._work_by(driver)
        self._turn = asyncio.Lock()
        self._working: asyncio.Timeout | None = None
        self._attending: asyncio.Timeout | None = None
        self._attended_no_more = asyncio.Event()
        self._apart = 0
        self._free = asyncio.Event()
        self._free.set()

    def _work_by(self, driver: Device) -> None:
        self.driver = driver
        self._sensing = driver if isinstance(driver, Sensing) else None  # once: it is slow, and asked for often

    @property
    def id(self) -> str:
        return self.driver.id

    @property
    def open_level(self) -> Literal["high", "low", "unknown"]:
        """See `Sensing`."""
        return self._sensing.open_level if self._sensing is not None else "unknown"

    def accepts(self, document: Document) -> bool:
        return self.driver.accepts(document)

    async def deliver(self, document: Document, token: bytes) -> Delivery:
        """See `Device.deliver`."""
        async with self._turn:
            try:
                async with asyncio.timeout(None) as self._working:
                    return await self.driver.deliver(document, token)
            except TimeoutError as error:
                if self._working is None or not self._working.expired():
                    raise
                detail = "it was cut off: the device was being set up anew"
                raise OutcomeUnknown("deliver", self.id, "lost", detail) from error
            finally:
                self._working = None

    async def status(self) -> Status:
        """See `Device.status`. While the device is set up nothing is known of it."""
        if self._apart:
            return Status(detail="it is being set up")
        async with self._turn:
            try:
                async with asyncio.timeout(None) as self._working:
                    return await self.driver.status()
            except TimeoutError:
                if self._working is None or not self._working.expired():
                    raise
                return Status(detail="it is being set up")
            finally:
                self._working = None

    async def attend(self, changed: Callable[[Status], None], looks: AbstractAsyncContextManager[object]) -> None:
        """See `Attended.attend`. Returns as well where the driver is another than before."""
        driver = self.driver
        while driver is self.driver and isinstance(driver, Attended):
            await self._free.wait()
            if driver is not self.driver:
                return
            try:
                async with asyncio.timeout(None) as self._attending:
                    await driver.attend(changed, looks)
                    return
            except TimeoutError:
                if self._attending is None or not self._attending.expired():
                    raise
            finally:
                self._attending = None
                self._attended_no_more.set()

    async def close(self) -> None:
        await self.driver.close()

    # --- being set up ---

    @asynccontextmanager
    async def apart(self, patience_s: float = PATIENCE_S) -> AsyncIterator[None]:
        """Within, nobody else has a connection to the device: the job that is on is waited for, `patience_s` at most."""
        loop = asyncio.get_running_loop()
        self._apart += 1
        self._free.clear()
        cut = loop.call_later(patience_s, self._cut_off)
        try:
            async with self._turn:
                cut.cancel()
                await self._stop_attending()
                yield
        finally:
            cut.cancel()
            self._apart -= 1
            if not self._apart:
                self._free.set()

    async def change(self, driver: Device, patience_s: float = PATIENCE_S) -> None:
        """From the next document on it is `driver` that works; the one before is closed."""
        async with self.apart(patience_s):
            before = self.driver
            self._work_by(driver)
            await before.close()

    def _cut_off(self) -> None:
        if self._working is not None:
            self._working.reschedule(asyncio.get_running_loop().time())

    async def _stop_attending(self) -> None:
        while self._attending is not None:
            self._attended_no_more.clear()
            self._attending.reschedule(asyncio.get_running_loop().time())
            await self._attended_no_more.wait()
