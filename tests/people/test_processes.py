"""People over an outage and over the death of the agent, with a real store around them."""

from pathlib import Path
from typing import Any

import httpx
from tests.support.staff import ANA, BOSS, FILE, STAFF_CONFIG, WRONG, Page, page_token, write_roster
from tests.support.store import REGISTER, StoreRig, in_store

COLA: dict[str, Any] = {"order_type": "takeout", "lines": [{"item_id": "cola"}]}


def test_who_is_signed_in_stays_so_over_a_kill_and_wrong_pins_stay_counted(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        write_roster(rig.folder / FILE, rig.data)
        await rig.start_agent()
        async with httpx.AsyncClient(base_url=rig.origin, timeout=10, trust_env=False) as http:
            page = Page(http, page_token(rig.data))
            await page.sign_in(ANA)
            check = await page.post("/orders", COLA, key="before-the-kill")
            for pin in WRONG[:3]:
                await page.post("/sign-in", {"pin": pin}, status=401)
            await rig.kill_agent()
            (rig.folder / FILE).unlink()
            await rig.start_agent()
            assert (await page.get("/session"))["employee"] == "ana"
            assert await page.post("/orders", COLA, key="before-the-kill") == check
            await page.post(f"/checks/{check['check_id']}/tenders", {"tender": "cash"})
            assert (await page.post("/sign-in", {"pin": WRONG[3]}, status=401))["tries_left"] == 1
            other = Page(http, page_token(rig.data))
            assert (await other.sign_in(BOSS))["employee"] == "mia"
            await page.get("/session", status=401)
        rig.verify_chain()
        said = (rig.folder / "agent.log").read_text("utf-8")
        assert not any(secret in said for secret in (ANA.pin, BOSS.pin, page.session, other.session, *WRONG))

    in_store(tmp_path, scene, changes=STAFF_CONFIG, agent=False, hq=False)


def test_a_shift_without_internet_reaches_hq_when_it_is_back(tmp_path: Path) -> None:
    """Signed in after a reboot without HQ and without the roster file; clocked in and out; a no-sale; a sale."""

    async def scene(rig: StoreRig) -> None:
        write_roster(rig.folder / FILE, rig.data)
        await rig.start_agent()
        await rig.kill_agent()
        (rig.folder / FILE).unlink()
        await rig.internet.cut()
        await rig.start_agent()
        async with httpx.AsyncClient(base_url=rig.origin, timeout=10, trust_env=False) as http:
            page = Page(http, page_token(rig.data))
            await page.sign_in(BOSS)
            for kind in ("clock_in", "break_start", "break_end", "clock_out"):
                await page.post("/time-entries", {"employee": "mia", "kind": kind})
            await page.post("/tips", {"employee": "mia", "cash_tips_minor": 700})
            await page.post("/no-sales", {"drawer": "drawer", "reason": "change"})
            sold = await page.post("/orders", COLA | {"tenders": [{"tender": "cash"}]})
            await page.post("/sign-out")
        assert (await rig.get(f"/v1/checks/{sold['check_id']}"))["synced"] is False
        await rig.internet.restore()
        await rig.wait_synced()
        await rig.check_books()
        (day,) = await rig.hq_books()
        assert day["no_sales"] == 1
        number = (await rig.hq_get(f"/v1/checks/{sold['check_id']}"))["number"]
        assert (await rig.get(f"/v1/checks/{number}"))["check_id"] == sold["check_id"]
        assert (await rig.hq_get(f"/v1/checks/{sold['ticket_code']}"))["number"] == number
        held = await events_at_hq(rig)
        mine = [event for event in held if event["type"] in ("time_entry_recorded", "tips_declared", "no_sale_recorded")]
        assert [event["type"] for event in mine] == ["time_entry_recorded"] * 4 + ["tips_declared", "no_sale_recorded"]
        assert all('"mia"' in str(event["body"]).replace("'", '"') for event in mine)
        kinds = [event["type"] for event in held]
        assert kinds.count("signed_in") == kinds.count("signed_out") == 1

    in_store(tmp_path, scene, changes=STAFF_CONFIG, agent=False)


async def events_at_hq(rig: StoreRig) -> list[dict[str, Any]]:
    (log,) = (await rig.hq_get("/v1/registers"))["registers"]
    found = await rig.hq_get("/v1/events", register=REGISTER, incarnation=log["incarnation"], limit="1000")
    events: list[dict[str, Any]] = found["events"]
    return events
