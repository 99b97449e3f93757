"""The agent dies at every step, the disk refuses, devices do what they want: nothing is lost, every repeat is marked, no
drawer opens twice."""

import asyncio
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spool.virtual import run_virtual
from tests.spool.world import World, config

from tillkeeper.config.model import Station
from tillkeeper.journal.records import Batch
from tillkeeper.spool.jobs import job_row
from tillkeeper.spool.model import Job

KITCHEN = ("T-0", "T-1", "T-2", "T-2v")
RECEIPTS = ("T-r0", "T-r1")


def day(world: World) -> list[Job]:
    return [
        world.job("T-0"),
        world.job("p0", "drawer", "drawer_pulse"),
        world.job("T-r0", "receipt", "receipt"),
        world.job("T-1", "bar"),
        world.job("T-2"),
        world.job("p1", "drawer", "drawer_pulse"),
        world.job("T-r1", "receipt", "receipt"),
        world.job("T-2v", "grill", "change_slip", check="T-2", action="void"),
    ]


async def accepted(world: World) -> None:
    """A day's jobs, durable before the first life."""
    jobs = (msgspec.structs.replace(job, order=n) for n, job in enumerate(day(world), 1))
    await world.journal.append(Batch(jobs=tuple(map(job_row, jobs))))


async def live(world: World, dies_at: int | None, patience_s: float = 400) -> int:
    """One life, until it dies or all is done; the steps that it took."""
    async with world.living(dies_at) as life:
        dead = asyncio.ensure_future(life.died.wait())
        done = asyncio.ensure_future(world.until_done(patience_s))
        await asyncio.wait({dead, done}, return_when=asyncio.FIRST_COMPLETED)
        for task in (dead, done):
            task.cancel()
        results = await asyncio.gather(dead, done, return_exceptions=True)
        assert life.died.is_set() or not isinstance(results[1], TimeoutError), "not done in time"
        return life.steps


async def release_all(world: World) -> None:
    async with world.living():
        await world.until_done()
        for _round in range(10):
            held = [job for job in world.unsettled() if job.state == "held"]
            if not held:
                return
            for job in held:
                await world.spool.release(job.job_id, "Ann")
            await world.until_done()
        raise AssertionError(f"still held: {held}")


def assert_promises(world: World, codes: Iterable[str] = KITCHEN + RECEIPTS) -> None:
    printed = {code for code, _marks, _at in world.all_paper()}
    assert set(codes) <= printed, f"lost: {set(codes) - printed}"
    world.assert_repeats_are_marked()
    world.assert_no_kick_twice()
    assert not world.unsettled()


def test_killed_at_every_step() -> None:
    async def scenario(dies_at: int) -> bool:
        world = World(seed=dies_at)
        await accepted(world)
        steps = await live(world, dies_at)
        await release_all(world)
        assert_promises(world)
        return steps < dies_at

    dies_at, finished = 0, False
    while not finished:
        dies_at += 1
        finished = run_virtual(scenario(dies_at))
    assert dies_at > 40, "the loop must have gone through every write and every device call"


@settings(max_examples=60, deadline=None)
@given(deaths=st.lists(st.integers(1, 25), max_size=6), seed=st.integers(0, 1000))
def test_killed_again_and_again(deaths: list[int], seed: int) -> None:
    async def scenario() -> None:
        world = World(seed=seed)
        await accepted(world)
        for dies_at in deaths:
            await live(world, dies_at)
        await release_all(world)
        assert_promises(world)

    run_virtual(scenario())


REFUSALS = ["unreachable", "busy", "paper_out", "no_answer"]
FAULTS = st.sampled_from(["ok", "sent", *REFUSALS, "lost", "unconfirmed", "slow", "hang", "bug"])


@settings(max_examples=80, deadline=None)
@given(
    grill=st.lists(FAULTS, max_size=8),
    bar=st.lists(FAULTS, max_size=8),
    receipt=st.lists(FAULTS, max_size=6),
    deaths=st.lists(st.integers(1, 40), max_size=2),
    refuses=st.booleans(),
)
def test_any_sequence_of_faults(grill: list[str], bar: list[str], receipt: list[str], deaths: list[int], refuses: bool) -> None:
    async def scenario() -> None:
        world = World(config(bar=Station(title="Bar", devices=("bar",), backup="grill", on_unknown="hold")))
        for name, script in (("grill", grill), ("bar", bar), ("receipt", receipt)):
            world.printers[name].script = list(script)
        await accepted(world)
        for dies_at in deaths:
            await live(world, dies_at, 2000)
        if refuses:
            world.journal.refusing = True
            async with world.living():
                await asyncio.sleep(5)
                world.journal.refusing = False
                await world.until_done(2000)
        await live(world, None, 2000)
        await release_all(world)
        assert_promises(world)

    run_virtual(scenario())


def test_while_the_disk_refuses_nothing_is_printed_and_nothing_spins() -> None:
    async def scenario() -> None:
        world = World()
        await accepted(world)
        world.journal.refusing = True
        async with world.living():
            await asyncio.sleep(60)
            assert not world.all_paper()
            assert not any(printer.calls for printer in world.printers.values())
            assert world.journal.refused < 3 * 3 * 60
            assert world.spool.snapshot()[0].trouble == "storage"
            world.journal.refusing = False
            await world.until_done()
        assert_promises(world)
        assert len(world.all_paper()) == 6, "nothing twice"
        assert not any(printer.kicks for printer in world.printers.values()), "too late for the drawer"

    run_virtual(scenario())


@pytest.mark.parametrize("dies", [False, True])
def test_an_outcome_that_can_not_be_stored_is_kept_until_it_can(dies: bool) -> None:
    async def scenario() -> None:
        world = World()
        async with world.living():
            job = world.job("T-1", "bar")
            await world.accept(job)
            await world.until(lambda: world.printers["bar"].calls == 1, 2)
            world.journal.refusing = True
            await asyncio.sleep(60)
            assert world.printers["bar"].printed() == ["T-1"]
            assert world.stored(job.job_id).state == "sending"
            if not dies:
                world.journal.refusing = False
                await world.until_done()
        world.journal.refusing = False
        async with world.living():
            await world.until_done()
        assert len(world.printers["bar"].paper) == (2 if dies else 1)
        world.assert_repeats_are_marked()

    run_virtual(scenario())


def test_a_release_that_can_not_be_stored_changes_nothing() -> None:
    async def scenario() -> None:
        world = World()
        world.printers["receipt"].script = ["unconfirmed"]
        async with world.living():
            receipt = world.job("T-r", "receipt", "receipt")
            await world.accept(receipt)
            await world.until_done()
            world.journal.refusing = True
            with pytest.raises(Exception, match="disk full"):
                await world.spool.release(receipt.job_id, "Ann")
            await asyncio.sleep(5)
            assert len(world.printers["receipt"].paper) == 1
            world.journal.refusing = False
            await world.spool.release(receipt.job_id, "Ann")
            await world.until_done()
        assert len(world.printers["receipt"].paper) == 2

    run_virtual(scenario())


def test_a_job_of_a_device_that_is_not_configured_any_more_is_told_to_the_log() -> None:
    async def scenario() -> None:
        world = World()
        stray = world.job("T-1", "patio")
        await world.journal.append(Batch(jobs=(job_row(stray),)))
        async with world.living():
            await world.until_done()
        assert world.outcomes() == [(stray.job_id, "failed")]

    run_virtual(scenario())


def test_an_interrupted_attempt_is_known_at_once_even_before_the_device_answers() -> None:
    async def scenario() -> None:
        world = World()
        async with world.living(dies_at=4) as life:
            job = world.job("T-1", "bar")
            await world.accept(job)
            await life.died.wait()
        assert world.stored(job.job_id).state == "sending"
        async with world.living():
            await asyncio.sleep(1)
            assert world.stored(job.job_id).may_have_printed
            assert world.stored(job.job_id).marks == ("POSSIBLE DUPLICATE",)

    run_virtual(scenario())
