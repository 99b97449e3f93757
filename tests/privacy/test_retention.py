"""When texts are old, and when the clock is not believed."""

import pytest

from tillkeeper.privacy.retention import DAY_MS, Clocks, erased_before

NOW = 1_795_000_000_000


def clocks(**fields: int | None) -> Clocks:
    given: dict[str, int | None] = {"wall_ms": NOW, "hq_ahead_ms": 0, "newest_ms": NOW - DAY_MS, "stepped_ms": 0}
    return Clocks(**{**given, **fields})  # type: ignore[arg-type]


def test_texts_go_after_the_days_that_the_store_says_and_held_ones_a_week_later() -> None:
    assert erased_before(clocks(), 30, held=False) == NOW - 30 * DAY_MS
    assert erased_before(clocks(), 30, held=True) == NOW - 37 * DAY_MS


def test_for_ever_is_for_ever() -> None:
    assert erased_before(clocks(), 0, held=False) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"hq_ahead_ms": -365 * DAY_MS},
        {"hq_ahead_ms": 2 * 3_600_000},
        {"hq_ahead_ms": None, "newest_ms": NOW - 400 * DAY_MS},
        {"hq_ahead_ms": None, "newest_ms": NOW + DAY_MS},
        {"hq_ahead_ms": None, "stepped_ms": 2 * DAY_MS},
        {"hq_ahead_ms": None, "stepped_ms": -2 * DAY_MS},
    ],
)
def test_a_clock_that_is_not_believed_erases_nothing(wrong: dict[str, int | None]) -> None:
    assert erased_before(clocks(**wrong), 30, held=False) is None


FINE = [{"newest_ms": NOW - 400 * DAY_MS}, {"hq_ahead_ms": None}, {"hq_ahead_ms": None, "newest_ms": 0}]


@pytest.mark.parametrize("fine", FINE)
def test_hq_or_the_journal_vouch_for_it(fine: dict[str, int | None]) -> None:
    assert erased_before(clocks(**fine), 30, held=False) is not None
