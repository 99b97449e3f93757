"""Where a ticket goes that its device does not take: a chain of backups, and the way on foot. Virtual time."""

import asyncio
from collections.abc import Iterable

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.spool.virtual import run_virtual
from tests.spool.world import CLEAN, Printer, World, config

from tillkeeper.config.model import Config, Device, Station
from tillkeeper.spool.model import Job, TicketData
from tillkeeper.spool.policy import ISLAND_PATIENCE_MS
from tillkeeper_drivers.api import Status

DEAD = Status(reachable="no")
NO_PAPER = Status(reachable="yes", paper_out="yes")
LAN = {"grill": "10.0.0.11:9100", "second": "10.0.0.12:9100", "bar": "10.0.0.13:9100"}


def store(backup: str | tuple[str, ...] = "", *, receipt: str = "usb:/dev/usb/lp0", **grill: object) -> Config:
    """Kitchen printers in the network, the register's own on USB."""
    made = config(
        grill=msgspec.structs.replace(Station(title="Grill", devices=("grill",), backup=backup), **grill),
        bar=Station(title="Bar", devices=("bar",)),
    )
    devices = {name: Device(kind="escpos", address=address, profile="tm-t88vi") for name, address in LAN.items()}
    own = Device(kind="escpos", address=receipt, profile="tm-t88vi")
    return msgspec.structs.replace(made, devices={**devices, "receipt": own, "drawer": made.devices["drawer"]})


def sheets(printer: Printer) -> list[tuple[str, tuple[str, ...]]]:
    return [(code, marks) for code, marks, _at in printer.paper]


def for_device(job: Job, device: str, world: World) -> Job:
    """The same ticket for another device of its station."""
    return msgspec.structs.replace(job, job_id=world.new_id(), device=device)


# --- the chain ---


def test_the_second_backup_steps_in_when_the_first_refuses_too() -> None:
    async def scenario() -> None:
        world = World(store(("second", "bar")))
        for name in ("grill", "second"):
            world.printers[name].condition = NO_PAPER
        async with world.living():
            job = world.job("T-1")
            await world.accept(job)
            await world.until_done(90)
        assert sheets(world.printers["bar"]) == [("T-1", ("REROUTED FROM GRILL",))]
        assert [event.to_device for event in world.reroutes()] == ["second", "bar"]
        assert 40 <= world.printers["bar"].paper[0][2] < 50

    run_virtual(scenario())


def test_a_backup_that_is_known_to_refuse_is_passed_over() -> None:
    async def scenario() -> None:
        world = World(store(("second", "bar")))
        for name in ("grill", "second"):
            world.printers[name].condition = NO_PAPER
        async with world.living():
            await world.accept(world.job("T-0", "second"))
            await world.until(lambda: len(world.printers["bar"].paper) == 0 and world.printers["second"].asked > 0, 5)
            await asyncio.sleep(20)
            await world.accept(world.job("T-1"))
            await world.until(lambda: bool(world.printers["bar"].paper), 40)
        assert ("grill", "second") not in [(event.from_device, event.to_device) for event in world.reroutes()]

    run_virtual(scenario())


def test_with_nobody_well_a_ticket_visits_each_device_once_and_waits_and_then_goes_to_who_is_well() -> None:
    async def scenario() -> None:
        world = World(store(("second", "bar"), carry=False))
        for name in LAN:
            world.printers[name].condition = NO_PAPER
        async with world.living():
            await world.accept(world.job("T-1"))
            await asyncio.sleep(1500)
            assert [event.to_device for event in world.reroutes()] == ["second", "bar"], "no more than once each"
            world.printers["grill"].condition = CLEAN
            await world.until_done(60)
        assert sheets(world.printers["grill"]) == [("T-1", ())], "back where it belongs there is nothing to say"

    run_virtual(scenario())


def test_devices_that_say_they_are_well_and_take_nothing_get_it_ever_more_rarely() -> None:
    async def scenario() -> None:
        world = World(store(("second",), carry=False))
        for name in ("grill", "second"):
            world.printers[name].script = ["no_answer"] * 100_000
        async with world.living():
            await world.accept(world.job("T-1"))
            await asyncio.sleep(3600)
        assert len(world.reroutes()) <= 20

    run_virtual(scenario())


def test_a_single_name_is_a_chain_of_one() -> None:
    async def scenario() -> None:
        world = World(store("bar"))
        world.printers["grill"].condition = NO_PAPER
        async with world.living():
            await world.accept(world.job("T-1"))
            await world.until_done(60)
        assert sheets(world.printers["bar"]) == [("T-1", ("REROUTED FROM GRILL",))]

    run_virtual(scenario())


# --- on foot ---


def test_where_nothing_of_the_station_can_be_reached_the_ticket_comes_out_at_the_register() -> None:
    async def scenario() -> None:
        world = World(store(("second",)))
        for name in LAN:
            world.printers[name].condition = DEAD
        async with world.living():
            await asyncio.sleep(10)
            job = world.job("T-1")
            await world.accept(job)
            await world.until_done(60)
            assert sheets(world.printers["receipt"]) == [("T-1", ("CARRY TO KITCHEN: GRILL",))]
            assert world.printers["receipt"].paper[0][2] >= 25, "not before reroute_after_s"
            for name in LAN:
                world.printers[name].condition = CLEAN
            later = world.job("T-2")
            await world.accept(later)
            await asyncio.sleep(600)
        assert sheets(world.printers["grill"]) == [("T-2", ())], "nothing is printed twice"
        assert world.states([job, later]) == ["rerouted", "confirmed"]

    run_virtual(scenario())


def test_a_backup_that_is_only_out_of_paper_is_waited_for() -> None:
    async def scenario() -> None:
        world = World(store(("second",)))
        world.printers["grill"].condition = DEAD
        world.printers["second"].condition = NO_PAPER
        async with world.living():
            await asyncio.sleep(10)
            await world.accept(world.job("T-1"))
            await asyncio.sleep(300)
            assert not world.printers["receipt"].paper, "somebody puts paper in, in the kitchen"
            world.printers["second"].condition = CLEAN
            await world.until_done(60)
        assert sheets(world.printers["second"]) == [("T-1", ("REROUTED FROM GRILL",))]

    run_virtual(scenario())


def test_in_an_island_nobody_waits_for_long_and_a_printer_on_usb_comes_first() -> None:
    async def scenario(backup: tuple[str, ...], expected: list[tuple[str, tuple[str, ...]]]) -> None:
        world = World(store(backup))
        world.island = True
        for name in LAN:
            world.printers[name].condition = DEAD
        async with world.living():
            await world.accept(world.job("T-1"))
            await world.until_done(20)
            assert world.printers["receipt"].paper[0][2] <= ISLAND_PATIENCE_MS / 1000 * (len(backup) + 1) + 5
        assert sheets(world.printers["receipt"]) == expected

    run_virtual(scenario((), [("T-1", ("CARRY TO KITCHEN: GRILL",))]))
    run_virtual(scenario(("receipt",), [("T-1", ("REROUTED FROM GRILL",))]))


def test_a_verdict_alone_moves_nothing_that_prints() -> None:
    async def scenario() -> None:
        world = World(store())
        world.island = True
        async with world.living():
            await world.accept(world.job("T-1"))
            await world.until_done(20)
        assert sheets(world.printers["grill"]) == [("T-1", ())]

    run_virtual(scenario())


def test_the_tickets_of_two_devices_of_a_station_are_one_paper() -> None:
    async def scenario() -> None:
        world = World(store(devices=("grill", "second")))
        for name in LAN:
            world.printers[name].condition = DEAD
        async with world.living():
            await asyncio.sleep(6)
            first = world.job("T-1")
            pair = (first, for_device(first, "second", world))
            await world.accept(*pair)
            await world.until_done(90)
            for name in LAN:
                world.printers[name].condition = CLEAN
            await asyncio.sleep(120)
        assert sheets(world.printers["receipt"]) == [("T-1", ("CARRY TO KITCHEN: GRILL",))]
        assert not world.printers["grill"].paper
        assert not world.printers["second"].paper
        assert world.states(pair) == ["rerouted", "rerouted"]
        assert len({event.new_job_id for event in world.reroutes()}) == 1

    run_virtual(scenario())


def test_while_one_device_of_the_station_works_nothing_is_carried() -> None:
    async def scenario() -> None:
        world = World(store(devices=("grill", "second")))
        world.printers["grill"].condition = DEAD
        async with world.living():
            await asyncio.sleep(6)
            first = world.job("T-1")
            await world.accept(first, for_device(first, "second", world))
            await asyncio.sleep(300)
        assert sheets(world.printers["second"]) == [("T-1", ())]
        assert not world.printers["receipt"].paper

    run_virtual(scenario())


def test_what_may_be_on_paper_already_says_so_at_the_register() -> None:
    async def scenario() -> None:
        world = World(store())
        grill = world.printers["grill"]
        grill.script = ["unconfirmed"]
        async with world.living():
            await world.accept(world.job("T-1"))
            await world.until(lambda: bool(grill.paper), 2)
            grill.condition = DEAD
            await world.until_done(120)
        assert sheets(world.printers["receipt"]) == [("T-1", ("POSSIBLE DUPLICATE", "CARRY TO KITCHEN: GRILL"))]

    run_virtual(scenario())


def test_it_is_not_carried_where_the_config_says_no_in_training_or_to_a_printer_that_nobody_can_reach() -> None:
    async def scenario(settings: Config, *, training: bool = False, receipt: Status = CLEAN) -> None:
        world = World(settings)
        for name in LAN:
            world.printers[name].condition = DEAD
        world.printers["receipt"].condition = receipt
        async with world.living():
            job = world.job("T-1")
            assert isinstance(job.data, TicketData)
            data = msgspec.structs.replace(job.data, training=training)
            await world.accept(msgspec.structs.replace(job, data=data))
            await asyncio.sleep(600)
        assert not world.printers["receipt"].paper
        assert world.states([job]) == ["queued"]

    run_virtual(scenario(store(carry=False)))
    run_virtual(scenario(store(), training=True))
    run_virtual(scenario(store(receipt="10.0.0.14:9100"), receipt=DEAD))


def test_a_printer_at_the_register_that_runs_out_of_paper_gives_the_ticket_back() -> None:
    async def scenario() -> None:
        world = World(store())
        world.printers["grill"].condition = DEAD
        async with world.living():
            await world.accept(world.job("T-1"))
            await asyncio.sleep(10)
            world.printers["receipt"].script = ["paper_out"] * 10_000
            await world.until(lambda: bool(world.reroutes()), 60)
            world.printers["grill"].condition = CLEAN
            await world.until_done(120)
        assert sheets(world.printers["grill"]) == [("T-1", ())]
        assert not world.printers["receipt"].paper

    run_virtual(scenario())


FAULTS = st.sampled_from(["ok", "ok", "unreachable", "busy", "paper_out", "lost", "unconfirmed"])


@settings(max_examples=60, deadline=None)
@given(
    scripts=st.fixed_dictionaries({name: st.lists(FAULTS, max_size=6) for name in (*LAN, "receipt")}),
    dead=st.sets(st.sampled_from([*LAN]), max_size=3),
    deaths=st.lists(st.integers(1, 60), max_size=2),
    island=st.booleans(),
    both=st.booleans(),
)
@example(  # one ticket could be carried, the next like it was in another worker's hands: the agent span
    scripts={"grill": ["paper_out", "unreachable"], "second": [], "bar": [], "receipt": []},
    dead={"grill", "second", "bar"},
    deaths=[13, 36],
    island=True,
    both=True,
)
def test_whatever_goes_wrong_each_ticket_comes_out_and_every_repeat_says_so(
    scripts: dict[str, list[str]], dead: set[str], deaths: list[int], *, island: bool, both: bool
) -> None:
    async def life(world: World, jobs: Iterable[Job], dies_at: int | None) -> None:
        async with world.living(dies_at) as living:
            await world.accept(*jobs) if jobs else None
            done = asyncio.ensure_future(world.until_done(900))
            await asyncio.wait({done, asyncio.ensure_future(living.died.wait())}, return_when=asyncio.FIRST_COMPLETED)
            done.cancel()

    async def scenario() -> None:
        world = World(store(("bar",), devices=("grill", "second") if both else ("grill",)))
        world.island = island
        for name, script in scripts.items():
            world.printers[name].script = list(script)
        for name in dead:
            world.printers[name].condition = DEAD
        jobs = []
        for n in range(3):
            job = world.job(f"T-{n}")
            jobs += [job, for_device(job, "second", world)] if both else [job]
        async with world.living():
            await world.accept(*jobs)
        for dies_at in (*deaths, None):
            await life(world, (), dies_at)
        for name in dead:
            world.printers[name].condition = CLEAN
        for _round in range(3):
            async with world.living():
                for held in [job for job in world.unsettled() if job.state == "held"]:
                    await world.spool.release(held.job_id, "Ann")
                await world.until_done(900)
        assert {code for code, _marks, _at in world.all_paper()} == {"T-0", "T-1", "T-2"}
        for name, printer in world.printers.items():
            plain = [code for code, marks in sheets(printer) if not any("DUPLICATE" in mark for mark in marks)]
            assert len(plain) <= len(set(plain)) * (2 if both and name in ("bar", "receipt") else 1), (name, plain)
        assert not world.unsettled()

    run_virtual(scenario())
