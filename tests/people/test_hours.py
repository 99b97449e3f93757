"""The time clock: what may follow what, and the hours that it comes to."""

import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BEN, BOSS, COOK, Page

from tillkeeper.people import hours
from tillkeeper.people.hours import Day, Entry, Standing
from tillkeeper.roles.business_day import business_day

NEW_YORK = "America/New_York"
KINDS = ("clock_in", "break_start", "break_end", "clock_out")


def at(text: str) -> int:
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(NEW_YORK)).timestamp() * 1000)


def day_of(*entries: tuple[str, str]) -> Day:
    return Day(tuple(Entry(str(number), "ana", kind, at(text)) for number, (kind, text) in enumerate(entries)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("entries", "worked_h", "break_h"),
    [
        ((("clock_in", "2026-11-20T17:00"), ("clock_out", "2026-11-20T23:30")), 6.5, 0),
        ((("clock_in", "2026-11-20T17:00"), ("break_start", "2026-11-20T19:00"), ("break_end", "2026-11-20T19:30"),
          ("clock_out", "2026-11-21T01:00")), 7.5, 0.5),
        # The night in which the clocks go back has 25 hours, the one in which they go forward 23.
        ((("clock_in", "2026-10-31T22:00"), ("clock_out", "2026-11-01T06:00")), 9, 0),
        ((("clock_in", "2026-03-07T22:00"), ("clock_out", "2026-03-08T06:00")), 7, 0),
        ((("clock_in", "2026-11-20T09:00"), ("clock_out", "2026-11-20T13:00"), ("clock_in", "2026-11-20T17:00"),
          ("clock_out", "2026-11-20T22:00")), 9, 0),
    ],
)  # fmt: skip
def test_hours_are_what_was_really_worked(entries: tuple[tuple[str, str], ...], worked_h: float, break_h: float) -> None:
    came_to = hours.worked(day_of(*entries), at("2026-12-31T12:00"))["ana"]
    assert (came_to.worked_ms, came_to.break_ms, came_to.open) == (worked_h * 3_600_000, break_h * 3_600_000, False)


@pytest.mark.parametrize(
    ("came", "day"),
    [("2026-11-21T03:59", "2026-11-20"), ("2026-11-21T04:00", "2026-11-21"), ("2026-11-01T01:30", "2026-10-31")],
)
def test_a_shift_belongs_to_the_business_day_on_which_it_began(came: str, day: str) -> None:
    standing = hours.entered(Standing(), "clock_in", at(came), business_day(at(came), NEW_YORK, "04:00"))
    assert standing is not None
    assert standing.day == day
    left = hours.entered(standing, "clock_out", at("2026-11-25T12:00"), "2026-11-25")
    assert left is not None
    assert left.day == day


def test_who_has_not_clocked_out_is_counted_up_to_now_and_marked() -> None:
    day = day_of(("clock_in", "2026-11-20T17:00"), ("break_start", "2026-11-20T18:00"))
    came_to = hours.worked(day, at("2026-11-20T18:20"))["ana"]
    assert (came_to.worked_ms, came_to.break_ms, came_to.open) == (3_600_000, 1_200_000, True)


STEPS = st.lists(st.tuples(st.sampled_from(("ana", "ben")), st.sampled_from(KINDS), st.integers(-600_000, 30_000_000)))


@given(STEPS, st.integers(0, 100_000_000))
def test_any_run_of_entries_keeps_the_rules(steps: list[tuple[str, str, int]], later_ms: int) -> None:
    """Only what the table allows is taken; the sums are those of the spans between the entries; nothing is ever negative."""
    now_ms = at("2026-11-20T12:00")
    standing = {"ana": Standing(), "ben": Standing()}
    taken: list[Entry] = []
    expected = {"ana": [0, 0], "ben": [0, 0]}
    for number, (employee, kind, passed_ms) in enumerate(steps):
        before, now_ms = standing[employee], now_ms + passed_ms
        after = hours.entered(before, kind, now_ms, "2026-11-20")  # type: ignore[arg-type]
        assert (after is not None) == (kind in hours.allowed(before))
        if after is None:
            continue
        if before.clocked != "out":
            expected[employee][before.clocked == "break"] += max(0, now_ms - (before.since_at_ms or 0))
        standing[employee] = after
        taken.append(Entry(str(number), employee, kind, now_ms))  # type: ignore[arg-type]
    now_ms += later_ms
    for employee, one in standing.items():
        if one.clocked != "out":
            expected[employee][one.clocked == "break"] += max(0, now_ms - (one.since_at_ms or 0))
    came_to = hours.worked(Day(tuple(taken)), now_ms)
    assert came_to.keys() == {entry.employee for entry in taken}
    for employee, one in came_to.items():
        assert [one.worked_ms, one.break_ms] == expected[employee]
        assert one.open == (standing[employee].clocked != "out")


def test_the_last_word_on_a_shift_is_what_was_declared() -> None:
    day = day_of(("clock_in", "2026-11-20T09:00"), ("clock_out", "2026-11-20T13:00"))
    day = hours.declared(hours.declared(day, "ana", 900), "ana", 1250)
    day = Day((*day.entries, Entry("2", "ana", "clock_in", at("2026-11-20T17:00"))), day.tips)
    day = hours.declared(hours.declared(day, "ana", 3000), "ben", 100)
    came_to = hours.worked(day, at("2026-11-20T18:00"))
    assert (came_to["ana"].cash_tips_minor, came_to["ben"].cash_tips_minor) == (4250, 100)


async def clock(page: Page, kind: str, employee: str, *, status: int = 200, **more: object) -> dict[str, object]:
    answer: dict[str, object] = await page.post("/time-entries", {"employee": employee, "kind": kind, **more}, status=status)
    return answer


def test_people_clock_in_and_out_on_a_page(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        ana = await store.signed_in(ANA)
        refused = await clock(ana, "clock_out", "ana", status=422)
        assert (refused["allowed"], refused["clocked"]) == (["clock_in"], "out")
        for kind in ("clock_in", "break_start", "break_end"):
            await clock(ana, kind, "ana")
        assert (await ana.get("/session"))["clocked"] == "in"
        await clock(ana, "break_end", "ana", status=422)
        await clock(ana, "clock_in", "ben", status=403)
        await ana.post("/tips", {"employee": "ana", "cash_tips_minor": 1200})
        await ana.post("/tips", {"employee": "ben", "cash_tips_minor": 1200}, status=403)
        listed = await ana.get("/time-entries?employee=ana")
        assert [entry["kind"] for entry in listed["entries"]] == ["clock_in", "break_start", "break_end"]
        (worked,) = listed["worked"]
        assert (worked["name"], worked["cash_tips_minor"], worked["open"]) == ("Ana", 1200, True)
        staff = {one["employee"]: one["clocked"] for one in (await ana.get("/staff"))["staff"]}
        assert staff == {"ana": "in", "ben": "out", "cleo": "out", "mia": "out", "tim": "out"}

    in_store(staffed(tmp_path), scene)


def test_a_forgotten_clock_out_is_entered_by_a_manager(tmp_path: Path) -> None:
    async def scene(store: Store) -> None:
        cook, boss = await store.signed_in(COOK), await store.signed_in(BOSS, "side")
        await clock(cook, "clock_in", "cleo")
        came_ms = (await boss.get("/time-entries"))["entries"][0]["entered_at_ms"]
        await clock(cook, "clock_out", "cleo", at_ms=came_ms + 1, status=403)
        for wrong_ms in (came_ms, came_ms - 1, came_ms + 3_600_000):
            refused = await clock(boss, "clock_out", "cleo", at_ms=wrong_ms, status=422)
            assert str(refused["type"]).endswith(":time_entry_time")
        await clock(boss, "clock_out", "cleo", at_ms=came_ms + 1)
        entered = (await boss.get("/time-entries"))["entries"][-1]
        assert (entered["kind"], entered["entered_at_ms"], entered["by"]) == ("clock_out", came_ms + 1, "mia")
        unknown = await clock(boss, "clock_in", "nobody", status=422)
        assert str(unknown["type"]).endswith(":unknown_employee")

    in_store(staffed(tmp_path), scene)


def test_time_entries_outlive_a_restart(tmp_path: Path) -> None:
    async def before(store: Store) -> None:
        await clock(await store.signed_in(BEN), "clock_in", "ben")

    async def after(store: Store) -> None:
        page = store.page()
        assert [entry["employee"] for entry in (await page.get("/time-entries"))["entries"]] == ["ben"]
        await page.sign_in(BEN)
        await clock(page, "clock_in", "ben", status=422)
        await clock(page, "clock_out", "ben")

    config = staffed(tmp_path)
    in_store(config, before)
    in_store(config, after)
