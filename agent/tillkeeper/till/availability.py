"""What is left, as durable batches have made it and as those under way will make it.

An order is decided against all that was accepted before it, durable yet or not; nothing is awaited between its decision and
its place in the journal's queue. So two that want the last piece are decided one after the other, and one of them is refused.
What is left is a setting in the batch that changes it: after a crash it is exactly what the journal says was rung.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.sales.availability import Change, Stock, decode, encode

log = logging.getLogger(__name__)

SETTING = "availability"


class StockKeeper:
    """`changed` is called after each durable change."""

    def __init__(self, journal: Journal, changed: Callable[[], None]) -> None:
        self._journal = journal
        self._changed = changed
        self._under_way: list[Change] = []
        """In the order of acceptance; the journal bounds how many batches wait."""
        self._durable = _stored(journal)
        self.now = self._durable
        """With all that is under way: what the next order is decided against."""
        self._wrong_on_disk = False

    @property
    def durable(self) -> Stock:
        """What may be shown."""
        return self._durable

    @asynccontextmanager
    async def changing(self, change: Change | None) -> AsyncIterator[dict[str, bytes]]:
        """Inside, the change counts for every other order; the settings are for its batch. Given back where the batch is
        refused. Entering does not yield to the loop."""
        if change is None:
            yield {}
            return
        self._under_way.append(change)
        self.now = self.now.after(change)
        try:
            yield {SETTING: encode(self.now)}
        except TillkeeperError:
            # What was accepted after this one, and becomes durable, holds the change of this one.
            self._wrong_on_disk = self._wrong_on_disk or self._under_way[-1] is not change
            self._forget(change)
            self._recount()
            await self._put_right()
            raise
        self._forget(change)
        before, self._durable = self._durable, self._durable.after(change)
        self._recount()
        if self._durable != before:
            self._changed()

    def _forget(self, change: Change) -> None:
        self._under_way = [other for other in self._under_way if other is not change]

    def _recount(self) -> None:
        self.now = self._durable
        for change in self._under_way:
            self.now = self.now.after(change)

    async def _put_right(self) -> None:
        if not self._wrong_on_disk:
            return
        self._wrong_on_disk = False
        try:
            await self._journal.append(Batch(settings={SETTING: encode(self.now)}))
        except TillkeeperError as error:
            self._wrong_on_disk = True
            log.warning("what is left could not be put right on the disk yet: %s", error)


def _stored(journal: Journal) -> Stock:
    stored = journal.setting(SETTING)
    if stored is None:
        return Stock()
    try:
        return decode(stored)
    except msgspec.DecodeError as error:
        log.error("what is sold out can not be read and counts as available: %s", error)
        return Stock()
