"""What is left, as durable batches and the other registers have made it, and as those under way will make it.

An order is decided against all that was accepted before it, durable yet or not; nothing is awaited between its decision and
its place in the journal's queue. So two that want the last piece are decided one after the other, and one of them is refused.
What this register says and counts are settings in the batch that says it: after a crash it is exactly what the journal says was
rung. What others say comes by following their logs.
"""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from tillkeeper.clock import IdSource
from tillkeeper.contract.availability import AvailabilityCounted, AvailabilitySet
from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.placing import MAX_INT
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.sales.stock import (
    Change,
    Short,
    Stock,
    Subject,
    built_on,
    decode,
    encode_counts,
    encode_words,
    pieces_of,
    put_right,
    restated,
)

log = logging.getLogger(__name__)

WORDS = "availability_words"
COUNTS = "availability_counts"
BEFORE = "availability"
"""The setting of an earlier agent."""
AHEAD_MS = 86_400_000
"""A word or a count that is stamped more than a day ahead waits: the clock of who said it is wrong, or it means to have the
last word for ever."""
MAX_AHEAD = 500


class StockKeeper:
    """`changed` is called after each durable change, and after others were heard. `stamp`: for events that no command asked
    for. It is a follower of all logs (`replication/following.py`). `now_ms`: how late it is by more than one clock; None while
    nobody has said who knows."""

    name = "availability"
    kinds: frozenset[str] | None = frozenset({"availability_set", "availability_counted"})

    def __init__(self, journal: Journal, changed: Callable[[], None], stamp: Callable[[Event], NewEvent]) -> None:
        self._journal = journal
        self._changed = changed
        self._stamp = stamp
        self._under_way: list[Change] = []
        """In the order of acceptance; the journal bounds how many batches wait."""
        self._newest: Change | None = None
        self._durable = self._now = msgspec.structs.replace(_read(journal), register=journal.register)
        self.now_ms: Callable[[], int] | None = None
        self._ahead: list[tuple[str, AvailabilitySet | AvailabilityCounted]] = []
        """With who said it; the oldest first."""
        self._looked: tuple[Stock, int] | None = None
        self._short: list[Short] = []
        """What is yet to be put right."""
        self._wrong_on_disk = self._heard = False

    @property
    def now(self) -> Stock:
        """With all that is under way: what the next order is decided against."""
        self._look_at_clocks()
        if self._now.counter != self._journal.incarnation:  # a new log, so a counter that nobody knows yet
            self._now = msgspec.structs.replace(self._now, counter=self._journal.incarnation)
        return self._now

    @property
    def durable(self) -> Stock:
        """What may be shown."""
        return self._durable

    async def begin(self, new_id: IdSource) -> None:
        """What an earlier agent kept becomes words that all registers hear. Before the first command."""
        kept = self._journal.setting(BEFORE)
        if not kept or kept == b"[]" or self._journal.setting(WORDS) is not None:
            return
        try:
            change = restated(kept, new_id)
        except msgspec.DecodeError as error:
            log.error("what is sold out can not be read and counts as available: %s", error)
            return
        try:
            async with self.changing(change) as settings:
                await self._journal.append(Batch(events=tuple(map(self._stamp, change.events)), settings=settings))
        except TillkeeperError as error:
            log.warning("what was sold out before the update is not known to the other registers yet: %s", error)
            self._durable = self._durable.after(change)
            self._recount()

    @asynccontextmanager
    async def changing(self, change: Change | None) -> AsyncIterator[dict[str, bytes]]:
        """Inside, the change counts for every other order; the settings are for its batch. Given back where the batch is
        refused. Entering does not yield to the loop."""
        if change is None:
            yield {}
            return
        pieces = pieces_of(change, self.now)
        self._accept(change)
        try:
            yield self._settings(change)
        except TillkeeperError:
            self._refused(change, pieces)
            await self._put_right()
            raise
        self._stored(change)
        await self._put_right()

    def _settings(self, change: Change) -> dict[str, bytes]:
        """A word ends countdowns too."""
        counts = {COUNTS: encode_counts(self._now)}
        return counts | {WORDS: encode_words(self._now)} if change.says else counts

    def _accept(self, change: Change) -> None:
        self._under_way.append(change)
        self._newest = change
        self._now = self._now.after(change)

    def _refused(self, change: Change, pieces: dict[Subject, int]) -> None:
        # What was accepted after this one, and becomes durable, holds the change of this one.
        self._wrong_on_disk = self._wrong_on_disk or self._newest is not change
        self._forget(change)
        self._short += built_on(self._now, change, pieces)

    def _stored(self, change: Change) -> None:
        before, self._durable = self._durable, self._durable.after(change)
        self._forget(change)
        if self._durable != before:
            self._changed()

    def _forget(self, change: Change) -> None:
        self._under_way = [other for other in self._under_way if other is not change]
        self._recount()

    def _recount(self) -> None:
        self._now = msgspec.structs.replace(self._durable, counter=self._now.counter)
        for change in self._under_way:
            self._now = self._now.after(change)

    async def _put_right(self) -> None:
        if not self._wrong_on_disk and not self._short:
            return
        short, self._short, self._wrong_on_disk = self._short, [], False
        change = put_right(self.now, short)
        self._accept(change)
        try:
            settings = {COUNTS: encode_counts(self._now), WORDS: encode_words(self._now)}
            await self._journal.append(Batch(events=tuple(map(self._stamp, change.events)), settings=settings))
        except TillkeeperError as error:
            self._forget(change)
            self._wrong_on_disk = True
            self._short += [one for one in short if not built_on(self._now, change, {one.subject: -one.pieces})]
            log.warning("what is left could not be put right on the disk yet: %s", error)
        else:
            self._stored(change)

    # --- what all registers say ---

    def take(self, envelope: Envelope, event: Event) -> None:
        """Also of this register: whatever it knows already is nothing new."""
        if not isinstance(event, AvailabilitySet | AvailabilityCounted):
            return
        if event.stamp_ms > self._last_ms():
            self._ahead = [*self._ahead, (envelope.register, event)][-MAX_AHEAD:]
            return
        self._hear(envelope.register, event)

    def _hear(self, register: str, event: AvailabilitySet | AvailabilityCounted) -> None:
        after = self._durable.heard(register, event)
        if after is not self._durable:
            self._durable, self._heard = after, True
            self._recount()

    def _last_ms(self) -> int:
        return MAX_INT if self.now_ms is None else self.now_ms() + AHEAD_MS

    def _look_at_clocks(self) -> None:
        """What is stamped too far ahead by now (a clock was set) is let go; what no longer is counts."""
        last_ms = self._last_ms()
        if self._looked is None or self._looked[0] is not self._durable or last_ms < self._looked[1]:
            if self._durable.newest_ms > last_ms:
                self._durable = self._durable.until(last_ms)
                self._recount()
            self._looked = self._durable, last_ms
        come = [one for one in self._ahead if one[1].stamp_ms <= last_ms]
        if come:
            self._ahead = [one for one in self._ahead if one[1].stamp_ms > last_ms]
            for register, event in come:
                self._hear(register, event)

    def tell(self) -> None:
        """After a page of events."""
        self._look_at_clocks()
        if self._heard:
            self._heard = False
            self._changed()

    def dump(self) -> bytes:
        return msgspec.msgpack.encode((encode_words(self._durable), encode_counts(self._durable)))

    def load(self, state: bytes) -> None:
        """Raises: msgspec.DecodeError."""
        words, counts = msgspec.msgpack.decode(state, type=tuple[bytes, bytes])
        self._durable = self._durable.joined(decode(words, counts).until(self._last_ms()))
        self._recount()

    def learn(self, dumped: bytes) -> None:
        """What another register knows (`dump`). Raises: msgspec.DecodeError."""
        before = self._durable
        self.load(dumped)
        self._heard = self._heard or self._durable != before
        self.tell()


def _read(journal: Journal) -> Stock:
    try:
        return decode(journal.setting(WORDS) or b"[]", journal.setting(COUNTS) or b"[]")
    except msgspec.DecodeError as error:
        log.error("what is sold out can not be read; what the logs say of it is heard again: %s", error)
        return Stock()
