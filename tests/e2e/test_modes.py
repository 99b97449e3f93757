"""Outages of a store of real processes: nothing to choose, nothing to wait for, and the books are the same."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig
from tests.support.store import StoreRig, in_store

SUPPORT: dict[str, Any] = {"offline": {"support": True}, "registers": {"front": {"drawer": None}}}
_MARK = re.compile(r"(?i)check (no\. )?([0-9A-Z]{26}|\d+)|\bfront\b")
"""The check number, that only HQ gives, and what stands in its place without one: the long id, or the register."""
_CODE = re.compile(r"[A-Z]-\d{3}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d|\d\d?[/.]\d\d?[/.]\d{2,4}|\d\d?:\d\d(:\d\d)?( ?[AP]M)?")


async def day(rig: StoreRig) -> dict[str, Any]:
    """A scripted day: an order paid at once, a table with a later change and a void, a refund, a no-sale, an 86. What it comes
    to: the books, and all that was printed, without codes and times."""
    paid = await rig.order("cola", "cola", key="paid")
    body = {"order_type": "dine_in", "table": "7", "covers": 2, "lines": [{"item_id": "cheeseburger", "quantity": 2}]}
    table = await rig.ok("POST", "/v1/checks", body, key="table")
    path = f"/v1/checks/{table['check_id']}"
    await rig.ok("POST", f"{path}/send", key="send")
    await rig.ok("POST", f"{path}/lines", {"lines": [{"item_id": "cola"}]}, key="more")
    await rig.ok("POST", f"{path}/lines/{table['line_ids'][0]}/void", {"reason": "cold", "quantity": 1}, key="void")
    await rig.ok("POST", f"{path}/tenders", {"tender": "cash", "tendered_minor": 100_00}, key="pay")
    refund = {"tender": "cash", "reason": "cold", "amount_minor": 100}
    await rig.ok("POST", f"/v1/checks/{paid['check_id']}/refunds", refund, key="refund")
    await rig.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "change"}, key="no-sale")
    sold_out = {"kind": "item", "subject_id": "mint-tea", "state": "sold_out"}
    await rig.ok("POST", "/v1/availability", sold_out, key="86")
    refused = await rig.post("/v1/orders", {"order_type": "takeout", "lines": [{"item_id": "mint-tea"}]}, key="gone")
    assert refused.status_code == 422
    await rig.ok("POST", f"{path}/receipt", key="copy")
    await rig.wait_all_settled()
    books = await rig.own_books()
    books = {name: value for name, value in books.items() if name not in ("only_here", "business_day")}
    return {"books": books, "paper": Counter(slip for name in rig.shop.printers for slip in _plain(name, rig.slips(name)))}


def _plain(name: str, slips: Sequence[str]) -> list[str]:
    plain = [_TIME.sub("TIME", _CODE.sub("CODE", _MARK.sub("", slip))) for slip in slips]
    return [f"{name} " + " ".join(slip.split()) for slip in plain]


def test_the_same_day_online_and_offline_has_the_same_books_and_the_same_paper(tmp_path: Path) -> None:
    async def run() -> None:
        found: dict[str, dict[str, Any]] = {}
        for mode in ("online", "offline"):
            async with StoreRig(tmp_path / mode) as rig:
                await rig.wait_mode("online")
                if mode == "offline":
                    await rig.internet.cut()
                    await rig.wait_mode("offline")
                found[mode] = await day(rig)
                checks = (await rig.get("/v1/checks"))["checks"]
                if mode == "offline":  # the marks alone tell the difference
                    assert not any(check["synced"] for check in checks)
                    await rig.internet.restore()
                await rig.wait_synced()
                checks = (await rig.get("/v1/checks"))["checks"]
                assert all(check["synced"] and check["number"] for check in checks)
                await rig.check_books()
        assert found["offline"]["books"] == found["online"]["books"]
        assert list((found["offline"]["paper"] - found["online"]["paper"]).elements()) == []
        assert list((found["online"]["paper"] - found["offline"]["paper"]).elements()) == []
        assert sum(found["online"]["paper"].values()) >= 6

    asyncio.run(run())


def test_a_register_that_starts_in_an_outage_sells_without_waiting_for_hq(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        await rig.order("cola")
        await rig.kill_agent()
        await rig.kill_hq()  # its line stays whole: what is asked gets no answer
        await rig.start_agent()
        first = await rig.order("cola")  # the very first request
        assert first["state"] == "closed"
        status = await rig.get("/v1/status")
        assert status["mode"] in ("checking", "offline")
        assert status["dot"]["colour"] != "green"
        await rig.wait_mode("offline")
        await rig.start_hq()
        await rig.wait_synced()
        assert (await rig.check_books())["sales"] == 2

    in_store(tmp_path, scene)


def test_orders_all_through_an_outage_and_its_end_are_all_taken(tmp_path: Path) -> None:
    """There is no switch: whoever rings notices nothing, and nothing was restarted."""

    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        process = rig.agent.pid
        modes: list[str] = []

        async def ring(until: str) -> None:
            while not modes or modes[-1] != until:
                await rig.order("cola")
                mode = (await rig.get("/v1/status"))["mode"]
                if mode not in modes[-1:]:
                    modes.append(mode)

        await ring("online")
        await rig.internet.cut()
        await ring("offline")
        await rig.internet.restore()
        await ring("online")
        assert modes[0] == modes[-1] == "online"
        assert set(modes) <= {"online", "checking", "offline"}
        assert rig.agent.pid == process
        await rig.wait_synced()
        closed = (await rig.own_books())["checks_closed"]
        assert (await rig.check_books())["sales"] == closed

    in_store(tmp_path, scene)


def test_offline_by_hand_goes_on_to_hq_in_the_background_and_ends_by_hand_only(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        await rig.ok("POST", "/v1/mode/offline", {"on": True, "by": "Mia"})
        order = await rig.order("cola")

        async def numbered() -> Any:
            check = await rig.get(f"/v1/checks/{order['check_id']}")
            return check if check["synced"] and check["number"] else None

        await rig.wait_for("HQ has the sale", numbered)
        status = await rig.get("/v1/status")
        assert (status["mode"], status["dot"]["colour"]) == ("manual_offline", "red")
        assert any("not applied" in words for words in status["paused"])
        assert not any("Reports" in words for words in status["paused"])
        refused = await rig.post("/v1/orders", CARD)
        assert refused.json()["mode"] == "manual_offline"
        await rig.kill_agent()
        await rig.start_agent()
        assert (await rig.get("/v1/mode"))["mode"] == "manual_offline"
        await rig.internet.cut()
        await rig.internet.restore()
        assert (await rig.get("/v1/mode"))["mode"] == "manual_offline"
        await rig.ok("POST", "/v1/mode/offline", {"on": False, "by": "Mia"})
        await rig.wait_mode("online")

    in_store(tmp_path, scene, changes=SUPPORT)


def test_without_internet_or_without_hq_a_store_works_over_its_lan_and_alone_a_register_is_an_island(tmp_path: Path) -> None:
    async def run() -> None:
        names = ("front", "side", "back")
        async with SeveralRig(tmp_path, *names) as store:
            for name in names:
                await store[name].wait_mode("online")
            for outage in ("internet", "cloud server"):
                if outage == "internet":
                    for name in names:
                        store.internets[name].hole()
                else:
                    await store.kill_hq()
                for name in names:
                    status = await store[name].wait_mode("offline")  # and nobody had to choose anything
                    assert status["dot"]["colour"] == "red"
                    order = await store[name].order("cola")
                    assert order["state"] == "closed"
                await store.wait_sinks("front", side=0, back=0)  # what was sold is on other registers, over the LAN
                if outage == "internet":
                    for name in names:
                        await store.internets[name].mend()
                else:
                    await store.start_hq()
                for name in names:
                    await store[name].wait_mode("online")
            store.internets["front"].hole()
            store.hole("front", "side")
            store.hole("front", "back")
            status = await store["front"].wait_mode("island")
            assert "no other register is heard" in status["dot"]["words"]
            refused = await store["front"].post("/v1/orders", CARD)
            assert (refused.status_code, refused.json()["mode"]) == (422, "island")
            await store["front"].order("cola")
            await store["side"].wait_mode("online")
            await store.mend("front", "side")
            await store["front"].wait_mode("offline")
            await store.internets["front"].mend()
            await store.mend("front", "back")
            await store["front"].wait_mode("online")
            await store.wait_sinks("front", HQ=0, side=0, back=0)
            assert await store.hq_sales() == 2 * len(names) + 1

    asyncio.run(run())


CARD = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "card"}]}
