"""Devices that tell by themselves how they are, seen from the spool. In virtual time."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from msgspec.structs import replace
from tests.spool.virtual import run_virtual
from tests.spool.world import CLEAN, Life, Printer, World

from tillkeeper.spool.health import ANNOUNCE_S, ATTEND_AGAIN_S
from tillkeeper.spool.worker import POLL_S
from tillkeeper_drivers.api import Status

OPEN = replace(CLEAN, online="no", cover_open="yes")


class Teller(Printer):
    """Tells every change; `shared`: may not be kept. `fails`: so often attending it is a mistake of the driver's."""

    shared = False
    fails = 0

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._changed: Callable[[Status], None] | None = None
        self.attended = 0

    async def attend(self, changed: Callable[[Status], None], looks: AbstractAsyncContextManager[object]) -> None:
        self.attended += 1
        if self.fails:
            self.fails -= 1
            raise ValueError("a driver's mistake")
        if self.shared:
            return
        self._changed = changed
        try:
            changed(self.condition)
            await asyncio.Event().wait()
        finally:
            self._changed = None

    def becomes(self, status: Status) -> None:
        self.condition = status
        if self._changed is not None:
            self._changed(status)


def world() -> tuple[World, Teller]:
    made = World()
    grill = made.printers["grill"] = Teller("grill")
    return made, grill


def snapshot_trouble(here: World) -> str:
    return next(device.trouble for device in here.spool.snapshot() if device.device == "grill")


def test_a_change_is_announced_within_a_tenth_of_a_second_and_the_device_is_not_asked() -> None:
    async def scenario() -> None:
        here, grill = world()
        async with here.living():
            await asyncio.sleep(60)
            assert grill.asked == 0
            here.changes.clear()
            before = asyncio.get_running_loop().time()
            grill.becomes(OPEN)
            await here.until(lambda: "grill" in here.changes, 1)
            assert asyncio.get_running_loop().time() - before <= 0.1
            assert snapshot_trouble(here) == "cover_open"

    run_virtual(scenario())


def test_a_cover_that_rattles_is_announced_now_and_then_and_how_it_ended() -> None:
    async def scenario() -> None:
        here, grill = world()
        async with here.living():
            await asyncio.sleep(1)
            here.changes.clear()
            for turn in range(1000):
                grill.becomes(OPEN if turn % 2 else CLEAN)
                await asyncio.sleep(0.001)
            await asyncio.sleep(1)
            assert here.changes.count("grill") <= 1 / ANNOUNCE_S + 2
            assert snapshot_trouble(here) == "cover_open"

    run_virtual(scenario())


def test_trouble_told_while_idle_is_known_before_the_next_ticket() -> None:
    async def scenario() -> None:
        here, grill = world()
        async with here.living():
            await asyncio.sleep(1)
            grill.becomes(OPEN)
            writes = here.journal.writes
            await here.accept(here.job("T-1"))
            await asyncio.sleep(5)
            assert grill.calls == 0, "no attempt had to find it out"
            assert here.journal.writes == writes + 1, "nor a write to the disk"

    run_virtual(scenario())


def test_a_device_that_is_well_again_gets_its_ticket_at_once() -> None:
    async def scenario() -> None:
        here, grill = world()
        async with here.living():
            await asyncio.sleep(1)
            grill.becomes(OPEN)
            await here.accept(here.job("T-1"))
            await asyncio.sleep(18)  # its pauses have grown
            before = asyncio.get_running_loop().time()
            grill.becomes(CLEAN)
            await here.until(lambda: grill.printed() == ["T-1"], 5)
            assert asyncio.get_running_loop().time() - before <= 0.5
            assert snapshot_trouble(here) == ""

    run_virtual(scenario())


def test_a_backup_that_tells_trouble_takes_nothing_over() -> None:
    async def scenario() -> None:
        here, _grill = world()
        bar = here.printers["bar"] = Teller("bar")
        async with here.living():
            await asyncio.sleep(1)
            bar.becomes(OPEN)
            here.printers["grill"].script = ["unreachable"] * 1000
            here.printers["grill"].condition = Status(reachable="no")
            await here.accept(here.job("T-1"))
            await asyncio.sleep(60)
            assert not here.reroutes()
            bar.becomes(CLEAN)
            await here.until(lambda: bar.printed() == ["T-1"], 30)

    run_virtual(scenario())


def test_one_that_may_not_be_kept_is_asked_as_before() -> None:
    async def scenario() -> None:
        here, grill = world()
        grill.shared = True
        async with here.living():
            await asyncio.sleep(10 * POLL_S)
            assert 9 <= grill.asked <= 12

    run_virtual(scenario())


def test_a_drivers_mistake_while_attending_costs_nothing_but_the_telling() -> None:
    async def scenario() -> None:
        here, grill = world()
        grill.fails = 2
        async with here.living():
            await here.accept(here.job("T-1"))
            await here.until(lambda: grill.printed() == ["T-1"], 5)
            await asyncio.sleep(2.5 * ATTEND_AGAIN_S)
            assert grill.attended == 3
            assert grill.asked > 0, "meanwhile it was asked"
            grill.becomes(OPEN)
            assert snapshot_trouble(here) == "cover_open"

    run_virtual(scenario())


def test_a_device_that_was_plugged_in_is_tried_at_once() -> None:
    async def scenario() -> None:
        here, grill = world()
        grill.shared = True
        grill.condition = Status(reachable="no", reason="not_plugged_in")
        async with here.living():
            await here.accept(here.job("T-1"))
            await asyncio.sleep(18.5)
            grill.condition = CLEAN
            before = asyncio.get_running_loop().time()
            here.spool.device_came("grill")
            await here.until(lambda: grill.printed() == ["T-1"], 5)
            assert asyncio.get_running_loop().time() - before <= 0.5
            here.spool.device_came("grill")
            here.spool.device_came("a device that nobody configured")

    run_virtual(scenario())


def test_an_idle_device_that_was_plugged_in_is_looked_at_at_once() -> None:
    async def scenario() -> None:
        here, grill = world()
        async with here.living():
            await asyncio.sleep(10)
            asked = grill.asked
            here.spool.device_came("grill")
            await here.until(lambda: grill.asked == asked + 1, 0.5)

    run_virtual(scenario())


def test_attending_ends_with_the_agent() -> None:
    async def scenario() -> None:
        here, grill = world()
        async with here.living():
            await asyncio.sleep(1)
            assert grill._changed is not None
        assert grill._changed is None
        grill.life = Life()
        async with here.living():
            await asyncio.sleep(1)
            assert grill._changed is not None

    run_virtual(scenario())
