"""A store that was set up wrongly, or in part, says so where people look."""

import asyncio
import shutil
from pathlib import Path

from tests.support.several import SeveralRig


async def hq_says(store: SeveralRig, name: str, *words: str) -> str:
    async def said() -> str:
        sinks = (await store[name].get("/v1/status"))["sinks"]
        (line,) = [str(sink["words"]) for sink in sinks if sink["name"] == "HQ"]
        return line if all(word in line for word in words) else ""

    return str(await store[name].wait_for(f"{name}: HQ {words}", said))


def test_an_hq_that_was_not_told_whose_signatures_count_is_named_by_who_relays(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", pinned=False) as store:
            await store.wait_sinks("front", HQ=0, side=0)
            await store.internets["front"].cut()
            await store["front"].order("cola")
            line = await hq_says(store, "side", "does not take the books of register front", "pin no authority of store")
            assert "about" not in line, "how long it takes can not be told: nothing moves"
            assert await store.hq_sales() == 0
            await store.internets["front"].mend()
            await store.wait_sinks("front", HQ=0, side=0)
            await store.wait_sinks("side", HQ=0)
            assert "does not take" not in await hq_says(store, "side", "reachable")
            assert await store.hq_sales() == 1

    asyncio.run(scene())


def test_a_register_that_lost_its_keys_is_told_to_join_again(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side") as store:
            await store.wait_sinks("front", HQ=0, side=0)
            await store.wait_sinks("side", HQ=0)
            await store["front"].stop_agent()
            shutil.rmtree(store["front"].data / "trust")
            await store["front"].start_agent()
            await store["front"].order("cola")
            await hq_says(store, "front", "register front has to join the store again")

    asyncio.run(scene())
