"""What this register did and does not know any more: its disk was lost, or is an older copy, and those who hold its logs tell
it; or its journal was damaged, and what can be read of that tells it.

What was printed is not printed again; what was fired and has no outcome is printed, marked; and a client that asks again under
the key of a sale that is not in the journal any more gets the answer of that sale.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Protocol

import msgspec

from tillkeeper.contract.answers import answers
from tillkeeper.contract.documents import DocumentRerouted, DocumentSettled
from tillkeeper.contract.envelope import Envelope, HqBatch
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.placing import read_event
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.records import Appended, Batch, JobRow, KeptAnswer
from tillkeeper.replication.orphans import Orphans
from tillkeeper.spool.adopting import Orphan
from tillkeeper.spool.elsewhere import Outcome
from tillkeeper.spool.jobs import is_settled
from tillkeeper.spool.model import Job

log = logging.getLogger(__name__)

MAX_EVENTS = 5_000
"""That are remembered, the newest; a register tells 500 at a time, a journal that was set aside some thousands."""
KEYS_MS = 7 * 86_400_000
"""Nobody asks again after so long: the journal forgets keys then, too."""
OLD_MS = 12 * 3_600_000
"""Whoever fired a ticket so long ago does not wait for it any more."""
MAX_ADOPTED = 5_000
RETRY_S = 1.0


class Recalling(Protocol):
    """The spool."""

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]: ...

    async def settled_before(self, outcomes: Mapping[str, Outcome]) -> int: ...


class Memory(Protocol):
    """The journal."""

    def job(self, job_id: str) -> JobRow | None: ...

    async def append(self, batch: Batch) -> Appended: ...


class Recall:
    """`run` is its one task. `texts`: digest -> personal text, of tickets that are printed from here."""

    def __init__(self, me: str, journal: Memory, now_ms: Callable[[], int]) -> None:
        self._me, self._journal, self._now_ms = me, journal, now_ms
        self._events: dict[tuple[str, int], Envelope] = {}
        self._fresh: set[tuple[str, int]] = set()
        self._in_hand: dict[str, Outcome] = {}
        """The ends of jobs that were being tried when they were told: where nothing comes of that try, there is no other."""
        self._too_old_ms = -1
        self._adopted: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._opened: Callable[[CheckOpened, str], None] = lambda _event, _business_day: None
        self.texts: dict[str, str] = {}

    def adopted_elsewhere(self, job_ids: Iterable[str]) -> None:
        """Others print these."""
        for job_id in job_ids:
            self._adopted[job_id] = None
        while len(self._adopted) > MAX_ADOPTED:
            del self._adopted[next(iter(self._adopted))]

    def learn(self, batches: Iterable[HqBatch]) -> None:
        """Own events (`peers.lost.own_of`) that another register holds and this one said it does not have."""
        for batch in batches:
            for event in batch.events:
                place = (event.incarnation, event.seq)
                if place not in self._events and event.at_ms > self._too_old_ms:
                    self._events[place] = event
                    self._fresh.add(place)
                    self._tell(event)
        if (too_many := len(self._events) - MAX_EVENTS) > 0:
            self._let_go(too_many)
        if self._fresh:
            self._wake.set()

    def _let_go(self, count: int) -> None:
        """Of the oldest: a kitchen waits for the newest, and so does whoever asks again."""
        oldest = sorted(self._events, key=lambda place: self._events[place].at_ms)[:count]
        self._too_old_ms = self._events[oldest[-1]].at_ms
        for place in oldest:
            del self._events[place]
        self._fresh.difference_update(oldest)
        log.error(
            "more than %d events of this register are known that are not in its journal: the oldest %d are not worked in; "
            "their tickets are not printed, and a client that asks again under their keys gets no answer of then",
            MAX_EVENTS, count,
        )  # fmt: skip

    async def work_in_at_once(self, spool: Recalling, batches: Iterable[HqBatch]) -> bool:
        """Own events that were read from a journal that was set aside. False where the disk refuses: `run` tries it again."""
        self.learn(batches)
        done = await self.work_in(spool)
        if not done:
            self._wake.set()
        return done

    def forget(self, digests: Collection[str]) -> None:
        """These texts were erased."""
        for digest in digests:
            self.texts.pop(digest, None)
        for place, event in self._events.items():
            if not event.personal.keys().isdisjoint(digests):
                left = {digest: text for digest, text in event.personal.items() if digest not in digests}
                self._events[place] = msgspec.structs.replace(event, personal=left)

    def tell_opened(self, opened: Callable[[CheckOpened, str], None]) -> None:
        """Of those that are known now and of later ones: the check, and its business day."""
        self._opened = opened
        for event in self._events.values():
            self._tell(event)

    def _tell(self, envelope: Envelope) -> None:
        if envelope.type == "check_opened" and isinstance(event := read_event(envelope), CheckOpened):
            self._opened(event, envelope.business_day)

    async def run(self, spool: Recalling) -> None:
        """Until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S if self._in_hand else None):
                    await self._wake.wait()
            self._wake.clear()
            if not await self.work_in(spool):
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def work_in(self, spool: Recalling) -> bool:
        """What was learned so far; to be called before the spool begins, too. False where the disk refuses: call it again."""
        if not self._fresh:
            return not self._in_hand or await self._settle_in_hand(spool)
        events = [self._events[place] for place in sorted(self._events)]
        fresh, self._fresh = self._fresh, set()
        try:
            kept = await self._keep_answers(events)
            settled = await self._settle(_outcomes(events), spool)
            printed = await self._print(events, spool)
        except TillkeeperError as error:
            self._fresh |= fresh
            log.error("what is known of this register's own past is not worked in yet: %s", error)
            return False
        log.warning(
            "%d events of this register are known that are not in its journal: %d commands, %d documents that are done, "
            "%d tickets that are printed now", len(fresh), kept, settled, printed,
        )  # fmt: skip
        return True

    async def _settle_in_hand(self, spool: Recalling) -> bool:
        try:
            await self._settle(self._in_hand, spool)
        except TillkeeperError as error:
            log.error("what is known of this register's own past is not worked in yet: %s", error)
            return False
        return True

    async def _settle(self, outcomes: dict[str, Outcome], spool: Recalling) -> int:
        count = await spool.settled_before(outcomes)
        self._in_hand = {
            job_id: outcome
            for job_id, outcome in outcomes.items()
            if (row := self._journal.job(job_id)) is not None and not row.settled
        }
        return count

    async def _keep_answers(self, events: Sequence[Envelope]) -> int:
        since_ms = self._now_ms() - KEYS_MS
        found = tuple(
            KeptAnswer(one.key_sha256, msgspec.json.encode(one.result), one.at_ms)
            for one in answers(events)
            if one.at_ms >= since_ms
        )
        if found:
            await self._journal.append(Batch(answers=found))
        return len(found)

    async def _print(self, events: Iterable[Envelope], spool: Recalling) -> int:
        fold = Orphans()
        for event in events:
            fold.take(event)
        waiting = [
            one
            for one in fold.waiting({self._me}, self._now_ms() - OLD_MS)
            if one.job.job_id not in self._adopted and self._journal.job(one.job.job_id) is None
        ]
        digests = {digest for one in waiting for digest in one.job.personal.values()}
        self.texts |= {digest: text for digest, text in fold.texts.items() if digest in digests}
        return len(await spool.adopt(waiting, self._me)) if waiting else 0


def _outcomes(events: Iterable[Envelope]) -> dict[str, Outcome]:
    """The ends of jobs, as this register told them."""
    found: dict[str, Outcome] = {}
    for envelope in events:
        match read_event(envelope):
            case DocumentSettled() as event if is_settled(event.outcome):
                found[event.job_id] = Outcome(event.outcome, event.by)
            case DocumentRerouted() as event:
                found[event.job_id] = Outcome("rerouted", event.to_device)
            case _:
                pass
    return found
