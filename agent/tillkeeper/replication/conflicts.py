"""Conflicts that are held here - events that lost their place in their log to another - are told to HQ as well: whoever wrote
them may be gone. HQ lists them; what it has already changes nothing there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch, SignedHead
from tillkeeper.errors import StorageRefused
from tillkeeper.replication.batches import unbroken
from tillkeeper.replication.cursors import MAX_EVENTS
from tillkeeper.replication.model import HeldAside, Holdings, LogId
from tillkeeper.replication.trouble import SinkTrouble

log = logging.getLogger(__name__)

LOOK_EVERY_S = 15.0
PAGE = 500
MAX_LATER = 1_000
"""Branches that wait until HQ has what is before them; while there are so many nothing new is told."""
MAX_PATIENCE = 8
"""Looks that are left out, at most, after those that wait were told in vain."""

Rest = Callable[[Envelope], tuple[tuple[Envelope, ...], SignedHead] | None]
"""What follows an event in the log, up to where it is signed."""


class Branch(NamedTuple):
    """Consecutive events of one conflict, up to where their author signed. `after` and `size`: where they are in quarantine."""

    after: int
    size: int
    batch: HqBatch


def branches(asides: Sequence[HeldAside], rest: Rest) -> tuple[list[Branch], int]:
    """What can be told of them, and the `n` up to which nothing more is to come. What no signature vouches for is left out:
    nobody would believe it from a relay."""
    found: list[Branch] = []
    open_from = 0
    for at, aside in enumerate(asides):
        if aside.in_log or (at > open_from and not _continues(asides[at - 1], aside)):
            _finish(found, asides[open_from:at], rest)
            open_from = at + 1 if aside.in_log else at
        if not aside.in_log and aside.head is not None:
            found.append(_branch(asides[open_from : at + 1], (), aside.head))
            open_from = at + 1
    if open_from == len(asides) or _finish(found, asides[open_from:], rest) or len(asides) - open_from >= PAGE:
        return found, asides[-1].n if asides else 0
    return found, asides[open_from].n - 1  # the end of this one may come later


def _finish(found: list[Branch], run: Sequence[HeldAside], rest: Rest) -> bool:
    """Of a branch that took the place behind the end of the log only its beginning is in quarantine."""
    follows = rest(run[-1].envelope) if run else None
    if follows is not None:
        found.append(_branch(run, *follows))
    return follows is not None


def _branch(run: Sequence[HeldAside], rest: tuple[Envelope, ...], head: SignedHead) -> Branch:
    first = run[0].envelope
    events = (*(one.envelope for one in run), *rest)
    return Branch(run[0].n - 1, len(run), HqBatch(first.store, first.register, first.incarnation, events, head))


def _continues(before: HeldAside, aside: HeldAside) -> bool:
    first, second = before.envelope, aside.envelope
    same = (first.register, first.incarnation, first.seq + 1) == (second.register, second.incarnation, second.seq)
    return same and second.prev_hash == first.hash


class Conflicts:
    """`to_hq`: raises SinkTrouble. All of them are told again after a start."""

    def __init__(self, holdings: Holdings, to_hq: Callable[[HqBatch], Awaitable[HqAnswer]]) -> None:
        self._holdings, self._to_hq = holdings, to_hq
        self._after = self._read = 0
        self._later: list[tuple[int, int]] = []
        self._patience = self._left_out = 0

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.tell()
            except (SinkTrouble, StorageRefused) as trouble:
                log.debug("conflicts are not told to HQ yet: %s", trouble)
            await asyncio.sleep(LOOK_EVERY_S)

    async def tell(self) -> None:
        """All that is new, and now and then what waited. Raises: SinkTrouble, StorageUnreadable; the rest is told later."""
        await self._again()
        # What was read last and is not signed is looked at once more when something has come since.
        if not self._holdings.quarantined(self._read, 1):
            return
        while len(self._later) < MAX_LATER and (asides := self._holdings.quarantined(self._after, PAGE)):
            found, upto = branches(asides, self._rest)
            await self._send(found)
            self._read = asides[-1].n
            if upto == self._after:
                return
            self._after = upto

    async def _again(self) -> None:
        """What HQ did not want yet: every time, then every second time, and so on."""
        if not self._later or self._left_out < self._patience:
            self._left_out += 1
            return
        later, self._later, self._left_out = self._later, [], 0
        for at, (after, size) in enumerate(later):
            try:
                await self._send(branches(self._holdings.quarantined(after, size), self._rest)[0])
            except (SinkTrouble, StorageRefused):
                self._later += later[at:]
                raise
        self._patience = min(MAX_PATIENCE, self._patience * 2 + 1) if len(self._later) == len(later) else 0

    def _rest(self, last: Envelope) -> tuple[tuple[Envelope, ...], SignedHead] | None:
        """Raises: StorageUnreadable."""
        name = LogId(last.register, last.incarnation)
        events = unbroken(self._holdings.events(name, last.seq, MAX_EVENTS))
        if not events or events[0].prev_hash != last.hash:
            return None
        head = self._holdings.signed_up_to(name, events[-1].seq)
        if head is None or head.seq <= last.seq:
            return None
        return events[: head.seq - last.seq], head

    async def _send(self, found: Sequence[Branch]) -> None:
        for branch in found:
            try:
                answer = await self._to_hq(branch.batch)
            except SinkTrouble as trouble:
                if trouble.code != "batch_refused":
                    raise
                log.warning("HQ does not take a conflict of register %s: %s", branch.batch.register, trouble.cause)
                continue
            if any(verdict.verdict == "retryable" for verdict in answer.verdicts):
                self._later.append((branch.after, branch.size))
