"""Conflicts that are held here - events that lost their place in their log to another - are told to HQ as well: whoever wrote
them may be gone. HQ lists them; what it has already changes nothing there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from tillkeeper.contract.envelope import HqAnswer, HqBatch
from tillkeeper.errors import StorageRefused
from tillkeeper.replication.model import HeldAside
from tillkeeper.replication.trouble import SinkTrouble

log = logging.getLogger(__name__)

LOOK_EVERY_S = 15.0
PAGE = 500
MAX_LATER = 1_000
"""Branches that wait until HQ has what is before them."""


class Branch(NamedTuple):
    """Consecutive events of one conflict, up to where their author signed. `after` and `size`: where they are in quarantine."""

    after: int
    size: int
    batch: HqBatch


def branches(asides: Sequence[HeldAside]) -> tuple[list[Branch], int]:
    """What can be told of them, and the `n` up to which nothing more is to come. What no signature vouches for is left out:
    nobody would believe it from a relay. Pure."""
    found: list[Branch] = []
    open_from = 0
    for at, aside in enumerate(asides):
        if at > open_from and not _continues(asides[at - 1], aside):
            open_from = at
        if aside.in_log:
            open_from = at + 1
        elif aside.head is not None:
            events = tuple(one.envelope for one in asides[open_from : at + 1])
            first = events[0]
            batch = HqBatch(first.store, first.register, first.incarnation, events, aside.head)
            found.append(Branch(asides[open_from].n - 1, len(events), batch))
            open_from = at + 1
    if 0 < open_from < len(asides) and len(asides) - open_from < PAGE:
        return found, asides[open_from].n - 1  # the end of this one may be on the next page
    return found, asides[-1].n if asides else 0


def _continues(before: HeldAside, aside: HeldAside) -> bool:
    first, second = before.envelope, aside.envelope
    same = (first.register, first.incarnation, first.seq + 1) == (second.register, second.incarnation, second.seq)
    return same and second.prev_hash == first.hash and not before.in_log


class Conflicts:
    """`quarantined`: as `Holdings.quarantined`. `to_hq`: raises SinkTrouble. All of them are told again after a start."""

    def __init__(
        self, quarantined: Callable[[int, int], list[HeldAside]], to_hq: Callable[[HqBatch], Awaitable[HqAnswer]]
    ) -> None:
        self._quarantined, self._to_hq = quarantined, to_hq
        self._after = 0
        self._later: list[tuple[int, int]] = []

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.tell()
            except (SinkTrouble, StorageRefused) as trouble:
                log.debug("conflicts are not told to HQ yet: %s", trouble)
            await asyncio.sleep(LOOK_EVERY_S)

    async def tell(self) -> None:
        """All that is new, and what waited. Raises: SinkTrouble, StorageUnreadable; the rest is told the next time."""
        later, self._later = self._later, []
        for at, (after, size) in enumerate(later):
            try:
                await self._send(branches(self._quarantined(after, size))[0])
            except (SinkTrouble, StorageRefused):
                self._later += later[at:]
                raise
        while asides := self._quarantined(self._after, PAGE):
            found, upto = branches(asides)
            await self._send(found)
            if upto == self._after:
                return
            self._after = upto

    async def _send(self, found: Sequence[Branch]) -> None:
        for branch in found:
            try:
                answer = await self._to_hq(branch.batch)
            except SinkTrouble as trouble:
                if trouble.code != "batch_refused":
                    raise
                log.warning("HQ does not take a conflict of register %s: %s", branch.batch.register, trouble.cause)
                continue
            if any(verdict.verdict == "retryable" for verdict in answer.verdicts) and len(self._later) < MAX_LATER:
                self._later.append((branch.after, branch.size))
