"""What the page calls its own sums where the menu's prices contain their tax."""

from pathlib import Path

from playwright.async_api import expect
from tests.support.browser import Chromium
from tests.support.looks import picture
from tests.support.register_page import register_page
from tests.support.store import StoreRig

CONTAINED = {"taxes": {"rates": {"sales": {"included": True}, "reduced": {"included": True}}}}


def test_prices_that_contain_their_tax_are_not_called_before_tax(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, changes=CONTAINED) as rig, register_page(chromium, rig) as till:
            await till.new()
            await till.ring("cola")
            sums = till.page.locator(".view .totals")
            await expect(sums).to_contain_text("Total")
            await expect(sums).not_to_contain_text("tax")
            await picture(till.page, "register-tax-included")
            await till.on("send").click()
            await till.said("is with the kitchen")

    chromium.run(scene())
