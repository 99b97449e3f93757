"""Every view of the pages on every size of screen, in light and in dark: axe finds nothing serious, nothing has to be scrolled
sideways, no text is cut through, fingers hit. Writes the pictures in build/screenshots."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from tests.support import shift_page as shift
from tests.support.browser import Chromium
from tests.support.kitchen_page import kitchen_page
from tests.support.looks import SIZES, grave_violations, out_of_sight, picture, too_small, wider_than_screen
from tests.support.register_page import RegisterPage, register_page
from tests.support.staff import ANA, BEN, BOSS, FILE, STAFF_CONFIG, write_roster
from tests.support.store import StoreRig

SCREENS = [("tablet", False), ("tablet", True), ("5-inch", False), ("phone", True), ("desktop", False)]
STORE: dict[str, Any] = {
    **STAFF_CONFIG,
    "terminals": {
        "counter": {"title": "Counter", "view": "counter"},
        "lane": {"title": "Lane", "view": "lane", "order_type": "drive_through"},
        "window": {"title": "Window", "view": "window", "order_type": "drive_through"},
    },
}
Look = Callable[[str], Awaitable[None]]

NAMES = [f"{size}-{'dark' if dark else 'light'}" for size, dark in SCREENS]

on_every_screen = pytest.mark.parametrize(("size", "dark"), SCREENS, ids=NAMES)


class Looking:
    """Looks at a page: pictures named `what-size-mode`, and what is wrong with it."""

    def __init__(self, size: str, *, dark: bool) -> None:
        self._name = f"{size}-{'dark' if dark else 'light'}"
        self.wrong: list[str] = []

    async def at(self, page: Page, what: str) -> None:
        await picture(page, f"{what}-{self._name}")
        self.wrong += [f"{what}: {one}" for one in await grave_violations(page)]
        self.wrong += [f"{what}: too small for a finger: {one}" for one in await too_small(page)]
        self.wrong += [f"{what}: out of sight: {one}" for one in await out_of_sight(page)]
        wide = await wider_than_screen(page)
        if wide > 0:
            self.wrong.append(f"{what}: {wide} px wider than the screen")

    def of(self, page: Page) -> Look:
        return lambda what: self.at(page, what)


async def counter(till: RegisterPage, look: Look) -> None:
    """A cashier's way through every view of the counter."""
    await look("sign-in")
    await till.sign_in(BOSS.pin)
    await look("order-empty")
    await shift.open_drawer(till, 200_00)
    await shift.clock(till, "clock-in")
    await till.new()
    await till.ring("cheeseburger", "bacon", "no-onion")
    await till.ring("cola")
    await till.side("menu")
    await look("menu")
    await till.page.locator("[data-category=grill]").click()
    await till.page.locator(".tiles [data-item=burger]").click()
    await till.dialog("modifiers").locator("[data-modifier=rare]").click()
    await look("modifiers")
    await till.dialog("modifiers").locator("[data-modifier=with-fries]").click()
    await till.tap("add", till.dialog("modifiers"))
    await till.course(2)
    await till.ring("baklava")
    await till.side("menu")
    await till.page.locator("[data-category=grill]").click()
    await till.side("pane")
    await look("order")
    code = await till.send()
    await till.recall(code)
    await till.side("pane")
    await look("check")
    await till.tap("more")
    await look("check-menu")
    await till.page.keyboard.press("Escape")
    await till.to_payment()
    await look("pay")
    await till.tap("split")
    await look("split")
    await till.page.keyboard.press("Escape")
    await till.pay("cash", 100_00)
    await look("paid")
    await till.go("checks")
    await look("checks")
    await till.detail(code)
    await look("detail")
    await shift.set_available(till, "sashimi", "sold_out")
    await shift.set_available(till, "tiramisu", "counting", 4)
    await look("sold-out")
    await till.go("clock")
    await expect(till.page.locator("[data-worked]")).to_be_visible()
    await look("hours")
    await shift.move_cash(till, "paid-in", 20_00)
    await look("drawer")
    await shift.training(till, on=True)
    await look("training")
    await till.go("status")
    await look("status")
    await till.go("store")
    await till.page.locator("[data-testid=day]").wait_for()
    await look("store")


@on_every_screen
def test_the_register_page(chromium: Chromium, tmp_path: Path, size: str, dark: bool) -> None:
    async def scene() -> None:
        looking = Looking(size, dark=dark)
        async with StoreRig(tmp_path, changes=STORE, agent=False) as rig:
            write_roster(tmp_path / FILE, rig.data)
            await rig.start_agent()
            await rig.wait_mode("online")
            async with register_page(chromium, rig, "counter", size=SIZES[size], dark=dark) as till:
                await counter(till, looking.of(till.page))
            async with register_page(chromium, rig, "lane", size=SIZES[size], dark=dark) as lane:
                await lane.sign_in(ANA.pin)
                for items in (("cheeseburger", "cola"), ("caesar-salad",), ("fries", "espresso")):
                    await lane.new()
                    for item in items:
                        await lane.ring(item)
                    await lane.send()
                await looking.at(lane.page, "lane")
            async with register_page(chromium, rig, "window", size=SIZES[size], dark=dark) as window:
                await window.sign_in(BEN.pin)
                await window.page.locator(".window-car").wait_for()
                await looking.at(window.page, "window")
        assert not looking.wrong, "\n".join(looking.wrong)

    chromium.run(scene())


@on_every_screen
def test_the_kitchen_page(chromium: Chromium, tmp_path: Path, size: str, dark: bool) -> None:
    async def scene() -> None:
        looking = Looking(size, dark=dark)
        changes = {"stations": {"grill": {"devices": ["grill", "kitchen"]}}}
        async with (
            StoreRig(tmp_path, changes=changes, screens=False, hq=False) as rig,
            kitchen_page(chromium, rig, size=SIZES[size], dark=dark) as cook,
        ):
            look = looking.of(cook.page)
            await look("kitchen-empty")
            extras = [{"modifier_id": "bacon"}, {"modifier_id": "no-onion"}]
            burger = {"item_id": "cheeseburger", "modifiers": extras, "note": "ALLERGY: nuts"}
            first = await rig.ok(
                "POST", "/v1/orders", {"order_type": "dine_in", "table": "12", "lines": [burger, {"item_id": "caesar-salad"}]}
            )
            codes = [first["ticket_code"]]
            others = {"takeout": ("croque", "greek-salad"), "drive_through": ("fish-tacos",), "delivery": ("borscht",)}
            for kind, items in others.items():
                codes.append((await rig.order(*items, order_type=kind, tenders=[], name="Zoë"))["ticket_code"])
            await cook.count_is(6)
            await look("kitchen")
            line = first["line_ids"][0]
            await rig.ok("POST", f"/v1/checks/{codes[0]}/lines/{line}/void", {"reason": "guest left"})
            stop, elsewhere = cook.page.locator("[data-testid=stop]").first, cook.page.locator("[data-sign=stop]")
            await stop.or_(elsewhere).first.wait_for()
            if await elsewhere.is_visible():  # on a small screen the card is on another page
                await elsewhere.click()
            await stop.wait_for()
            await look("kitchen-stop")
            await cook.stop_seen(codes[0])
            await expect(stop).to_have_count(0)
            await cook.page.locator("[data-testid=bump]:enabled").first.click()
            await cook.page.keyboard.press("r")
            await cook.page.locator("[data-testid=recall-row]").first.wait_for()
            await look("kitchen-recall")
            await cook.page.keyboard.press("Escape")
            await cook.page.keyboard.press("a")
            await cook.page.locator("[data-testid=all-day-row]").first.wait_for()
            await look("kitchen-all-day")
            await cook.page.keyboard.press("a")
            await cook.page.keyboard.press("x")
            await cook.page.locator("[data-testid=soldout-row]").first.wait_for()
            await look("kitchen-86")
        assert not looking.wrong, "\n".join(looking.wrong)

    chromium.run(scene())
