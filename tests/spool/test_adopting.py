"""The fired tickets of a dead register are printed by another one: each once, and marked where nobody knows."""

import asyncio

import msgspec
import pytest
from tests.spool.virtual import run_virtual
from tests.spool.world import World, config

from tillkeeper.contract.documents import DocumentRerouted
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.guard import _OUR_ID
from tillkeeper.spool.adopting import Orphan, adopt, adopted_id
from tillkeeper.spool.jobs import job_row
from tillkeeper.spool.model import Job, TicketData


async def orphans(world: World, count: int) -> list[Orphan]:
    """Tickets of the register "lane", oldest first; every other one may be on paper."""
    made = []
    for n in range(count):
        job = msgspec.structs.replace(world.job(f"T-{n}"), order=n + 1, job_id=f"{n:026d}")
        made.append(Orphan(job=job, printed="unknown" if n % 2 else "no"))
    return made


def test_each_is_printed_once_in_order_says_whose_it_is_and_repeats_say_so() -> None:
    async def scenario() -> None:
        world = World()
        async with world.living():
            tickets = await orphans(world, 4)
            adopted = await world.spool.adopt(tickets, "lane")
            assert len(adopted) == 4
            await world.until_done(30)
            assert await world.spool.adopt(tickets, "lane") == (), "handed over again, they are known"
        async with world.living():
            assert await world.spool.adopt(tickets[:2], "lane") == (), "after a restart, too"
            await asyncio.sleep(60)
        sheets = [(code, marks) for code, marks, _at in world.printers["grill"].paper]
        assert sheets == [
            ("T-0", ("FROM REGISTER LANE",)),
            ("T-1", ("FROM REGISTER LANE", "POSSIBLE DUPLICATE")),
            ("T-2", ("FROM REGISTER LANE",)),
            ("T-3", ("FROM REGISTER LANE", "POSSIBLE DUPLICATE")),
        ]
        told = [event for event in world.journal.events if isinstance(event, DocumentRerouted)]
        assert (told[0].job_id, told[0].reason) == (f"{0:026d}", "adopted from register lane")

    run_virtual(scenario())


def test_two_that_hand_over_at_the_same_time_are_one() -> None:
    async def scenario() -> None:
        world = World()
        async with world.living():
            tickets = await orphans(world, 6)
            first, second = await asyncio.gather(world.spool.adopt(tickets, "lane"), world.spool.adopt(tickets[::-1], "lane"))
            assert (len(first), len(second)) == (6, 0)
            await world.until_done(30)
        assert world.printers["grill"].printed() == [f"T-{n}" for n in range(6)]

    run_virtual(scenario())


def test_a_disk_that_refuses_adopts_nothing_and_the_next_try_all() -> None:
    async def scenario() -> None:
        world = World()
        async with world.living():
            tickets = await orphans(world, 2)
            world.journal.refusing = True
            with pytest.raises(StorageRefused):
                await world.spool.adopt(tickets, "lane")
            world.journal.refusing = False
            assert len(await world.spool.adopt(tickets, "lane")) == 2
            await world.until_done(30)
        assert len(world.printers["grill"].paper) == 2

    run_virtual(scenario())


def test_an_old_one_is_held_for_a_person_and_goes_where_the_policy_sends_it() -> None:
    async def scenario() -> None:
        world = World()
        async with world.living():
            tickets = await orphans(world, 1)
            await asyncio.sleep(3600)
            (adopted,) = await world.spool.adopt(tickets, "lane")
            await world.until_done(30)
            assert world.states([adopted]) == ["held"]

    run_virtual(scenario())


# --- which, and how ---


def one(**changes: object) -> Job:
    made = World().config.stations["grill"]
    data = TicketData(
        check_id="c", ticket_code="T-1", revision=1, station="grill", order_type="dine_in", fired_at_ms=1, items=()
    )  # fmt: skip
    base = Job(
        job_id="0" * 26, device=made.devices[0], document_class="kitchen_ticket", data=data, created_at_ms=1, station="grill"
    )
    return msgspec.structs.replace(base, **changes)


def marks(job: Job, printed: str = "no") -> tuple[str, ...]:
    (adopted,) = adopt([Orphan(job=job, printed=printed)], "lane", config())  # type: ignore[arg-type]
    return adopted.marks


def test_what_is_settled_there_or_is_nothing_for_the_kitchen_is_left_alone() -> None:
    practice = msgspec.structs.replace(one().data, training=True)  # type: ignore[type-var]
    states = ("confirmed", "sent", "unconfirmed", "failed", "expired", "rerouted")
    left = [one(state=state) for state in states]
    left += [one(document_class="receipt"), one(document_class="drawer_pulse"), one(data=practice)]
    left += [one(device="elsewhere", station="unknown")]
    assert adopt([Orphan(job=job) for job in left], "lane", config()) == ()


def test_an_attempt_that_began_makes_it_a_possible_duplicate_whatever_is_said() -> None:
    assert marks(one()) == ("FROM REGISTER LANE",)
    for job in (one(state="sending"), one(may_have_printed=True)):
        assert marks(job) == ("FROM REGISTER LANE", "POSSIBLE DUPLICATE")
    assert marks(one(), "unknown") == ("FROM REGISTER LANE", "POSSIBLE DUPLICATE")


def test_a_device_that_only_the_dead_register_had_gives_way_to_the_stations_own() -> None:
    (adopted,) = adopt([Orphan(job=one(device="lane-usb", home=""))], "lane", config())
    assert adopted.device == "grill"
    (home,) = adopt([Orphan(job=one(device="bar", home="grill", visited=("grill",), round=2))], "lane", config())
    assert (home.device, home.visited, home.round) == ("grill", (), 0), "it begins anew"


def test_ids_follow_from_both_registers_and_have_the_form_of_all_ids() -> None:
    ids = {adopted_id(job, register) for job in ("a", "b") for register in ("front", "lane")}
    assert len(ids) == 4
    assert all(_OUR_ID.fullmatch(made) for made in ids)
    assert job_row(one(job_id=adopted_id("a", "front"))).job_id == adopted_id("a", "front")
