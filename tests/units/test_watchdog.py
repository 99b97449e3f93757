"""What is told to systemd: alive only where the loop ran and the writer's thread answered; a start that takes long; one that
fails."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journal.shim import FAULTS, NAME
from tests.journal.world import IdleClock, mode, opened, sale
from tests.units.manager import Manager, manager
from tests.units.till import Till

from tillkeeper import watchdog, watchdog_start
from tillkeeper.contract.views import AdvisoryView, StatusView
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.records import Batch

DEADLINE_S = 30.0


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Manager]:
    with manager(tmp_path) as made:
        yield made


# --- the writer's thread ---


def test_the_writer_answers_behind_all_work_and_also_with_a_disk_that_refuses(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "journal.db", vfs=NAME, idle_s=30) as journal:
            append = asyncio.create_task(journal.append(Batch(events=(mode(),))))
            await asyncio.sleep(0)
            await journal.writer_answers()
            assert append.done()
            FAULTS.fail_writes = FAULTS.fail_syncs = True
            with pytest.raises(StorageRefused):
                await journal.append(sale("refused"))
            assert journal.trouble is not None
            await asyncio.wait_for(journal.writer_answers(), DEADLINE_S)
            FAULTS.reset()
        with pytest.raises(StorageRefused):
            await journal.writer_answers()

    asyncio.run(scenario())


def test_a_writer_that_hangs_does_not_answer(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        async with opened(tmp_path / "journal.db", vfs=NAME, idle_s=30) as journal:
            FAULTS.sync_began.clear()
            FAULTS.may_sync.clear()
            hanging = asyncio.create_task(journal.append(sale("hangs")))
            assert await asyncio.to_thread(FAULTS.sync_began.wait, DEADLINE_S)
            answer = asyncio.create_task(journal.writer_answers())
            await asyncio.wait({answer}, timeout=0.2)
            assert not answer.done()
            assert not hanging.done()
            FAULTS.may_sync.set()
            await asyncio.wait_for(answer, DEADLINE_S)
            assert hanging.done()

    asyncio.run(scenario())


def test_who_asks_often_does_not_keep_the_writer_from_getting_well(tmp_path: Path) -> None:
    async def scenario() -> None:
        FAULTS.reset()
        idle = IdleClock(0)
        async with opened(tmp_path / "journal.db", vfs=NAME, idle_s=30, wall_ms=idle) as journal:
            FAULTS.fail_syncs = True
            with pytest.raises(StorageRefused):
                await journal.append(sale("refused"))
            FAULTS.reset()
            await journal.writer_answers()
            assert journal.trouble is None, "it looked, although it was never idle for 30 s"

    asyncio.run(scenario())


# --- what systemd hears ---


def status(*titles: str, selling: bool = True) -> StatusView:
    advisories = tuple(AdvisoryView(code="x", severity="alarm", title=title, text="", hint="") for title in titles)
    quiet = AdvisoryView(code="y", severity="notice", title="Prices may be old", text="", hint="")
    return StatusView(
        store="s", register="front", incarnation="i", version="1", uptime_s=1.0, at_ms=0, business_day="2026-01-01",
        mode="offline", dot="red", offline_support=True, only_here=0, only_here_words="", hq_exchange_age_s=None,
        selling=selling, catalogue_version="", catalogue_age_s=None, devices=(), jobs_waiting=0, jobs_held=0, checks_open=0,
        advisories=(*advisories, quiet),
    )  # fmt: skip


def test_the_line_of_status_is_short_and_hides_nothing() -> None:
    assert watchdog.words(status()) == "register front: sells, offline"
    full = watchdog.words(status("Sales can not be stored", selling=False))
    assert full == "register front: SELLS NOTHING, offline; Sales can not be stored"
    assert watchdog.words(status(*"abcdef", "a")).endswith("; a, b, c, d and 2 more")


def test_alive_is_said_only_after_an_answer(tmp_path: Path, held: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "40000")

    async def scenario() -> None:
        may = asyncio.Event()
        asked = asyncio.Queue[None]()

        async def answers() -> None:
            asked.put_nowait(None)
            await may.wait()

        watching = asyncio.create_task(watchdog.watch(answers, status))
        await asyncio.wait_for(asked.get(), DEADLINE_S)
        await asyncio.sleep(0.1)
        assert held.hears() == [], "the writer has not answered"
        assert asked.empty(), "one question at a time"
        may.set()
        for _ in range(3):
            await asyncio.wait_for(asked.get(), DEADLINE_S)
        watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await watching

    asyncio.run(scenario())
    told = held.hears()
    assert told[0] == {"WATCHDOG": "1", "STATUS": "register front: sells, offline"}
    assert len(told) >= 2
    assert all(one == {"WATCHDOG": "1"} for one in told[1:])


def test_a_register_is_ready_then_alive_then_stopping(tmp_path: Path, held: Manager) -> None:
    till = Till(tmp_path, held)
    till.start({"WATCHDOG_USEC": "400000"})
    held.ready()
    alive = held.wait_for("STATUS= with the mode", lambda told: told.get("STATUS", "").startswith("register front: sells, "))
    assert alive["WATCHDOG"] == "1"
    since = len(held.told)
    held.wait_for("alive again", lambda told: "WATCHDOG" in told, since)
    held.signal(signal.SIGTERM)
    assert held.wait() == 0, held.said()
    assert {"STOPPING": "1"} in held.hears()


def test_the_watchdogs_signal_leaves_every_threads_place_in_the_log(tmp_path: Path, held: Manager) -> None:
    till = Till(tmp_path, held)
    till.start()
    held.ready()
    held.signal(signal.SIGABRT)
    assert held.wait() == -signal.SIGABRT
    assert "Fatal Python error: Aborted" in held.said()
    assert "handover.py" in held.said(), "the writer's thread is there too"


# --- a start ---


def test_a_start_that_takes_long_asks_for_time(tmp_path: Path, held: Manager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setattr(watchdog_start, "ASK_EVERY_S", 0.01)

    async def scenario() -> int:
        async with watchdog_start.starting(()) as start:
            await asyncio.to_thread(held.wait_for, "asked again", lambda _: len(held.told) >= 3)
            start.done()
            await asyncio.sleep(0)
            return len(held.hears())

    asked = asyncio.run(scenario())
    assert held.hears()[:asked] == [{"EXTEND_TIMEOUT_USEC": "30000000"}] * asked
    assert len(held.hears()) == asked, "no more once it serves"


def test_a_start_that_gets_on_is_never_given_up_and_one_that_is_stuck_is() -> None:
    """A check of years of books, at whatever pace; and one that hangs."""
    now_s = [0.0]
    start = watchdog_start.Start((), lambda: now_s[0])
    assert start.due() == {"EXTEND_TIMEOUT_USEC": "30000000"}
    for done in range(1, 9):
        now_s[0] += watchdog_start.STUCK_S
        start.further(f"examines the journal: {done} of 9 events")
    assert start.due()["STATUS"] == "starts: examines the journal: 8 of 9 events"
    now_s[0] += watchdog_start.STUCK_S + 1
    assert start.due() == {}
    start.further("examines the journal: 9 of 9 events")
    assert "EXTEND_TIMEOUT_USEC" in start.due(), "the manager still waits for what it gave before"


def test_a_wrong_configuration_is_told_held_and_taken_again_once_it_is_another(tmp_path: Path, held: Manager) -> None:
    till = Till(tmp_path, held)
    right = till.config_file.read_text()
    till.config_file.write_text(right.replace("this_register", "this_regsiter", 1))
    till.start()
    told = held.wait_for("not started", lambda told: told.get("STATUS", "").startswith("not started"))
    assert "this_regsiter" in told["STATUS"]
    assert held.ended() is None, "it ended at once: it would be tried again without a pause"
    till.config_file.write_text(right)
    assert held.wait() == 2, held.said()
    assert "this_regsiter" in held.said()
    till.start()
    held.ready()


def test_the_prober_is_held_in_the_same_way(tmp_path: Path, held: Manager) -> None:
    till = Till(tmp_path, held)
    right = till.config_file.read_text()
    till.config_file.write_text(right.replace("this_register", "this_regsiter", 1))
    held.start("tillkeeper", "probe", "--config", str(till.config_file))
    held.wait_for("not started", lambda told: told.get("STATUS", "").startswith("not started"))
    assert held.ended() is None
    till.config_file.write_text(right)
    assert held.wait() == 2, held.said()


def test_without_a_manager_a_failed_start_ends_at_once(tmp_path: Path, held: Manager) -> None:
    till = Till(tmp_path, held)
    till.config_file.write_text("nonsense")
    till.start({"NOTIFY_SOCKET": ""})
    assert held.wait() == 2
    assert "tried again" not in held.said()
    assert held.hears() == []
