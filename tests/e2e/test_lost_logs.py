"""A register whose disk is new, or an older copy, gets its own past back from the others, as processes: checks that were open
in it can be taken, and what was done with a check since the copy was made is done."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.cards.world import events_of
from tests.support.several import SeveralRig
from tests.support.store import StoreRig

from tillkeeper_drivers.simulator.gateway import VirtualGateway

NAMES = ("front", "side", "back")
ROLES = {"roles": {"primary": "front", "backup": "side"}}


def in_store(folder: Path, scene: Callable[[SeveralRig], Awaitable[None]]) -> None:
    async def run() -> None:
        async with SeveralRig(folder, *NAMES, changes=ROLES) as store:
            await scene(store)

    asyncio.run(run())


async def opened(rig: StoreRig, *items: str) -> Any:
    """A check that is still open."""
    return await rig.ok("POST", "/v1/orders", {"order_type": "dine_in", "lines": [{"item_id": one} for one in items]})


async def pay(rig: StoreRig, check_id: str) -> Any:
    return await rig.ok("POST", f"/v1/checks/{check_id}/tenders", {"tender": "cash"})


async def state_of(rig: StoreRig, check_id: str, wanted: str) -> Any:
    async def look() -> Any:
        answer = await rig.till.get(f"/v1/checks/{check_id}")
        check = answer.json() if answer.is_success else None
        return check if check is not None and check["state"] == wanted else None

    return await rig.wait_for(f"{check_id} is {wanted}", look)


def test_an_open_check_of_a_lost_disk_is_taken_and_paid_where_it_was(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front = store["front"]
        sold = await opened(front, "cola", "cola")
        await store.wait_sinks("front", HQ=0, side=0, back=0)
        await front.kill_agent()
        for file in [*front.data.glob("*.db*"), *front.data.glob("*-codes.json")]:
            file.unlink()
        await front.start_agent()

        async def listed() -> Any:
            checks = (await front.get("/v1/checks?where=elsewhere"))["checks"]
            return next((one for one in checks if one["check_id"] == sold["check_id"]), None)

        found = await front.wait_for("its own check is in the list", listed)
        assert found["elsewhere"]["mine"]
        await front.ok("POST", f"/v1/checks/{sold['check_id']}/take", {"by": "Mia"})
        paid = await pay(front, sold["check_id"])
        assert paid["state"] == "closed"
        assert paid["totals"]["paid_minor"] == paid["totals"]["gross_minor"] == sold["totals"]["gross_minor"]
        await store.wait_sinks("front", HQ=0)
        assert await store.hq_sales() == 1

    in_store(tmp_path, scene)


def test_a_check_that_was_paid_after_the_copy_was_made_is_not_paid_again(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        front, backup = store["front"], tmp_path / "backup"
        sold = await opened(front, "cola")
        await store.wait_sinks("front", HQ=0, side=0, back=0)
        await front.stop_agent()
        shutil.copytree(front.data, backup)
        await front.start_agent()
        await front.ok("POST", f"/v1/checks/{sold['check_id']}/lines", {"lines": [{"item_id": "cola"}]})
        paid = await pay(front, sold["check_id"])
        again = await front.order("cola")
        await store.wait_sinks("front", HQ=0, side=0, back=0)
        await front.kill_agent()
        shutil.rmtree(front.data)
        shutil.copytree(backup, front.data)
        await front.start_agent()
        check = await state_of(front, sold["check_id"], "closed")
        assert check["totals"] == paid["totals"]
        assert len(check["payments"]) == 1
        other = await state_of(front, again["check_id"], "closed")
        assert other["ticket_code"] == again["ticket_code"]
        await store.wait_sinks("front", HQ=0)
        assert await store.hq_sales() == 2
        days = (await store.hq_get("/v1/books"))["days"]
        booked = sum(day["books"]["gross_minor"] for day in days)
        assert booked == paid["totals"]["gross_minor"] + again["totals"]["gross_minor"]

    in_store(tmp_path / "store", scene)


def test_a_check_that_was_taken_and_paid_on_the_lost_disk_is_not_open_again(tmp_path: Path) -> None:
    """The log of who gave it comes first and says that it went to this register; what was done with it here comes later."""

    async def scene(store: SeveralRig) -> None:
        front, side = store["front"], store["side"]
        sold = await opened(side, "cola")
        await store.wait_sinks("side", HQ=0, front=0, back=0)
        await state_of(front, sold["check_id"], "open")
        await front.ok("POST", f"/v1/checks/{sold['check_id']}/take", {"by": "Mia"})
        paid = await pay(front, sold["check_id"])
        await store.wait_sinks("front", HQ=0, side=0, back=0)
        await front.kill_agent()
        for file in [*front.data.glob("*.db*"), *front.data.glob("*-codes.json")]:
            file.unlink()
        await front.start_agent()

        async def merged() -> Any:
            here = (await front.get("/v1/checks"))["checks"]
            return next((one for one in here if one["check_id"] == sold["check_id"] and one["state"] == "closed"), None)

        await front.wait_for("it is here and closed", merged)
        check = await front.get(f"/v1/checks/{sold['check_id']}")
        assert check["totals"] == paid["totals"]
        assert len(check["payments"]) == 1
        await store.wait_sinks("front", HQ=0)
        assert await store.hq_sales() == 1
        days = (await store.hq_get("/v1/books"))["days"]
        assert sum(day["books"]["gross_minor"] for day in days) == paid["totals"]["gross_minor"]

    in_store(tmp_path, scene)


def test_a_card_that_was_in_doubt_when_the_copy_was_made_is_recorded_once(tmp_path: Path) -> None:
    """The copy asks nobody what became of it before it knows what became of it."""

    async def scene(store: SeveralRig, gateway: VirtualGateway) -> None:
        front, backup = store["front"], tmp_path / "backup"
        sold = await opened(front, "cola")
        gateway.order("lost_after", *["error_before"] * 500)
        doubt = await front.post(f"/v1/checks/{sold['check_id']}/tenders", {"tender": "visa"})
        assert doubt.json()["type"].endswith("authorisation_unknown"), doubt.text
        await store.wait_sinks("front", side=0, back=0)
        await front.stop_agent()
        shutil.copytree(front.data, backup)
        gateway.forget_orders()
        await front.start_agent()
        paid = await state_of(front, sold["check_id"], "closed")
        await store.wait_sinks("front", HQ=0, side=0, back=0)
        await front.kill_agent()
        shutil.rmtree(front.data)
        shutil.copytree(backup, front.data)
        await front.start_agent()
        check = await state_of(front, sold["check_id"], "closed")
        assert [one["tender_id"] for one in check["payments"]] == [one["tender_id"] for one in paid["payments"]]

        async def settled() -> bool:
            view = await front.get("/v1/authorisations")
            return not view["frozen"] and not view["reversals_owed"]

        await front.wait_for("nothing is in doubt", settled)
        await store.wait_sinks("front", HQ=0)
        assert await store.hq_sales() == 1
        assert gateway.kept_minor == sold["totals"]["gross_minor"]
        await front.stop_agent()
        assert "tender_recorded" not in [kind for kind, _ in events_of(front.data.parent)]

    async def run() -> None:
        async with VirtualGateway() as gateway:
            changes = {
                "gateways": {"bank": {"url": gateway.url, "timeout_s": 5.0}},
                "tenders": {"visa": {"kind": "card", "title": "Card", "gateway": "bank"}},
            }
            async with SeveralRig(tmp_path / "store", *NAMES, changes=ROLES | changes) as store:
                await scene(store, gateway)

    asyncio.run(run())
