"""A register that lost its disk gets its own logs back from others, and theirs, in whatever order and in parts: what becomes of
a check does not depend on it. Nothing that was paid is open again, and the books count it once."""

import asyncio
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace
from tests.across.world import Logs, Register, arrivals, books_of, forgetful, what_counts

from tillkeeper.contract.envelope import Envelope
from tillkeeper.replication.model import LogId
from tillkeeper.sales.changing_hands import forked, hand_over, yields
from tillkeeper.sales.merge import Side, merge
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import rules_of

HOUR_MS = 3_600_000


class Story(NamedTuple):
    """`copy`: so much of the register's log is on its disk again."""

    logs: Logs
    now_ms: int
    copy: int = 0


def store() -> tuple[Register, Register, Register]:
    return Register("front"), Register("side"), Register("back")


def told(*registers: Register, copy: int = 0) -> Story:
    now_ms = max(one.now_ms for one in registers) + 60_000
    return Story({one.place: one.envelopes() for one in registers}, now_ms, copy)


def taken_and_paid() -> Story:
    front, side, _ = store()
    side.opens("tea", "soup")
    side.gives(front)
    front.adds("steak")
    front.pays()
    return told(front, side)


def taken_and_paid_in_part() -> Story:
    front, side, _ = store()
    side.opens("tea", "soup")
    side.pays(100)
    side.gives(front)
    front.pays(50)
    return told(front, side)


def from_hand_to_hand() -> Story:
    front, side, back = store()
    side.opens("tea")
    side.gives(front)
    front.adds("soup")
    front.pays(100)
    front.gives(back)
    back.adds("steak")
    back.gives(front)
    front.pays()
    return told(front, side, back)


def forked_and_yielded() -> Story:
    front, side, _ = store()
    side.opens("tea")
    front.begins(side, forked, hand=1, lost=False)
    side.adds("soup")
    side.yields(front)
    front.pays()
    return told(front, side)


def given_on() -> Story:
    front, side, back = store()
    side.opens("tea")
    side.gives(front)
    front.adds("soup")
    front.gives(back)
    back.pays()
    return told(front, side, back)


def given_back_after_the_copy() -> Story:
    front, side, _ = store()
    front.opens("tea")
    front.gives(side)
    copy = len(front.log)
    side.adds("soup")
    side.gives(front)
    front.pays()
    return told(front, side, copy=copy)


def paid_after_the_copy() -> Story:
    front, side, _ = store()
    side.opens("tea")
    side.gives(front)
    copy = len(front.log)
    front.adds("soup")
    front.pays()
    return told(front, side, copy=copy)


def yielded_for_a_lost_disk() -> Story:
    """Its owner lost it with its disk and says so: by a clock that stands before the time at which it was opened."""
    front, side, _ = store()
    side.opens("tea")
    front.begins(side, forked, hand=1, lost=False)
    front.pays()
    new = side.another_disk(is_copy=False, clock_ms=-HOUR_MS)
    new.says(yields(side.open_check, "front", 1))
    return told(front, side, new)


def given_by_an_older_copy() -> Story:
    """What its giver's disk had before that was put back to an older state is heard as well."""
    front, side, back = store()
    side.opens("tea")
    copy = side.another_disk(is_copy=True, clock_ms=HOUR_MS)
    side.pays()
    copy.gives(back)
    back.gives(copy)
    copy.gives(front)
    return told(front, side, back, copy, copy=len(front.log))


def opened_and_paid_here() -> Story:
    """Nobody gave it to this register: it is among those elsewhere until a person takes it."""
    front, side, _ = store()
    front.opens("tea")
    front.pays()
    return told(front, side)


def two_disks_lost() -> Story:
    first = taken_and_paid()

    async def second() -> Logs:
        async with forgetful(first.now_ms, [], "front-2") as front:
            for which, events in sorted(first.logs.items(), reverse=True):
                await front.hears(which, events)
            return first.logs | {LogId("front", "front-2"): front.journal.events("front-2", 0, 1_000)}

    return Story(asyncio.run(second()), first.now_ms + 60_000)


async def heard(story: Story, order: list[tuple[LogId, list[Envelope]]]) -> tuple[list[Check | None], Any]:
    """What the check came to each time, and all logs in the end."""
    copy = story.logs[LogId("front", "front-1")][: story.copy]
    async with forgetful(story.now_ms, copy) as front:
        for which, events in order:
            await front.hears(which, events)
        new = LogId("front", front.journal.incarnation)
        return front.came_to, story.logs | {new: front.journal.events(new.incarnation, 0, 1_000)}


def given_to_both_disks() -> Story:
    """Given on from the first disk, given back to the second one."""
    front, side, back = store()
    side.opens("tea")
    side.gives(front)
    front.gives(back)
    first = len(front.log)
    back.gives(front)
    front.pays()
    story = told(front, side, back)
    whole = story.logs.pop(front.place)
    began = replace(whole[0], incarnation="front-2")
    second = [began, *(replace(one, incarnation="front-2", seq=seq) for seq, one in enumerate(whole[first:], 2))]
    return story._replace(logs=story.logs | {front.place: whole[:first], LogId("front", "front-2"): second})


def paid_and_yielded_unheard() -> Story:
    """No disk is lost: who forked it gives it back before it has heard what was done here."""
    front, _, back = store()
    front.opens("tea")
    back.begins(front, forked, hand=1, lost=False)
    front.pays()
    front.yields(back)
    back.write(hand_over(back.open_check, "front"))
    return told(front, back, copy=len(front.log))


def wholes(story: Story) -> dict[LogId, list[list[Envelope]]]:
    first = LogId("front", "front-1")
    found = {which: [events[story.copy if which == first else 0 :]] for which, events in story.logs.items()}
    return {which: parts for which, parts in found.items() if parts[0]}


def halves(story: Story) -> dict[LogId, list[list[Envelope]]]:
    found = {}
    for which, events in story.logs.items():
        rest = events[story.copy :] if which == LogId("front", "front-1") else events
        middle = 1 + len(rest) // 2
        found[which] = [part for part in (rest[:middle], rest[middle:]) if part]
    return found


CLOSED, OPEN, NOT_HERE = ("closed", 1), ("open", 0), ("", 1)
"""How it stands here in the end, and how often the books of the store count it as sold."""


@pytest.mark.parametrize(
    ("tell", "expected"),
    [
        (taken_and_paid, CLOSED),
        (taken_and_paid_in_part, OPEN),
        (from_hand_to_hand, CLOSED),
        (forked_and_yielded, OPEN),
        (given_back_after_the_copy, CLOSED),
        (paid_after_the_copy, CLOSED),
        (two_disks_lost, CLOSED),
        (given_to_both_disks, CLOSED),
        (yielded_for_a_lost_disk, CLOSED),
        (given_by_an_older_copy, CLOSED),
        (paid_and_yielded_unheard, CLOSED),
        (given_on, NOT_HERE),
        (opened_and_paid_here, NOT_HERE),
    ],
)
def test_it_comes_to_the_same_in_whatever_order_logs_arrive(tell: Callable[[], Story], expected: tuple[str, int]) -> None:
    story = tell()
    paid = {event.body for events in story.logs.values() for event in events if event.type == "tender_recorded"}
    found: dict[Any, list[list[str]]] = {}
    in_parts = arrivals(halves(story)) if len(story.logs) < 4 else ()
    for order in (*arrivals(wholes(story)), *in_parts):
        came_to, logs = asyncio.run(heard(story, order))
        check, books = came_to[-1] if came_to else None, books_of(logs)
        here = check is not None and not check.elsewhere
        assert ((check.state if check is not None and here else ""), books.sales) == expected, order
        assert books.open_checks == 1 - books.sales
        if check is not None and here:
            assert len(check.payments) == len(paid)
            assert books.tenders["cash"].taken_minor == sum(one.amount_minor for one in check.payments)
        told = repr((what_counts(check) if check is not None and here else None, books))
        found.setdefault(told, []).append([f"{which.incarnation} {len(events)}" for which, events in order])
    assert len(found) == 1, found


def test_what_was_paid_on_the_lost_disk_is_at_no_moment_open_again() -> None:
    """Its giver is heard first. It waits for its own past; then check and payment are in one change."""
    story = taken_and_paid()

    async def scene() -> None:
        async with forgetful(story.now_ms, []) as front:
            front.knows = False
            own, side = (LogId(name, f"{name}-1") for name in ("front", "side"))
            await front.hears(side, story.logs[side])
            assert front.came_to == []
            await front.hears(own, story.logs[own])
            front.knows = True
            await front.looks()
            assert [check.state for check in front.came_to if check is not None] == ["closed"]

    asyncio.run(scene())


class Parting(NamedTuple):
    """What two disks of a register do with one check: `before` the copy was made, then each by itself."""

    before: Callable[[Register], None]
    first: Callable[[Register], None]
    copy: Callable[[Register], None]


PARTINGS = {
    "paid": Parting(lambda one: None, lambda one: one.pays(10), lambda one: one.pays(50)),
    "rung": Parting(lambda one: None, lambda one: one.pays(10), lambda one: one.adds("soup")),
    "given back": Parting(Register.pays, lambda one: one.refunds(10), lambda one: one.refunds(50)),
}


def added_to(check: Check) -> set[str]:
    lines, paid = (line.line_id for line in check.lines), (one.tender_id for one in check.payments)
    return {*lines, *paid, *(one.refund_id for one in check.refunds)}


@pytest.mark.parametrize("parting", PARTINGS.values(), ids=PARTINGS)
def test_a_place_that_another_holds_another_event_of_is_not_known_to_it(parting: Parting) -> None:
    """The older copy wrote the log on. Who forked the check has what the first disk wrote there, merges what the copy wrote
    after it, and gives it back."""
    front, side, _ = store()
    front.opens("tea", "steak")
    parting.before(front)
    first = deepcopy(front)
    parting.first(first)
    parting.copy(front)
    assert first.at == front.at
    side.begins(first, forked, hand=1, lost=False)
    front.yields(side)
    stood = first.open_check
    first.yields(side)
    beside = Side("front", stood, first.open_check, (yields(stood, "side", 1),), front.at)
    side.write(merge(side.open_check, beside, rules_of(side.config.store), side.now_ms).event)
    side.write(hand_over(side.open_check, "front"))

    async def scene() -> None:
        async with forgetful(front.now_ms + 60_000, front.envelopes()) as again:
            await again.hears(side.place, side.envelopes())
            check = again.came_to[-1]
            assert check is not None
            assert not check.elsewhere
            assert added_to(check) == {*added_to(front.open_check), *added_to(first.open_check)}
            told = len(again.came_to)
            await again.looks()
            assert len(again.came_to) == told

    asyncio.run(scene())
