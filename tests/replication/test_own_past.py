"""A journal that was damaged and set aside: what can be read of it still reaches the others and HQ."""

import asyncio
import shutil
from pathlib import Path

import apsw
import pytest
from tests.journal.test_damage import DAMAGE, fill, truncate, wal
from tests.journal.world import opened, sale
from tests.replication.logs_of_others import ToyKey, everything, toy_verify
from tests.replication.memory_holdings import MemoryHoldings, RefusingDisk

from tillkeeper.contract.chain import GENESIS, verify
from tillkeeper.contract.envelope import HqBatch
from tillkeeper.contract.signing import check_head
from tillkeeper.replication import own_past
from tillkeeper.replication.library import Library
from tillkeeper.replication.model import LogId

STORE, REGISTER, NOW = "store-1", "till-b", 1_774_750_000_000
KEY = ToyKey(REGISTER)


async def sold(path: Path) -> tuple[LogId, list[object]]:
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


async def taken_over(path: Path, held: MemoryHoldings) -> int:
    return await own_past.take_over(path, STORE, REGISTER, held, lambda: NOW)


def alter_an_old_event(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("UPDATE events SET body = replace(body, 'online', 'onlime') WHERE id & 1099511627775 = 70")
    connection.close()
    path.with_name("journal.db.suspect").touch()


def test_all_of_it_is_sent_signed_again_and_read_over_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        path = tmp_path / "journal.db"
        log, events = await sold(path)
        assert not own_past.has_past(path)
        alter_an_old_event(path)
        held = MemoryHoldings(STORE)
        async with opened(path) as journal:
            assert own_past.has_past(path)
            assert await taken_over(path, held) == 69
            assert everything(held, log) == events[:69]
            verify(everything(held, log), GENESIS)
            library = Library(journal, held, KEY.key, KEY.sign)
            assert library.heads()[log].seq == 69
            for after in range(0, 69, 23):
                sent = HqBatch(STORE, *log, tuple(library.events(log, after, 23)), library.head_for(log, after + 23))
                assert check_head(sent, {KEY.key}, toy_verify, relayed=True) == sent
            assert not own_past.has_past(path)
            assert await taken_over(path, held) == 0

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
        assert not own_past.has_past(path)

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
            assert await taken_over(path, held) == 0
            assert own_past.has_past(path), "the next start tries again"
            disk.refuses = False
            assert await own_past.take_over(path, STORE, "till-c", MemoryHoldings(STORE), lambda: NOW) == 0
        assert log not in held.marks()

    asyncio.run(scenario())
