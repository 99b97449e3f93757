"""Keeps the line of a printer that is this register's alone, and tells what it says while nobody prints."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, Protocol, TypeVar

from tillkeeper_drivers.api import Status, TransportError
from tillkeeper_drivers.printing.line import Line
from tillkeeper_drivers.printing.session import Session
from tillkeeper_drivers.printing.settings import Deadlines

S = TypeVar("S", bound=Session)
S_contra = TypeVar("S_contra", bound=Session, contravariant=True)

_FIRST_PAUSE_S = 0.1
_LIVED_S = 5.0
"""A connection that lasted so long and then ended was ended for being idle, say; it is opened again at once."""


class Manners(Protocol[S_contra]):
    """What the attendant needs of the driver; see `BasePrinter`."""

    async def greet(self, session: S_contra) -> bool: ...
    async def beat(self, session: S_contra) -> bool: ...
    def beat_s(self, session: S_contra) -> float: ...
    def learned(self, session: S_contra) -> None: ...


class Attendant(Generic[S]):
    """See the module. What a device is told to be is told once, and again only where it changed."""

    def __init__(self, line: Line[S], deadlines: Deadlines, manners: Manners[S]) -> None:
        self._line, self._deadlines, self._manners = line, deadlines, manners
        self._changed: Callable[[Status], None] | None = None
        self._told: Status | None = None
        self._pause_s = 0.0

    def hears_jobs(self, changed: Callable[[Status], None]) -> None:
        """No connection is kept: `changed` is told from now on what jobs hear of a trouble."""
        self._changed = changed

    def tell(self, status: Status, *, anew: bool = False) -> None:
        """The device is like that now. `anew`: whatever was told before, for it may have been asked since."""
        if self._changed is not None and (anew or status != self._told):
            self._told = status
            self._changed(status)

    async def run(self, changed: Callable[[Status], None], looks: AbstractAsyncContextManager[object]) -> None:
        """Until cancelled. `looks`: see `Attended`."""
        self._changed, self._told, self._line.kept = changed, None, True
        self._pause_s = 0.0
        try:
            while True:
                if self._line.session is None:
                    # Neither does a job wait for looks at other devices, nor those for a job.
                    async with looks:
                        if self._line.free:
                            async with self._line.quiet_turn():
                                await self._open()
                async with self._line.quiet_turn():
                    if self._line.session is not None:
                        await self._turn(self._line.session)
                if self._line.session is None:
                    await self._line.rest(self._pause_s)
                else:
                    await asyncio.sleep(0)  # a job that waits is next, whatever the device says meanwhile
        finally:
            self._changed, self._line.kept = None, False
            async with self._line.quiet_turn():
                await self._line.close()

    async def _open(self) -> None:
        try:
            await self._line.open(self._deadlines.connect)
        except TransportError as error:
            self.tell(Status(reachable="no", reason=error.reason, detail=error.detail))
            self._slower()

    async def _turn(self, session: S) -> None:
        """Listen until a job wants the line or a sign of life is due."""
        try:
            if await self._alive(session):
                if self._line.age_s >= _LIVED_S:
                    self._pause_s = 0.0
                return
            await self._line.close()
            cause = "it sends back what it is sent" if session.echoes else "connected, but silent when asked for its status"
            self.tell(Status(reachable="no", reason="no_answer", detail=cause))
        except TransportError as error:
            # Told only where it can not be opened again: a network printer closes what is idle for a minute.
            lived = self._line.age_s >= _LIVED_S
            await self._line.close(error)
            if lived:
                self._pause_s = 0.0
                return
        self._slower()

    async def _alive(self, session: S) -> bool:
        """Whether it is as it should be by the end of this turn. Raises `TransportError`."""
        if not session.complete:
            if not await self._manners.greet(session) or session.echoes:
                return False
            self._manners.learned(session)
        if not await self._line.listen(self._manners.beat_s(session)):
            return True
        return await self._manners.beat(session) and not session.echoes

    def _slower(self) -> None:
        self._pause_s = min(self._deadlines.again, max(_FIRST_PAUSE_S, 2 * self._pause_s))
