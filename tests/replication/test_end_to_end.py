"""The real journal, the real link and the real HQ: sold here, counted there."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
from tests.hq.world import DAY, STORE, Hq, Log, running, token
from tests.support.hq_access import access

from tillkeeper import clock
from tillkeeper.config.model import Hq as HqConfig
from tillkeeper.contract.books import Books, DayBooks, day_books, post
from tillkeeper.contract.envelope import NumberAssigned
from tillkeeper.contract.events import CheckNumbered, CheckOpened, decode_body
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.replication.hq import HqLink
from tillkeeper.replication.http import HttpTransport
from tillkeeper.replication.outgoing import OwnLogs, Selected

DEADLINE_S = 60.0


class Till:
    """Journals the numbers and the cursor in one append."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.numbers: dict[str, int] = {}

    async def numbers_assigned(self, numbers: Sequence[NumberAssigned], settings: dict[str, bytes]) -> None:
        fresh = [n for n in numbers if n.check_id not in self.numbers]
        events = tuple(NewEvent(CheckNumbered(check_id=n.check_id, number=n.number), DAY, 0) for n in fresh)
        await self.journal.append(Batch(events=events, settings=settings))
        self.numbers |= {n.check_id: n.number for n in fresh}


async def sell(journal: Journal, seed: int, link: HqLink) -> None:
    """A day's events, taken from a log made by hand."""
    made = Log("till-1", f"day-{seed}")
    made.day_at(random.Random(seed), 30)
    for one in made.events:
        event = decode_body(one.type, one.body.encode())
        assert event is not None
        await journal.append(Batch(events=(NewEvent(event, one.business_day, one.at_ms),)))
        link.notify()


def own_books(journal: Journal) -> tuple[DayBooks, set[str]]:
    books: Books = {}
    opened = set()
    for log in journal.logs():
        for one in journal.events(log.incarnation, 0, log.last_seq):
            event = decode_body(one.type, one.body.encode())
            assert event is not None
            post(books, event, one.business_day)
            if isinstance(event, CheckOpened):
                opened.add(event.check_id)
    return day_books(books, DAY), opened


async def outage(journal: Journal, hq: Hq) -> None:
    """Sold with HQ there, HQ killed while more is sold, sold without it, and HQ back."""
    till, news = Till(journal), asyncio.Event()
    config = HqConfig(url=hq.url, beat_s=0.05, timeout_s=5.0)
    transport = HttpTransport(access(config, token("till-1")))
    link = HqLink(
        journal, Selected(OwnLogs(journal), journal), config, transport, till, store=STORE, changed=news.set
    )
    task = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(DEADLINE_S):
            await sell(journal, 1, link)
            selling = asyncio.create_task(sell(journal, 2, link))
            hq.kill()
            await selling
            await sell(journal, 3, link)
            while not link.status().trouble:
                news.clear()
                await news.wait()
            assert link.status().unsynced > 0
            await asyncio.to_thread(hq.end)
            await asyncio.to_thread(hq.restart_at, hq.url)
            link.poke()
            while link.status().unsynced or link.status().trouble:
                news.clear()
                await news.wait()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    books, opened = own_books(journal)
    assert books.sales > 30
    assert await asyncio.to_thread(hq.books) == books
    assert set(till.numbers) == opened
    assert len(set(till.numbers.values())) == len(opened)
    sent = journal.events(journal.incarnation, 0, 10_000)
    back = await asyncio.to_thread(hq.get, "/v1/events", register="till-1", incarnation=journal.incarnation, limit=1000)
    assert back["events"] == msgspec.to_builtins(sent[:1000])


def test_an_outage_ends_with_equal_books(tmp_path: Path) -> None:
    async def scene() -> None:
        options = {"wall_ms": clock.wall_ms, "new_id": clock.new_id, "machine_id": "m", "reserve_bytes": 0}
        async with await Journal.open(tmp_path / "journal.sqlite3", STORE, "till-1", **options) as journal:
            await outage(journal, hq)

    with running(tmp_path) as hq:
        asyncio.run(scene())
