"""What cooks do on displays becomes events: bumped and recalled."""

import asyncio
import logging

from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.kitchen.board import Board, apply, decide
from tillkeeper.till.stamp import Stamp
from tillkeeper_drivers.api import BoardEvent

log = logging.getLogger(__name__)

MAX_WAITING = 1_000


class BoardKeeper:
    """`on_board` is called by displays; `run` journals. At the bound the oldest touch is dropped and said in the log: a bump
    is a convenience, never money."""

    def __init__(self, journal: Journal, stamp: Stamp) -> None:
        self._journal = journal
        self._stamp = stamp
        self._board = Board()
        self._waiting: asyncio.Queue[BoardEvent] = asyncio.Queue(MAX_WAITING)

    def on_board(self, event: BoardEvent) -> None:
        if self._waiting.full():
            log.warning("dropped a touch on a display: %s", self._waiting.get_nowait())
        self._waiting.put_nowait(event)

    async def run(self) -> None:
        while True:
            event = decide(self._board, await self._waiting.get())
            if event is None:
                continue
            try:
                await self._journal.append(Batch(events=(self._stamp(event),)))
            except TillkeeperError as error:
                log.warning("a touch on a display is not journaled: %s", error)
            else:
                self._board = apply(self._board, event)
