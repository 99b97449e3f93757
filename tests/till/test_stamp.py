"""A clock without a battery: what is sold falls on the day after the last stamp, not on one of 1970."""

import asyncio
from pathlib import Path

from tests.till.world import config_in

from tillkeeper import clock
from tillkeeper.contract.events import ModeChanged
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch
from tillkeeper.till.stamp import Stamp, newest_stamp

EVENT = ModeChanged(mode="offline", previous="online")
LAST_MS = 1_790_000_000_000
MINUTE_MS = 60_000


def test_a_clock_of_1970_goes_on_from_the_last_stamp(tmp_path: Path) -> None:
    store = config_in(tmp_path).store
    shown = [LAST_MS]
    stamp = Stamp(store, lambda: shown[0], lambda: LAST_MS)
    today = stamp(EVENT).business_day
    shown[0] = 5 * MINUTE_MS
    assert (stamp(EVENT).at_ms, stamp(EVENT).business_day) == (LAST_MS, today)
    shown[0] += 90 * MINUTE_MS
    assert stamp(EVENT).at_ms == LAST_MS + 90 * MINUTE_MS
    assert stamp.today() == stamp.day(shown[0]) == stamp(EVENT).business_day
    shown[0] = LAST_MS + 7 * 86_400_000  # network time: from now on the clock is believed
    assert stamp(EVENT).at_ms == shown[0]


def test_a_clock_that_is_merely_wrong_is_not_tampered_with(tmp_path: Path) -> None:
    """A last stamp from a clock that was a year ahead must not hold the time there."""
    shown = [LAST_MS - 365 * 86_400_000]
    stamp = Stamp(config_in(tmp_path).store, lambda: shown[0], lambda: LAST_MS)
    assert stamp(EVENT).at_ms == shown[0]


def test_a_clock_that_is_set_back_further_while_it_is_not_believed_does_not_take_time_back(tmp_path: Path) -> None:
    shown = [100 * MINUTE_MS]
    stamp = Stamp(config_in(tmp_path).store, lambda: shown[0], lambda: LAST_MS)
    assert stamp(EVENT).at_ms == LAST_MS
    shown[0] = 0
    assert stamp(EVENT).at_ms == LAST_MS


def test_the_last_stamp_is_found_in_the_journal(tmp_path: Path) -> None:
    async def scene() -> None:
        shown = [LAST_MS]
        async with await Journal.open(
            tmp_path / "journal.db", "s", "r", wall_ms=lambda: shown[0], new_id=clock.new_id, machine_id="one"
        ) as journal:
            await journal.append(Batch(events=(Stamp(config_in(tmp_path).store, lambda: shown[0] + 5)(EVENT),)))
        shown[0] = 0
        async with await Journal.open(
            tmp_path / "journal.db", "s", "r", wall_ms=lambda: shown[0], new_id=clock.new_id, machine_id="another"
        ) as journal:  # another log begins, stamped in 1970
            assert len(journal.logs()) == 2
            assert newest_stamp(journal) == LAST_MS + 5

    asyncio.run(scene())
