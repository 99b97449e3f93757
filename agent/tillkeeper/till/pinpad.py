"""Whose PIN is this? Wrong ones are counted and made durable before they are answered."""

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from tillkeeper.errors import Overloaded
from tillkeeper.people import lockout, pins
from tillkeeper.people.lockout import Tries
from tillkeeper.people.refusals import LockedOut, PinWrong
from tillkeeper.people.roster import Member, Roster
from tillkeeper.people.sessions import Now

AT_ONCE = 2
"""So many PINs are hashed at a time: 16 MiB and one core each."""
MAX_WAITING = 16
"""So many wait for that, over all terminals; one more is Overloaded."""


class PinPad:
    """`tries` gives the durable count of a terminal, `count` makes a new one durable. What could not be made durable is counted
    here all the same: a disk that refuses gives nobody more tries."""

    def __init__(
        self,
        secret: str,
        store: str,
        now: Callable[[], Now],
        tries: Callable[[str], Tries],
        count: Callable[[str, Tries], Awaitable[None]],
    ) -> None:
        self._secret, self._store, self._now = secret, store, now
        self._durable, self._store_count = tries, count
        self._counted: dict[str, Tries] = {}
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._turns: dict[str, asyncio.Lock] = {}
        self._waiting = 0

    async def who(self, operation: str, pin: str, terminal: str, roster: Callable[[], Roster | None]) -> Member:
        """The member with this PIN. One PIN at a time at each terminal, which is a known one.

        Raises:
            PinWrong, LockedOut, Overloaded
            StorageRefused: it was wrong, and that could not be made durable.
        """
        async with self._turn(operation, terminal):
            tries = lockout.settled(self._counted.get(terminal) or self._durable(terminal), self._now())
            if (wait_s := lockout.remaining_s(tries, self._now())) > 0:
                raise LockedOut(operation, terminal, math.ceil(wait_s))
            async with self._at_once:
                digest = await asyncio.to_thread(pins.digest, pin, self._secret, self._store)
            while (member := self._whose(digest, roster())) is not None:
                if (cleared := lockout.right(tries)) == tries:
                    return member
                await self._count(terminal, cleared)
                tries = cleared  # and who was taken off meanwhile is nobody
            failed = lockout.wrong(tries, self._now())
            await self._count(terminal, failed.tries)
            if failed.tries.wait_s:
                raise LockedOut(operation, terminal, failed.tries.wait_s)
            raise PinWrong(operation, terminal, failed.left)

    def _whose(self, digest: str, roster: Roster | None) -> Member | None:
        return roster.whose(digest) if roster is not None and self._secret else None

    async def _count(self, terminal: str, tries: Tries) -> None:
        self._counted[terminal] = tries
        await self._store_count(terminal, tries)

    @asynccontextmanager
    async def _turn(self, operation: str, terminal: str) -> AsyncIterator[None]:
        if self._waiting >= MAX_WAITING:
            raise Overloaded(operation, f"terminal {terminal}", "too many PINs at once", "try again in a moment")
        self._waiting += 1
        try:
            async with self._turns.setdefault(terminal, asyncio.Lock()):
                yield
        finally:
            self._waiting -= 1
