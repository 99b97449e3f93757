"""What a cashier reads while the internet is away, on the status view, in the list of checks and in a check itself."""

from pathlib import Path

from playwright.async_api import expect
from tests.support.browser import Chromium
from tests.support.register_page import register_page
from tests.support.store import StoreRig


def test_an_outage_is_said_in_words_and_so_is_its_end(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path) as rig, register_page(chromium, rig) as till:
            page = till.page
            await rig.wait_mode("online")
            await page.locator("header [data-dot=green]").wait_for()
            await rig.internet.cut()
            await page.locator("header [data-dot=red]").wait_for()
            await expect(page.locator("header [data-dot=red]")).to_contain_text("ffline")

            await till.new()
            await till.ring("cola")
            code, total = await till.to_payment()
            await till.pay("cash", total)
            await till.done()
            await till.go("checks")
            await page.locator("[data-filter=closed]").click()
            row = page.locator(f"[data-check={code}]")
            await row.wait_for()
            await expect(row).to_have_attribute("data-synced", "no")
            await expect(row).to_contain_text("not synced")
            await row.click()
            detail = page.locator(".detail")
            check = await rig.get(f"/v1/checks/{code}")
            assert len(check["check_id"]) > 20
            await expect(detail).to_contain_text(check["check_id"])

            await till.go("status")
            paused = page.locator("[data-testid=paused]")
            await paused.wait_for()
            words = (await paused.inner_text()).lower()
            assert "report" in words
            assert "publish" in words
            await expect(page.locator("[data-only-here]")).not_to_have_attribute("data-only-here", "0")

            await rig.internet.restore()
            await page.locator("header [data-dot=green]").wait_for()
            await paused.wait_for(state="detached")
            await page.locator("[data-only-here='0']").wait_for()
            await till.go("checks")
            await page.locator("[data-filter=closed]").click()
            await page.locator(f"[data-check={code}][data-synced=yes]").wait_for()

    chromium.run(scene())
