"""86 of a store as three agents: a word on one holds on all, pieces that one sells are gone for all, and after a partition, a
restart or a restored copy all show the same."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig

NAMES = ("front", "side", "back")
COLA = {"item_id": "cola"}


def in_store(folder: Path, scene: Callable[[SeveralRig], Awaitable[None]]) -> None:
    async def run() -> None:
        async with SeveralRig(folder, *NAMES, hq=False) as store:
            for name in NAMES:
                await store.wait_sinks(name, **{other: 0 for other in NAMES if other != name})
            await scene(store)

    asyncio.run(run())


async def say(store: SeveralRig, name: str, state: str, remaining: int | None = None, subject: str = "cola") -> None:
    body = {"kind": "item", "subject_id": subject, "state": state, "by": name}
    await store[name].ok("POST", "/v1/availability", body | ({"remaining": remaining} if remaining else {}))


async def sell(store: SeveralRig, name: str, pieces: int) -> Any:
    order = {"order_type": "takeout", "lines": [COLA | {"quantity": pieces}]}
    return await store[name].ok("POST", "/v1/orders", order)


async def seen(store: SeveralRig, name: str, subject: str = "cola") -> tuple[str, int | None]:
    entries = (await store[name].get("/v1/availability"))["entries"]
    found = [(entry["state"], entry["remaining"]) for entry in entries if entry["subject_id"] == subject]
    return found[0] if found else ("available", None)


async def all_see(store: SeveralRig, *wanted: Any, subject: str = "cola", names: tuple[str, ...] = NAMES) -> float:
    """How long it took until they did, in seconds."""
    began = time.monotonic()
    for name in names:

        async def there(name: str = name) -> bool:
            return await seen(store, name, subject) == wanted

        await store[name].wait_for(f"{name} sees {subject} as {wanted}", there)
    return time.monotonic() - began


async def part(store: SeveralRig) -> None:
    """Front is alone; side and back hear each other."""
    await store.cut("front", "side")
    await store.cut("front", "back")
    await store.wait_sinks("front", side=None, back=None)


async def meet(store: SeveralRig) -> None:
    await store.mend("front", "side")
    await store.mend("front", "back")


def test_a_word_on_one_register_holds_on_all_at_once(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        took_s = []
        for name, *wanted in (("front", "sold_out", 0), ("side", "available", None), ("back", "counting", 7)):
            await say(store, name, *wanted)
            took_s.append(await all_see(store, *wanted))
        print("seen by all after", [f"{one:.2f} s" for one in took_s])
        await sell(store, "front", 3)
        await sell(store, "side", 2)
        await all_see(store, "counting", 2)
        refused = await store["back"].post("/v1/orders", {"order_type": "takeout", "lines": [COLA | {"quantity": 3}]})
        assert (refused.status_code, refused.json()["remaining"]) == (422, 2)
        last = await sell(store, "back", 2)
        await all_see(store, "sold_out", 0)
        await store["back"].ok("POST", f"/v1/checks/{last['check_id']}/void", {"reason": "left"})
        await all_see(store, "counting", 2)

    in_store(tmp_path, scene)


def test_both_sides_of_a_partition_come_to_the_same_whatever_was_said_and_sold(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await say(store, "front", "counting", 5)
        await all_see(store, "counting", 5)
        await part(store)
        await sell(store, "front", 4)
        await sell(store, "side", 2)
        await sell(store, "back", 1)
        await all_see(store, "counting", 2, names=("side", "back"))
        await say(store, "front", "sold_out", subject="fries")
        await say(store, "side", "counting", 9, subject="fries")  # said later: it holds
        await meet(store)
        await all_see(store, "sold_out", -2)
        await all_see(store, "counting", 9, subject="fries")
        await say(store, "back", "counting", 3)
        await all_see(store, "counting", 3)
        for name in NAMES:
            store[name].verify_chain()

    in_store(tmp_path, scene)


def test_a_register_that_was_killed_or_restored_from_a_copy_comes_to_what_the_others_see(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, backup = store["front"], tmp_path / "backup"
        await say(store, "front", "counting", 20)
        await sell(store, "front", 1)
        await all_see(store, "counting", 19)
        await front.kill_agent()
        shutil.copytree(front.data, backup)
        await sell(store, "side", 2)
        await front.start_agent()
        await all_see(store, "counting", 17)
        await sell(store, "front", 3)
        await say(store, "front", "sold_out", subject="fries")
        await all_see(store, "counting", 14)
        await all_see(store, "sold_out", 0, subject="fries")
        await front.kill_agent()
        shutil.rmtree(front.data)
        shutil.copytree(backup, front.data)
        await front.start_agent()
        await all_see(store, "counting", 14)
        await all_see(store, "sold_out", 0, subject="fries")
        await sell(store, "front", 4)  # on a counter of its new log
        await all_see(store, "counting", 10)
        await front.kill_agent()
        for file in [*front.data.glob("*.db*"), *front.data.glob("*-codes.json")]:  # its disk is lost
            file.unlink()
        await front.start_agent()
        await all_see(store, "counting", 10)
        await say(store, "front", "available")
        await all_see(store, "available", None)

    in_store(tmp_path / "store", scene)
