"""Closes of days that are far ahead: a wrong clock, or a member that is out of its mind, ends no day of the others."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.day.world import cli, code, heard, may_close
from tests.hq.test_days import close
from tests.hq.world import Log
from tests.support.several import SeveralRig
from tests.support.store import StoreRig
from tests.support.wall_clock import WallClock

from tillkeeper.cli import exits
from tillkeeper.contract.day import DayTailDeclared
from tillkeeper.contract.days import AHEAD_DAYS, JUMP_DAYS, Close, Place, believed, later, next_day, reach
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import decode_body
from tillkeeper.contract.roles import MAX_COUNTER, Epoch
from tillkeeper.day.calendar import witnessed_ms
from tillkeeper.day.index import DayIndex
from tillkeeper_hq import queries
from tillkeeper_hq.database import Database
from tillkeeper_hq.ingest import Taking
from tillkeeper_hq.sqlite import SqliteBackend

TODAY, NOW_MS, YEAR_MS = "2026-11-23", 1_795_435_200_000, 31_536_000_000
FAR = "9999-12-30"


HONEST, HERE = Epoch(1, "a"), Place("a", "i", 1)


def closed(day: str, epoch: Epoch = HONEST, z: int = 1, at: Place = HERE) -> Close:
    return Close(day, epoch, z, {}, at)


# --- the rule ---


@given(ahead=st.lists(st.integers(-40, 400), max_size=12), later_by=st.integers(0, 400), chance=st.randoms())
def test_what_is_believed_depends_on_no_order_and_only_grows_with_time(
    ahead: list[int], later_by: int, chance: random.Random
) -> None:
    closes = [closed(later(TODAY, days), at=Place("a", "i", seq)) for seq, days in enumerate(ahead)]
    mixed = list(closes)
    chance.shuffle(mixed)
    assert believed(closes, TODAY) == believed(mixed, TODAY)
    assert {one.at for one in believed(closes, TODAY)} <= {one.at for one in believed(closes, later(TODAY, later_by))}
    assert later(TODAY, JUMP_DAYS) <= reach(closes, TODAY) <= later(TODAY, AHEAD_DAYS)


def test_one_close_a_day_may_go_ahead_step_by_step_but_none_leaps() -> None:
    steps = [closed(later(TODAY, days)) for days in range(40)]
    assert len(believed(steps, TODAY)) == 40
    assert believed([closed(later(TODAY, 8))], TODAY) == []
    assert believed([closed(FAR), closed("9999-12-31"), closed("2026-02-31")], TODAY)[1:] == []
    assert believed([closed(FAR)], TODAY) == []
    endless = [closed(later(TODAY, days)) for days in range(0, 4_000, 7)]
    assert max(one.day for one in believed(endless, TODAY)) <= later(TODAY, AHEAD_DAYS)


def test_an_epoch_that_nobody_came_to_does_not_outrank_a_close() -> None:
    honest = closed(TODAY, Epoch(4, "a"))
    assert believed([honest, closed(TODAY, Epoch(MAX_COUNTER, "mad"))], TODAY) == [honest]


@pytest.mark.parametrize(
    ("own", "others", "found"),
    [
        (NOW_MS, [NOW_MS - 5], NOW_MS - 5),
        (NOW_MS, [NOW_MS + 10 * YEAR_MS], NOW_MS),  # one other clock is ahead
        (NOW_MS + 10 * YEAR_MS, [NOW_MS, NOW_MS - 9], NOW_MS),  # the own one is
        (NOW_MS - YEAR_MS, [NOW_MS, NOW_MS - 9], NOW_MS - 9),  # it was set back
        (0, [NOW_MS - 9, NOW_MS], NOW_MS),  # its battery is dead: that is no time
        (NOW_MS, [0], NOW_MS),
        (NOW_MS, [], NOW_MS),
        (5, [6], 5),
    ],
)
def test_two_have_to_say_how_late_it_is(own: int, others: list[int], found: int) -> None:
    assert witnessed_ms(own, others) == found


# --- a register's index ---


def told(index: DayIndex, register: str, seq: int, kind: str, event: object, at_ms: int = NOW_MS) -> None:
    index.take(Envelope("s", register, f"i{register}", seq, kind, 1, TODAY, at_ms, "", "", ""), event)  # type: ignore[arg-type]


def test_a_member_can_not_end_the_days_that_have_not_come() -> None:
    index = DayIndex(lambda: TODAY)
    told(index, "a", 1, "day_closed", close("2026-11-22", 1, Epoch(1, "a"), {}))
    told(index, "mad", 1, "day_closed", close(FAR, 999_999_999, Epoch(1, "mad"), {}))
    assert index.days.last_closed == "2026-11-22"
    assert index.days.may_close(TODAY)
    assert index.last_z == 1, "the next Z is number 2"
    assert [one.close.day for one in index.ahead] == [FAR]
    assert index.closed(FAR) is None


def test_a_number_that_leaps_uses_up_no_numbers() -> None:
    index = DayIndex(lambda: TODAY)
    told(index, "a", 1, "day_closed", close("2026-11-21", 7, Epoch(1, "a"), {}))
    told(index, "mad", 1, "day_closed", close("2026-11-22", 999_999_999, Epoch(1, "mad"), {}))
    assert index.last_z == 7


def test_a_tail_of_a_wrong_clock_is_let_go_when_the_clock_is_set() -> None:
    """The register ended 2036 itself; set right, it ends today like any other."""
    today = ["2036-11-23"]
    index = DayIndex(lambda: today[0])
    told(index, "a", 1, "day_tail_declared", DayTailDeclared(day="2036-11-23"))
    assert (index.last_tail("a", "ia"), index.tail("a", "ia", TODAY)) == ("2036-11-23", 1)
    today[0] = TODAY
    assert (index.last_tail("a", "ia"), index.tail("a", "ia", TODAY)) == ("", None)
    told(index, "a", 9, "day_tail_declared", DayTailDeclared(day=TODAY))
    assert (index.last_tail("a", "ia"), index.tail("a", "ia", TODAY)) == (TODAY, 9)


# --- HQ ---


def test_hq_counts_a_far_close_when_its_day_comes_and_not_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOW_MS]
    monkeypatch.setattr("tillkeeper_hq.database._now_ms", lambda: now[0])
    sold, mad = Log("till-1", "inc-1"), Log("till-2", "inc-2")
    day, far = "2026-11-20", "2027-11-20"
    sold.sale("C1", 900, day=day)
    mad.add(close(far, 5, Epoch(1, "till-2"), {"till-1": {"inc-1": 99}}), day=day)
    with Database(SqliteBackend(tmp_path)) as database:

        def take(log: Log, first: int, last: int) -> None:
            answer = database.write(Taking(log.batch(first, last))).result(60)
            assert all(verdict.verdict == "stored" for verdict in answer.verdicts)

        def days() -> dict[str, tuple[int, bool]]:
            found = database.read(lambda sql: queries.store_books(sql, log_store, "")).result(60).days
            return {one.books.business_day: (one.books.sales, one.closed is not None) for one in found if one.books.sales}

        log_store = sold.store
        take(mad, 1, 1)
        take(sold, 1, len(sold.events))
        assert days() == {day: (1, False)}, "it is in its own day, which is open"
        sold.add(close(day, 1, Epoch(1, "till-1"), {"till-1": {"inc-1": len(sold.events)}}), day=day)
        first = len(sold.events)
        take(sold, first, first)
        assert days() == {day: (1, True)}
        sold.sale("C2", 500, day="2026-11-21")
        take(sold, first + 1, len(sold.events))
        assert days() == {day: (1, True), "2026-11-21": (1, False)}
        now[0] += YEAR_MS
        end = len(sold.events)
        sold.sale("C3", 500, day="2027-11-19")
        take(sold, end + 1, len(sold.events))
    found = DayIndex(lambda: "2027-11-19")
    for log in (mad, sold):
        for envelope in log.events:
            event = decode_body(envelope.type, envelope.body.encode())
            if event is not None and envelope.type in (found.kinds or ()):
                found.take(envelope, event)
    with Database(SqliteBackend(tmp_path)) as database:
        at_hq = days()
    place = [Place("till-1", "inc-1", seq) for seq in range(1, len(sold.events) + 1)]
    wanted = {found.days.posted(one.business_day, at) for one, at in zip(sold.events, place, strict=True)}
    assert set(at_hq) == wanted, "HQ and the registers come to the same days, also a year later"


# --- real registers ---


def test_a_register_with_a_wrong_clock_ends_no_day_of_the_others_nor_its_own_for_ever(tmp_path: Path) -> None:
    """Its clock is ten years ahead, it is primary and alone: it closes what is its today. Then the others are back, and then
    its clock is set."""
    wall = WallClock(tmp_path / "wall")

    async def scenario() -> None:
        async with SeveralRig(tmp_path, "side", "front", changes={"roles": {"primary": "side"}}, hq=False) as store:
            side, front = store["side"], store["front"]
            await front.order("cola")
            today = (await front.get("/v1/day"))["today"]
            await store.wait_sinks("front", side=0)
            await front.kill_agent()
            await side.kill_agent()
            wall.set_ahead("+10y")
            side.agent_prefix = wall.prefix
            await side.start_agent()
            await may_close(side)
            await side.order("cola")
            far = (await side.get("/v1/day"))["today"]
            assert far > later(today, 3_000)
            assert (await cli(side, "park", "front", "--reason", "dead", "--by", "Mia")).returncode == exits.OK
            for day in (today, far):
                closing = await cli(side, "close", day, "--by", "Mia", "--wait", "20")
                assert closing.returncode == exits.OK, closing.stderr

            await front.start_agent()
            await store.wait_sinks("side", front=0)
            await front.wait_for("it has heard of both closes", lambda: _words(front, f"has closed {far}"))
            found = await front.get("/v1/day")
            assert (found["last_closed"], found["today"]) == (today, next_day(today))
            await front.order("cola")
            assert next_day(today) in (await front.get("/v1/day"))["open"]

            await side.kill_agent()
            side.agent_prefix = ()
            await side.start_agent()
            await side.wait_for("it stamps the days of the others", lambda: _today(side, next_day(today)))
            assert (await cli(side, "unpark", "front", "--by", "Mia")).returncode == exits.OK
            await heard(side, "side", "front")
            await may_close(side)
            await side.order("cola")
            closing = await cli(side, "close", next_day(today), "--by", "Mia", "--wait", "20")
            assert closing.returncode == exits.OK, closing.stderr
            report = await side.get(f"/v1/days/{next_day(today)}")
            assert (report["figures"]["books"]["sales"], report["closed"]["counts"]) == (2, True)
            again = await side.post("/v1/day/close", {"day": far, "by": "Mia"})
            assert code(again) == "day_ahead"

    asyncio.run(scenario())


async def _words(rig: StoreRig, words: str) -> bool:
    return words in (await rig.get("/v1/day"))["words"]


async def _today(rig: StoreRig, day: str) -> bool:
    return bool((await rig.get("/v1/day"))["today"] == day)
