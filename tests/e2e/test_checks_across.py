"""Open checks of several registers, as processes: handed over, taken from a register that died, merged when it is back."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig

NAMES = ("front", "side", "back")
LINES = [{"item_id": "hummus", "quantity": 2}, {"item_id": "cola"}]


def in_store(folder: Path, scene: Callable[[SeveralRig], Awaitable[None]], **options: Any) -> None:
    async def run() -> None:
        async with SeveralRig(folder, *NAMES, changes={"replication": {"adopt_after_s": 5.0}}, **options) as store:
            for name in NAMES:
                await store.wait_sinks(name, **{other: 0 for other in NAMES if other != name})
            await scene(store)

    asyncio.run(run())


async def opened(store: SeveralRig, at: str, **fields: Any) -> Any:
    return await store[at].ok("POST", "/v1/checks", {"order_type": "drive_through", "lines": LINES} | fields)


async def refused(store: SeveralRig, name: str, path: str, body: dict[str, Any], code: str) -> Any:
    answer = await store[name].post(path, body)
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition(":")[2]) == (422, code), answer.text
    return problem


async def seen(store: SeveralRig, name: str, ref: str) -> Any:
    """The check once this register knows of it."""

    async def there() -> Any:
        answer = await store[name].till.get(f"/v1/checks/{ref}")
        return answer.json() if answer.status_code == 200 else None

    return await store[name].wait_for(f"{name} knows {ref}", there)


async def paid(store: SeveralRig, name: str, check_id: str, **more: Any) -> Any:
    return await store[name].ok("POST", f"/v1/checks/{check_id}/tenders", {"tender": "cash", **more})


def tickets(store: SeveralRig, name: str, code: str) -> list[str]:
    """Kitchen slips of a check on the printers of one register."""
    printers = (printer for printer in store[name].shop.printers if printer != "receipt")
    return [slip for printer in printers for slip in store[name].slips(printer) if code in slip]


async def elsewhere(store: SeveralRig, name: str) -> list[Any]:
    return list((await store[name].get("/v1/checks?where=elsewhere"))["checks"])


def test_a_car_orders_at_the_lane_and_pays_at_the_window(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        made = await opened(store, "front", name="Ada")
        check_id, code = made["check_id"], made["ticket_code"]
        await store["front"].ok("POST", f"/v1/checks/{check_id}/send")
        await store["front"].wait_all_settled()
        before = tickets(store, "front", code)
        assert before
        seen_there = await seen(store, "side", code)
        assert (seen_there["elsewhere"]["register"], seen_there["elsewhere"]["reachable"]) == ("front", True)
        assert [one["ticket_code"] for one in await elsewhere(store, "side")] == [code]
        problem = await refused(store, "side", f"/v1/checks/{code}/tenders", {"tender": "cash"}, "check_elsewhere")
        assert (problem["register"], problem["reachable"]) == ("front", True)
        taken = await store["side"].ok("POST", f"/v1/checks/{code}/take")
        assert (taken["check_id"], taken["ticket_code"], taken["totals"]) == (check_id, code, made["totals"])
        assert taken.get("jobs", []) == []  # the kitchen has it
        problem = await refused(store, "front", f"/v1/checks/{code}/lines", {"lines": LINES}, "check_elsewhere")
        assert problem["register"] == "side"
        await store["side"].ok("POST", f"/v1/checks/{code}/lines", {"lines": [{"item_id": "cola", "quantity": 3}]})
        await store["side"].ok("POST", f"/v1/checks/{code}/send")
        answer = await paid(store, "side", check_id)
        assert (answer["state"], answer["totals"]["due_minor"]) == ("closed", 0)
        view = await store["side"].get(f"/v1/checks/{check_id}")
        assert (view["name"], view["elsewhere"]) == ("Ada", None)  # what the guest is called came along
        await store["side"].wait_all_settled()
        assert tickets(store, "front", code) == before
        assert all("DUPLICATE" not in slip for slip in tickets(store, "side", code))
        for name in ("front", "side"):
            await store.wait_sinks(name, HQ=0)
        found = (await store.hq_get(f"/v1/checks/{check_id}"))
        assert (found["state"], found["ticket_code"]) == ("closed", code)
        assert await store.hq_sales() == 1

        async def numbered() -> bool:
            return bool((await store["side"].get(f"/v1/checks/{check_id}"))["number"] == found["number"])

        await store["side"].wait_for("the window knows the number", numbered)
        books = {name: await store[name].get("/v1/books") for name in ("front", "side")}
        assert [books[name]["checks_open"] for name in ("front", "side")] == [0, 0]

    in_store(tmp_path, scene)


def test_a_dead_registers_check_goes_on_and_is_merged_when_it_is_back(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        made = await opened(store, "front")
        check_id, code = made["check_id"], made["ticket_code"]
        await seen(store, "side", code)
        await store["front"].kill_agent()

        async def silent() -> bool:
            return not any(one["elsewhere"]["reachable"] for one in await elsewhere(store, "back"))

        # Who rings it again instead is told.
        await seen(store, "back", code)
        await store["back"].wait_for("front is silent", silent)
        again = await store["back"].ok("POST", "/v1/orders", {"order_type": "drive_through", "lines": LINES})
        assert again["maybe_same"] == code
        other = await store["back"].ok("POST", "/v1/orders", {"order_type": "drive_through", "lines": LINES[:1]})
        assert "maybe_same" not in other
        problem = await refused(store, "side", f"/v1/checks/{code}/take", {}, "owner_silent")
        assert problem["register"] == "front"
        forked = await store["side"].ok("POST", f"/v1/checks/{code}/take", {"although_unreachable": True})
        assert forked["jobs"]
        await store["side"].wait_all_settled()
        assert all("POSSIBLE DUPLICATE" in slip for slip in tickets(store, "side", code))
        problem = await refused(store, "side", f"/v1/checks/{code}/tenders", {"tender": "cash"}, "may_be_paid")
        assert problem["registers"] == ["front"]
        await paid(store, "side", check_id, although_unreachable=True)
        await store["front"].start_agent()

        async def yielded() -> Any:
            view = await store["front"].get(f"/v1/checks/{check_id}")
            return view if view["elsewhere"] and view["state"] == "closed" else None

        view = await store["front"].wait_for("the owner has stepped back", yielded)
        assert view["elsewhere"]["register"] == "side"

        async def settled() -> bool:
            return not (await store["side"].get(f"/v1/checks/{check_id}"))["doubt"]

        await store["side"].wait_for("nothing is in doubt any more", settled)
        for name in NAMES:
            await store.wait_sinks(name, HQ=0)
        assert await store.hq_sales() == 1
        assert (await store.hq_get(f"/v1/checks/{check_id}"))["state"] == "closed"

    in_store(tmp_path, scene)


def test_paid_on_both_sides_of_a_partition_is_one_sale_and_money_to_give_back(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        made = await opened(store, "front")
        check_id, gross = made["check_id"], made["totals"]["gross_minor"]
        await seen(store, "side", check_id)
        await store.cut("front", "side")
        await store.cut("front", "back")

        async def silent() -> bool:
            return not any(one["elsewhere"]["reachable"] for one in await elsewhere(store, "side"))

        await store["side"].wait_for("front is silent", silent)
        await store["front"].ok("POST", f"/v1/checks/{check_id}/lines", {"lines": [{"item_id": "cola"}]})
        await paid(store, "front", check_id)
        await store["side"].ok("POST", f"/v1/checks/{check_id}/take", {"although_unreachable": True})
        await paid(store, "side", check_id, although_unreachable=True)
        await store.mend("front", "side")
        await store.mend("front", "back")

        async def merged() -> Any:
            view = await store["side"].get(f"/v1/checks/{check_id}")
            return view if view["conflicts"] else None

        view = await store["side"].wait_for("both sides are one", merged)
        assert [line["quantity"] for line in view["lines"]] == [2, 1, 1]
        assert {one["code"] for one in view["conflicts"]} == {"paid_on_both", "closed_on_both"}
        assert (view["state"], len(view["payments"]), view["overpaid_minor"]) == ("closed", 2, gross)
        refund = {"tender": "cash", "reason": "paid twice", "amount_minor": gross}
        await store["side"].ok("POST", f"/v1/checks/{check_id}/refunds", refund)
        assert (await store["side"].get(f"/v1/checks/{check_id}"))["overpaid_minor"] == 0
        for name in NAMES:
            await store.wait_sinks(name, HQ=0)
        (day,) = (await store.hq_get("/v1/books"))["days"]
        books = day["books"]
        assert day["quarantined"] is None
        assert (books["sales"], books["gross_minor"], books["open_checks"]) == (1, view["totals"]["gross_minor"], 0)
        cash = books["tenders"]["cash"]
        assert cash["taken_minor"] - cash["refunded_minor"] == books["gross_minor"] + books["rounding_minor"]
        assert (books["refunded_minor"], books["refunded_tax_minor"]) == (gross, 0)

    in_store(tmp_path, scene)


def test_killed_in_the_middle_of_a_hand_over_the_check_is_at_one_register_and_can_be_paid(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        chance = random.Random(7)
        for turn in range(4):
            made = await opened(store, "front")
            check_id = made["check_id"]
            await seen(store, "side", check_id)
            victim = ("side", "front")[turn % 2]
            asked = asyncio.create_task(store["side"].post(f"/v1/checks/{check_id}/take", {}))
            await asyncio.sleep(chance.uniform(0, 0.03))
            await store[victim].kill_agent()
            await asyncio.gather(asked, return_exceptions=True)
            await store[victim].start_agent()

            async def payable(check_id: str = check_id) -> bool:
                answer = await store["side"].post(f"/v1/checks/{check_id}/take", {})
                return answer.status_code == 200

            await store["side"].wait_for("the check is at the window", payable)
            answer = await paid(store, "side", check_id)
            assert answer["state"] == "closed"
            view = await store["side"].get(f"/v1/checks/{check_id}")
            assert ([line["quantity"] for line in view["lines"]], view["conflicts"]) == ([2, 1], [])
        for name in NAMES:
            await store.wait_sinks(name, HQ=0)
        assert await store.hq_sales() == 4

    in_store(tmp_path, scene)


def test_each_register_sells_and_prints_alone_when_all_else_is_away(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await store.kill_hq()
        for one, other in (("front", "side"), ("front", "back"), ("side", "back")):
            await store.cut(one, other)
        for name in NAMES:
            await store.wait_sinks(name, HQ=None, **{other: None for other in NAMES if other != name})
            made = await store[name].order("hummus")
            assert made["state"] == "closed"
            await store[name].wait_all_settled()
            assert any(made["ticket_code"] in slip for slip in store[name].slips("receipt"))
            assert tickets(store, name, made["ticket_code"])

    in_store(tmp_path, scene)
