"""A spool over an older copy of its journal: what waits there may be on paper already."""

import asyncio
import random

import msgspec
import pytest
from tests.spool.virtual import run_virtual
from tests.spool.world import CLEAN, Printer, World

from tillkeeper.contract.values import JobState
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.elsewhere import Outcome
from tillkeeper.spool.model import Job
from tillkeeper.spool.queue import MAX_LOADED
from tillkeeper_drivers.api import Status

OUT = msgspec.structs.replace(CLEAN, paper_out="yes")
KITCHEN = ("POSSIBLE DUPLICATE",)


def out_of_paper(world: World, out: bool = True) -> None:
    for printer in world.printers.values():
        printer.condition = OUT if out else CLEAN


def doubt(world: World, *jobs: Job) -> None:
    """As the journal says it once it is known to be an older copy."""
    for job in jobs:
        world.journal.rows[job.job_id] = msgspec.structs.replace(world.journal.rows[job.job_id], doubtful=True)


async def waiting(world: World, *jobs: Job) -> None:
    """A life in which nothing could be printed."""
    out_of_paper(world)
    async with world.living():
        await world.accept(*jobs)
        await asyncio.sleep(3)
    out_of_paper(world, False)


def test_each_class_follows_its_policy_of_an_unknown_outcome() -> None:
    async def scenario() -> None:
        world = World()
        ticket, receipt = world.job("T-1"), world.job("T-1", "receipt", "receipt")
        await waiting(world, ticket, receipt)
        pulse, slip = world.job("T-1", "drawer", "drawer_pulse"), world.job("TEST", "bar", "test_slip")
        rows = tuple(map(steps.job_row, (pulse, slip)))
        world.journal.rows |= {row.job_id: row for row in rows}
        doubt(world, ticket, receipt, pulse, slip)
        began_s = asyncio.get_running_loop().time()
        async with world.living():
            new = world.job("T-2")
            await world.accept(new)
            await world.until_done()
            assert world.states([ticket, receipt, pulse, slip]) == ["confirmed", "held", "unconfirmed", "unconfirmed"]
            assert not world.printers["receipt"].kicks, "a drawer is never kicked again"
            (first, second) = world.printers["grill"].paper
            assert first[:2] == ("T-2", ()), "what was accepted since is not in doubt, and does not wait"
            assert second[:2] == ("T-1", KITCHEN)
            assert second[2] >= began_s + 15, "others have a moment to tell what became of it"
            await world.spool.release(receipt.job_id, "Ann")
            await world.until_done()
        assert [sheet[:2] for sheet in world.printers["receipt"].paper] == [("T-1", ("DUPLICATE",))]

    run_virtual(scenario())


def test_one_that_a_person_has_to_release_is_marked_when_it_is() -> None:
    async def scenario() -> None:
        world = World()
        ticket = world.job("T-1")
        await waiting(world, ticket)
        held = steps.settle(world.stored(ticket.job_id), "was_held", world.now_ms(), reason="test")
        world.journal.rows[ticket.job_id] = steps.job_row(held)
        doubt(world, ticket)
        async with world.living():
            await asyncio.sleep(30)
            assert not world.printers["grill"].paper
            await world.spool.release(ticket.job_id, "Ann")
            await world.until_done()
        assert [sheet[:2] for sheet in world.printers["grill"].paper] == [("T-1", KITCHEN)]

    run_virtual(scenario())


def test_none_is_missed_behind_what_is_loaded_at_first() -> None:
    async def scenario() -> None:
        world = World()
        tickets = [world.job(f"T-{n}") for n in range(MAX_LOADED + 20)]
        await waiting(world, *tickets)
        doubt(world, *tickets)
        async with world.living():
            await world.until_done(3_600)
        sheets = world.printers["grill"].paper
        assert len(sheets) == len(tickets)
        assert {marks for _, marks, _ in sheets} == {KITCHEN}

    run_virtual(scenario())


@pytest.mark.parametrize("seed", range(6))
def test_found_out_while_the_spool_runs_what_is_not_printed_yet_is_marked(seed: int) -> None:
    async def scenario() -> None:
        world, chance = World(seed=seed), random.Random(seed)
        old = [world.job(f"T-{n}") for n in range(4)]
        await waiting(world, *old)
        grill = world.printers["grill"]
        grill.script = [chance.choice(["busy", "no_answer", "ok", "unreachable"]) for _ in range(3)]
        async with world.living():
            new = world.job("T-9")
            await world.accept(new)
            await asyncio.sleep(chance.uniform(0, 0.6))  # one of them may be in hand
            before = {code for code, _, _ in grill.paper}
            doubt(world, *old)
            in_hand = {job.data.ticket_code for job in world.spool.jobs() if job.state == "sending"}  # type: ignore[union-attr]
            world.spool.doubt()
            await world.until_done()
        marks = {code: marks for code, marks, _ in grill.paper}
        assert set(marks) == {"T-0", "T-1", "T-2", "T-3", "T-9"}
        for code in set(marks) - before - in_hand - {"T-9"}:
            assert marks[code] == KITCHEN, code
        assert marks["T-9"] == ()

    run_virtual(scenario())


def test_one_in_hand_that_was_refused_is_marked_too() -> None:
    async def scenario() -> None:
        world = World()
        ticket = world.job("T-1")
        await waiting(world, ticket)
        grill = world.printers["grill"]
        grill.script = ["busy"]
        async with world.living():
            await world.until(lambda: grill.busy, 60)
            doubt(world, ticket)
            world.spool.doubt()
            await world.until_done()
        assert [sheet[:2] for sheet in grill.paper] == [("T-1", KITCHEN)]

    run_virtual(scenario())


def test_one_whose_device_is_only_just_being_found_does_not_come_out_without_the_mark() -> None:
    """The attempt began before anybody knew; the printer comes back a moment later."""

    async def scenario() -> None:
        world = World()
        ticket = world.job("T-1")
        await waiting(world, ticket)
        grill = world.printers["grill"]
        grill.script = ["hang"]
        async with world.living():
            await world.until(lambda: grill.busy, 60)
            doubt(world, ticket)
            world.spool.doubt()
            await world.until_done()
        assert world.stored(ticket.job_id).may_have_printed
        assert [sheet[:2] for sheet in grill.paper] in ([("T-1", KITCHEN)], [("T-1", ()), ("T-1", KITCHEN)])

    run_virtual(scenario())


class SlowToSay(Printer):
    """Takes its time to say how it is."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.asking, self.answer = asyncio.Event(), asyncio.Event()

    async def status(self) -> Status:
        self.asking.set()
        await self.answer.wait()
        return await super().status()


def test_one_whose_device_is_being_asked_is_marked_too() -> None:
    async def scenario() -> None:
        world = World()
        ticket = world.job("T-1")
        await waiting(world, ticket)
        world.printers["grill"] = grill = SlowToSay("grill")
        grill.answer.set()
        grill.condition = OUT
        async with world.living():
            await asyncio.sleep(3)
            grill.answer.clear()
            grill.asking.clear()
            grill.condition = CLEAN
            await world.until(lambda: grill.asking.is_set() and bool(world.spool.snapshot()[0].current_job), 60)
            doubt(world, ticket)
            world.spool.doubt()
            grill.answer.set()
            await world.until_done()
        assert [sheet[:2] for sheet in grill.paper] == [("T-1", KITCHEN)]

    run_virtual(scenario())


@pytest.mark.parametrize("outcome", sorted(steps.SETTLED))
@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_others_know_to_be_done_is_not_done_again(outcome: JobState, when: str) -> None:
    async def scenario() -> None:
        world = World()
        queued, held, sending, other = (world.job(f"T-{n}") for n in range(4))
        await waiting(world, queued, held, sending, other)
        world.journal.rows |= {
            held.job_id: steps.job_row(steps.settle(world.stored(held.job_id), "was_held", world.now_ms())),
            sending.job_id: steps.job_row(steps.begin(world.stored(sending.job_id), "abcd")),
        }
        doubt(world, queued, held, sending, other)
        known = {job.job_id: Outcome(outcome, "GS ( H") for job in (queued, held, sending)} | {"unknown": Outcome("sent")}
        if when == "before":
            assert await world.spool.settled_before(known) == 3
        async with world.living():
            if when == "meanwhile":
                assert await world.spool.settled_before(known) == 3
            assert await world.spool.settled_before(known) == 0
            await world.until_done()
        assert world.states([queued, held, sending]) == [outcome] * 3
        assert [code for code, _, _ in world.printers["grill"].paper] == ["T-3"]
        assert not {job_id for job_id, _ in world.outcomes()} & known.keys(), "it is in the log that the others hold"

    run_virtual(scenario())


def test_what_is_being_sent_right_now_goes_on_whatever_others_say() -> None:
    async def scenario() -> None:
        world = World()
        ticket = world.job("T-1")
        grill = world.printers["grill"]
        async with world.living():
            await world.accept(ticket)
            await world.until(lambda: grill.busy, 10)
            assert await world.spool.settled_before({ticket.job_id: Outcome("confirmed")}) == 0
            await world.until_done()
        assert grill.printed() == ["T-1"]

    run_virtual(scenario())


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_what_another_has_adopted_is_given_up_in_whatever_state_it_waits(when: str) -> None:
    """One that a person would release later would come out without a mark."""

    async def scenario() -> None:
        world = World()
        queued, held, sending, other = (world.job(f"T-{n}") for n in range(4))
        await waiting(world, queued, held, sending, other)
        world.journal.rows |= {
            held.job_id: steps.job_row(steps.settle(world.stored(held.job_id), "was_held", world.now_ms())),
            sending.job_id: steps.job_row(steps.begin(world.stored(sending.job_id), "abcd")),
        }
        adopted = [queued.job_id, held.job_id, sending.job_id, "unknown"]
        if when == "before":
            await world.spool.given_up(adopted, "side")
        async with world.living():
            await world.spool.given_up(adopted, "side")
            await world.until_done()
        assert world.states([queued, held, sending, other]) == ["rerouted", "rerouted", "rerouted", "confirmed"]
        assert world.printers["grill"].printed() == ["T-3"]
        ends = [job_id for job_id, outcome in world.outcomes() if outcome == "rerouted"]
        assert sorted(ends) == sorted(adopted[:3])

    run_virtual(scenario())
