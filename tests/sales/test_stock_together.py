"""86 of the whole store: registers that hear each other late, in any order, twice or by wrong clocks come to the same."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper.contract.availability import AvailabilitySet, AvailabilityState
from tillkeeper.sales.stock import Change, Level, Said, Stock, Subject

CAKE: Subject = ("item", "cake")
NOON = 1_900_000_000_000


@dataclass
class Shelf:
    """A register: what it knows, and its own log, which others hear in order. `ahead_ms`: how wrong its clock is."""

    name: str
    ahead_ms: int = 0
    stock: Stock = field(default_factory=Stock)
    log: list[Said] = field(default_factory=list)
    heard: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stock = Stock(register=self.name, counter=f"{self.name}-1")

    def tell(self, *events: Said) -> None:
        self.stock = self.stock.after(Change(events))
        self.log += events

    def say(self, now_ms: int, state: AvailabilityState, remaining: int | None = None) -> None:
        stamp_ms = self.stock.next_stamp(CAKE, now_ms + self.ahead_ms)
        word = f"{self.name}-{len(self.log)}"
        self.tell(
            AvailabilitySet(kind="item", subject_id="cake", state=state, remaining=remaining, word=word, stamp_ms=stamp_ms)
        )

    def take(self, pieces: int) -> None:
        if self.stock.counts_down(CAKE):
            self.tell(self.stock.count(CAKE, pieces))

    def hear(self, other: "Shelf", events: int = 1_000) -> None:
        """So many more of the other's events; now and then one comes again."""
        at = self.heard.get(other.name, 0)
        for event in other.log[max(0, at - 1) : at + events]:
            self.stock = self.stock.heard(other.name, event)
        self.heard[other.name] = min(len(other.log), at + events)

    @property
    def level(self) -> Level | None:
        return self.stock.of(CAKE, marked=False)

    @property
    def known(self) -> tuple[object, object]:
        return self.stock.words, self.stock.counts


def meet(*shelves: Shelf) -> None:
    for one in shelves:
        for other in shelves:
            if one is not other:
                one.hear(other)


def test_a_word_of_one_register_holds_on_all() -> None:
    front, side, back = Shelf("front"), Shelf("side"), Shelf("back")
    front.say(NOON, "sold_out")
    meet(front, side, back)
    assert side.level == back.level == Level("sold_out")
    back.say(NOON + 1, "available")
    meet(front, side, back)
    assert front.level == side.level == Level("available")


def test_pieces_that_others_sell_count_down_here() -> None:
    front, side = Shelf("front"), Shelf("side")
    front.say(NOON, "counting", 6)
    meet(front, side)
    side.take(4)
    front.hear(side)
    assert front.level == Level("counting", 2)
    front.take(2)
    side.hear(front)
    assert side.level == Level("sold_out", 0)
    side.take(-3)
    front.hear(side)
    assert front.level == Level("counting", 3)


def test_what_is_sold_on_both_sides_of_a_partition_goes_below_zero_and_is_shown() -> None:
    front, side = Shelf("front"), Shelf("side")
    front.say(NOON, "counting", 3)
    meet(front, side)
    front.take(3)
    side.take(2)
    meet(front, side)
    assert front.level == side.level == Level("sold_out", -2)
    front.take(-1)
    assert front.level == Level("sold_out", -1)
    front.take(-2)
    meet(front, side)
    assert side.level == Level("counting", 1)


@pytest.mark.parametrize("ahead_ms", [3_600_000, 10 * 365 * 86_400_000])
def test_a_clock_that_is_ahead_does_not_pin_its_word(ahead_ms: int) -> None:
    wrong, right = Shelf("a-wrong", ahead_ms), Shelf("b-right")
    wrong.say(NOON, "sold_out")
    meet(wrong, right)
    right.say(NOON + 1, "available")
    meet(wrong, right)
    assert wrong.level == right.level == Level("available")
    right.say(NOON + 2, "counting", 5)
    right.take(1)
    wrong.hear(right, 1)
    wrong.take(2)
    meet(wrong, right)
    assert wrong.level == right.level == Level("counting", 2)


def test_a_clock_that_is_behind_can_take_back_what_it_has_heard() -> None:
    slow, right = Shelf("slow", ahead_ms=-NOON), Shelf("right")
    right.say(NOON, "sold_out")
    meet(slow, right)
    slow.say(NOON + 5, "available")
    meet(slow, right)
    assert right.level == Level("available")


def test_a_count_that_is_heard_before_its_word_is_not_lost_and_one_of_an_older_countdown_is_passed_over() -> None:
    front, side, back = Shelf("front"), Shelf("side"), Shelf("back")
    front.say(NOON, "counting", 9)
    side.hear(front)
    side.take(4)
    back.hear(side)
    assert back.level is None
    back.hear(front)
    assert back.level == Level("counting", 5)
    front.say(NOON + 1, "counting", 20)
    back.hear(front)
    side.take(1)
    back.hear(side)
    assert back.level == Level("counting", 20)
    back.say(NOON + 2, "available")
    assert back.stock.counts == {}


def test_words_of_an_earlier_agent_say_nothing_to_others() -> None:
    old = AvailabilitySet(kind="item", subject_id="cake", state="sold_out", by="cook")
    assert Stock().heard("front", old) == Stock()


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(["say", "count", "back", "take", "give", "hear", "hear", "copy"]), st.integers(1, 4)
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(steps=STEPS, seed=st.integers(0, 2**32))
def test_whatever_was_said_in_whatever_order_all_come_to_the_same(steps: list[tuple[int, str, int]], seed: int) -> None:
    chance = random.Random(seed)
    shelves = [Shelf("front"), Shelf("side", ahead_ms=86_400_000), Shelf("back", ahead_ms=-NOON)]
    acts: dict[str, Callable[[Shelf, int, int], object]] = {
        "say": lambda shelf, _n, now: shelf.say(now, "sold_out"),
        "back": lambda shelf, _n, now: shelf.say(now, "available"),
        "count": lambda shelf, n, now: shelf.say(now, "counting", n * 5),
        "take": lambda shelf, n, _now: shelf.take(n),
        "give": lambda shelf, n, _now: shelf.take(-n),
        "hear": lambda shelf, n, _now: shelf.hear(chance.choice([one for one in shelves if one is not shelf]), n),
        "copy": lambda shelf, _n, _now: setattr(
            shelf, "stock", Stock(shelf.stock.words, shelf.stock.counts, shelf.name, f"{shelf.name}-{len(shelf.log)}+")
        ),
    }
    for at, (who, what, number) in enumerate(steps):
        acts[what](shelves[who], number, NOON + at * chance.choice([0, 1, 1_000]))
    late = Shelf("late")
    logs = [(shelf, event) for shelf in shelves for event in shelf.log]
    chance.shuffle(logs)  # not even the order within a log matters
    for shelf, event in logs:
        late.stock = late.stock.heard(shelf.name, event)
    meet(*shelves)
    assert all(shelf.known == late.known for shelf in shelves)
    word = late.stock.words.get(CAKE)
    if word is None or word.state != "counting":
        return
    counted: dict[str, tuple[int, int]] = {}
    for _shelf, event in logs:
        if not isinstance(event, AvailabilitySet) and event.word == word.word:
            taken, returned = counted.get(event.counter, (0, 0))
            counted[event.counter] = (max(taken, event.taken), max(returned, event.returned))
    left = (word.remaining or 0) - sum(taken - returned for taken, returned in counted.values())
    assert late.level is not None
    assert late.level.remaining == left
    assert late.level.state == ("counting" if left > 0 else "sold_out")
