"""What is alarming stands on every view of the register's page, says what is to be done, and goes away by itself."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, expect
from tests.support.browser import Chromium
from tests.support.looks import SIZES, grave_violations, picture, too_small, wider_than_screen
from tests.support.register_page import RegisterPage, register_page
from tests.support.store import StoreRig

SOON_MS = 30_000
ALONE = {"devices": ["grill"], "backup": None, "carry": False, "reroute_after_s": 600}
LATE = {"stations": {"grill": {**ALONE, "alarm_after_s": 1.0, "stale_after_s": 600}}}
SCREEN = {"stations": {"grill": {**ALONE, "devices": ["grill", "kitchen"], "alarm_after_s": 1.0, "stale_after_s": 600}}}
STALE = {"stations": {"grill": {**ALONE, "alarm_after_s": 0, "stale_after_s": 2.0}}}
OPEN = {"devices": {"drawer": {"left_open_s": 1.0}}}


def banner(till: RegisterPage, code: str) -> Locator:
    return till.page.locator(f"[data-banner={code}]")


async def is_seemly(till: RegisterPage, name: str) -> None:
    """Looked at by axe, for fingers, and for what is wider than the screen."""
    await picture(till.page, name)
    assert not await grave_violations(till.page)
    assert not await too_small(till.page)
    assert await wider_than_screen(till.page) <= 0


def on_the_page(
    chromium: Chromium, folder: Path, scene: Any, changes: dict[str, Any], size: str = "tablet", *, screens: bool = True
) -> None:
    async def run() -> None:
        async with StoreRig(folder, hq=False, changes=changes, screens=screens) as rig, register_page(chromium, rig) as till:
            width, height = SIZES[size]
            await till.page.set_viewport_size({"width": width, "height": height})
            await scene(rig, till)

    chromium.run(run())


@pytest.mark.parametrize("size", ["tablet", "phone"])
def test_a_ticket_that_does_not_come_out_is_said_on_every_view(chromium: Chromium, tmp_path: Path, size: str) -> None:
    async def scene(rig: StoreRig, till: RegisterPage) -> None:
        rig.printer("grill").load_paper(0)
        order = await rig.order("cheeseburger")
        late = banner(till, "tickets_late")
        await expect(late).to_contain_text(order["ticket_code"], timeout=SOON_MS)
        await expect(late).to_contain_text("the paper is out")
        await is_seemly(till, f"banner-late-{size}")
        for view in ("checks", "status", "menu"):
            await till.go(view)
            await expect(late).to_be_visible()
        rig.printer("grill").load_paper(10_000)
        await expect(late).to_have_count(0, timeout=SOON_MS)
        assert len([slip for slip in rig.slips("grill") if order["ticket_code"] in slip]) == 1

    on_the_page(chromium, tmp_path, scene, LATE, size)


def test_a_ticket_that_only_the_screen_lacks_is_said_to_be_on_paper(chromium: Chromium, tmp_path: Path) -> None:
    async def scene(rig: StoreRig, till: RegisterPage) -> None:
        order = await rig.order("cheeseburger")
        late = banner(till, "tickets_late")
        await expect(late).to_contain_text(f"{order['ticket_code']} was fired", timeout=SOON_MS)
        await expect(late).to_contain_text("not come out everywhere")
        await expect(late).to_contain_text("It came out at grill.")
        await is_seemly(till, "banner-late-screen")

    on_the_page(chromium, tmp_path, scene, SCREEN, screens=False)


@pytest.mark.parametrize("size", ["tablet", "5-inch"])
def test_held_tickets_print_in_their_order_by_one_tap_on_the_banner(chromium: Chromium, tmp_path: Path, size: str) -> None:
    async def scene(rig: StoreRig, till: RegisterPage) -> None:
        rig.printer("grill").load_paper(0)
        codes = [(await rig.order("cheeseburger"))["ticket_code"] for _ in range(3)]
        held = banner(till, "tickets_held")
        await expect(held).to_contain_text("3 kitchen tickets", timeout=SOON_MS)
        await is_seemly(till, f"banner-held-{size}")
        rig.printer("grill").load_paper(10_000)
        await held.locator("[data-action=release-all]").click()
        await expect(held).to_have_count(0, timeout=SOON_MS)
        await rig.wait_all_settled()
        assert [next(code for code in codes if code in slip) for slip in rig.slips("grill")] == codes

    on_the_page(chromium, tmp_path, scene, STALE, size)


def test_each_held_ticket_is_printed_or_given_up_by_a_person(chromium: Chromium, tmp_path: Path) -> None:
    async def scene(rig: StoreRig, till: RegisterPage) -> None:
        rig.printer("grill").load_paper(0)
        wanted, given_up = [(await rig.order("cheeseburger"))["ticket_code"] for _ in range(2)]
        await till.go("status")
        rows = till.page.locator("[data-job][data-state=held]")
        await expect(rows).to_have_count(2, timeout=SOON_MS)
        rig.printer("grill").load_paper(10_000)
        await rows.filter(has_text=given_up).locator("[data-action=cancel]").click()
        await till.page.locator("dialog[open] [data-action=confirm]").click()
        await expect(rows).to_have_count(1, timeout=SOON_MS)
        await rows.filter(has_text=wanted).locator("[data-action=release]").click()
        await expect(rows).to_have_count(0, timeout=SOON_MS)
        await rig.wait_all_settled()
        (slip,) = rig.slips("grill")
        assert wanted in slip

    on_the_page(chromium, tmp_path, scene, STALE)


def test_a_drawer_that_is_left_open_is_said_until_it_is_shut(chromium: Chromium, tmp_path: Path) -> None:
    async def scene(rig: StoreRig, till: RegisterPage) -> None:
        receipt = rig.printer("receipt")
        await till.sell("cola")  # its switch is learned by the kick
        for open_ in (True, False):
            await receipt.wait_drawer(open_=open_, deadline_s=20)
        await rig.wait_all_settled()
        receipt.set_drawer(open_=True)
        stands = banner(till, "drawer_open")
        await expect(stands).to_contain_text("drawer has been open", timeout=SOON_MS)
        await is_seemly(till, "banner-drawer")
        receipt.set_drawer(open_=False)
        await expect(stands).to_have_count(0, timeout=SOON_MS)

    on_the_page(chromium, tmp_path, scene, OPEN)
