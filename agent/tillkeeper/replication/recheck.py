"""Whether HQ really does not answer: asked once more, at once, by a connection of its own.

The link to HQ has one connection. Where an exchange on it stays unanswered for longer than usual, or fails, nobody has to wait
for its time-out to know: a second, empty exchange on a fresh connection either succeeds - then HQ answers, and the link is
told - or there are two attempts that failed, and the register is offline. While HQ is away it is asked so once a second, so
that its return is seen soon, however long the link's own retries are spread by then.
"""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, runtime_checkable

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.replication.model import LogId
from tillkeeper.replication.trouble import SinkTrouble

OVERDUE_S = 0.45
LOOK_S = 0.5
"""Least waits, for an HQ that answers within a few ms; where answers usually take longer both are as much longer."""
SLOW, SLOWER = 3.0, 6.0
"""Times what an answer usually takes: overdue, and for a fresh connection, whose handshakes take several round trips."""
MOST_S = 3.0
AGAIN_S = 1.0
AT_ONCE_S = 0.25
SHARE = 0.2
"""Of the newest answer in what is usual."""


@runtime_checkable
class Looking(Protocol):
    async def look(self, batch: HqBatch, within_s: float) -> HqAnswer:
        """One exchange on a connection that nobody else uses. Raises SinkTrouble."""
        ...


class Flight:
    """The exchange that is under way on the link: since when, and how long one usually takes; when the newest answer came,
    -infinity for never. Seconds of the boot clock."""

    def __init__(self) -> None:
        self.since_s: float | None = None
        self.answered_s = float("-inf")
        self.usual_s = 0.05
        self.moved: Callable[[], None] = lambda: None

    def begun(self, now_s: float) -> None:
        self.since_s = now_s
        self.moved()

    def ended(self, now_s: float, *, answered: bool) -> None:
        if answered and self.since_s is not None:
            self.usual_s += SHARE * (now_s - self.since_s - self.usual_s)
            self.answered_s = now_s
        self.since_s = None
        self.moved()


class Recheck:
    """`run` is its one task. `ok_s`: when the newest look that succeeded was sent; `denied_s`: when the newest that did not was
    found to have failed, both None for never.

    Args:
        own: the log that is written now.
        last: of the link itself: when its newest good exchange was sent, and when its newest attempt was found to have failed.
        found: told after each look; whether HQ answered, and whether it had not before.
    """

    def __init__(
        self,
        transport: Looking,
        flight: Flight,
        store: str,
        own: Callable[[], LogId],
        last: Callable[[], tuple[float | None, float | None]],
        found: Callable[[bool, bool], None],
        now_s: Callable[[], float],
        chance: random.Random,
    ) -> None:
        self._transport, self._flight, self._store, self._own = transport, flight, store, own
        self._last, self._found, self._now_s, self._chance = last, found, now_s, chance
        self._wake = asyncio.Event()
        self._asked_s = float("-inf")
        self._again_s = AGAIN_S
        self.ok_s: float | None = None
        self.denied_s: float | None = None
        self.error = ""
        flight.moved = self._wake.set

    async def run(self) -> None:
        while True:
            self._wake.clear()
            due_s = self._due_s()
            wait_s = None if due_s is None else due_s - self._now_s()
            if wait_s is not None and wait_s <= 0:
                await self._look()
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    def _due_s(self) -> float | None:
        """When to look next; None: not before the link has news."""
        ok_s, failed_s = self._last()
        ok_s = max((one for one in (ok_s, self.ok_s) if one is not None), default=float("-inf"))
        if self.denied_s is not None and self.denied_s > ok_s:
            return self._asked_s + self._again_s
        if failed_s is not None and failed_s > ok_s:
            return self._asked_s + AT_ONCE_S
        since_s = self._flight.since_s
        if since_s is None:
            return None
        overdue_s = since_s + min(max(OVERDUE_S, SLOW * self._flight.usual_s), MOST_S)
        return max(overdue_s, self._asked_s + AGAIN_S) if self._asked_s >= since_s else overdue_s

    async def _look(self) -> None:
        self._asked_s = asked_s = self._now_s()
        self._again_s = AGAIN_S * self._chance.uniform(0.8, 1.0)
        away = self.denied_s is not None and self.denied_s > max(self.ok_s or 0.0, self._last()[0] or 0.0)
        within_s = min(max(LOOK_S, SLOWER * self._flight.usual_s), MOST_S)
        try:
            await self._transport.look(HqBatch(self._store, *self._own()), within_s)
        except SinkTrouble as trouble:
            if self._flight.answered_s > asked_s:
                return  # HQ has answered meanwhile: on a machine without a free CPU a fresh connection is later than that
            self.denied_s, self.error = self._now_s(), trouble.cause
            self._found(False, False)
        else:
            self.ok_s, self.error = asked_s, ""
            self._found(True, away)
