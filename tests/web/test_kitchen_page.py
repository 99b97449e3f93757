"""The kitchen page in a real browser with real agents behind it."""

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from tests.support.browser import Chromium
from tests.support.looks import grave_violations, too_small, wider_than_screen
from tests.support.store import StoreRig
from tests.support.toml import dumps, merged
from tests.till.test_bumps import touches

LATE_MS = 10_000
TOKEN = "a-page-token-for-all-registers"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


def cards(page: Page) -> Locator:
    return page.get_by_test_id("card")


async def codes(page: Page) -> list[str]:
    """Ticket codes on the screen, in its order."""
    found: list[str] = await cards(page).evaluate_all("(cards) => [...new Set(cards.map((card) => card.dataset.code))]")
    return found


async def shows(page: Page, *wanted: str) -> None:
    """These tickets, in this order."""
    await expect(cards(page)).to_have_count(len(wanted))
    for at, code in enumerate(wanted):
        await expect(cards(page).nth(at)).to_have_attribute("data-code", code)


def sign(page: Page, name: str) -> Locator:
    return page.locator(f"[data-testid=sign][data-sign={name}]")


async def order(rig: StoreRig, *items: str, **fields: Any) -> Any:
    return await rig.order(*(items or ("caesar-salad",)), tenders=[], **fields)


@asynccontextmanager
async def kitchen(chromium: Chromium, rig: StoreRig, **options: Any) -> AsyncIterator[Page]:
    async with chromium.page(rig.page_url("kitchen", device="kitchen"), outages=True, **options) as page:
        await expect(page.locator("[data-testid=open-count][data-connected=yes]")).to_be_visible()
        yield page


def test_ring_bump_recall_and_a_restart(chromium: Chromium, tmp_path: Path) -> None:
    """Each ticket once, in order; a bump that the page said before the agent died is never shown again, on any page."""

    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, screens=False) as rig, kitchen(chromium, rig) as page:
            made = [(await order(rig))["ticket_code"] for _ in range(4)]
            await shows(page, *made)
            await rig.wait_all_settled()
            jobs = (await rig.get("/v1/jobs?state=all&limit=20"))["jobs"]
            assert {job["evidence"] for job in jobs if job["device"] == "kitchen"} == {"display ack"}

            await page.keyboard.press("2")
            await page.keyboard.press("Enter")
            await page.locator(f"[data-code={made[0]}] [data-testid=card-head]").click()
            await shows(page, made[2], made[3])
            await page.get_by_test_id("undo").click()
            await shows(page, made[0], made[2], made[3])
            await rig.kill_agent()
            await page.locator(f"[data-code={made[2]}] [data-testid=bump]").click()
            await expect(sign(page, "lost")).to_be_visible()
            await expect(page.get_by_test_id("unsent")).to_be_visible()
            await rig.start_agent()
            await expect(page.locator("[data-connected=yes]")).to_be_visible()
            await expect(page.get_by_test_id("unsent")).to_have_count(0)
            await shows(page, made[0], made[3])
            assert touches(rig) == ["ticket_bumped", "ticket_bumped", "ticket_recalled", "ticket_bumped"]
            async with kitchen(chromium, rig) as fresh:
                await shows(fresh, made[0], made[3])
                await expect(sign(page, "replaced")).to_be_visible()
                await fresh.get_by_test_id("open-recall").click()
                await expect(fresh.get_by_test_id("recall-row")).to_have_count(2)
                await fresh.locator(f"[data-testid=recall-row][data-code={made[1]}]").click()
                await shows(fresh, made[0], made[1], made[3])

    chromium.run(scene())


def test_a_void_says_stop_until_a_cook_has_seen_it_and_not_after_a_reload(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, screens=False) as rig, kitchen(chromium, rig, size=(800, 480)) as page:
            placed = await order(rig, "caesar-salad", "greek-salad")
            await expect(page.get_by_test_id("line")).to_have_count(2)
            lines = (await rig.get(f"/v1/checks/{placed['check_id']}"))["lines"]
            path = f"/v1/checks/{placed['check_id']}/lines"
            await rig.ok("POST", f"{path}/{lines[1]['line_id']}/change", {"quantity": 3, "note": "no olives"})
            await rig.ok("POST", f"{path}/{lines[0]['line_id']}/void", {"quantity": 1, "reason": "guest left"})
            stop = page.get_by_test_id("stop")
            await expect(stop).to_contain_text("STOP")
            await expect(stop).to_contain_text(re.compile(r"1\s*CAESAR"))
            await expect(page.get_by_test_id("bump").first).to_be_disabled()
            assert not await grave_violations(page)
            await page.reload()
            await page.get_by_test_id("stop-seen").click()
            await expect(stop).to_have_count(0)
            await expect(page.locator("[data-testid=line][data-state=void]")).to_have_count(1)
            changed = page.locator("[data-testid=line][data-state=changed]")
            await expect(changed).to_contain_text(re.compile("was 1.*was NO NOTE"))
            await rig.wait_for("the acknowledgement is an event", lambda: seen(rig))
            await page.evaluate("localStorage.removeItem('tk.kitchen.board.kitchen')")
            await page.reload()
            await expect(page.locator("[data-testid=line][data-state=void]")).to_have_count(1)
            await expect(stop).to_have_count(0)
            await changed.click()
            await expect(page.locator("[data-testid=line][aria-pressed=true]")).to_have_count(1)

    async def seen(rig: StoreRig) -> bool:
        return touches(rig, "void_acknowledged") == ["void_acknowledged"]

    chromium.run(scene())


@pytest.mark.parametrize("size", [(800, 480), (1920, 1080)])
def test_a_hundred_and_twenty_tickets_need_no_scrolling(chromium: Chromium, tmp_path: Path, size: tuple[int, int]) -> None:
    async def scene() -> None:
        names = "🧑" * 200
        async with StoreRig(tmp_path, hq=False, screens=False) as rig, kitchen(chromium, rig, size=size) as page:
            await sign(page, "sound-off").click()
            await expect(sign(page, "sound-off")).to_have_count(0)
            placed = []
            for n in range(120):
                items = ["caesar-salad", "greek-salad"][: 1 + n % 2]
                placed.append((await order(rig, *items, name=names if n == 3 else "Ida", server="Ana"))["ticket_code"])
            await expect(page.locator("[data-testid=tickets][data-open='120']")).to_be_visible(timeout=LATE_MS)
            found: list[str] = []
            while True:
                over = await page.evaluate(
                    "[...document.querySelectorAll('.column')].filter((one) => one.scrollHeight > one.clientHeight + 1).length"
                )
                assert (over, await wider_than_screen(page)) == (0, 0), await page.get_by_test_id("page-count").inner_text()
                found += [code for code in await codes(page) if code not in found]
                if await page.get_by_test_id("page-next").is_disabled():
                    break
                await page.get_by_test_id("page-next").click()
            assert found == sorted(placed)
            assert not await grave_violations(page)
            assert not await too_small(page)

    chromium.run(scene())


def test_a_car_is_known_by_its_place(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, screens=False) as rig, kitchen(chromium, rig) as page:
            for _ in range(2):
                await order(rig, order_type="drive_through")
            await expect(cards(page).nth(1)).to_contain_text("Car 2")

    chromium.run(scene())


def test_86_from_the_kitchen(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, screens=False) as rig, kitchen(chromium, rig) as page:
            await page.keyboard.press("x")
            row = page.locator("[data-testid=soldout-row][data-subject=caesar-salad]")
            await page.get_by_label("Find").fill("caesar salad")
            await row.get_by_role("button", name=re.compile("^Sold out")).click()
            await expect(row).to_have_attribute("data-state", "sold_out")
            refused = await rig.post("/v1/orders", {"order_type": "takeout", "lines": [{"item_id": "caesar-salad"}]})
            assert refused.json()["type"].endswith("sold_out")
            await row.get_by_role("button", name=re.compile("^Available again")).click()
            await expect(row).to_have_attribute("data-state", "available")
            await order(rig)

    chromium.run(scene())


def configure(rig: StoreRig, other: StoreRig, letter: str) -> None:
    """Two registers of one store that know each other and share the token of the pages."""
    config = tomllib.loads(rig.config_file.read_text("utf-8"))
    token = rig.folder / "page-token"
    token.write_text(TOKEN + "\n", "ascii")
    token.chmod(0o600)
    own = {
        "pages": {"registers": [other.origin]},
        "api": {"page_token_file": str(token)},
        "registers": {"front": {"letter": letter}},
    }
    rig.config_file.write_text(dumps(merged(config, own)), "utf-8")


def test_two_registers_one_screen_and_either_may_die(chromium: Chromium, tmp_path: Path) -> None:
    """A dead register is named; the other's tickets go on; what was bumped meanwhile reaches the register that owns it."""

    async def scene() -> None:
        options: Any = {"hq": False, "screens": False, "agent": False}
        async with StoreRig(tmp_path / "a", **options) as one, StoreRig(tmp_path / "b", **options) as two:
            configure(one, two, "A")
            configure(two, one, "B")
            await one.start_agent()
            await two.start_agent()
            url = f"{one.origin}/kitchen/?device=kitchen#token={TOKEN}"
            async with chromium.context(one.origin, others=[two.origin], outages=True) as context:
                page = await context.new_page()
                await page.goto(url)
                await expect(page.locator("[data-connected=yes]")).to_be_visible()
                first, second = await order(one), await order(two)
                await shows(page, first["ticket_code"], second["ticket_code"])
                await one.kill_agent()
                await expect(sign(page, "register-lost")).to_contain_text("front")
                await page.locator(f"[data-code={first['ticket_code']}] [data-testid=bump]").click()
                third = await order(two)
                await expect(page.locator(f"[data-code={third['ticket_code']}]")).to_be_visible()
                assert touches(two) == []
                await two.kill_agent()
                await expect(sign(page, "lost")).to_contain_text("ANY REGISTER")
                await shows(page, second["ticket_code"], third["ticket_code"])  # tickets stay
                await asyncio.gather(one.start_agent(), two.start_agent())
                await expect(page.get_by_test_id("sign").filter(has_not_text="SOUND OFF")).to_have_count(0)
                await expect(page.get_by_test_id("unsent")).to_have_count(0)
                assert touches(one) == ["ticket_bumped"]
                await shows(page, second["ticket_code"], third["ticket_code"])

    chromium.run(scene())
