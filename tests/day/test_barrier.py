"""What a close waits for, as a person reads it. And which day is stamped, whatever the clocks do."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.till.world import config_in

from tillkeeper.contract.day import Gap, Parked
from tillkeeper.contract.days import Close, Days, Place, next_day
from tillkeeper.contract.events import ModeChanged
from tillkeeper.contract.roles import Epoch
from tillkeeper.day.end_of_day import LogFacts, MemberFacts, duration, member, summary, tails_of
from tillkeeper.till.stamp import Stamp

DAY = "2026-11-20"


def facts(*logs: LogFacts, **changes: object) -> MemberFacts:
    return MemberFacts("back", own=False, heard=True, silent_s=0.4, logs=logs, needed=2)._replace(**changes)  # type: ignore[arg-type]


HELD = LogFacts("i1", held=40, known=40, declared=40, holders=(40, 40))
GAP, PARKED = Gap(register="back", reason="stolen", by="Mia"), Parked(register="back", reason="in repair", by="Mia")


@pytest.mark.parametrize(
    ("given", "state", "blocks", "missing"),
    [
        (facts(HELD), "ready", False, 0),
        (facts(HELD._replace(declared=None)), "to_be_asked", False, None),
        (facts(HELD._replace(held=31, holders=(31, 40))), "behind", True, 9),
        (facts(HELD._replace(holders=(40, 12))), "one_copy", True, 0),
        (facts(HELD._replace(holders=(40,)), needed=1), "ready", False, 0),
        (facts(HELD._replace(declared=None), heard=False, silent_s=840.0), "silent", True, None),
        (facts(HELD, heard=False, silent_s=840.0), "ready", False, 0),
        (facts(heard=False, silent_s=None), "unknown", True, None),
        (facts(HELD._replace(declared=None), heard=False, gap=GAP), "gap", False, None),
        (facts(HELD._replace(held=31, holders=(31, 31)), heard=False, gap=GAP), "gap", False, 9),
        (facts(HELD._replace(declared=None), gap=GAP), "to_be_asked", False, None),
        (facts(heard=False, silent_s=None, parked=PARKED), "parked", False, None),
        (facts(HELD._replace(declared=None), heard=False, left=True), "left", False, 0),
        # An older log of a register that began another: its end is what anybody holds of it.
        (facts(LogFacts("i0", 7, 9, None, True, (7, 9)), HELD), "behind", True, 2),
    ],
)
def test_how_a_register_stands(given: MemberFacts, state: str, blocks: bool, missing: int | None) -> None:
    found = member(DAY, given)
    assert (found.state, found.blocks, found.missing) == (state, blocks, missing)
    assert found.words


def test_the_words_say_who_how_much_since_when_and_what_to_do() -> None:
    silent = member(DAY, facts(HELD._replace(declared=None), heard=False, silent_s=840.0))
    assert silent.words == "back: how much of its log is missing is not known; 40 events held here; not heard for 14 min"
    assert "tillkeeper day gap back --day 2026-11-20" in silent.todo
    assert "tillkeeper day park back" in silent.todo
    behind = member(DAY, facts(HELD._replace(held=39, holders=(39, 40))))
    assert (behind.words, behind.todo) == ("back: 1 event still to come", "wait: it comes by itself")
    assert summary(DAY, (silent, replace(behind, register="side"))) == "2026-11-20 waits for back, side"
    assert summary(DAY, (member(DAY, facts(HELD)),)) == "2026-11-20 can be closed"
    assert [duration(s) for s in (40, 200, 7_500, 400_000)] == ["40 s", "3 min", "2 h 5 min", "4 days"]


def test_a_close_covers_what_is_held_and_no_more() -> None:
    members = (member(DAY, facts(HELD._replace(held=31, holders=(31,)), LogFacts("i2", 5, 8), heard=False, gap=GAP)),)
    assert tails_of(members) == {"back": {"i1": 31, "i2": 5}}


# --- which day ---

_days = st.dates(min_value=date(2026, 1, 1), max_value=date(2026, 1, 12)).map(str)
_closes = st.lists(
    st.builds(
        lambda day, counter, tail, at: Close(day, Epoch(counter, "a"), 1, {"r": {"i": tail}}, Place("a", "x", at)),
        _days, st.integers(0, 3), st.integers(0, 30), st.integers(1, 99),
    ),
    max_size=8,
    unique_by=lambda close: close.at,
)  # fmt: skip


@given(closes=_closes, order=st.randoms(use_true_random=False), stamped=_days, seq=st.integers(1, 40))
def test_the_day_of_an_event_does_not_depend_on_the_order_in_which_closes_came(
    closes: list[Close], order: object, stamped: str, seq: int
) -> None:
    days, place = Days(closes), Place("r", "i", seq)
    posted = days.posted(stamped, place)
    order.shuffle(closes)  # type: ignore[attr-defined]
    assert Days(closes).posted(stamped, place) == posted
    assert posted >= stamped
    assert days.posted(stamped, Place("r", "i", seq + 1)) >= posted, "a later place is never in an earlier day"
    close = days.closes.get(posted)
    if close is not None and stamped >= min(days.closes):
        assert seq <= close.tails["r"]["i"], "no closed day has an event that its close does not cover"


def test_a_close_on_a_day_that_is_none_counts_not() -> None:
    wrong = Close("2026-13-45", Epoch(), 1, {"r": {"i": 9}}, Place("a", "x", 1))
    assert Days([wrong]).posted(DAY, Place("r", "i", 1)) == DAY
    assert Days([wrong]).last_closed == ""


@pytest.mark.parametrize(
    ("timezone", "cutoff", "at_ms", "day"),
    [
        # Berlin, 25 October 2026: 02:00 to 03:00 comes twice; the business day begins at the first 02:30.
        ("Europe/Berlin", "02:30", 1_792_888_199_000, "2026-10-24"),
        ("Europe/Berlin", "02:30", 1_792_888_200_000, "2026-10-25"),
        ("Europe/Berlin", "02:30", 1_792_891_000_000, "2026-10-25"),
        # 29 March 2026: 02:30 does not exist; the day begins when the clocks jump to 03:00.
        ("Europe/Berlin", "02:30", 1_774_742_400_000, "2026-03-28"),
        ("Europe/Berlin", "02:30", 1_774_746_000_000, "2026-03-29"),
    ],
)
def test_after_a_close_the_next_day_is_stamped_and_the_calendar_catches_up(
    tmp_path: Path, timezone: str, cutoff: str, at_ms: int, day: str
) -> None:
    store = replace(config_in(tmp_path).store, timezone=timezone, day_cutoff=cutoff)
    now_ms = at_ms
    stamp = Stamp(store, lambda: now_ms)
    event = ModeChanged(mode="offline", previous="online")
    assert stamp(event).business_day == stamp.today() == day
    stamp.end(day)  # closed early
    assert stamp(event).business_day == stamp.today() == next_day(day)
    assert stamp.day(now_ms) == day, "of a time in the past the calendar speaks"
    now_ms = at_ms + 86_400_000
    assert stamp(event).business_day == next_day(day)
    now_ms = at_ms + 5 * 86_400_000
    assert stamp(event).business_day > next_day(day)
    stamp.end("2026-01-01")
    assert stamp.not_before == next_day(day), "an older close takes nothing back"
