"""Orders of a web shop through HQ to a store of three agents: a primary that is killed, an HQ that starts again, lost answers.
Every order is placed, and whatever is placed twice carries POSSIBLE DUPLICATE (promise P7)."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
from tests.support.several import SeveralRig
from tests.support.store import STORE

NAMES = ("front", "side", "back")
PLACE = f"/v1/stores/{STORE}/online-orders"
CHANGES = {
    "roles": {"primary": "front", "backup": "side"},
    "online": {"take": True, "tender": "house", "lead_s": 60},
    "replication": {"adopt_after_s": 3600},
}


def in_store(folder: Path, scene: Callable[[SeveralRig], Awaitable[None]]) -> None:
    async def run() -> None:
        async with SeveralRig(folder, *NAMES, changes=CHANGES) as store:
            for name in NAMES:
                await store.wait_sinks(name, HQ=0)
            await scene(store)

    asyncio.run(run())


async def give(store: SeveralRig, shop_id: str, *items: str, status: int = 201, **more: Any) -> Any:
    """As a shop does: again until there is an answer."""
    body = {"id": shop_id, "order_type": "takeout", "lines": [{"item_id": item} for item in items or ("cheeseburger",)], **more}
    headers = {"Authorization": f"Bearer {store.shop}"}
    for _ in range(100):
        try:
            answer = await store.hq.post(PLACE, json=body, headers=headers)
        except httpx.HTTPError:
            await asyncio.sleep(0.1)
            continue
        assert answer.status_code in (status, 200), answer.text
        return answer.json()
    raise AssertionError("HQ does not answer")


async def state(store: SeveralRig, shop_id: str) -> Any:
    answer = await store.hq.get(f"{PLACE}/{shop_id}", headers={"Authorization": f"Bearer {store.shop}"})
    assert answer.is_success, answer.text
    return answer.json()


async def settled(store: SeveralRig, shop_id: str, deadline_s: float = 60.0) -> Any:
    async def there() -> Any:
        found = await state(store, shop_id)
        return found if found["state"] in ("accepted", "refused", "expired") else None

    return await store["back"].wait_for(f"online order {shop_id} is settled", there, deadline_s)


async def named(store: SeveralRig, name: str) -> dict[str, list[Any]]:
    """The checks of a register by the guest's name."""
    found: dict[str, list[Any]] = {}
    for row in (await store[name].get("/v1/checks?limit=500"))["checks"]:
        found.setdefault(row["name"], []).append(row)
    return found


async def placed_and_not_told(store: SeveralRig) -> int:
    """Orders to front until one is placed there while its line to HQ swallows everything: HQ does not know. Its number."""
    internet = store.internets["front"]
    for n in range(40):
        await give(store, f"w-{n}", name=f"Guest {n}")
        while (found := await state(store, f"w-{n}"))["state"] == "waiting":
            pass
        if found["state"] == "handed_out":
            internet.hole()
            for _ in range(20):
                if f"Guest {n}" in await named(store, "front"):
                    break
                await asyncio.sleep(0.05)
            if f"Guest {n}" in await named(store, "front") and (await state(store, f"w-{n}"))["state"] == "handed_out":
                return n
            await internet.mend()
        await settled(store, f"w-{n}")
    raise AssertionError("HQ always heard of it")


def test_an_order_is_placed_paid_or_not_now_or_later_or_refused_with_the_reason(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front = store["front"]
        menu = {item["item_id"]: item for item in (await front.get("/v1/catalogue"))["items"]}
        assert "cheeseburger" in menu
        await give(store, "open", name="Zoë", phone="030 1234567", note="no onions")
        told = await settled(store, "open")
        assert (told["state"], told["register"], told["may_be_doubled"]) == ("accepted", "front", False)
        check = await front.get(f"/v1/checks/{told['check_id']}")
        assert (check["state"], check["name"], check["phone"], check["ticket_code"]) == (
            "open",
            "Zoë",
            "030 1234567",
            told["ticket_code"],
        )
        due = check["totals"]["due_minor"]
        await give(store, "paid", name="Ana", paid_minor=due, payment_reference="p-1")
        paid = await front.get(f"/v1/checks/{(await settled(store, 'paid'))['check_id']}")
        assert (paid["state"], [one["tender"] for one in paid["payments"]]) == ("closed", ["house"])
        await give(store, "much", paid_minor=due + 1)
        assert (await settled(store, "much"))["code"] == "overpayment"
        await give(store, "unknown", "no-such-thing")
        assert (await settled(store, "unknown"))["code"] == "unknown_item"
        await store["back"].ok("POST", "/v1/availability", {"kind": "item", "subject_id": "cola", "state": "sold_out"})

        async def known() -> bool:
            return bool((await front.get("/v1/availability"))["entries"])

        await front.wait_for("front knows what is sold out", known)
        await give(store, "gone", "cola")
        gone = await settled(store, "gone")
        assert (gone["state"], gone["code"], gone["reason"]) == ("refused", "sold_out", "Cola is sold out")
        slips = len(front.slips("grill"))
        await give(store, "later", promised_ms=check["opened_at_ms"] + 3_600_000)
        later = await front.get(f"/v1/checks/{(await settled(store, 'later'))['check_id']}")
        assert [line["state"] for line in later["lines"]] == ["scheduled"]
        assert len(front.slips("grill")) == slips
        view = await front.get("/v1/online")
        assert (view["takes"], view["holder"], view["words"]) == (True, "front", "Online orders come here.")
        assert {row["id"]: row["outcome"] for row in view["rows"]}["gone"] == "refused"
        assert "neither" in (await store["back"].get("/v1/online"))["words"]

    in_store(tmp_path, scene)


def test_the_backup_takes_online_orders_when_the_primary_dies_and_every_repeat_is_marked(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, side = store["front"], store["side"]
        caught = await placed_and_not_told(store)
        await front.kill_agent()
        orders = range(caught + 12)
        for n in range(caught + 1, orders.stop):
            await give(store, f"w-{n}", name=f"Guest {n}")
            if n == caught + 6:
                await store.kill_hq()
                await store.start_hq()
        told = {n: await settled(store, f"w-{n}") for n in orders}
        assert {one["state"] for one in told.values()} == {"accepted"}
        assert (told[caught]["register"], told[caught]["may_be_doubled"]) == ("side", True)
        assert told[orders.stop - 1]["register"] == "side"
        assert (await side.get("/v1/online"))["holder"] == "side"
        await store.internets["front"].mend()
        await front.start_agent()

        async def all_known() -> bool:
            """Front has said of each order that it ever had what became of it."""
            here, there = await named(store, "front"), await named(store, "side")
            for n in orders:
                one, checks = await state(store, f"w-{n}"), [*here.get(f"Guest {n}", ()), *there.get(f"Guest {n}", ())]
                if {check["check_id"] for check in checks} != {
                    one["check_id"],
                    *(also["check_id"] for also in one["also_placed"]),
                }:
                    return False
            return True

        await front.wait_for("HQ knows all that was placed", all_known)
        await side.wait_all_settled()
        here, there = await named(store, "front"), await named(store, "side")
        doubled = 0
        for n in orders:
            name, one = f"Guest {n}", await state(store, f"w-{n}")
            checks = [*here.get(name, ()), *there.get(name, ())]
            assert 1 <= len(checks) <= 2, f"{name} is placed {len(checks)} times"
            assert len(here.get(name, ())) <= 1, "one register places it once"
            if len(checks) == 2:
                doubled += 1
                assert one["may_be_doubled"]
            slips = [slip for slip in side.slips("grill") if any(check["ticket_code"] in slip for check in there.get(name, ()))]
            assert all(("POSSIBLE DUPLICATE" in slip) == one["may_be_doubled"] for slip in slips), (name, slips)
            assert slips or name not in there
        assert doubled, "the one that the primary could not tell about"
        for name in NAMES:
            store[name].verify_chain()

    in_store(tmp_path, scene)


def test_orders_wait_at_hq_while_the_store_is_away_and_expire_when_the_shop_says(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        for name in NAMES:
            await store.internets[name].cut()
        for name in NAMES:
            await store.wait_sinks(name, HQ=None)
        await give(store, "short", expires_in_s=30)
        await give(store, "long", expires_in_s=3_600)
        assert (await state(store, "long"))["state"] == "waiting"
        await store.kill_hq()
        await store.start_hq()
        expired = await settled(store, "short")
        assert expired["state"] == "expired"
        for name in NAMES:
            await store.internets[name].mend()
        assert (await settled(store, "long"))["state"] == "accepted"
        checks = (await store["front"].get("/v1/checks"))["checks"] + (await store["side"].get("/v1/checks"))["checks"]
        assert len(checks) == 1

    in_store(tmp_path, scene)
