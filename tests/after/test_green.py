"""All green? Three registers as processes; one thing after the other goes wrong, and each time it is said which."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig
from tests.support.wall_clock import WallClock

NAMES = ("front", "side", "back")


def told(store: SeveralRig, name: str, *arguments: str) -> tuple[int, str]:
    """`tillkeeper green` at a register: its exit code and what it says."""
    command = [sys.executable, "-m", "tillkeeper", "green", "--socket", str(store[name].socket), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


def of(view: Any, register: str) -> Any:
    return next(one for one in view["registers"] if one["register"] == register)


async def seen(store: SeveralRig, at: str, what: str, wanted: Callable[[Any], bool]) -> Any:
    async def look() -> Any:
        view = await store[at].get("/v1/green")
        return view if wanted(view) else None

    try:
        return await store[at].wait_for(what, look)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{json.dumps(await store[at].get('/v1/green'), indent=1)}") from error


def test_the_whole_store_in_one_view_and_one_command(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, *NAMES) as store:
            view = await seen(store, "front", "all is well", lambda view: bool(view["green"]))
            assert view["words"] == "All green: all 3 registers and HQ."
            assert [one["register"] for one in view["registers"]] == list(NAMES)
            assert view["hq"]["green"]
            code, words = await asyncio.to_thread(told, store, "side")
            assert (code, words.splitlines()[0]) == (0, "All green: all 3 registers and HQ.")

            # A printer of one register, seen from another.
            store["side"].printer("receipt").power_off()
            view = await seen(store, "front", "side's printer", lambda view: not of(view, "side")["green"])
            assert any(trouble.startswith("receipt: ") for trouble in of(view, "side")["said"]["troubles"])
            assert of(view, "front")["green"]
            assert of(view, "back")["green"]
            code, words = await asyncio.to_thread(told, store, "back")
            assert code == 5
            assert words.startswith("Not green: side (receipt: ")
            await store["side"].printer("receipt").power_on()
            await seen(store, "front", "well again", lambda view: bool(view["green"]))

            # The internet of one: it says so itself, and HQ is not called well while one can not reach it.
            await store.internets["back"].cut()
            view = await seen(store, "front", "back is offline", lambda view: not of(view, "back")["green"])
            assert of(view, "back")["said"]["hq"] is False
            view = await seen(store, "front", "HQ and back", lambda view: bool(view["hq"]) and not view["hq"]["green"])
            assert view["hq"]["words"] == "does not answer back"
            await store.internets["back"].mend()
            await seen(store, "front", "well again", lambda view: bool(view["green"]))

            # One is killed: nobody says that it is well, and since when it is silent is told.
            await store["back"].kill_agent()
            view = await seen(store, "front", "back is silent", lambda view: (of(view, "back")["silent_s"] or 0) >= 2)
            gone = of(view, "back")
            assert (gone["green"], gone["heard"], gone["said"]) == (False, False, None)
            assert "silent for" in gone["words"]
            code, words = await asyncio.to_thread(told, store, "front", "--json")
            assert code == 5
            assert not json.loads(words)["green"]
            await store["back"].start_agent()
            await seen(store, "front", "well again", lambda view: bool(view["green"]))

    asyncio.run(scene())


def test_a_register_whose_clock_is_wrong_is_not_well(tmp_path: Path) -> None:
    clock = WallClock(tmp_path / "wall")

    async def scene() -> None:
        async with SeveralRig(tmp_path / "store", "front", "side") as store:
            await seen(store, "front", "all is well", lambda view: bool(view["green"]))
            await store["side"].stop_agent()
            store["side"].agent_prefix = clock.prefix
            clock.set_ahead("+1h")
            await store["side"].start_agent()

            def told_of_it(view: Any) -> bool:
                said = of(view, "side")["said"]
                return said is not None and any(words.startswith("The clock is wrong") for words in said["troubles"])

            view = await seen(store, "front", "side's clock", told_of_it)
            assert not view["green"]

    asyncio.run(scene())


def test_a_register_that_never_came_is_not_well_and_one_alone_may_be(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", hq=False) as store:
            await store["side"].kill_agent()
            await store["front"].stop_agent()
            await store["front"].start_agent()
            view = await seen(store, "front", "only front", lambda view: bool(of(view, "front")["said"]))
            assert not view["green"]
            assert "never heard" in of(view, "side")["words"]
            assert view["hq"] is None

    asyncio.run(scene())
