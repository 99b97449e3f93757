"""Ticket codes never repeat, and do not touch the disk each time."""

import asyncio
import random
from pathlib import Path

import pytest
from tests.journal.world import opened

from tillkeeper.errors import StorageRefused
from tillkeeper.journal.numbering import LEAP, SETTING, Codes
from tillkeeper.journal.records import Batch

DAY = "2026-03-29"


def test_codes_count_from_one_for_each_day(tmp_path: Path) -> None:
    codes = Codes(tmp_path / "codes", None)
    assert [codes.next(DAY) for _ in range(3)] == [1, 2, 3]
    assert codes.next("2026-03-30") == 1
    assert codes.next(DAY) == 4, "a late order of yesterday goes on where yesterday stood"


def test_an_orderly_stop_skips_nothing_and_a_crash_repeats_nothing(tmp_path: Path) -> None:
    codes = Codes(tmp_path / "codes", None)
    assert [codes.next(DAY) for _ in range(150)][-1] == 150
    codes.close()
    codes = Codes(tmp_path / "codes", codes.setting()[SETTING])
    assert codes.next(DAY) == 151
    crashed = Codes(tmp_path / "codes", None)  # without the journal's word, as after it was set aside
    assert crashed.next(DAY) == 251


def test_a_block_is_reserved_before_any_of_it_is_used_and_not_each_time(tmp_path: Path) -> None:
    path = tmp_path / "codes"
    codes = Codes(path, None)
    written = set()
    for _ in range(250):
        code = codes.next(DAY)
        written.add(path.stat().st_ino)
        assert code <= int(path.read_text().split(":")[1].strip("}"))
    assert len(written) <= 3


@pytest.mark.parametrize("seed", range(8))
def test_random_crashes_stops_and_losses_never_repeat_a_code(tmp_path: Path, seed: int) -> None:
    chance, path, seen = random.Random(seed), tmp_path / "codes", set[tuple[str, int]]()
    setting: bytes | None = None
    codes = Codes(path, None, block=7)
    for _ in range(100):
        happens = chance.choice(["next"] * 8 + ["crash", "stop", "journal lost", "file damaged"])
        if happens == "next":
            day = chance.choice([DAY, "2026-03-30"])
            entry = (day, codes.next(day))
            assert entry not in seen
            seen.add(entry)
            setting = codes.setting()[SETTING]
            continue
        if happens == "stop":
            codes.close()
        kept = None if happens == "journal lost" else setting
        if happens == "file damaged":
            path.write_bytes(b"\0\xff")
        codes = Codes(path, kept, block=7)
        if happens == "journal lost":
            setting = None
            for day in (DAY, "2026-03-30"):
                entry = (day, codes.next(day))
                assert entry not in seen
                seen.add(entry)
            setting = codes.setting()[SETTING]


def test_without_any_record_that_can_be_read_it_starts_far_ahead(tmp_path: Path) -> None:
    (tmp_path / "codes").write_bytes(b"garbage")
    assert Codes(tmp_path / "codes", None).next(DAY) == LEAP + 1


def test_the_setting_survives_in_the_journal(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            codes = Codes(tmp_path / "codes", journal.setting(SETTING))
            codes.next(DAY)
            codes.next(DAY)
            await journal.append(Batch(settings=codes.setting()))
        (tmp_path / "codes").unlink()
        async with opened(tmp_path / "journal.db") as journal:
            assert Codes(tmp_path / "codes", journal.setting(SETTING)).next(DAY) == 3

    asyncio.run(scenario())


def test_a_disk_that_refuses_gives_no_code(tmp_path: Path) -> None:
    codes = Codes(tmp_path / "missing" / "codes", None)
    with pytest.raises(StorageRefused):
        codes.next(DAY)
    (tmp_path / "missing").mkdir()
    assert codes.next(DAY) == 1


def test_what_was_given_out_in_a_forgotten_time_comes_no_second_time(tmp_path: Path) -> None:
    """The disk was lost, or is an older copy; others tell."""
    codes = Codes(tmp_path / "codes", None)
    codes.used_before(DAY, 250)
    codes.used_before(DAY, 7)
    assert codes.next(DAY) == 251
    assert codes.next("2026-03-30") == 1
    codes.used_before(DAY, 251)
    codes.used_before(DAY, 400)
    assert codes.next(DAY) == 401
    assert Codes(tmp_path / "codes", None).next(DAY) > 401
