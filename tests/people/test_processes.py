"""Sign-in over the death of the agent, with a real store around it."""

from pathlib import Path
from typing import Any

import httpx
from tests.support.staff import ANA, BOSS, FILE, STAFF_CONFIG, WRONG, Page, page_token, write_roster
from tests.support.store import StoreRig, in_store


async def page_of(rig: StoreRig, http: httpx.AsyncClient) -> Page:
    return Page(http, page_token(rig.data))


def test_who_is_signed_in_stays_so_over_a_kill_and_signs_in_without_roster_file_and_internet(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        write_roster(rig.folder / FILE, rig.data)
        await rig.start_agent()
        async with httpx.AsyncClient(base_url=rig.origin, timeout=10, trust_env=False) as http:
            page = await page_of(rig, http)
            await page.sign_in(ANA)
            await page.post("/time-entries", {"employee": "ana", "kind": "clock_in"})
            order: dict[str, Any] = {"order_type": "takeout", "lines": [{"item_id": "cola"}]}
            check = await page.post("/orders", order, key="before-the-kill")
            for pin in WRONG[:3]:
                await page.post("/sign-in", {"pin": pin}, status=401)
            await rig.kill_agent()
            (rig.folder / FILE).unlink()
            await rig.internet.cut()
            await rig.start_agent()
            assert (await page.get("/session"))["clocked"] == "in"
            assert await page.post("/orders", order, key="before-the-kill") == check
            await page.post(f"/checks/{check['check_id']}/tenders", {"tender": "cash"})
            assert (await page.post("/sign-in", {"pin": WRONG[3]}, status=401))["tries_left"] == 1
            other = await page_of(rig, http)
            assert (await other.sign_in(BOSS))["employee"] == "mia"
            await other.post("/no-sales", {"drawer": "drawer", "reason": "change"})
            await page.get("/session", status=401)
            await rig.internet.restore()
            await rig.wait_synced()
        rig.verify_chain()
        said = (rig.folder / "agent.log").read_text("utf-8")
        assert not any(secret in said for secret in (ANA.pin, BOSS.pin, page.session, other.session, *WRONG))

    in_store(tmp_path, scene, changes=STAFF_CONFIG, agent=False)
