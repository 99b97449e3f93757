"""Somebody sets the wall clock under a running agent: its timeline stays in order, it goes on selling, and says so."""

import asyncio
from pathlib import Path
from typing import Any

from tests.network.virtual_wire import Wire, setup_of
from tests.support.prober import DEADLINE_S, StandIn, verdict
from tests.support.store import StoreRig
from tests.support.wall_clock import WallClock

STEPS = ("+1d", "-1d", "+1y", "-1y", "+0")


def test_the_timeline_stays_in_order_and_selling_goes_on(tmp_path: Path) -> None:
    wall = WallClock(tmp_path / "wall")

    async def scene() -> None:
        rig = StoreRig(tmp_path / "store")
        rig.agent_prefix = wall.prefix
        rig.folder.mkdir()
        async with rig, StandIn(rig.data / "probe.sock") as prober:
            await prober.hello()
            await rig.wait_mode("online")

            async def said(phase: str) -> None:
                async def look() -> bool:
                    return bool((await rig.get("/v1/network"))["phase"] == phase)

                await rig.wait_for(f"the network is {phase}", look, DEADLINE_S)

            async def codes(wrong: bool) -> Any:
                async def look() -> bool:
                    found = {one["code"] for one in (await rig.get("/v1/status"))["advisories"]}
                    return ("clock_wrong" in found) is wrong

                await rig.wait_for(f"the clock is {'wrong' if wrong else 'right'}", look, DEADLINE_S)

            for step in STEPS:
                async with prober.reporting(verdict("confirmed", "dns_own")):
                    await said("confirmed")
                    wall.set_ahead(step)
                    await codes(step != "+0")
                    assert (await rig.order("cola"))["state"] == "closed"
                    assert (await rig.get("/v1/network"))["phase"] == "confirmed"
                async with prober.reporting(verdict("fine")):
                    await said("fine")
            await rig.wait_mode("online")
            entries = (await rig.get("/v1/network/history"))["entries"]
            assert [int(one["entry_id"]) for one in entries] == list(range(len(STEPS), 0, -1))
            for one in entries:
                assert one["faults"] == ["dns_own"]
                assert 0 < one["lasted_s"] < 10 * DEADLINE_S, "measured on the clock that nobody sets"
                assert one["ended_at_ms"] >= one["began_at_ms"]
                assert not one["going_on"]

    asyncio.run(scene())


def test_a_clock_that_was_put_right_is_said_to_be_right_at_once_and_one_that_was_set_wrong_wrong() -> None:
    wire = Wire(setup_of()).start()
    wire.host(100.0)
    wire.clock_ahead_s = 0.2
    wire.run(20.0)
    assert not wire.signs("clock_wrong")
    wire.host(100.0, clock_set_s=86_400.0)
    wire.run(1.5)
    (sign,) = wire.signs("clock_wrong")
    assert sign.amount == 86_400.2
    wire.host(100.0, clock_set_s=-86_400.0)
    wire.run(1.5)
    assert not wire.signs("clock_wrong")
