"""Own logs that come back from others: what the journal lacks of this register's past is held as another register's log is.

A log that the journal does not have is taken as it comes. One of which it has less (the disk is an older copy, and a new log
was begun) is held whole: first what the journal has, then what others bring; where that is another branch the one rule of all
who hold logs decides what goes into quarantine (`contract/placing.py`). The log that is written now is nobody else's to tell.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from tillkeeper.contract.envelope import EventVerdict, HqAnswer, HqBatch
from tillkeeper.errors import TillkeeperError
from tillkeeper.replication.model import Holdings, LogId, Mark

log = logging.getLogger(__name__)

PAGE = 128
"""As many as a register sends to another at once (`lines.MAX_EVENTS`): each page ends signed, as do the batches made of it."""
WAIT_S = 2.0
"""So long whoever brings an event waits for the copy of what is before it; then it is told to come again."""
BUSY = "what is here of it is being copied"
WRITTEN_HERE = "it is written here"


class Shelves(Protocol):
    """The library."""

    @property
    def writing(self) -> LogId: ...

    def heads(self) -> dict[LogId, Mark]: ...

    def own(self, log: LogId) -> bool: ...

    def whole(self, log: LogId) -> bool: ...

    def regained(self, log: LogId) -> bool: ...

    def copied(self, log: LogId) -> None: ...

    def recorded(self, log: LogId, after_seq: int, limit: int) -> HqBatch: ...


class Regaining:
    """`step_aside`: awaited between the pages of a long log. `aclose` ends what it began."""

    def __init__(
        self,
        library: Shelves,
        holdings: Holdings,
        now_ms: Callable[[], int],
        step_aside: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
    ) -> None:
        self._library, self._holdings, self._now_ms, self._step_aside = library, holdings, now_ms, step_aside
        self._copying: dict[LogId, asyncio.Task[None]] = {}

    async def take(self, batch: HqBatch, final: int | None) -> HqAnswer:
        """A checked batch of this register's own. Raises: as `Holdings.take`, StorageUnreadable."""
        which = LogId(batch.register, batch.incarnation)
        library = self._library
        if which == library.writing:
            return self._later(batch, WRITTEN_HERE)
        if library.own(which) and not library.whole(which):
            await self._copied(which)
            if not library.whole(which):
                return self._later(batch, BUSY)
        return await self._holdings.take(batch, self._now_ms(), final)

    def _later(self, batch: HqBatch, why: str) -> HqAnswer:
        """It holds what the journal has; whoever is told less would begin again."""
        mark = self._library.heads().get(LogId(batch.register, batch.incarnation))
        return HqAnswer(mark.seq if mark is not None else 0, tuple(EventVerdict(e.seq, "retryable", why) for e in batch.events))

    async def _copied(self, which: LogId) -> None:
        """Waits a moment for the copy, which goes on without whoever waits for it."""
        task = self._copying.get(which)
        if task is None or task.done():
            name = f"replication.regaining {which.incarnation}"
            task = self._copying[which] = asyncio.create_task(self._copy(which), name=name)
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                await asyncio.shield(task)

    async def _copy(self, which: LogId) -> None:
        """Done again from the start where it was interrupted: taking an event twice changes nothing."""
        after = 0
        try:
            while (batch := self._library.recorded(which, after, PAGE)).events:
                answer = await self._holdings.take(batch, self._now_ms())
                if any(verdict.verdict == "retryable" for verdict in answer.verdicts):
                    log.warning("log %s is not taken back from others: %s", which.incarnation, answer.verdicts[-1].reason)
                    return
                after = batch.events[-1].seq
                await self._step_aside()
        except TillkeeperError as error:
            log.warning("log %s is not taken back from others yet: %s", which.incarnation, error)
            return
        log.info("log %s, of which others hold more, is taken back behind event %d", which.incarnation, after)
        self._library.copied(which)

    async def aclose(self) -> None:
        for task in self._copying.values():
            task.cancel()
        await asyncio.gather(*self._copying.values(), return_exceptions=True)
