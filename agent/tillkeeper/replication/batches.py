"""The batches that a link sends: cut to size, and to where a log is signed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from tillkeeper.contract.envelope import Envelope, HqBatch, SignedHead
from tillkeeper.replication.cursors import MAX_EVENTS, Send
from tillkeeper.replication.model import LogId

_ENVELOPE_BYTES = 600
"""About what header and JSON add to the body of an event."""
PIECE = 64
"""Events that are read at once while a sink catches up: about half a millisecond."""


class Outgoing(Protocol):
    """What one sink gets."""

    @property
    def own(self) -> LogId:
        """The log that is written now."""

    def heads(self) -> Mapping[LogId, int]:
        """The last seq of every log that it gets, own ones and others'. From memory."""

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        """Raises: StorageUnreadable."""

    def head_for(self, log: LogId, up_to_seq: int) -> SignedHead | None:
        """The furthest signed place not beyond `up_to_seq`; of an own log that the journal has exactly there. Raises:
        StorageUnreadable."""

    def is_others(self, log: LogId) -> bool:
        """The journal does not have it: it is held for another register, or was lost here and came back from others."""

    def is_forked(self, log: LogId) -> bool:
        """It is known to have events of two machines in it, or to be another branch than others hold."""


class Batches:
    """Of one sink. `step_aside`: awaited between the pieces of a large batch."""

    def __init__(
        self, store: str, outgoing: Outgoing, step_aside: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0)
    ) -> None:
        self._store, self._outgoing, self._step_aside = store, outgoing, step_aside

    async def next(self, send: Send) -> HqBatch:
        """Ends where the log is signed, if it is held: whoever gets it can check it; and at a break, so that what is before it
        is signed and whoever gets it can send it on. Empty where that can not be now. Raises: StorageUnreadable."""
        events = unbroken(within(await self._read(send.log, send.after_seq, send.limit), send.max_bytes))
        head = self._head(send.log, events)
        if not self._outgoing.is_others(send.log) and (head is None or head.seq == events[-1].seq):
            return HqBatch(self._store, *send.log, events, head)
        if head is None or head.seq <= send.after_seq:  # the next signed place is further than this batch reaches
            # Authors sign at least every `MAX_EVENTS`.
            events = unbroken(await self._read(send.log, send.after_seq, MAX_EVENTS))
            head = self._head(send.log, events)
        if head is None and send.log.register != self._outgoing.own.register:
            events = ()  # nobody would believe it from here
        return HqBatch(self._store, *send.log, tuple(e for e in events if head is None or e.seq <= head.seq), head)

    async def _read(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        """Raises: StorageUnreadable."""
        found: list[Envelope] = []
        while len(found) < limit:
            wanted = min(PIECE, limit - len(found))
            if limit > PIECE:
                await self._step_aside()
            piece = self._outgoing.events(log, after_seq + len(found), wanted)
            found += piece
            if len(piece) < wanted:
                break
        if limit > PIECE:
            await self._step_aside()  # packing comes next
        return found

    def proof(self, send: Send, acked: int) -> HqBatch:
        """One event: the last that is signed, up to the one asked for. Empty where `acked` is as far. Raises: as `next`."""
        seq, head = send.after_seq + 1, self._outgoing.head_for(send.log, send.after_seq + 1)
        if head is not None or self._outgoing.is_others(send.log):
            seq = head.seq if head is not None else 0
        events = self._outgoing.events(send.log, seq - 1, 1) if seq > acked else []
        return HqBatch(self._store, *send.log, tuple(events), head if events else None)

    def _head(self, log: LogId, events: Sequence[Envelope]) -> SignedHead | None:
        return self._outgoing.head_for(log, events[-1].seq) if events else None


def unbroken(events: Sequence[Envelope]) -> tuple[Envelope, ...]:
    """The first of them, up to where one does not name the one before: a signature further on would not cover them all."""
    for at in range(1, len(events)):
        if events[at].prev_hash != events[at - 1].hash:
            return tuple(events[:at])
    return tuple(events)


def within(events: Sequence[Envelope], max_bytes: int) -> tuple[Envelope, ...]:
    """As many of the first events as fit, at least one."""
    size = 0
    for count, event in enumerate(events):
        size += len(event.body.encode()) + _ENVELOPE_BYTES + sum(len(text) for _salt, text in event.personal.values())
        if size > max_bytes and count:
            return tuple(events[:count])
    return tuple(events)
