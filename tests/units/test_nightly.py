"""The night's work: the books are read beside a running agent, what does not verify is said, and nothing is changed or lost."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from tests.api.fake_till import facts
from tests.journal.world import NOW, opened, sale
from tests.support.store import StoreRig, in_store

from tillkeeper.cli import exits
from tillkeeper.diagnostics.advisories import advise
from tillkeeper.diagnostics.facts import NightlyFacts
from tillkeeper.journal.files import JOURNAL_FILE, marker_of
from tillkeeper.nightly import result
from tillkeeper.nightly.model import DAY_MS, NIGHTS_KEPT, Night, NightlyResult, days_left, with_night
from tillkeeper.nightly.work import LEFTOVER_AGE_S, sweep, work

GIB = 2**30


def nights(*free: float, first_day: int = 0) -> tuple[Night, ...]:
    return tuple(Night(NOW + (first_day + day) * DAY_MS, int(gib * GIB), GIB) for day, gib in enumerate(free))


# --- how long the disk lasts ---


def test_a_disk_that_fills_evenly_has_its_days_counted() -> None:
    assert days_left(nights(10, 9, 8, 7)) == pytest.approx(7)
    assert days_left(nights(10, 9.1, 7.9, 7)) == pytest.approx(7, rel=0.05)


def test_what_is_not_known_is_not_guessed() -> None:
    assert days_left(()) is None
    assert days_left(nights(10, 9, 8)) is None, "too few"
    assert days_left(nights(8, 8, 8, 8)) is None, "it does not fill"
    assert days_left(nights(7, 8, 9, 10)) is None
    assert days_left(tuple(Night(NOW, gib * GIB, 0) for gib in (4, 3, 2, 1))) is None, "all of one moment"


def test_nights_are_kept_to_a_bound_and_a_wrong_clocks_go() -> None:
    kept: tuple[Night, ...] = ()
    for night in nights(*([5] * 50)):
        kept = with_night(kept, night)
    assert len(kept) == NIGHTS_KEPT
    ahead = nights(5, first_day=4000)
    assert with_night((*kept, *ahead), nights(5, first_day=60)[0])[-1].at_ms == NOW + 60 * DAY_MS
    assert len(with_night(ahead, nights(5)[0])) == 1


# --- the books ---


def test_books_that_are_whole_verify_while_somebody_writes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            for number in range(30):
                await journal.append(sale(f"s{number}"))
            working = asyncio.create_task(asyncio.to_thread(work, tmp_path, lambda: NOW))
            more = 0
            while not working.done():
                more += 1
                await journal.append(sale(f"more{more}"))
            found = await working
            assert found is not None
            assert found.problems == ()
            assert 31 <= found.events <= journal.last_seq
            assert more > 0

    asyncio.run(scenario())
    assert not marker_of(tmp_path / "journal.db").exists()
    kept = result.read(tmp_path)
    assert kept is not None
    assert kept.nights[-1].own_bytes > 0


def test_a_journal_that_was_changed_is_said_and_noted_for_the_next_start(tmp_path: Path) -> None:
    async def write() -> None:
        async with opened(tmp_path / "journal.db") as journal:
            for number in range(5):
                await journal.append(sale(f"s{number}"))

    asyncio.run(write())
    before = (tmp_path / "journal.db").read_bytes()
    with sqlite3.connect(tmp_path / "journal.db") as forged:
        (kept,) = forged.execute("SELECT body FROM events WHERE seq = 3").fetchone()
        forged.execute("UPDATE events SET body = ? WHERE seq = 3", (type(kept)(kept).replace(*_other(kept)),))
    forged.close()
    found = work(tmp_path, lambda: NOW)
    assert found is not None
    assert "event 3" in found.problems[0]
    assert marker_of(tmp_path / "journal.db").exists()
    (tmp_path / "journal.db").write_bytes(before[:4096] + os.urandom(4096) + before[8192:])
    for ending in ("-wal", "-shm"):
        (tmp_path / f"journal.db{ending}").unlink(missing_ok=True)
    found = work(tmp_path, lambda: NOW)
    assert found is not None
    assert found.problems
    assert (tmp_path / "journal.db").exists(), "nothing is set aside or removed beside an agent"


def _other(body: str | bytes) -> tuple[str, str] | tuple[bytes, bytes]:
    return ("online", "offlin") if isinstance(body, str) else (b"online", b"offlin")


def test_a_new_register_has_nothing_to_check(tmp_path: Path) -> None:
    assert work(tmp_path, lambda: NOW) is None
    assert list(tmp_path.iterdir()) == []


# --- leftovers ---


def test_what_can_not_be_kept_is_the_disks_fault_and_still_says_that_the_books_are_damaged(tmp_path: Path) -> None:
    (tmp_path / JOURNAL_FILE).write_bytes(b"no journal")
    (tmp_path / result.FILE).mkdir()  # stands in for the full disk: it can not be written
    command = [sys.executable, "-m", "tillkeeper", "nightly", "--data", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == exits.STORAGE, done.stderr
    assert "the books do not verify: " in done.stderr


def test_only_drafts_that_nobody_finished_go(tmp_path: Path) -> None:
    old = {".api-token.0123456789abcdef", "ticket-codes.json.new"}
    kept = {"journal.db", "journal.db-wal", "journal-set-aside-x.db", "held.db", "api-token", ".hidden", "nightly.json"}
    for name in (*old, *kept, ".page-token.0123456789abcdef"):
        (tmp_path / name).write_text("x")
    (tmp_path / "folder.new").mkdir()
    (tmp_path / "link.new").symlink_to("journal.db")
    for name in (*old, *kept, "folder.new"):
        os.utime(tmp_path / name, (1.0, 1.0))
    young_s = (tmp_path / ".page-token.0123456789abcdef").stat().st_mtime
    assert sweep(tmp_path, young_s + LEFTOVER_AGE_S - 60) == 2
    assert {path.name for path in tmp_path.iterdir()} == {*kept, ".page-token.0123456789abcdef", "folder.new", "link.new"}


# --- what is said of it ---


def test_that_it_has_not_run_is_said_and_a_new_register_is_left_in_peace() -> None:
    def said(**nightly: object) -> list[str]:
        return [one.code for one in advise(facts(nightly=NightlyFacts(**nightly)))]  # type: ignore[arg-type]

    assert said(in_use_s=86_400.0) == []
    assert said(in_use_s=4 * 86_400.0) == ["nightly_missed"]
    assert said(in_use_s=4 * 86_400.0, age_s=3600.0) == []
    assert said(age_s=3600.0, days_left=31.0) == []


def test_a_file_that_is_none_is_nothing_known(tmp_path: Path) -> None:
    latest = result.Latest(tmp_path)
    assert latest.result() is None
    (tmp_path / result.FILE).write_text("{")
    assert latest.result() is None
    result.write(tmp_path, NightlyResult(at_ms=5))
    assert latest.result() == NightlyResult(at_ms=5)
    (tmp_path / result.FILE).unlink()
    assert latest.result() is None
    os.mkfifo(tmp_path / result.FILE)
    assert latest.result() is None


def test_what_lies_in_the_place_of_a_draft_holds_nobody_up(tmp_path: Path) -> None:
    """The folder is the agent's, and root may start the work by hand."""
    os.mkfifo(tmp_path / f"{result.FILE}.new")
    result.write(tmp_path, NightlyResult(at_ms=5))
    assert result.read(tmp_path) == NightlyResult(at_ms=5)


@pytest.mark.root
def test_what_root_looked_at_by_hand_is_still_the_agents_to_read(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make files of others")
    books, elsewhere = tmp_path / "books", tmp_path / "elsewhere"
    books.mkdir()
    os.chown(books, 12_345, 12_346)
    result.write(books, NightlyResult(at_ms=5))
    kept = (books / result.FILE).stat()
    assert (kept.st_uid, kept.st_gid) == (12_345, 12_346)
    elsewhere.write_text("")
    (books / f"{result.FILE}.new").symlink_to(elsewhere)
    result.write(books, NightlyResult(at_ms=6))
    assert elsewhere.read_text() == ""
    assert {path.name for path in books.iterdir()} == {result.FILE, f"{result.FILE}.new"}


def test_the_command_tells_a_running_register(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.order("cola")
        command = [sys.executable, "-m", "tillkeeper", "nightly", "--config", str(rig.config_file)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stderr
        assert "events verify." in done.stdout
        assert "how long that lasts is not known" in done.stdout
        result.write(rig.data, NightlyResult(at_ms=1, problems=("log x: event 3: it is missing",)))

        async def told() -> bool:
            codes = [one["code"] for one in (await rig.get("/v1/status"))["advisories"]]
            return {"books_damaged", "nightly_missed"} <= set(codes)

        await rig.wait_for("the advisory", told)

    in_store(tmp_path, scene, hq=False)
