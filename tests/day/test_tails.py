"""A register that is asked where its day ends: fenced by epochs, the same answer twice, later days from then on."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.till.world import config_in

from tillkeeper import clock
from tillkeeper.contract.day import DayAsk
from tillkeeper.contract.days import next_day
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckVoided
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.index import DayIndex
from tillkeeper.day.tails import DayTails, TailParts
from tillkeeper.errors import Refused
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.replication.following import Following
from tillkeeper.replication.outgoing import OwnLogs
from tillkeeper.till.stamp import Stamp


class Register:
    """One that hears of epochs; `busy`: commands on their way to being durable; `looked`: somebody has
    asked whether there are any."""

    def __init__(self, journal: Journal, folder: Path) -> None:
        self.journal, self.index, self.busy = journal, DayIndex(), 0
        self.stamp = Stamp(config_in(folder).store, clock.wall_ms)
        self.highest = Epoch()
        self.looked = asyncio.Event()
        following = Following(OwnLogs(journal), journal)
        following.add(self.index)
        self.tails = DayTails(
            TailParts(
                journal=journal, stamp=self.stamp, index=self.index, caught_up=following.caught_up, admit=self._admit,
                in_hand=self._in_hand, changed=lambda: None,
            )
        )  # fmt: skip

    async def _admit(self, epoch: Epoch) -> bool:
        if epoch < self.highest:
            return False
        self.highest = epoch
        return True

    def _in_hand(self) -> bool:
        self.looked.set()
        return self.busy > 0

    async def sell(self) -> None:
        event = self.stamp(CheckVoided(check_id=clock.new_id(), reason="left"))
        await self.journal.append(Batch(events=(event,)))

    @property
    def written(self) -> list[Envelope]:
        return self.journal.events(self.journal.incarnation, 0, 500)


def with_register(folder: Path, scene: Callable[[Register], Awaitable[None]], machine: str = "one") -> None:
    async def scenario() -> None:
        path = folder / "journal.db"
        async with await Journal.open(
            path, "s", "r", wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id=machine
        ) as journal:
            await scene(Register(journal, folder))

    asyncio.run(scenario())


def test_it_ends_its_day_once_and_stamps_the_next_also_after_a_restart(tmp_path: Path) -> None:
    days: list[str] = []

    async def asked(register: Register) -> None:
        today = register.stamp.today()
        days.append(today)
        await register.sell()
        first = await register.tails.asked(DayAsk(today, Epoch(1, "a")))
        await register.sell()
        assert await register.tails.asked(DayAsk(today, Epoch(1, "a"))) == first
        assert register.written[first.seq - 1].type == "day_tail_declared"
        assert [one.business_day for one in register.written if one.type == "check_voided"] == [today, next_day(today)]

    async def again(register: Register) -> None:
        assert register.stamp.today() == next_day(days[0])
        await register.sell()
        assert register.written[-1].business_day == next_day(days[0])

    with_register(tmp_path, asked)
    with_register(tmp_path, again)


def test_a_lower_epoch_than_one_that_was_seen_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async def scene(register: Register) -> None:
        today = register.stamp.today()
        register.highest = Epoch(2, "b")
        with pytest.raises(Refused) as refused:
            await register.tails.asked(DayAsk(today, Epoch(1, "a")))
        assert refused.value.code == "epoch_too_low"
        assert register.stamp.today() == today
        await register.tails.asked(DayAsk(today, Epoch(3, "a")))
        assert register.stamp.today() == next_day(today)

    with_register(tmp_path, scene)


def test_a_day_that_has_not_come_here_is_not_ended(tmp_path: Path) -> None:
    async def scene(register: Register) -> None:
        today = register.stamp.today()
        with pytest.raises(Refused) as refused:
            await register.tails.asked(DayAsk(next_day(next_day(today)), Epoch()))
        assert refused.value.code == "day_ahead"
        assert register.stamp.today() == today

    with_register(tmp_path, scene)


def test_what_is_on_its_way_to_the_disk_comes_before_the_tail(tmp_path: Path) -> None:
    """It is stamped with the day that ends: behind the tail it would be an adjustment."""

    async def scene(register: Register) -> None:
        today = register.stamp.today()
        made = register.stamp(CheckVoided(check_id=clock.new_id(), reason="left"))
        register.busy = 1
        asked = asyncio.create_task(register.tails.asked(DayAsk(today, Epoch())))
        await register.looked.wait()
        assert register.stamp.today() == next_day(today)
        await register.journal.append(Batch(events=(made,)))
        register.busy = 0
        tail = await asked
        (sold,) = [one for one in register.written if one.type == "check_voided"]
        assert (sold.business_day, sold.seq < tail.seq) == (today, True)

    with_register(tmp_path, scene)


def test_a_new_log_of_the_register_ends_its_day_anew(tmp_path: Path) -> None:
    """An older log's tail says nothing about what is written in another."""
    told: list[tuple[str, str]] = []

    async def first(register: Register) -> None:
        today = register.stamp.today()
        tail = await register.tails.asked(DayAsk(today, Epoch()))
        told.append((today, tail.incarnation))

    async def second(register: Register) -> None:
        tail = await register.tails.asked(DayAsk(told[0][0], Epoch()))
        assert tail.incarnation == register.journal.incarnation != told[0][1]
        assert register.index.is_followed("r", told[0][1])

    with_register(tmp_path, first)
    with_register(tmp_path, second, machine="another")


@pytest.mark.parametrize("day", ["2026-02-31", "0000-00-00", "0001-13-01"])
def test_what_is_no_day_of_a_calendar_is_refused_and_changes_nothing(tmp_path: Path, day: str) -> None:
    async def scene(register: Register) -> None:
        today, before = register.stamp.today(), len(register.written)
        with pytest.raises(Refused) as refused:
            await register.tails.asked(DayAsk(day, Epoch(7, "b")))
        assert refused.value.code == "no_day"
        assert (register.stamp.today(), len(register.written), register.highest) == (today, before, Epoch())

    with_register(tmp_path, scene)
