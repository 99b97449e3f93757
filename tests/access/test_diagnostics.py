"""A technician's phone, from the QR code to the ticket that it lets print: what it is shown, and what never reaches it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect
from tests.access.test_pages import kept, pair, picture, play, tablet
from tests.access.world import Lan, lan
from tests.support.browser import Chromium
from tests.support.looks import SIZES
from tests.support.staff import BEN, STAFF, STAFF_CONFIG, Person, page_token, sign_in, write_roster

from tillkeeper.api.operations import OPERATIONS
from tillkeeper.api.scopes import may

pytestmark = pytest.mark.root

TESS = Person("tess", "731905", ("technician",))
GUEST = {"name": "Zebulon Quillfeather", "phone": "5550142857", "note": "peanut allergy of Quillfeather"}
ORDER = {"order_type": "takeout", "lines": [{"item_id": "cheeseburger"}], "tenders": [{"tender": "cash"}], **GUEST}
STALE = {
    "stations": {"grill": {"devices": ["grill"], "backup": None, "carry": False, "alarm_after_s": 0, "stale_after_s": 2.0}}
}
MONEY = ("_minor", "amount", "price")
NO_AMOUNT = {"minor_digits"}
NO_READING = {"get_session", "get_authority"}
"""Who has signed in: nobody; and a certificate, which is no JSON."""
REFUSED = ("/v1/checks", "/v1/books", "/v1/drawers", "/v1/after", "/v1/staff", "/v1/catalogue", "/v1/day")
SOON_MS = 30_000


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Each field of an answer that holds no others: its name and what it says."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value


def assert_nothing_private(text: str, where: str) -> None:
    """No amount, nothing of a guest, and not who sold."""
    for word in ("Quillfeather", "5550142857", "peanut", f'"{BEN.employee}"', BEN.name):
        assert word not in text, where
    for name, value in leaves(json.loads(text)):
        private = any(part in name for part in MONEY) and name not in NO_AMOUNT
        assert not private, f"{where}: {name} is {value!r}"


def staffed(folder: Path) -> dict[str, Any]:
    write_roster(folder / STAFF_CONFIG["staff"]["file"], folder / "data", (*STAFF, TESS))
    return STAFF_CONFIG | STALE


def test_nothing_that_a_technician_may_read_tells_of_money_guests_or_who_sold(tmp_path: Path) -> None:
    reads = [one for one in OPERATIONS if one.method == "GET" and "{" not in one.path and may("technician", one.id)]
    reads = [one for one in reads if one.id not in NO_READING]
    assert {"get_status", "get_network", "list_jobs", "get_green", "get_roles", "get_preflight"} <= {one.id for one in reads}

    async def scene() -> None:
        async with lan(tmp_path, screens=False, changes=staffed(tmp_path)) as found:
            found.rig.printer("grill").load_paper(0)
            async with httpx.AsyncClient(base_url=found.rig.origin, trust_env=False) as http:
                page = await sign_in(http, page_token(found.rig.data), BEN)
                order = await page.post("/orders", ORDER)
            token = await found.paired("technician", "service-phone")
            async with found.device(token) as phone:
                for operation in reads:
                    answer = await phone.get(operation.path)
                    assert answer.status_code == 200, f"{operation.id}: {answer.text}"
                    assert_nothing_private(answer.text, operation.id)
                jobs = (await phone.get("/v1/jobs")).json()["jobs"]
                assert order["ticket_code"] in {job["ticket_code"] for job in jobs}, "it does see what waits"
                held = next(job for job in jobs if job["device"] == "grill")
                assert_nothing_private((await phone.get(f"/v1/jobs/{held['job_id']}")).text, "get_job")
                for path in (*REFUSED, f"/v1/checks/{order['check_id']}"):
                    assert (await phone.get(path)).status_code == 403, path

    asyncio.run(scene())


def test_a_phone_is_paired_and_reads_the_store_and_a_pin_prints_what_is_held(tmp_path: Path) -> None:
    async def scene(found: Lan, chromium: Chromium) -> None:
        opened = await found.open_code("technician", "service-phone")
        async with tablet(found, chromium, "/pair/", size=SIZES["phone"]) as page:
            refused: list[str] = []
            frames: list[str] = []
            page.on("response", lambda answer: refused.append(answer.url) if answer.status in (401, 403) else None)
            page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
            await page.locator("body[data-trust=yes]").wait_for()
            await page.locator("[name=code]").fill(opened["code"])
            await pair(page)
            await page.locator("[data-action=go]").click()
            await page.locator("body[data-page=diagnostics][data-ready]").wait_for()
            await expect(page.locator("[data-testid=verdict]")).to_have_attribute("data-phase", "checking")

            found.rig.printer("grill").load_paper(0)
            order = await found.rig.ok("POST", "/v1/orders", ORDER)
            await page.locator("[data-action=waiting]").click()
            held = page.locator("[data-job][data-state=held]", has_text=order["ticket_code"])
            await expect(held).to_contain_text("At grill, since ", timeout=SOON_MS)
            await expect(page.locator("[data-action=waiting] .count")).to_have_text("1")
            await expect(page.get_by_label("What this device may")).to_contain_text("It may not sell")
            await picture(page, "diagnostics-waiting")
            found.rig.printer("grill").load_paper(10_000)
            await held.locator("[data-action=release]").click()
            await page.locator("[data-testid=signin] [data-testid=pin]").wait_for()
            await page.keyboard.type(TESS.pin)
            await expect(held).to_have_count(0)
            await found.rig.wait_all_settled()
            assert order["ticket_code"] in found.rig.slips("grill")[0]

            await page.locator("[data-action=store]").click()
            await expect(page.locator("[data-member=front]")).to_be_visible()
            await picture(page, "diagnostics-store")
            shown = await page.locator("body").inner_text()
            assert "Quillfeather" not in shown
            assert frames
            for frame in frames:
                assert_nothing_private(frame, "live")
            assert refused == [], "the page asks for nothing that it may not have"

            # The register goes: the phone says so, also after a reload, and shows nothing as if it were now.
            await kept(page)
            await found.rig.kill_agent()
            await expect(page.locator("[data-banner=as-of]")).to_contain_text(" old.")
            await expect(page.locator("[data-testid=green]")).to_have_attribute("data-green", "unknown")
            await page.reload()
            await expect(page.locator("[data-testid=heard-at]")).to_contain_text("heard last at")
            await expect(page.locator("main.stage")).to_contain_text("not known")

    play(tmp_path, scene, changes=staffed(tmp_path))


def test_a_managers_phone_begins_at_a_page_that_is_for_it(tmp_path: Path) -> None:
    async def scene(found: Lan, chromium: Chromium) -> None:
        opened = await found.open_code("manager", "boss-phone")
        async with tablet(found, chromium, opened["url"]) as page:
            await page.locator("body[data-trust=yes]").wait_for()
            await pair(page)
            await page.locator("[data-action=go]").click()
            await page.locator("body[data-page=diagnostics][data-ready]").wait_for()
            await page.locator("[data-action=store]").click()
            await page.locator("[data-action=paired-devices]").click()
            await expect(page.locator("[data-device=boss-phone]")).to_be_visible()

    play(tmp_path, scene)
