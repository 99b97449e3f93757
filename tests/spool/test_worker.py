"""What the spool does with each outcome, in virtual time."""

import asyncio

import pytest
from tests.spool.virtual import run_virtual
from tests.spool.world import CLEAN, MemoryJournal, World, config

from tillkeeper.config.model import Station
from tillkeeper.errors import Conflict, NotFound, StorageRefused
from tillkeeper.journal.records import Appended, Batch
from tillkeeper.spool.worker import DELIVER_CEILING_S
from tillkeeper_drivers.api import Status

DEAD = Status(reachable="no")
NO_PAPER = Status(reachable="yes", paper_out="yes")


def test_documents_of_one_device_come_in_order_and_are_confirmed() -> None:
    async def scenario() -> None:
        world = World()
        async with world.living():
            jobs = [world.job(f"T-{n}") for n in range(20)]
            for job in jobs:
                await world.accept(job)
            await world.until_done()
        assert world.printers["grill"].printed() == [f"T-{n}" for n in range(20)]
        assert world.states(jobs) == ["confirmed"] * 20
        assert world.outcomes() == [(job.job_id, "confirmed") for job in jobs]
        assert len(set(world.printers["grill"].tokens)) == 20
        assert all(len(token) == 4 and all(0x20 <= byte <= 0x7E for byte in token) for token in world.printers["grill"].tokens)
        assert "grill" in world.changes

    run_virtual(scenario())


def test_a_device_that_can_not_confirm_ends_in_sent() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["grill"].script = ["sent"]
        async with world.living():
            job = world.job("T-1")
            await world.accept(job)
            await world.until_done()
        assert (world.stored(job.job_id).state, world.stored(job.job_id).evidence) == ("sent", "DLE EOT")

    run_virtual(scenario())


@pytest.mark.parametrize("trouble", ["hang", "dead", "slow"])
def test_one_bad_device_delays_no_other(trouble: str) -> None:
    async def scenario() -> None:
        world = World()
        if trouble == "dead":
            world.printers["bar"].condition = DEAD
        else:
            world.printers["bar"].script = [trouble] * 3
        async with world.living():
            await world.accept(*(world.job(f"T-b{n}", "bar") for n in range(3)))
            await asyncio.sleep(1)
            before = asyncio.get_running_loop().time()
            await world.accept(*(world.job(f"T-{n}", "grill") for n in range(3)))
            await world.until(lambda: len(world.printers["grill"].paper) == 3, 2)
            assert asyncio.get_running_loop().time() - before < 2

    run_virtual(scenario())


def test_an_unknown_outcome_is_repeated_marked_after_15_s_and_holds_up_nobody_else() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["grill"].script = ["unconfirmed"]
        async with world.living():
            await world.accept(world.job("T-1"), world.job("T-2"), world.job("T-1v", document_class="change_slip", check="T-1"))
            await world.until_done()
        sheets = world.printers["grill"].paper
        assert [code for code, _marks, _at in sheets] == ["T-1", "T-2", "T-1", "T-1v"]
        assert [marks for _code, marks, _at in sheets] == [(), (), ("POSSIBLE DUPLICATE",), ()]
        assert sheets[1][2] < 2
        assert 15 <= sheets[2][2] < 17

    run_virtual(scenario())


def test_a_repeat_waits_for_a_clean_status() -> None:
    async def scenario() -> None:
        world = World()
        bar = world.printers["bar"]
        bar.script = ["unconfirmed"]
        async with world.living():
            await world.accept(world.job("T-1", "bar"))
            await world.until(lambda: len(bar.paper) == 1, 1)
            bar.condition = Status()
            await asyncio.sleep(120)
            assert len(bar.paper) == 1, "silence is not clean"
            bar.condition = CLEAN
            await world.until(lambda: len(bar.paper) == 2, 10)
        world.assert_repeats_are_marked()

    run_virtual(scenario())


def test_a_device_that_never_confirms_does_not_print_for_ever() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["bar"].script = ["unconfirmed"] * 50
        async with world.living():
            job = world.job("T-1", "bar")
            await world.accept(job)
            await world.until_done(1000)
        assert len(world.printers["bar"].paper) == 5
        assert world.stored(job.job_id).state == "held"
        world.assert_repeats_are_marked()

    run_virtual(scenario())


def test_on_unknown_hold_waits_for_a_person_and_is_marked_when_released() -> None:
    async def scenario() -> None:
        world = World(config(grill=Station(title="Grill", devices=("grill",), on_unknown="hold")))
        world.printers["grill"].script = ["lost"]
        async with world.living():
            job = world.job("T-1")
            await world.accept(job)
            await world.until_done()
            await asyncio.sleep(100)
            assert (world.stored(job.job_id).state, world.printers["grill"].paper) == ("held", [])
            with pytest.raises(NotFound):
                await world.spool.release("nobody", "Ann")
            await world.spool.release(job.job_id, "Ann")
            with pytest.raises(Conflict):
                await world.spool.release(job.job_id, "Ann")
            await world.until(lambda: len(world.printers["grill"].paper) == 1, 5)
        assert world.printers["grill"].paper[0][1] == ("POSSIBLE DUPLICATE",)

    run_virtual(scenario())


def test_a_receipt_of_unknown_outcome_is_held_and_printed_on_a_tap() -> None:
    async def scenario() -> None:
        world = World()
        printer = world.printers["receipt"]
        printer.script = ["unconfirmed"]
        async with world.living():
            receipt = world.job("T-1", "receipt", "receipt")
            await world.accept(receipt)
            await world.until_done()
            await asyncio.sleep(60)
            assert len(printer.paper) == 1
            assert world.outcomes() == [(receipt.job_id, "held")]
            await world.spool.release(receipt.job_id, "Ann")
            await world.until_done()
        assert [marks for _code, marks, _at in printer.paper] == [(), ("DUPLICATE",)]

    run_virtual(scenario())


@pytest.mark.parametrize("word", ["unconfirmed", "lost", "hang", "bug"])
def test_a_pulse_is_never_repeated(word: str) -> None:
    async def scenario() -> None:
        world = World()
        printer = world.printers["receipt"]
        printer.script = [word]
        async with world.living():
            pulse = world.job("pulse", "drawer", "drawer_pulse")
            await world.accept(pulse)
            await world.until_done()
            await asyncio.sleep(60)
        assert printer.calls == 1
        assert world.states([pulse]) == ["unconfirmed"]

    run_virtual(scenario())


def test_a_pulse_goes_before_its_receipt_and_works_without_paper() -> None:
    async def scenario() -> None:
        world = World()
        printer = world.printers["receipt"]
        printer.script = ["paper_out"] * 4
        async with world.living():
            await world.accept(world.job("T-0", "receipt", "receipt"))
            await asyncio.sleep(0.5)
            printer.script = []
            pulse = world.job("pulse", "drawer", "drawer_pulse", check="T-1")
            await world.accept(world.job("T-1", "receipt", "receipt"), pulse)
            await world.until(lambda: printer.kicks == [pulse.job_id], 0.5)
            assert not printer.paper
            await world.until_done()
        assert printer.printed() == ["T-0", "T-1"]

    run_virtual(scenario())


def missed(world: World) -> tuple[tuple[str, int], ...]:
    snapshot = world.spool.snapshot_of("receipt")
    assert snapshot is not None
    return snapshot.drawers_missed


def test_a_drawer_never_opens_late() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["receipt"].condition = DEAD
        async with world.living():
            pulse = world.job("pulse", "drawer", "drawer_pulse")
            await world.accept(pulse)
            await world.until_done(30)
            expired_ms = world.now_ms()
            world.printers["receipt"].condition = CLEAN
            await asyncio.sleep(60)
            ((drawer, at_ms),) = missed(world)
            assert drawer == "drawer"
            assert abs(expired_ms - at_ms) < 1000
            assert world.states([pulse]) == ["expired"]
            assert world.printers["receipt"].kicks == []
            await world.accept(world.job("again", "drawer", "drawer_pulse"))
            await world.until_done(30)
            assert missed(world) == (), "it has opened since"

    run_virtual(scenario())


def test_a_drawer_never_opens_late_also_where_the_disk_took_its_time() -> None:
    class Slow(MemoryJournal):
        async def append(self, batch: Batch) -> Appended:
            appended = await super().append(batch)
            if any(row.state == "sending" for row in batch.jobs) and not world.slept_ms:
                world.slept_ms = 15_000  # as of a card that is worn out, or of a machine that was suspended right then
            return appended

    world = World()
    world.journal = Slow()

    async def scenario() -> None:
        async with world.living():
            pulse = world.job("pulse", "drawer", "drawer_pulse")
            await world.accept(pulse)
            await world.until_done(30)
        assert world.states([pulse]) == ["expired"]
        assert world.printers["receipt"].kicks == []

    run_virtual(scenario())


def test_a_dead_printer_is_left_after_20_s_and_its_queue_goes_to_the_backup() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["grill"].condition = DEAD
        async with world.living():
            await world.accept(*(world.job(f"T-{n}") for n in range(10)))
            await asyncio.sleep(19)
            assert not world.printers["bar"].paper
            await world.until(lambda: len(world.printers["bar"].paper) == 10, 10)
            late = world.job("T-late")
            await world.accept(late)
            await world.until(lambda: len(world.printers["bar"].paper) == 11, 6)
            world.printers["grill"].condition = CLEAN
            await asyncio.sleep(10)
            await world.accept(world.job("T-back"))
            await world.until_done()
        assert world.printers["bar"].printed() == [*(f"T-{n}" for n in range(10)), "T-late"]
        assert {marks for _code, marks, _at in world.printers["bar"].paper} == {("REROUTED FROM GRILL",)}
        assert world.printers["grill"].printed() == ["T-back"]
        assert len(world.reroutes()) == 11

    run_virtual(scenario())


def test_busy_is_not_dead() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["grill"].script = ["busy"] * 12
        async with world.living():
            await world.accept(world.job("T-1"))
            await world.until_done()
        assert world.printers["grill"].printed() == ["T-1"]
        assert not world.reroutes()
        assert world.all_paper()[0][2] > 20

    run_virtual(scenario())


def test_without_a_backup_a_device_is_tried_for_as_long_as_it_takes_with_few_writes() -> None:
    async def scenario() -> None:
        world = World(config(bar=Station(title="Bar", devices=("bar",), carry=False)))
        world.printers["bar"].condition = DEAD
        async with world.living():
            await world.accept(world.job("T-1", "bar"))
            await asyncio.sleep(1500)
            writes = world.journal.writes
            world.printers["bar"].condition = CLEAN
            await world.until(lambda: world.printers["bar"].printed() == ["T-1"], 10)
        assert writes < 5, "a dead printer must not wear out the disk"
        assert world.printers["bar"].paper[0][1] == (), "no byte had left: it is no duplicate"

    run_virtual(scenario())


def test_a_bad_document_fails_at_once_and_the_next_one_prints() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["bar"].script = ["bad_document"]
        async with world.living():
            bad, good = world.job("T-1", "bar"), world.job("T-2", "bar")
            await world.accept(bad, good)
            await world.until_done(2)
        assert world.states([bad, good]) == ["failed", "confirmed"]

    run_virtual(scenario())


def test_a_hanging_driver_is_cut_off() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["bar"].script = ["hang"]
        async with world.living():
            await world.accept(world.job("T-1", "bar"))
            await world.until_done(DELIVER_CEILING_S + 60)
        assert world.printers["bar"].printed() == ["T-1", "T-1"]
        world.assert_repeats_are_marked()

    run_virtual(scenario())


def test_after_a_night_away_tickets_are_held_and_released_in_order() -> None:
    async def scenario() -> None:
        world = World(config(bar=Station(title="Bar", devices=("bar",), carry=False)))
        world.printers["bar"].condition = DEAD
        async with world.living():
            old = [world.job(f"T-{n}", "bar") for n in range(5)]
            await world.accept(*old)
            await asyncio.sleep(8 * 3600)
            change = world.job("T-0v", "bar", "change_slip", check="T-0", action="void")
            fresh = world.job("T-9", "bar")
            await world.accept(change, fresh)
            world.printers["bar"].condition = CLEAN
            await world.until_done(30)
            assert world.printers["bar"].printed() == ["T-9"]
            assert world.states([*old, change]) == ["held"] * 6
            assert world.spool.snapshot()[1].held == 6
            for job in world.spool.jobs():
                await world.spool.release(job.job_id, "Ann")
            await world.until_done(30)
        assert world.printers["bar"].printed() == ["T-9", *(f"T-{n}" for n in range(5)), "T-0v"]

    run_virtual(scenario())


def test_all_held_tickets_are_released_at_once_and_print_in_order_and_nothing_else_does() -> None:
    async def scenario() -> None:
        alone = {name: Station(title=name, devices=(name,), carry=False) for name in ("grill", "bar")}
        world = World(config(**alone))
        async with world.living():
            for name in ("grill", "bar", "receipt"):
                world.printers[name].condition = DEAD
            jobs = [world.job(f"T-{n}", ("grill", "bar")[n % 2]) for n in range(6)]
            receipt = world.job("R-1", "receipt", "receipt")
            await world.accept(*jobs, receipt)
            await asyncio.sleep(8 * 3600)
            for printer in world.printers.values():
                printer.condition = CLEAN
            await world.until_done(60)
            assert set(world.states([*jobs, receipt])) == {"held"}
            world.journal.refusing = True
            with pytest.raises(StorageRefused):
                await world.spool.release_all("Ann", training=False)
            world.journal.refusing = False
            assert set(world.states(jobs)) == {"held"}, "all of it or nothing"
            assert await world.spool.release_all("Ann", training=True) == ()
            released = await world.spool.release_all("Ann", training=False)
            assert [job.job_id for job in released] == [job.job_id for job in jobs]
            await world.until(lambda: set(world.states(jobs)) == {"confirmed"}, 60)
        assert world.printers["grill"].printed() == ["T-0", "T-2", "T-4"]
        assert world.printers["bar"].printed() == ["T-1", "T-3", "T-5"]
        assert world.states([receipt]) == ["held"], "a receipt is a decision of its own"

    run_virtual(scenario())


def test_cancel_settles_what_waits() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["bar"].condition = DEAD
        async with world.living():
            first, second = world.job("T-1", "bar"), world.job("T-2", "bar")
            await world.accept(first, second)
            await asyncio.sleep(1)
            after = await world.spool.cancel(second.job_id, "Ann")
            assert after.state == "expired"
            world.printers["bar"].condition = CLEAN
            await world.until_done()
        assert world.printers["bar"].printed() == ["T-1"]
        assert (second.job_id, "expired") in world.outcomes()

    run_virtual(scenario())


def test_the_status_shows_trouble_before_anything_is_printed() -> None:
    async def scenario() -> None:
        world = World()
        async with world.living():
            await asyncio.sleep(1)
            assert [snapshot.trouble for snapshot in world.spool.snapshot()] == ["", "", ""]
            world.printers["grill"].condition = Status(reachable="yes", cover_open="yes")
            world.changes.clear()
            await asyncio.sleep(6)
            grill = world.spool.snapshot()[0]
            assert (grill.device, grill.trouble, "grill" in world.changes) == ("grill", "cover_open", True)

    run_virtual(scenario())


def test_memory_is_bounded_and_nothing_beyond_it_is_lost_or_overtaken() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["bar"].condition = DEAD
        async with world.living():
            for n in range(1300):
                await world.accept(world.job(f"T-{n:04d}", "bar"))
            bar = world.spool.snapshot()[1]
            assert bar.queued <= 501
            assert bar.more_in_journal
            world.printers["bar"].condition = CLEAN
            await world.until(lambda: len(world.printers["bar"].paper) == 1300, 1000)
        assert world.printers["bar"].printed() == [f"T-{n:04d}" for n in range(1300)]

    run_virtual(scenario())
