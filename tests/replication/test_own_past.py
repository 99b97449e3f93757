"""A journal that was damaged and set aside: what can be read of it still reaches the others and HQ."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.journal.test_damage import DAMAGE, fill, truncate, wal
from tests.journal.world import opened, sale
from tests.replication.logs_of_others import ToyKey, asides, everything, toy_verify
from tests.replication.memory_holdings import MemoryHoldings, RefusingDisk

from tillkeeper.contract.chain import GENESIS, verify
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.signing import check_head
from tillkeeper.replication import own_past
from tillkeeper.replication.held.rescue import to_rescue
from tillkeeper.replication.library import Library
from tillkeeper.replication.model import LogId
from tillkeeper.replication.own_past import OwnPast
from tillkeeper.replication.trouble import SinkTrouble

STORE, REGISTER, NOW = "store-1", "till-b", 1_774_750_000_000
KEY = ToyKey(REGISTER)


async def sold(path: Path) -> tuple[LogId, list[Envelope]]:
    """40 orders, then the process dies: the newest are in the -wal file only."""
    incarnation, _ = await fill(path)
    async with opened(path) as journal:
        for n in range(10):
            await journal.append(sale(f"k{n}"))
        kept = path.with_name("crashed.db")
        for ending in ("", "-wal"):
            shutil.copy(f"{path}{ending}", f"{kept}{ending}")
        events = journal.events(incarnation, 0, 10_000)
    for ending in ("", "-wal"):
        shutil.move(f"{kept}{ending}", f"{path}{ending}")
    return LogId(REGISTER, incarnation), list(events)


async def taken_over(path: Path, held: MemoryHoldings, register: str = REGISTER, **more: Any) -> None:
    await OwnPast(path, STORE, register, held, lambda: NOW, **more).take_over()


def is_read_over(path: Path) -> bool:
    return not to_rescue(path)


def alter_an_old_event(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE events SET body = replace(body, 'online', 'onlime') WHERE id & 1099511627775 = 70")
    connection.close()
    path.with_name("journal.db.suspect").touch()


def test_all_of_it_is_sent_signed_again_and_read_over_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        log, events = await sold(path)
        assert is_read_over(path)
        alter_an_old_event(path)
        held = MemoryHoldings(STORE)
        async with opened(path) as journal:
            assert not is_read_over(path)
            await taken_over(path, held)
            assert everything(held, log) == events[:69]
            verify(everything(held, log), GENESIS)
            library = Library(journal, held, KEY.key, KEY.sign)
            assert library.heads()[log].seq == 69
            for after in range(0, 69, 23):
                sent = HqBatch(STORE, *log, tuple(library.events(log, after, 23)), library.head_for(log, after + 23))
                assert check_head(sent, {KEY.key}, toy_verify, relayed=True) == sent
            assert is_read_over(path)
            before = held.marks()
            await taken_over(path, held)
            assert held.marks() == before

    asyncio.run(scenario())


def test_what_is_in_the_wal_file_only_is_read_too(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        log, events = await sold(path)
        size = wal(path).stat().st_size
        with wal(path).open("r+b") as file:  # a hole in the middle of the log
            file.seek(32 + (size - 32) // 4120 // 2 * 4120)
            file.write(b"\0" * 4120)
        held = MemoryHoldings(STORE)
        async with opened(path) as journal:
            assert "damaged" in journal.alarms[0]
            await taken_over(path, held)
        found = everything(held, log)
        assert found == events[: len(found)]
        assert 121 < len(found) < len(events)

    asyncio.run(scenario())


@pytest.mark.parametrize("damage", DAMAGE)
def test_no_damage_makes_it_fail_or_lie(tmp_path: Path, damage: str) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        incarnation, _ = await fill(path)
        async with opened(path) as journal:
            events = journal.events(incarnation, 0, 10_000)
        DAMAGE[damage](path)
        held = MemoryHoldings(STORE)
        async with opened(path):
            await taken_over(path, held)
        found = everything(held, LogId(REGISTER, incarnation))
        assert found == events[: len(found)]
        assert is_read_over(path)

    asyncio.run(scenario())


def test_it_waits_for_the_disk_and_of_another_register_nothing_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_past, "RETRY_S", 0.0)

    async def scenario() -> None:
        path = tmp_path / "journal.db"
        log, _ = await sold(path)
        truncate(path)
        path.with_name("journal.db.suspect").touch()
        disk = RefusingDisk()
        held = MemoryHoldings(STORE, disk)
        async with opened(path):
            disk.refuses = True
            await taken_over(path, held)
            assert not is_read_over(path), "the next start tries again"
            disk.refuses = False
            others = MemoryHoldings(STORE)
            await taken_over(path, others, "till-c")
            assert others.marks() == {}
        assert log not in held.marks()

    asyncio.run(scenario())


@pytest.mark.parametrize("damaged", ["content", "row", "many rows"])
def test_what_is_behind_the_damage_goes_to_hq_which_has_what_is_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    monkeypatch.setattr(own_past, "HQ_RETRY_S", 0.0)
    monkeypatch.setattr(own_past, "PAGE_BYTES", 3_000)

    async def scenario() -> None:
        path = tmp_path / "journal.db"
        log, events = await sold(path)
        if damaged == "content":
            alter_an_old_event(path)
        else:
            connection = apsw.Connection(str(path))
            last = 70 if damaged == "row" else 79
            connection.execute("DELETE FROM events WHERE id & 1099511627775 BETWEEN 70 AND ?", (last,))
            connection.close()
            path.with_name("journal.db.suspect").touch()
        hq, held = MemoryHoldings(STORE), MemoryHoldings(STORE)
        await hq.take(HqBatch(STORE, *log, tuple(events[:100])), NOW)
        away = iter([True, True, False, True])

        async def exchange(sent: HqBatch) -> HqAnswer:
            if next(away, False):
                raise SinkTrouble("unreachable", "HQ", "the line is cut")
            assert check_head(sent, {KEY.key}, toy_verify, relayed=False) == sent
            return await hq.take(sent, NOW)

        async with opened(path):
            await taken_over(path, held, to_hq=exchange, key=KEY.key, sign=KEY.sign)
            assert is_read_over(path)
        assert everything(held, log) == events[:69]
        assert everything(hq, log) == events
        assert asides(hq) == []

    asyncio.run(scenario())


def test_where_hq_lacks_what_is_damaged_it_waits_for_another_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        log, events = await sold(path)
        alter_an_old_event(path)
        hq, held = MemoryHoldings(STORE), MemoryHoldings(STORE)
        await hq.take(HqBatch(STORE, *log, tuple(events[:50])), NOW)

        async def exchange(sent: HqBatch) -> HqAnswer:
            return await hq.take(sent, NOW)

        async with opened(path):
            await taken_over(path, held, to_hq=exchange)
            assert not is_read_over(path)
            assert len(everything(hq, log)) == 50
            await hq.take(HqBatch(STORE, *log, tuple(events[:70])), NOW)  # another register relays what it holds
            await taken_over(path, held, to_hq=exchange)
            assert is_read_over(path)
            assert everything(hq, log) == events

    asyncio.run(scenario())


def test_the_newest_events_are_recalled_until_that_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_past, "PAGE_EVENTS", 10)
    monkeypatch.setattr(own_past, "NEWEST", 20)

    async def scenario() -> None:
        path = tmp_path / "journal.db"
        _, events = await sold(path)
        alter_an_old_event(path)
        told: list[Envelope] = []
        answers = iter((False, True))

        async def recall(batches: Sequence[HqBatch]) -> bool:
            told[:] = [event for batch in batches for event in batch.events]
            return next(answers)

        async with opened(path):
            past = OwnPast(path, STORE, REGISTER, MemoryHoldings(STORE), lambda: NOW)
            await past.take_over(recall=recall)
            assert not is_read_over(path), "the disk refused: the next start does it again"
            await past.take_over(recall=recall)
            assert is_read_over(path)
            assert told == events[-len(told) :]
            assert 20 <= len(told) < 30

    asyncio.run(scenario())


def test_where_hq_is_away_no_other_damaged_journal_waits_for_it(tmp_path: Path) -> None:
    """A disk that fails does so twice. In an outage the kitchen waits for what only the second one has; and what that one says
    was printed is not printed once more for the first."""

    async def scenario() -> None:
        path = tmp_path / "journal.db"
        first, events = await sold(path)
        alter_an_old_event(path)
        async with opened(path) as journal:
            second = LogId(REGISTER, journal.incarnation)
            for n in range(70):
                await journal.append(sale(f"s{n}"))
            more = list(journal.events(second.incarnation, 0, 10_000))
        alter_an_old_event(path)
        held, told, both = MemoryHoldings(STORE), list[set[LogId]](), asyncio.Event()

        async def away(_sent: HqBatch) -> HqAnswer:
            raise SinkTrouble("unreachable", "HQ", "the line is cut")

        async def recall(batches: Sequence[HqBatch]) -> bool:
            told.append({LogId(batch.register, batch.incarnation) for batch in batches})
            both.set()
            return True

        async with opened(path):
            past = OwnPast(path, STORE, REGISTER, held, lambda: NOW, away)
            working = asyncio.create_task(past.take_over(recall=recall))
            try:
                async with asyncio.timeout(20):
                    await both.wait()
            finally:
                working.cancel()
                await asyncio.wait({working})
            assert told == [{first, second}]
            assert everything(held, first) == events[:69]
            assert everything(held, second) == more[:69]
            assert not is_read_over(path), "HQ does not have all of it"

    asyncio.run(scenario())
