"""How often idle devices are asked how they are, in virtual time."""

import asyncio

import msgspec
import pytest
from tests.spool.virtual import run_virtual
from tests.spool.world import World, config

from tillkeeper.config.model import Config, Device, Station
from tillkeeper.spool.asking import TURN_S
from tillkeeper.spool.policy import RETRY_MOST_MS
from tillkeeper.spool.ports import DeviceSnapshot
from tillkeeper.spool.spool import LOOKS
from tillkeeper_drivers.api import Status

MANY = [f"printer{number}" for number in range(16)]
KERNEL_S = 3.0
"""How long the kernel asks for a neighbour that is silent: three ARP requests, a second apart."""


class Asked:
    """Which devices are being asked right now."""

    def __init__(self) -> None:
        self.now: set[str] = set()
        self.most = 0
        self.ever: set[str] = set()


def switched_off(world: World, asked: Asked) -> None:
    for name in MANY:

        async def status(name: str = name) -> Status:
            asked.now.add(name)
            asked.ever.add(name)
            asked.most = max(asked.most, len(asked.now))
            await asyncio.sleep(KERNEL_S)
            asked.now.discard(name)
            return Status(reachable="no")

        world.printers[name].status = status  # type: ignore[method-assign]


def with_many() -> Config:
    base = config()
    many = {name: Device(kind="escpos", address=f"127.0.0.1:{n + 10}", profile="tm-t88vi") for n, name in enumerate(MANY)}
    return msgspec.structs.replace(base, devices={**base.devices, **many})


def test_a_kitchen_that_is_switched_off_is_asked_a_few_devices_at_a_time() -> None:
    async def scenario() -> None:
        world, asked = World(with_many()), Asked()
        switched_off(world, asked)
        async with world.living():
            await asyncio.sleep(120)
            assert asked.most <= LOOKS
            assert asked.ever == set(MANY), "none is forgotten"

    run_virtual(scenario())


def test_a_ticket_does_not_wait_for_the_looks_at_others() -> None:
    async def scenario() -> None:
        world, asked = World(with_many()), Asked()
        switched_off(world, asked)
        async with world.living():
            await world.until(lambda: len(asked.now) == LOOKS, 60)
            before = asyncio.get_running_loop().time()
            await world.accept(world.job("T-1"))
            await world.until(lambda: world.printers["grill"].printed() == ["T-1"], 60)
            assert asyncio.get_running_loop().time() - before < 1.0

    run_virtual(scenario())


def test_tickets_for_devices_that_are_away_make_no_more_dials_and_are_rerouted_in_time() -> None:
    """One that is away is asked again before each attempt: with a ticket for each of sixteen, in turns."""
    stations = {name: Station(title=name, devices=(name,), reroute_after_s=20) for name in MANY[1:]}
    first = Station(title="first", devices=(MANY[0],), backup="bar", reroute_after_s=20)

    async def scenario() -> None:
        many = with_many()
        settings = msgspec.structs.replace(many, stations={**many.stations, **stations, MANY[0]: first})
        world, asked = World(settings), Asked()
        switched_off(world, asked)
        async with world.living():
            await world.until(lambda: asked.ever == set(MANY), 120)
            began = asyncio.get_running_loop().time()
            await world.accept(*(world.job(f"T-{name}", name) for name in MANY))
            await world.until(lambda: bool(world.reroutes()), 60)
            # From the first refusal on, and found out with the next: as late as that is without any limit.
            latest_s = (KERNEL_S + TURN_S) + 20 + RETRY_MOST_MS / 1000 + (KERNEL_S + TURN_S)
            assert asyncio.get_running_loop().time() - began <= latest_s
            await asyncio.sleep(60)
            assert asked.most <= LOOKS
            assert not any(world.printers[name].printed() for name in MANY)

    run_virtual(scenario())


@pytest.mark.parametrize(("reason", "after_ms"), [("no_answer", 10_000), ("busy", 60_000)])
def test_what_refuses_for_some_time_is_in_trouble_whatever_it_says(reason: str, after_ms: int) -> None:
    well = Status(reachable="yes", online="yes")
    refusing = DeviceSnapshot("grill", 1, 0, None, "", well, 0, reason, 1_000, more_in_journal=False)
    assert refusing.refuses(1_000 + after_ms - 1) is None
    assert refusing.refuses(1_000 + after_ms) == reason
    assert msgspec.structs.replace(refusing, trouble="storage").refuses(10**9) is None
    assert msgspec.structs.replace(refusing, refusing_since_ms=None).refuses(10**9) is None
