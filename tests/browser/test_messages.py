"""Messages cover neither tabs nor the connection, let taps through, and do not outlive what they are about; nor does a count
beside a tab move it, and a store without an HQ marks nothing as not synced."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect
from tests.support.browser import Chromium
from tests.support.looks import SIZES, picture
from tests.support.register_page import register_page
from tests.support.store import StoreRig

PLACES: dict[str, Any] = {
    "terminals": {
        "front": {"title": "Drive-through window", "view": "window", "order_type": "drive_through"},
        "lane": {"title": "Drive-through lane", "view": "lane", "order_type": "drive_through"},
    }
}


async def box(of: Locator) -> tuple[float, float, float, float]:
    """Left, top, right, bottom in CSS pixels."""
    found = await of.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["x"] + found["width"], found["y"] + found["height"]


@pytest.mark.parametrize("size", ["5-inch", "tablet", "phone"])
def test_a_message_lies_below_the_top_bar_and_goes_with_its_view(chromium: Chromium, tmp_path: Path, size: str) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, changes=PLACES, hq=False) as rig,
            register_page(chromium, rig, "front", size=SIZES[size]) as till,
        ):
            page = till.page
            name = page.locator("header .place-name")
            assert await name.evaluate("(one) => one.scrollHeight < one.clientHeight + 8"), "the name of the place is cut"
            await till.go("menu")
            await till.new()
            await till.ring("cola")
            await till.course(2)
            await till.ring("fries")
            await till.side("pane")
            # Not before: the tab of the status comes with the register's first word.
            await expect(page.locator("header nav [data-action=status]")).to_be_visible()
            tabs = [await box(one) for one in await page.locator("header nav a").all()]
            await till.tap("send")
            toast = page.locator("[data-testid=toast]")
            await expect(toast).to_contain_text("course 1 is with the kitchen, 1 line waits.")
            bar, message = await box(page.locator("header.top")), await box(toast)
            assert message[1] >= bar[3], (bar, message)
            await picture(page, f"message-{size}")
            await expect(page.locator("header nav .count").first).to_be_visible()
            assert [await box(one) for one in await page.locator("header nav a").all()] == tabs, "a tab moved"

            await till.go("checks")
            row = page.locator("[data-check][data-synced=no]")
            await expect(row).to_have_count(1)
            await expect(row).not_to_contain_text("not synced")
            await page.locator("[data-field=code]").fill("Z-999")
            await page.locator("[data-field=code]").press("Enter")
            bad = page.locator("[data-testid=toast][data-kind=bad]")
            await expect(bad).to_contain_text("There is no check")
            await picture(page, f"message-bad-{size}")
            assert (await box(bad))[1] >= bar[3]
            await page.locator("header nav [data-action=status]").click()
            await expect(bad).to_have_count(0, timeout=3000)

    chromium.run(scene())
