"""What cooks do on displays becomes events: bumped and recalled."""

import asyncio
import logging
from collections.abc import Callable

from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.kitchen.board import Board, apply, decide, shown
from tillkeeper.sales.model import Check
from tillkeeper.till.stamp import Stamp
from tillkeeper_drivers.api import BoardEvent

log = logging.getLogger(__name__)

MAX_WAITING = 1_000


class BoardKeeper:
    """`on_board` is called by displays; `run` journals. At the bound the oldest touch is dropped and said in the log: a bump
    is a convenience, never money.

    Args:
        check: a check by its long id, None where there is none. What a station holds of it is read when a cook touches it, so
            that this holds for closed checks and after a restart too. Which tickets were bumped is forgotten at a restart.
    """

    def __init__(self, journal: Journal, stamp: Stamp, check: Callable[[str], Check | None]) -> None:
        self._journal = journal
        self._stamp = stamp
        self._check = check
        self._board = Board()
        self._waiting: asyncio.Queue[BoardEvent] = asyncio.Queue(MAX_WAITING)

    def on_board(self, event: BoardEvent) -> None:
        if self._waiting.full():
            log.warning("dropped a touch on a display: %s", self._waiting.get_nowait())
        self._waiting.put_nowait(event)

    async def run(self) -> None:
        while True:
            touch = await self._waiting.get()
            if touch.kind not in ("bumped", "recalled"):
                continue
            try:
                await self._touched(touch)
            except TillkeeperError as error:
                log.warning("a touch on a display is not journaled: %s", error)

    async def _touched(self, touch: BoardEvent) -> None:
        check = self._check(touch.check_id)
        view = check.stations.get(touch.station) if check is not None else None
        if view is not None:
            self._board = shown(self._board, touch.check_id, touch.station, view)
        event = decide(self._board, touch)
        if event is not None:
            await self._journal.append(Batch(events=(self._stamp(event),)))
            self._board = apply(self._board, event)
