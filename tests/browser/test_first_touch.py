"""The first touch of the day turns the sound on, and a sign leaves the screen: what is under the finger must not move away."""

import asyncio
from pathlib import Path

from playwright.async_api import expect
from tests.support.browser import Chromium
from tests.support.kitchen_page import kitchen_page
from tests.support.store import StoreRig

PRESS_S = 0.25
"""How long a finger rests on a button."""


def test_the_first_touch_bumps_the_card_that_it_was_meant_for(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, screens=False) as rig, kitchen_page(chromium, rig) as cook:
            code = (await rig.order("caesar-salad", tenders=[]))["ticket_code"]
            await cook.shows(code)
            await cook.sign("sound-off")
            box = await cook.card(code).locator("[data-testid=bump]").bounding_box()
            assert box is not None
            await cook.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 3)
            await cook.page.mouse.down()
            await asyncio.sleep(PRESS_S)
            await cook.page.mouse.up()
            await cook.count_is(0)
            await expect(cook.page.locator("[data-sign=sound-off]")).to_have_count(0)

    chromium.run(scene())
