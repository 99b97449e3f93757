"""Roles on the pages: the badge is all that changes at a fail-over; a manager confirms and assigns. And the end of the day."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from tests.browser.test_store_page import SCREENS, looked_at
from tests.support.browser import Chromium
from tests.support.looks import SIZES
from tests.support.register_page import BOUNCE_S, RegisterPage, register_page
from tests.support.several import SeveralRig
from tests.support.staff import ANA, BOSS, STAFF_CONFIG, write_roster

ROLES: dict[str, Any] = {"roles": {"primary": "front", "backup": "side"}}
LONG_MS = 60_000


async def roster(store: SeveralRig) -> None:
    """Everybody is known at every register before a page asks. The primary ends last: while it starts again nobody is there to
    act in its place, however long that takes."""
    for name in reversed(store.names):
        rig = store[name]
        write_roster(rig.folder / "staff.json", rig.data)
        await rig.stop_agent()
    for name in store.names:
        await store[name].start_agent()


async def role(store: SeveralRig, at: str, wanted: str) -> None:
    async def there() -> bool:
        status = await store[at].get("/v1/status")
        return bool(status["roles"] and status["roles"]["role"] == wanted)

    await store[at].wait_for(f"{at} is {wanted}", there)


async def screen(till: RegisterPage) -> dict[str, str]:
    """All words of the page by their place, without what tells the time."""
    bar = await till.page.locator("header.top").inner_text()
    return {
        "view": await till.page.locator("main.view").inner_text(),
        "tabs": await till.page.locator("header nav").inner_text(),
        "person": re.sub(r"\b(Primary|Backup)\b", "", bar).replace("\n", " ").split("Order")[0].strip(),
    }


def test_at_a_fail_over_nothing_but_the_badge_changes_on_the_screen(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back", changes=ROLES) as store:
            await role(store, "front", "primary")
            await role(store, "side", "backup")
            async with register_page(chromium, store["side"], size=SIZES["tablet"]) as till:
                badge = till.page.locator("header [data-testid=role]")
                await expect(badge).to_have_text("Backup", timeout=LONG_MS)
                await till.new()
                await till.ring("cheeseburger")
                await till.ring("fries")
                await expect(till.page.locator(".pane [data-draft-line]")).to_have_count(2)
                before = await screen(till)
                await store["front"].kill_agent()
                await expect(badge).to_have_text("Primary", timeout=LONG_MS)
                assert await screen(till) == before
                assert await till.page.locator("dialog[open], [data-testid=toast]").count() == 0
                code = await till.send()  # what was being rung goes on
                assert code
                # The one that is back follows: no second change.
                await store["front"].start_agent()
                await role(store, "front", "backup")
                await expect(badge).to_have_text("Primary")

    chromium.run(scene())


@pytest.mark.parametrize(("size", "dark"), SCREENS, ids=[size for size, _ in SCREENS])
def test_in_a_store_of_two_a_manager_confirms_with_one_tap_and_a_pin(
    chromium: Chromium, tmp_path: Path, size: str, dark: bool
) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", changes=ROLES | STAFF_CONFIG, hq=False) as store:
            await roster(store)
            await role(store, "side", "backup")
            async with register_page(chromium, store["side"], size=SIZES[size], dark=dark, outages=True) as till:
                await till.sign_in(ANA.pin)
                await till.go("store")
                shown = till.page.locator("[data-testid=roles]")
                await expect(shown).to_have_attribute("data-primary", "front", timeout=LONG_MS)
                await store["front"].kill_agent()
                away = till.page.locator("[data-away=front]")
                await away.wait_for(timeout=LONG_MS)
                await looked_at(till, f"roles-{size}-{'dark' if dark else 'light'}")
                await away.click()
                await till.tap("confirm", till.dialog("confirm"))
                await till.approve(BOSS.pin)
                await expect(shown).to_have_attribute("data-primary", "side", timeout=LONG_MS)
                await expect(till.page.locator("header [data-testid=role]")).to_have_text("Primary", timeout=LONG_MS)

                # Back again it follows, and a manager gives it the role by name.
                await store["front"].start_agent()
                await expect(shown).to_have_attribute("data-backup", "front", timeout=LONG_MS)
                await asyncio.sleep(BOUNCE_S)
                await till.tap("assign")
                await till.dialog("assign-primary").locator("[data-value=front]").click()
                await till.dialog("assign-backup").locator("[data-value=side]").click()
                await till.approve(BOSS.pin)
                await expect(shown).to_have_attribute("data-primary", "front", timeout=LONG_MS)
                await expect(till.page.locator("header [data-testid=role]")).to_have_text("Backup", timeout=LONG_MS)

    chromium.run(scene())


@pytest.mark.parametrize(("size", "dark"), SCREENS, ids=[size for size, _ in SCREENS])
def test_a_day_is_closed_over_a_signed_gap_and_says_before_what_is_missing(
    chromium: Chromium, tmp_path: Path, size: str, dark: bool
) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back", changes=ROLES | STAFF_CONFIG) as store:
            await roster(store)
            await role(store, "front", "primary")
            for name in ("front", "back"):
                await store[name].order("cola")
            await store.wait_sinks("back", front=0, side=0)
            async with register_page(chromium, store["front"], size=SIZES[size], dark=dark, outages=True) as till:
                await till.sign_in(BOSS.pin)
                await till.go("store")
                day = till.page.locator("[data-testid=day]")
                await expect(day).to_have_attribute("data-ready", "true", timeout=LONG_MS)
                business_day = await day.get_attribute("data-day") or ""
                await store["back"].kill_agent()
                row = till.page.locator("[aria-label='End of day'] [data-register=back]")
                await expect(row).to_have_attribute("data-blocks", "true", timeout=LONG_MS)
                await expect(till.on("close-day")).to_be_disabled()
                await row.scroll_into_view_if_needed()
                await looked_at(till, f"day-{size}-{'dark' if dark else 'light'}")
                await till.tap("gap", row)
                await till.reason()
                await expect(row).to_have_attribute("data-blocks", "false", timeout=LONG_MS)
                await expect(till.on("close-day")).to_be_enabled(timeout=LONG_MS)
                await till.tap("close-day")
                await till.tap("confirm", till.dialog("confirm"))
                await till.page.locator(".view [data-action=z-again]").wait_for(timeout=LONG_MS)
                closed = (await store["front"].get("/v1/days"))["days"]
                assert [(one["day"], one["sales"], one["gaps"]) for one in closed] == [(business_day, 2, 1)]
                gap = till.page.locator("[data-kind=gap]")
                await expect(gap).to_contain_text("back", timeout=LONG_MS)

    chromium.run(scene())


def test_a_parked_register_is_not_waited_for_until_it_is_taken_back(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back", changes=ROLES) as store:
            await role(store, "front", "primary")
            await store["front"].order("cola")
            await store["back"].order("cola")
            await store["back"].kill_agent()
            async with register_page(chromium, store["front"], size=SIZES["tablet"]) as till:
                await till.go("store")
                row = till.page.locator("[aria-label='End of day'] [data-register=back]")
                await expect(row).to_have_attribute("data-blocks", "true", timeout=LONG_MS)
                await till.tap("park", row)
                await till.reason()
                await expect(row).to_have_attribute("data-state", "parked", timeout=LONG_MS)
                await till.tap("unpark", row)
                await expect(row).to_have_attribute("data-blocks", "true", timeout=LONG_MS)

    chromium.run(scene())
