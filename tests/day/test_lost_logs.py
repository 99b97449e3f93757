"""I9: where a log ended with its disk or its journal, the day closes only once a manager has signed for what nobody knows."""

from itertools import permutations
from typing import Any, cast

import pytest
from msgspec.structs import replace
from tests.day.world import Near

from tillkeeper.contract.base import Event
from tillkeeper.contract.day import DayClosed, DayFigures, DayMember, Gap, GapDeclared
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import IncarnationBegan
from tillkeeper.contract.figures import DayBooks
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.index import DayIndex
from tillkeeper.day.members import DayMembers, MemberParts
from tillkeeper.replication.model import LogId, Mark

DAY, NEXT = "2026-11-20", "2026-11-21"
FRONT, OLD, NEW = LogId("front", "f1"), LogId("back", "b1"), LogId("back", "b2")
TOLD = {FRONT: 9, NEW: 5}
NAMED = IncarnationBegan(reason="corrupt_journal", previous_incarnation="b1")
UNNAMED = IncarnationBegan(reason="corrupt_journal", set_aside="journal-set-aside-1.db")
FIRST = IncarnationBegan(reason="first_start")


class Store:
    """What front knows: `held` of each log, and `began` in the log that back writes now. `furthest`: what anybody holds of the
    old one."""

    def __init__(self, *began: Event, old: int = 25, new: int = 5, furthest: int = 0, met: bool = True) -> None:
        self.held = {FRONT: 9, OLD: old, NEW: new}
        self.index = DayIndex()
        for event in began:
            self.take(NEW, 1, event)
        near = Near(dict(self.held), frozenset({OLD}) if met else frozenset())
        self.members = DayMembers(
            MemberParts(
                register="front", logs=cast(Any, self), index=self.index, members=lambda: ("front", "back"),
                states=cast(Any, {"back": near}), finals=lambda name: {"b1": furthest} if furthest and name == "back" else {},
                now_s=lambda: 0.0, writing=lambda: FRONT.incarnation,
            )
        )  # fmt: skip

    def heads(self) -> dict[LogId, Mark]:
        return {which: Mark(*which, seq, "") for which, seq in self.held.items() if seq}

    def take(self, which: LogId, seq: int, event: Event) -> None:
        self.index.take(Envelope("s", *which, seq, "x", 1, DAY, 1_795_000_000_000 + seq, "{}", "", ""), event)

    def look(self, day: str = DAY, told: dict[LogId, int] | None = None) -> DayMember:
        return next(one for one in self.members.look(day, TOLD if told is None else told) if one.register == "back")

    def sign(self, lost: tuple[str, ...], *, rest: bool = False, seq: int = 2) -> None:
        self.take(FRONT, seq, GapDeclared(day=DAY, register="back", held={}, reason="burnt", by="Mia", lost=lost, rest=rest))

    def close(self) -> None:
        gap = self.index.gap(DAY, "back")
        self.take(
            FRONT, 9,
            DayClosed(
                day=DAY, z=1, epoch=Epoch(1, "front"), tails={}, gaps=(gap,) if gap else (),
                figures=DayFigures(books=DayBooks(business_day=DAY)),
            ),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("store", "state", "lost"),
    [
        (Store(NAMED), "lost", ("b1",)),
        (Store(NAMED, old=0), "lost", ("b1",)),
        (Store(UNNAMED), "lost", ("b1", "before b2")),
        (Store(UNNAMED, old=0), "lost", ("before b2",)),
        (Store(FIRST), "lost", ("b1",)),
        (Store(FIRST, old=0, met=False), "ready", ()),
        (Store(replace(NAMED, previous_last_seq=25)), "ready", ()),
        (Store(replace(NAMED, previous_last_seq=28)), "lost", ("b1",)),
        (Store(replace(NAMED, previous_last_seq=28), furthest=28), "behind", ()),
        (Store(NAMED, furthest=28), "behind", ("b1",)),
        (Store(IncarnationBegan(reason="machine_changed", previous_incarnation="b1", previous_last_seq=25)), "ready", ()),
        (Store(IncarnationBegan(reason="restored_copy", previous_incarnation="b1", previous_last_seq=20)), "lost", ("b1",)),
        (Store(IncarnationBegan(reason="restored_copy", previous_incarnation="b1", previous_last_seq=25)), "lost", ("b1",)),
    ],
)
def test_a_log_whose_end_nobody_can_know_is_never_shown_as_whole(store: Store, state: str, lost: tuple[str, ...]) -> None:
    found = store.look()
    assert (found.state, found.lost) == (state, lost)
    assert found.blocks == (state != "ready")


def test_it_is_seen_before_the_close_asks_where_the_register_was_met() -> None:
    assert Store(FIRST).look(told={}).state == "lost"
    assert Store(FIRST, met=False).look(told={}).state == "to_be_asked"
    assert "tillkeeper day gap back --day 2026-11-20" in Store(NAMED).look().todo


def test_once_signed_it_is_a_gap_of_that_day_and_asked_no_more() -> None:
    store = Store(NAMED)
    store.sign(("b1",))
    assert (store.look().state, store.look().blocks) == ("gap", False)
    assert store.look(NEXT).state == "lost", "what was signed but not closed is named by no Z"
    store.close()
    assert (store.look(NEXT).state, store.look(NEXT).lost) == ("ready", ())
    kept = DayIndex()
    kept.load(store.index.dump())
    assert not kept.ended.is_lost("back", "b1", 25, NEXT)
    store.take(LogId("back", "b3"), 1, replace(NAMED, previous_incarnation="b2"))
    store.held[LogId("back", "b3")] = 1
    assert store.look(NEXT, {FRONT: 9, LogId("back", "b3"): 1}).lost == ("b2",), "a second loss is signed for by itself"


def test_what_the_register_writes_now_is_waited_for_all_the_same() -> None:
    store = Store(NAMED, new=3)
    store.sign(("b1",))
    assert (store.look().state, store.look().missing) == ("behind", 2)
    assert store.look(told={}).state == "to_be_asked"
    store.held[NEW] = 5
    assert store.look(told={FRONT: 9, NEW: 3}).state == "gap"


def test_a_gap_signed_while_it_was_silent_says_nothing_about_a_loss_that_is_known_later() -> None:
    store = Store(NAMED)
    store.sign((), rest=True)
    assert store.look().state == "lost"
    store.sign(("b1",), seq=3)
    assert store.look().state == "gap"


def test_in_which_order_words_are_heard_makes_no_difference() -> None:
    events: list[tuple[LogId, int, Event]] = [
        (FRONT, 2, GapDeclared(day=DAY, register="back", held={}, reason="one", lost=("b1",), rest=False)),
        (LogId("side", "s1"), 3, GapDeclared(day=DAY, register="back", held={}, reason="two", lost=("b0",))),
        (NEW, 1, NAMED),
        (LogId("back", "b3"), 1, replace(NAMED, previous_last_seq=25)),
    ]
    found = set()
    for order in permutations(events):
        store = Store()
        for which, seq, event in order:
            store.take(which, seq, event)
        found.add((str(store.index.gap(DAY, "back")), str(sorted(store.index.ended.said["back"].items()))))
    (only,) = found
    assert only == (str(Gap(register="back", reason="two", lost=("b0", "b1"))), "[('b1', 25)]")
