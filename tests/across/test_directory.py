"""What the directory says is a function of the events that were heard, not of the order in which logs came."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.across.world import DAY, Logs, Register

from tillkeeper.across.elsewhere import Directory
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.placing import read_event
from tillkeeper.replication.model import LogId
from tillkeeper.sales.changing_hands import forked, yields

NAMES = ("front", "side")
HOUR_MS = 3_600_000


def yielded_for_a_lost_disk(clock_ms: int) -> tuple[Register, ...]:
    front, side = map(Register, NAMES)
    side.opens("tea")
    front.begins(side, forked, hand=1, lost=False)
    front.pays()
    new = side.another_disk(is_copy=False, clock_ms=clock_ms)
    new.says(yields(side.open_check, "front", 1))
    return front, side, new


def yielded_and_taken_again(clock_ms: int) -> tuple[Register, ...]:
    front, side = map(Register, NAMES)
    side.opens("tea")
    front.begins(side, forked, hand=1, lost=False)
    new = side.another_disk(is_copy=False, clock_ms=clock_ms)
    new.says(yields(side.open_check, "front", 1))
    front.gives(new)
    return front, side, new


def two_copies_of_a_disk(clock_ms: int) -> tuple[Register, ...]:
    """It was paid on one, and given away on the other."""
    front, side = map(Register, NAMES)
    side.opens("tea")
    copy = side.another_disk(is_copy=True, clock_ms=clock_ms)
    side.pays()
    copy.gives(front)
    return front, side, copy


def given_back_to_one_copy(clock_ms: int) -> tuple[Register, ...]:
    """The other one knows no more than that it was given away."""
    front, side = map(Register, NAMES)
    side.opens("tea")
    copy = side.another_disk(is_copy=True, clock_ms=clock_ms)
    side.gives(front)
    copy.write(yields(copy.open_check, "front", 1))
    front.gives(side)
    return front, side, copy


class Heard:
    """As the library."""

    def __init__(self) -> None:
        self.logs: dict[LogId, list[Envelope]] = {}

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        return self.logs.get(log, [])[after_seq : after_seq + limit]


def orders(logs: Logs) -> Iterator[list[Envelope]]:
    """Each in which events can be heard: those of one log in its own, and how it begins with its first word."""
    return interleaved([[events[:2], *([one] for one in events[2:])] for events in logs.values()])


def interleaved(left: list[list[list[Envelope]]]) -> Iterator[list[Envelope]]:
    if not any(left):
        yield []
    for at, (of_one, *rest) in ((at, parts) for at, parts in enumerate(left) if parts):
        for more in interleaved([*left[:at], rest, *left[at + 1 :]]):
            yield [*of_one, *more]


def said(order: list[Envelope]) -> Any:
    """All that the directory says of the check. Asked for after each event too: what it remembers must not last."""
    heard = Heard()
    directory = Directory(heard)
    for envelope in order:
        heard.logs.setdefault(LogId(envelope.register, envelope.incarnation), []).append(envelope)
        if envelope.type in (directory.kinds or ()) and (event := read_event(envelope)) is not None:
            directory.take(envelope, event)
        for check_id in directory.touched:
            directory.standing(check_id)
    (check_id,) = directory.touched
    again = Directory(heard)
    again.load(directory.dump())
    return [
        (
            one.owner(check_id), one.registers(check_id), one.open_ids(), one.find("1", DAY), one.number(check_id),
            [(one.disputed(check_id, name), one.own_side(check_id, name), one.ends(check_id, name)) for name in NAMES],
            one.strands(check_id), one.standing(check_id), [one.given(check_id, name) for name in NAMES],
        )
        for one in (directory, again)
    ]  # fmt: skip


@pytest.mark.parametrize("clock_ms", [HOUR_MS, -HOUR_MS])
@pytest.mark.parametrize(
    "story", [yielded_for_a_lost_disk, yielded_and_taken_again, two_copies_of_a_disk, given_back_to_one_copy]
)
def test_it_says_the_same_in_whatever_order_events_are_heard(
    story: Callable[[int], tuple[Register, ...]], clock_ms: int
) -> None:
    logs = {one.place: one.envelopes() for one in story(clock_ms)}
    first, *others = orders(logs)
    expected = said(first)
    assert expected[0] == expected[1]
    for order in others:
        assert said(order) == expected, [(one.incarnation, one.seq) for one in order]
