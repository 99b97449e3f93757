"""What this register wrote into journals that were damaged and set aside. It may be the only copy of sales that were answered
and had not reached anybody yet.

What is whole from the beginning of a log is held and sent like the log of another register. What lies behind the damage is
read too and goes to HQ directly: where HQ has what is missing in between, it continues HQ's copy. What a kitchen may still
wait for is told to whoever recalls it (`recall.py`).
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import msgspec

from tillkeeper.clock import WallClock
from tillkeeper.contract.chain import GENESIS, ChainBroken, verify
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.signing import Sign, sign_head
from tillkeeper.errors import Overloaded, Refused, StorageRefused
from tillkeeper.journal.commit import Log, read_head
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.files import beside
from tillkeeper.journal.reader import read_envelopes
from tillkeeper.replication.held.rescue import rescued, to_rescue
from tillkeeper.replication.model import Holdings
from tillkeeper.replication.trouble import SinkTrouble

log = logging.getLogger(__name__)

PAGE_EVENTS = 500
PAGE_BYTES = 256 * 1024
NEWEST = 2_000
"""Events at the end that are told: what is not finished is among them."""
MOST_SKIPPED = 100_000
"""Events of one log that are looked for behind damage, one by one."""
TRIES = 60
RETRY_S = 1.0
HQ_RETRY_S = 15.0


class Page(NamedTuple):
    """Consecutive events of one log. `whole`: nothing before them is missing."""

    events: tuple[Envelope, ...]
    whole: bool


async def _nothing_waits(_batches: Sequence[HqBatch]) -> bool:
    return True


class OwnPast:
    """`journal`: the path of the one in use. `to_hq`: sends a batch to HQ, None where there is none; raises SinkTrouble. `key`
    and `sign`: this register's, for it vouches for what goes to HQ from here."""

    def __init__(
        self,
        journal: Path,
        store: str,
        register: str,
        holdings: Holdings,
        now_ms: WallClock,
        to_hq: Callable[[HqBatch], Awaitable[HqAnswer]] | None = None,
        key: str = "",
        sign: Sign | None = None,
    ) -> None:
        self._journal, self._store, self._register = journal, store, register
        self._holdings, self._now_ms, self._to_hq = holdings, now_ms, to_hq
        self._key, self._sign = key, sign

    async def take_over(
        self,
        held: Callable[[], None] = lambda: None,
        recall: Callable[[Sequence[HqBatch]], Awaitable[bool]] = _nothing_waits,
    ) -> None:
        """Until all that was set aside was read over, each file once. `held`: told when there is more to send. `recall`: gets
        the newest events of all of them, for one may say what became of what another one fired; True once they are worked in.
        Interrupted it begins again: taking an event twice changes nothing. Does not raise; what went wrong is in the log and
        tried again at the next start."""
        to_hq, read_over, newest = self._to_hq, dict[Path, int](), list[HqBatch]()
        try:
            for aside in await asyncio.to_thread(to_rescue, self._journal):
                count, read_over[aside], last = await self._hold(aside)
                log.info("%s was read over: %d events are held, %d lie behind damage", aside.name, count, read_over[aside])
                newest += last
                if count:
                    held()
            done = not read_over or await recall(newest)
            for aside, behind in sorted(read_over.items(), key=lambda one: one[1] > 0):  # nothing else waits where HQ is away
                sent = not behind or to_hq is None or await self._send_what_is_behind(aside, to_hq)
                if done and sent:
                    await asyncio.to_thread(rescued, aside)
        except (OSError, Refused, StorageRefused, Overloaded) as error:
            log.error("a journal that was set aside could not be read over: %s; the next start tries again", error)

    async def _hold(self, aside: Path) -> tuple[int, int, tuple[HqBatch, ...]]:
        """How many events are held now, how many lie behind damage, and the newest of both."""
        count = behind = 0
        newest: deque[HqBatch] = deque()
        pages = read(aside, self._store, self._register)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            newest.append(self._batch(page))
            while sum(len(batch.events) for batch in newest) - len(newest[0].events) >= NEWEST:
                newest.popleft()
            if page.whole:
                await self._take(newest[-1])
                count += len(page.events)
            else:
                behind += len(page.events)
        return count, behind, tuple(newest)

    def _batch(self, page: Page) -> HqBatch:
        return HqBatch(self._store, self._register, page.events[0].incarnation, page.events)

    async def _take(self, batch: HqBatch) -> None:
        for left in reversed(range(TRIES)):
            try:
                await self._holdings.take(batch, self._now_ms())
            except (Overloaded, StorageRefused):
                if not left:
                    raise
                await asyncio.sleep(RETRY_S)
            else:
                return

    async def _send_what_is_behind(self, aside: Path, to_hq: Callable[[HqBatch], Awaitable[HqAnswer]]) -> bool:
        """Whether HQ has all of it now. Waits for HQ as long as it takes."""
        complete = True
        pages = read(aside, self._store, self._register)
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            if page.whole:
                continue
            answer = await self._exchange(page, to_hq)
            complete &= all(verdict.verdict != "retryable" for verdict in answer.verdicts)
        if not complete:
            log.error("HQ lacks events that are damaged in %s: what is behind them waits there", aside.name)
        return complete

    async def _exchange(self, page: Page, to_hq: Callable[[HqBatch], Awaitable[HqAnswer]]) -> HqAnswer:
        batch, last = self._batch(page), page.events[-1]
        if self._sign is not None:
            head = sign_head(batch.store, batch.register, batch.incarnation, last.seq, last.hash, self._key, self._sign)
            batch = msgspec.structs.replace(batch, head=head)
        while True:
            try:
                return await to_hq(batch)
            except SinkTrouble as trouble:
                log.debug("not sent to HQ yet: %s", trouble)
                await asyncio.sleep(HQ_RETRY_S)


def read(aside: Path, store: str, register: str) -> Iterator[Page]:
    """Every event that can be read in the file and fits the chain. Blocking, a page at a time."""
    waiting = beside(aside, "-wal")
    with (
        suppress(apsw.Error, UnicodeDecodeError),
        closing(connect_reader(aside, immutable=not waiting.exists() or not waiting.stat().st_size)) as connection,
    ):
        # Whose they are the hashes tell: the row that says so may be what is damaged.
        rows: list[Any] = connection.execute("SELECT log_no, incarnation FROM logs ORDER BY log_no").fetchall()
        for log_no, incarnation in rows:
            yield from _log(connection, Log(log_no, store, register, incarnation))


def _log(connection: apsw.Connection, one: Log) -> Iterator[Page]:
    seq, limit, whole, skipped = 0, PAGE_EVENTS, True, 0
    while skipped < MOST_SKIPPED:
        page = _page(connection, one, seq, limit)
        if page:
            yield Page(page, whole)
            seq, limit = page[-1].seq, min(PAGE_EVENTS, limit * 2)
        elif limit > 1 and page is None:
            limit = 1  # up to the very event that can not be read
        elif seq + 1 >= _end(connection, one):
            return
        else:
            seq, whole, skipped = seq + 1, False, skipped + 1


def _page(connection: apsw.Connection, one: Log, seq: int, limit: int) -> tuple[Envelope, ...] | None:
    """The events behind `seq`, one at least, up to `PAGE_BYTES` of bodies. None where some of them can not be read."""
    try:
        found = read_envelopes(connection, one, seq, limit)
        size = 0
        for at, event in enumerate(found):
            size += len(event.body)
            if at and size > PAGE_BYTES:
                del found[at:]
                break
        if found and found[0].seq != seq + 1:
            return None
        verify(found, found[0].prev_hash if found and seq else GENESIS)
    except (apsw.Error, ChainBroken, msgspec.DecodeError, ValueError):
        return None
    return tuple(found)


def _end(connection: apsw.Connection, one: Log) -> int:
    try:
        return read_head(connection, one).seq
    except apsw.Error:
        return 0
