"""A store of five registers, as processes: two of them that keep no line to each other call each other when they have to."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig

NAMES = ("front", "side", "lane", "window", "bar")
ROLES = {"roles": {"primary": "front", "backup": "side"}}
LINES = [{"item_id": "hummus", "quantity": 2}, {"item_id": "cola"}]
LANE, WINDOW, BAR = NAMES[2:]


def in_store(folder: Path, scene: Callable[[SeveralRig], Awaitable[None]]) -> None:
    async def run() -> None:
        async with SeveralRig(folder, *NAMES, changes=ROLES) as store:
            await store.wait_sinks("front", **dict.fromkeys(NAMES[1:], 0))
            for name in NAMES[2:]:
                await store.wait_sinks(name, front=0, side=0)
            await scene(store)

    asyncio.run(run())


def stands(store: SeveralRig, one: str, other: str) -> int:
    """Connections between two of them, whoever called."""
    return store.lines[one, other].standing + store.lines[other, one].standing


async def sinks(store: SeveralRig, name: str) -> dict[str, Any]:
    return {sink["name"]: sink for sink in (await store[name].get("/v1/status"))["sinks"]}


async def seen(store: SeveralRig, name: str, code: str) -> None:
    async def there() -> bool:
        return (await store[name].till.get(f"/v1/checks/{code}")).status_code == 200

    await store[name].wait_for(f"{name} knows {code}", there)


def test_two_that_keep_no_line_call_each_other_and_give_the_line_up_again(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        others = ((LANE, WINDOW), (LANE, BAR), (WINDOW, BAR))
        assert [stands(store, *pair) for pair in others] == [0, 0, 0], "more than three do not all keep lines"
        made = await store[LANE].ok("POST", "/v1/checks", {"order_type": "drive_through", "lines": LINES})
        code = made["ticket_code"]
        await seen(store, WINDOW, code)
        view = await store[WINDOW].get(f"/v1/checks/{code}")
        assert (view["elsewhere"]["register"], view["elsewhere"]["reachable"]) == (LANE, True), "its register is well"
        told = (await sinks(store, WINDOW))[LANE]
        assert (told["sends"], told["words"]) == (False, "reachable")
        before = store.lines[WINDOW, LANE].calls
        # The check changes hands by a question between the two; many of those are one call.
        taken = await store[WINDOW].ok("POST", f"/v1/checks/{code}/take")
        assert taken["check_id"] == made["check_id"]
        green = await asyncio.gather(*(store[WINDOW].get("/v1/green") for _ in range(20)))
        assert all(one["heard"] for view in green for one in view["registers"])
        assert store.lines[WINDOW, LANE].calls == before + 1
        assert 1 <= stands(store, WINDOW, LANE) <= 2, "the other one may call too"
        paid = await store[WINDOW].ok("POST", f"/v1/checks/{code}/tenders", {"tender": "cash"})
        assert paid["state"] == "closed"
        again = await store[LANE].post(f"/v1/checks/{code}/lines", {"lines": LINES})
        assert again.status_code == 422, "there is one owner"

        async def given_up() -> bool:
            return not any(stands(store, *pair) for pair in others)

        await store[WINDOW].wait_for("the lines that were called are given up", given_up)
        assert [stands(store, name, "front") for name in (LANE, WINDOW, BAR)] == [2, 2, 2], "the primary keeps its lines"
        told = (await sinks(store, WINDOW))[LANE]
        assert (told["sends"], told["words"]) == (False, "reachable"), "without a line it is still known to be well"

    in_store(tmp_path, scene)


def test_a_register_may_get_a_role_from_one_that_keeps_no_line_to_it(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        view = await store[LANE].get("/v1/roles")
        assert {one["register"]: one["reachable"] for one in view["registers"]} == dict.fromkeys(NAMES, True)
        await store[LANE].ok("POST", "/v1/roles/assign", {"primary": WINDOW, "backup": BAR})

        async def holds() -> bool:
            found = [(await store[name].get("/v1/roles"))["now"] for name in NAMES]
            return all((one["primary"], one["backup"]) == (WINDOW, BAR) for one in found) and found[3]["holds"]

        await store[WINDOW].wait_for("the window is the primary", holds)

    in_store(tmp_path, scene)


def test_who_answers_in_the_place_of_the_one_that_was_called_gets_no_question(tmp_path: Path) -> None:
    """The address leads to another register, to a stranger, or nowhere: the question fails soon, and nobody is taken for it."""

    async def scene(store: SeveralRig) -> None:
        made = await store[LANE].ok("POST", "/v1/checks", {"order_type": "drive_through", "lines": LINES})
        for name in (WINDOW, BAR):
            await seen(store, name, made["ticket_code"])
        line = store.lines[WINDOW, LANE]
        right = line.target
        line.target = store.lines[WINDOW, BAR].target
        answer = await store[WINDOW].post(f"/v1/checks/{made['ticket_code']}/take", {})
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert (problem["type"].rpartition(":")[2], problem["register"]) == ("owner_silent", LANE)
        assert (await store[BAR].get(f"/v1/checks/{made['ticket_code']}"))["elsewhere"]["register"] == LANE
        told = (await sinks(store, WINDOW))[LANE]
        assert "the key is that of register bar" in told["words"], told
        line.target = right
        taken = await store[WINDOW].ok("POST", f"/v1/checks/{made['ticket_code']}/take")
        assert taken["check_id"] == made["check_id"]

    in_store(tmp_path, scene)
