"""86 and wrong clocks: a word that is stamped far ahead is nobody's last word, neither others' nor the own one."""

import msgspec
import pytest
from tests.till.test_stock import SUBJECT, LateJournal, keeper_of

from tillkeeper.contract.availability import AvailabilityCounted, AvailabilitySet
from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import TYPE_NAMES
from tillkeeper.contract.placing import MAX_INT
from tillkeeper.day.calendar import Calendar, CalendarParts
from tillkeeper.sales.stock import encode_words
from tillkeeper.till.availability import AHEAD_MS, WORDS, StockKeeper

NOW_MS, YEAR_MS = 1_795_435_200_000, 31_536_000_000


class Clock:
    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


def keeper(clock: Clock, journal: LateJournal | None = None) -> StockKeeper:
    made = keeper_of(journal or LateJournal())
    made.now_ms = clock
    return made


def said(state: str, stamp_ms: int, word: str) -> AvailabilitySet:
    return AvailabilitySet(kind="item", subject_id="cola", state=state, word=word, stamp_ms=stamp_ms)  # type: ignore[arg-type]


def hear(stock: StockKeeper, register: str, *events: Event) -> None:
    for seq, event in enumerate(events, 1):
        kind = TYPE_NAMES[type(event)]
        stock.take(Envelope("s", register, f"i{register}", seq, kind, 1, "2026-11-23", 1, "", "", ""), event)
    stock.tell()


def state(stock: StockKeeper) -> str:
    level = stock.now.of(SUBJECT, marked=False)
    return level.state if level is not None else ""


@pytest.mark.parametrize("stamp_ms", [MAX_INT, NOW_MS + 10 * YEAR_MS, NOW_MS + 2 * AHEAD_MS])
def test_nobody_has_the_last_word_for_ever(stamp_ms: int) -> None:
    stock = keeper(Clock())
    counted = AvailabilityCounted(
        kind="item", subject_id="cola", word="w2", stamp_ms=stamp_ms, counter="imad", taken=1, returned=0
    )
    hear(stock, "mad", said("sold_out", stamp_ms, "w1"), counted)
    assert state(stock) == ""
    hear(stock, "a", said("sold_out", NOW_MS, "w3"))
    assert state(stock) == "sold_out"
    stamp = stock.now.next_stamp(SUBJECT, NOW_MS + 1_000)
    assert stamp == NOW_MS + 1_000
    hear(stock, "b", said("available", stamp, "w4"))
    assert state(stock) == "available"


def test_what_a_clock_that_is_behind_does_not_believe_counts_when_it_is_set() -> None:
    clock = Clock()
    clock.now_ms = NOW_MS - YEAR_MS
    stock = keeper(clock)
    hear(stock, "a", said("sold_out", NOW_MS, "w1"))
    assert state(stock) == ""
    clock.now_ms = NOW_MS
    assert state(stock) == "sold_out"


def test_a_register_that_was_ahead_itself_hears_the_others_again_when_its_clock_is_set() -> None:
    clock = Clock()
    clock.now_ms = NOW_MS + YEAR_MS
    stock = keeper(clock)
    hear(stock, "r", said("sold_out", NOW_MS + YEAR_MS, "w1"))
    hear(stock, "a", said("available", NOW_MS, "w2"))
    assert state(stock) == "sold_out"
    clock.now_ms = NOW_MS
    assert state(stock) == ""
    hear(stock, "a", said("available", NOW_MS + 5, "w3"))
    assert state(stock) == "available"


def test_what_is_kept_or_told_by_another_is_looked_at_as_well() -> None:
    mad = keeper(Clock())
    mad.now_ms = None
    hear(mad, "mad", said("sold_out", MAX_INT, "w1"))
    assert state(mad) == "sold_out", "who knows of no other clock believes what it hears"
    stock = keeper(Clock())
    stock.learn(mad.dump())
    assert state(stock) == ""
    journal = LateJournal()
    journal.disk[WORDS] = encode_words(mad.durable)
    assert state(keeper(Clock(), journal)) == ""


def test_what_is_said_here_counts_after_days_on_which_nothing_was_sold() -> None:
    """The newest stamps are of the last evening, and HQ is away: this machine's clock alone says that it is later."""
    stock = keeper(Clock())
    evening = NOW_MS - 3 * AHEAD_MS
    stock.now_ms = Calendar(
        CalendarParts(
            register="r", now_ms=lambda: NOW_MS, hq_ms=lambda: None, stamps=lambda: {"r": evening, "a": evening},
            day=lambda _ms: "2026-11-23", now_s=lambda: 0.0,
        )
    ).now_ms  # fmt: skip
    hear(stock, "r", said("sold_out", NOW_MS, "w1"))
    assert state(stock) == "sold_out"
    hear(stock, "mad", said("available", NOW_MS + 2 * AHEAD_MS, "w2"))
    assert state(stock) == "sold_out"


def test_nobody_tells_a_register_numbers_that_would_spoil_its_own_events() -> None:
    """Who lost its disk hears of its own counter from others; one of them is out of its mind."""
    mad, stock = keeper(Clock()), keeper(Clock())
    counting = AvailabilitySet(kind="item", subject_id="cola", state="counting", remaining=5, word="w1", stamp_ms=NOW_MS)
    own = stock.now
    counted = AvailabilityCounted(
        kind="item", subject_id="cola", word="w1", stamp_ms=NOW_MS, counter=own.counter, taken=MAX_INT, returned=0
    )
    hear(mad, own.register, counting, counted)
    hear(stock, "a", counting)
    with pytest.raises(msgspec.DecodeError):
        stock.learn(mad.dump())
    assert stock.now.count(SUBJECT, 1).taken == 1
