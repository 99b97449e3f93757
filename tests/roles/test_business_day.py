"""Business days across changes of the clocks, with cutoffs inside the hour that is skipped or repeated."""

import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tillkeeper.roles.business_day import business_day, start_ms

NEW_YORK = "America/New_York"  # 2026: forward on 8 March at 02:00, back on 1 November at 02:00
HOUR_MS = 3_600_000


def utc_ms(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("at", "cutoff", "expected"),
    [
        ("2026-06-10T07:59:59.999", "04:00", "2026-06-09"),  # 03:59:59.999 local
        ("2026-06-10T08:00:00", "04:00", "2026-06-10"),
        ("2026-06-10T03:59:00", "00:00", "2026-06-09"),
        ("2026-06-10T04:00:00", "00:00", "2026-06-10"),
        ("2026-06-11T03:30:00", "23:00", "2026-06-10"),  # a day named after its evening
        # Forward: 01:59:59 EST is followed by 03:00 EDT. A cutoff at 02:30 is passed in that jump.
        ("2026-03-08T06:59:59.999", "02:30", "2026-03-07"),
        ("2026-03-08T07:00:00", "02:30", "2026-03-08"),
        # Back: 01:30 comes at 05:30Z (EDT) and again at 06:30Z (EST). The day begins the first time and does not go back.
        ("2026-11-01T05:29:59.999", "01:30", "2026-10-31"),
        ("2026-11-01T05:30:00", "01:30", "2026-11-01"),
        ("2026-11-01T06:00:00", "01:30", "2026-11-01"),  # 01:00 EST, before the cutoff by the clock on the wall
        ("2026-11-01T06:30:00", "01:30", "2026-11-01"),
    ],
)
def test_instants_fall_into_their_day(at: str, cutoff: str, expected: str) -> None:
    assert business_day(utc_ms(at), NEW_YORK, cutoff) == expected


@pytest.mark.parametrize(
    ("zone", "day", "cutoff", "hours"),
    [
        (NEW_YORK, "2026-03-07", "04:00", 23.0),
        (NEW_YORK, "2026-03-08", "00:00", 23.0),
        (NEW_YORK, "2026-10-31", "04:00", 25.0),
        (NEW_YORK, "2026-03-07", "02:30", 23.5),  # ends when the clocks jump over 02:30
        (NEW_YORK, "2026-03-08", "02:30", 23.5),
        (NEW_YORK, "2026-10-31", "01:30", 24.0),
        (NEW_YORK, "2026-11-01", "01:30", 25.0),
        ("Australia/Lord_Howe", "2026-04-04", "04:00", 24.5),
        ("Asia/Kolkata", "2026-03-08", "04:00", 24.0),
        ("Asia/Beirut", "2026-03-29", "00:00", 23.0),  # the clocks jump at midnight itself
    ],
)
def test_days_have_the_hours_the_clocks_give_them(zone: str, day: str, cutoff: str, hours: float) -> None:
    first = datetime.date.fromisoformat(day)
    at = datetime.time.fromisoformat(cutoff)
    begin = start_ms(first, ZoneInfo(zone), at)
    end = start_ms(first + datetime.timedelta(days=1), ZoneInfo(zone), at)
    assert (end - begin) / HOUR_MS == hours
    assert business_day(begin, zone, cutoff) == day
    assert business_day(begin - 1, zone, cutoff) < day
    assert business_day(end - 1, zone, cutoff) == day


@given(
    zone=st.sampled_from([NEW_YORK, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Beirut", "America/Santiago", "Pacific/Apia"]),
    minute=st.integers(0, 24 * 60 - 1),
    start=st.integers(utc_ms("2010-01-01"), utc_ms("2037-12-31")),
    steps=st.lists(st.integers(1, 7 * HOUR_MS), max_size=30),
)
def test_the_day_never_goes_back(zone: str, minute: int, start: int, steps: list[int]) -> None:
    cutoff = f"{minute // 60:02}:{minute % 60:02}"
    days = []
    now = start
    for step in steps:
        days.append(business_day(now, zone, cutoff))
        now += step
    assert all(earlier <= later for earlier, later in pairwise(days))


def test_the_zone_of_the_host_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    try:
        for host in ("Asia/Tokyo", "America/Los_Angeles"):
            monkeypatch.setenv("TZ", host)
            time.tzset()
            assert business_day(utc_ms("2026-06-10T08:00:00"), NEW_YORK, "04:00") == "2026-06-10"
    finally:
        monkeypatch.undo()
        time.tzset()
