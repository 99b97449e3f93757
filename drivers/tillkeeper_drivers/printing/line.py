"""The one connection to a printer: opened for one job, or standing from job to job.

Whoever has the turn may use it. The one that listens while nobody else wants it gives its turn up at once to a job.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Generic, TypeVar

from tillkeeper_drivers.api import Connection, DriverError, Transport, TransportError
from tillkeeper_drivers.printing.session import Session

S = TypeVar("S", bound=Session)


class Line(Generic[S]):
    """`session`: the open one. `kept`: it stays open between two turns.

    Args:
        transport: where the printer is.
        made: the session over a connection that was just opened.
    """

    def __init__(self, transport: Transport, made: Callable[[Connection], S]) -> None:
        self._transport = transport
        self._made = made
        self._stack: AsyncExitStack | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._listening: asyncio.Timeout | None = None
        self._opened = asyncio.Event()
        self._opened_at = 0.0
        self.session: S | None = None
        self.kept = False
        self.working = False
        """Whether a job, and not the one that listens, has the turn."""

    @property
    def free(self) -> bool:
        """Whether nobody has the turn."""
        return not self._turn.locked()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until nobody else uses the line. Afterwards it is closed, unless it is to be kept and in order."""
        if self._listening is not None:
            self._listening.reschedule(asyncio.get_running_loop().time())
            self._listening = None
        self._waiting += 1
        try:
            await self._turn.acquire()
        finally:
            self._waiting -= 1
        async with self._worked():
            yield

    @asynccontextmanager
    async def _worked(self) -> AsyncIterator[None]:
        self.working = True
        try:
            yield
        except TransportError as error:
            await self.close(error)
            raise
        except DriverError:  # a document was refused, or went unconfirmed: the connection is none the worse
            await self._settle()
            raise
        except BaseException:  # cut off in the middle: what was asked may still come, for nobody
            await self.close()
            raise
        else:
            await self._settle()
        finally:
            self.working = False
            self._turn.release()

    async def _settle(self) -> None:
        if self.session is not None and not (self.kept and self.session.in_order):
            await self.close()

    @asynccontextmanager
    async def quiet_turn(self) -> AsyncIterator[None]:
        """The turn of the one that listens; it comes after those that wait for theirs."""
        async with self._turn:
            yield

    async def open(self, deadline_s: float) -> S:
        """The open session, else a new one. For who has the turn.

        Raises:
            TransportError: bytes_left is False.
        """
        if self.session is None:
            async with AsyncExitStack() as stack:
                connection = await stack.enter_async_context(self._transport.connect(deadline_s))
                self.session = self._made(connection)
                self._stack = stack.pop_all()
            self._opened_at = asyncio.get_running_loop().time()
            self._opened.set()
        return self.session

    @property
    def age_s(self) -> float:
        """For how long it has been open; of a closed line, since it was opened last."""
        return asyncio.get_running_loop().time() - self._opened_at

    async def close(self, error: TransportError | None = None) -> None:
        """Close what is open, without waiting for its last bytes where it ended by `error`. For who has the turn."""
        stack, self._stack, self.session = self._stack, None, None
        if stack is not None:
            with suppress(TransportError):
                await stack.__aexit__(type(error) if error is not None else None, error, None)

    async def listen(self, longest_s: float) -> bool:
        """Hear what the device says by itself, until a job wants the line, for `longest_s`, or until it has to be asked anew.
        Whether nobody wanted it.

        Raises:
            TransportError: the connection broke.
        """
        session = self.session
        if session is None or self._waiting:
            return False
        try:
            async with asyncio.timeout(None) as scope:
                self._listening = scope
                await session.until(lambda: not session.complete, longest_s)
        except TimeoutError:
            return False
        finally:
            self._listening = None
        return True

    async def rest(self, longest_s: float) -> None:
        """Wait `longest_s`, or until a job has opened the line."""
        self._opened.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._opened.wait()
