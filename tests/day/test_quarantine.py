"""What is in quarantine has a place in its log and no part in a day: a register adds up what HQ does, to the cent."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from tests.hq.world import DAY, STORE, running
from tests.journal.world import opened
from tests.replication.logs_of_others import altered, batch, fork, log_id, rehashed, sales

from tillkeeper.contract.day import DayClosed, DayFigures
from tillkeeper.contract.days import next_day
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.figures import DayBooks
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.books import BookParts, StoreDays
from tillkeeper.day.index import DayIndex
from tillkeeper.journal.journal import Journal
from tillkeeper.replication.following import Following
from tillkeeper.replication.held.held import HeldLogs
from tillkeeper.replication.library import Library

NOW_MS = 1_795_000_000_000


def damaged() -> list[HqBatch]:
    """A payment that was changed on its author's disk."""
    events = sales(3).events
    events[4] = altered(events[4], body=events[4].body.replace("101", "9101"))
    return [batch(events)]


def of_two_machines() -> list[HqBatch]:
    """The end of one branch, and then what a copy of its disk wrote behind that place."""
    log = sales(3)
    other = fork(log, 3, "copy", 4)
    return [batch(log.events[:7]), batch(other.events[3:])]


def out_of_range() -> list[HqBatch]:
    """A sale at a time that nobody's clock can show."""
    log = sales(2)
    last = rehashed(log.events[5], at_ms=-5)
    return [batch([*log.events[:5], last])]


class Till:
    """A register that holds logs of others."""

    def __init__(self, journal: Journal, held: HeldLogs) -> None:
        self.held, self.index = held, DayIndex()
        self.library = Library(journal, held)
        self._following = Following(self.library, journal)
        self._following.add(self.index)
        self._days = StoreDays(BookParts(logs=self.library, index=self.index, caught_up=self._following.caught_up))

    async def figures(self, day: str = DAY) -> DayFigures:
        return await self._days.figures(day)


def at_a_till(folder: Path, scene: Callable[[Till], object]) -> None:
    async def run() -> None:
        held_logs = await HeldLogs.open(folder / "held.db", STORE, wall_ms=lambda: NOW_MS, min_free_bytes=0)
        async with held_logs as held, opened(folder / "journal.db", store=STORE) as journal:
            await scene(Till(journal, held))  # type: ignore[misc]

    asyncio.run(run())


@pytest.mark.parametrize("comes", [damaged, of_two_machines, out_of_range])
def test_a_register_and_hq_come_to_the_same_beside_a_rejected_event(
    comes: Callable[[], Sequence[HqBatch]], tmp_path: Path
) -> None:
    found: list[DayBooks] = []

    async def scene(till: Till) -> None:
        for one in comes():
            await till.held.take(one, NOW_MS)
        found.append(msgspec.structs.replace((await till.figures()).books, open_checks=0))
        (mark,) = till.held.marks().values()
        aside = [one.envelope for one in till.held.quarantined(0, 100) if one.in_log]
        assert len(aside) == 1
        assert aside[0] in till.library.events(mark.log, 0, 100), "it has its place, for whoever gets the log from here"
        assert till.held.alarms

    at_a_till(tmp_path, scene)
    with running(tmp_path) as hq:
        for one in comes():
            hq.send(one)
        # HQ reckons open checks from how many were opened and ended; of a check that two machines had one event may be missing.
        assert found == [msgspec.structs.replace(hq.books(), open_checks=0)]
        assert found[0].sales > 0


def test_what_a_register_wrote_after_it_left_is_in_no_day_and_ends_none(tmp_path: Path) -> None:
    log = sales(2)
    left_at = len(log.events)
    log.sale("of the thief", 5_000)
    figures = DayFigures(books=DayBooks(business_day=DAY))
    tails = {log.register: {log.incarnation: len(log.events)}}
    log.add(DayClosed(day=DAY, z=1, epoch=Epoch(1, log.register), tails=tails, figures=figures))

    async def scene(till: Till) -> None:
        await till.held.take(batch(log.events), NOW_MS, last_accepted=left_at)
        books = (await till.figures()).books
        assert (books.sales, books.gross_minor, books.tenders["cash"].kept_minor) == (2, 201, 201)
        assert not till.index.closes
        assert (await till.figures(next_day(DAY))).books.sales == 0
        assert till.library.events(log_id(log), left_at, 1) == log.events[left_at : left_at + 1]

    at_a_till(tmp_path, scene)
