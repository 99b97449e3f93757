"""A member of the store with valid keys that is out of its mind: what it writes must end nobody, nor be kept from anybody."""

import asyncio
import logging
from pathlib import Path

import pytest
from tests.replication.logs_of_others import altered, rehashed, sales
from tests.replication.registers import Corner, corner, until

from tillkeeper.across.elsewhere import Directory
from tillkeeper.across.entries import MAX_EVENTS
from tillkeeper.contract.base import Event
from tillkeeper.contract.day import RegisterParked
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckNumbered
from tillkeeper.contract.placing import MAX_INT, POISON, Held, place, read_event
from tillkeeper.contract.together import CheckHandedOver
from tillkeeper.day.index import DayIndex
from tillkeeper.journal.records import Batch, NewEvent
from tillkeeper.replication.following import Following
from tillkeeper.replication.model import LogId


@pytest.mark.parametrize("number", [2**63, 2**70, -(2**70), MAX_INT + 1])
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("register_parked", '{"register":"a","n":%d,"reason":"x"}'),
        ("check_handed_over", '{"check_id":"c","to":"a","hand":%d}'),
        ("gap_declared", '{"day":"2026-11-22","register":"a","held":{"x":1,"y":%d},"reason":"x"}'),
        (
            "check_forked",
            '{"check_id":"c","from_register":"a","hand":1,"at":{},"ticket_code":"B","business_day":"","check":[%d]}',
        ),
    ],
)
def test_a_number_that_nobody_can_keep_is_set_aside(kind: str, body: str, number: int) -> None:
    good = altered(sales(1).events[0], seq=1, type=kind, version=1, body=body % MAX_INT)
    assert place(Held(), rehashed(good), lambda _seq: None).verdict == "stored"
    bad = rehashed(altered(good, body=body % number))
    placed = place(Held(), bad, lambda _seq: None)
    assert (placed.verdict, placed.reason, placed.keeps, placed.held.held_seq) == ("rejected", POISON, "both", 1)
    assert read_event(bad) is None, "no follower is given it"


def test_what_one_register_writes_ends_no_other(tmp_path: Path) -> None:
    async def scene(store: Corner) -> None:
        a, b = store["a"], store["b"]
        following = Following(a.library, a.journal)
        following.add(DayIndex())
        following.add(Directory(a.library))
        big = 2**70
        mad: list[Event] = [RegisterParked(register="a", n=big, reason="x"), CheckHandedOver(check_id="c", to="a", hand=big)]
        await b.journal.append(Batch(events=tuple(NewEvent(event, "2026-11-22", 1) for event in mad)))
        await b.sell(3)
        await until(lambda: a.holds(b.own) == b.journal.last_seq)
        await following.caught_up()
        await following.keep()

    async def run() -> None:
        async with corner(tmp_path, "a", "b") as store:
            await scene(store)

    asyncio.run(run())


class Formless:
    """A follower whose state can not be written down."""

    name, kinds = "formless", None

    def take(self, envelope: Envelope, event: Event) -> None:
        pass

    def dump(self) -> bytes:
        raise OverflowError

    def load(self, state: bytes) -> None:
        raise AssertionError


def test_a_room_that_can_not_bear_what_it_was_given_stops_nobody_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scene(store: Corner) -> None:
        a = store["a"]
        following, told = Following(a.library, a.journal), []
        following.add(Formless())
        following.add(DayIndex())

        def fails() -> None:
            raise ZeroDivisionError

        following.changed += [fails, lambda: told.append(1)]
        await a.sell(3)
        with caplog.at_level(logging.CRITICAL, logger="tillkeeper"):
            await following.caught_up()
            await following.keep()
        assert told
        assert a.journal.setting("following.day") is not None
        assert a.journal.setting("following.formless") is None

    async def run() -> None:
        async with corner(tmp_path, "a") as store:
            await scene(store)

    asyncio.run(run())


class Endless:
    """A log in which there is nothing but numbers of one check."""

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        return [numbered(log, seq) for seq in range(after_seq + 1, after_seq + 1 + limit)]


def numbered(log: LogId, seq: int) -> Envelope:
    return Envelope("s", *log, seq, "check_numbered", 1, "2026-11-23", 1, '{"check_id":"c","number":1}', "", "")


def test_a_check_that_is_written_about_without_end_takes_no_more_room() -> None:
    """Nor time: all that is known of a check is gone through each time something is heard of it."""
    log, directory = LogId("mad", "i"), Directory(Endless())
    for seq in range(1, MAX_EVENTS + 50):
        if seq == 10:
            assert len(directory.strand("c", log).ops) == 9, "somebody looks at it"
        directory.take(numbered(log, seq), CheckNumbered(check_id="c", number=1))
    assert len(directory.strand("c", log).ops) == MAX_EVENTS
    again = Directory(Endless())
    again.load(directory.dump())
    assert again.strands("c") == directory.strands("c")
