"""The sums behind reports: kept in between, found again after a restart, and numbers that outlive a lost journal."""

import asyncio
from itertools import count
from pathlib import Path

import pytest
from tests.cash.world import DRAWER, Till, at_till
from tests.till.world import config_in

from tillkeeper.cash.sessions import Session
from tillkeeper.contract.cash import CashMoved, DrawerSessionOpened
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.till import drawer_ledger
from tillkeeper.till.drawer_ledger import DrawerLedger

MOVES = 1_234


def test_it_keeps_its_place_and_counts_each_event_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawer_ledger, "KEEP_EVERY", 600)
    ids = count()

    async def opened() -> Journal:
        path, new_id = tmp_path / "journal.db", lambda: f"{next(ids):026d}"
        return await Journal.open(path, "s", "front", wall_ms=lambda: 1, new_id=new_id, machine_id="m")

    async def move(journal: Journal, session: str, number: int) -> None:
        moved = [
            CashMoved(movement_id=f"m{at}", session_id=session, drawer="d", kind="paid_in", amount_minor=1, reason="r")
            for at in range(number)
        ]
        await journal.append(Batch(events=tuple(NewEvent(event, "2030-01-01", 1) for event in moved)))

    async def first() -> Session:
        async with await opened() as journal:
            await move(journal, "S0", 700)  # of a session long gone: before this one it is not even looked at
            after = {log.incarnation: log.last_seq for log in journal.logs()}
            session = Session(session_id="S1", drawer="d", opened_at_ms=1, float_minor=10, after=after)
            begun = DrawerSessionOpened(session_id="S1", drawer="d", float_minor=10)
            await journal.append(Batch(events=(NewEvent(begun, "2030-01-01", 1),)))
            await move(journal, "S1", MOVES)
            ledger = DrawerLedger(journal, "EUR")
            assert (await ledger.figures(session, ())).expected_minor == {"EUR": 10 + MOVES}
            assert (await ledger.figures(session, ())).expected_minor == {"EUR": 10 + MOVES}
            return session

    async def second(session: Session) -> None:
        async with await opened() as journal:
            assert journal.setting("drawer_ledger") is not None
            await move(journal, "S1", 5)
            ledger = DrawerLedger(journal, "EUR")
            asked = await asyncio.gather(*(ledger.figures(session, ()) for _ in range(3)))
            assert {one.paid_in_minor for one in asked} == {MOVES + 5}

    asyncio.run(second(asyncio.run(first())))


def test_a_lost_journal_takes_no_z_number_with_it(tmp_path: Path) -> None:
    config = config_in(tmp_path)

    async def shift(till: Till) -> None:
        await till.open(0)
        await till.count(USD=0)
        told.append((await till.close())["report"]["session"]["number"])
        listed = [one["number"] for one in (await till.get(f"{DRAWER}/sessions"))["sessions"]]
        assert listed[0] == told[-1]

    told: list[int] = []
    for _ in range(2):
        at_till(config, shift)
    for file in Path(config.data_dir).glob("journal.db*"):
        file.unlink()
    at_till(config, shift)
    assert told == [1, 2, 3]
