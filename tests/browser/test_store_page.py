"""The store page: is all well, what is left to do, the mode by hand, slips from paper. Real registers behind it."""

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.support.browser import Chromium
from tests.support.looks import SIZES, grave_violations, picture, too_small, wider_than_screen
from tests.support.register_page import BOUNCE_S, RegisterPage, register_page
from tests.support.several import SeveralRig
from tests.support.staff import ANA, BOSS, STAFF_CONFIG, write_roster
from tests.support.store import StoreRig

NAMES = ("front", "side", "back")
SCREENS = [("tablet", False), ("phone", True)]


async def looked_at(till: RegisterPage, name: str) -> None:
    """A picture, and nothing that a person could not use."""
    page = till.page
    await picture(page, name)
    assert await grave_violations(page) == []
    assert await too_small(page) == []
    assert await wider_than_screen(page) <= 0


@pytest.mark.parametrize(("size", "dark"), SCREENS, ids=[size for size, _ in SCREENS])
def test_the_store_in_one_look(chromium: Chromium, tmp_path: Path, size: str, dark: bool) -> None:
    async def scene() -> None:
        async with (
            SeveralRig(tmp_path, *NAMES) as store,
            register_page(chromium, store["front"], size=SIZES[size], dark=dark, outages=True) as till,
        ):
            await till.go("store")
            green = till.page.locator("[data-testid=green]")
            await expect(green).to_have_attribute("data-green", "true", timeout=60_000)
            assert await till.page.locator("[data-member]").count() == 4  # three registers and HQ
            await expect(till.page.locator("[data-testid=after]")).to_have_text("Nothing is left to do.")
            name = f"store-{size}-{'dark' if dark else 'light'}"
            await looked_at(till, f"{name}-green")

            # A printer here, a register there: each is named, and nothing unknown is shown as fine.
            store["side"].printer("receipt").power_off()
            await store["back"].kill_agent()
            side, back = till.page.locator("[data-member=side]"), till.page.locator("[data-member=back]")
            await expect(side).to_have_attribute("data-level", "trouble", timeout=60_000)
            await expect(back).to_have_attribute("data-level", "silent", timeout=60_000)
            await expect(green).to_have_attribute("data-green", "false")
            await expect(side).to_contain_text("Receipt: ", timeout=60_000)
            await expect(back).to_contain_text("ilent for ", timeout=60_000)
            await expect(till.page.locator("[data-unknown]")).to_contain_text("register back")
            await looked_at(till, f"{name}-trouble")

            # The register of this page goes: what was green is not green any more.
            await store["front"].kill_agent()
            await expect(green).to_have_attribute("data-green", "unknown", timeout=60_000)

    chromium.run(scene())


@pytest.mark.parametrize(("size", "dark"), SCREENS, ids=[size for size, _ in SCREENS])
def test_what_is_left_is_settled_by_a_tap_and_gone_at_the_other_register(
    chromium: Chromium, tmp_path: Path, size: str, dark: bool
) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side") as store:
            slip = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}], "slip": "17"}
            await store["side"].ok("POST", "/v1/orders/from-paper", slip)
            order = await store["front"].order("cheeseburger", "fries", tenders=[])
            await store["front"].ok("POST", f"/v1/checks/{order['check_id']}/await", {"tender": "card"})
            async with (
                register_page(chromium, store["front"], size=SIZES[size], dark=dark) as till,
                register_page(chromium, store["side"]) as other,
            ):
                await till.go("store")
                await other.go("store")
                paper = till.page.locator("[data-kind=from_paper]")
                await paper.wait_for(timeout=60_000)
                card = till.page.locator("[data-kind=awaiting]")
                due = order["totals"]["due_minor"]
                await expect(card.locator(f"[data-amount='{due}']")).to_have_count(1)
                await other.page.locator("[data-kind=awaiting]").wait_for(timeout=60_000)
                assert await other.page.locator("[data-kind=awaiting] button").count() == 0  # it is front's to charge
                await looked_at(till, f"after-{size}-{'dark' if dark else 'light'}")

                # By the keyboard alone: the button has a name and takes Enter.
                button = till.page.get_by_role("button", name="Seen")
                await button.focus()
                await till.page.keyboard.press("Enter")
                await expect(paper).to_have_count(0)
                await expect(other.page.locator("[data-kind=from_paper]")).to_have_count(0, timeout=60_000)

                # Without a terminal the charge is refused, in words, and the check still waits.
                await till.tap("way", card)
                await till.tap("confirm", till.dialog("confirm"))
                await till.page.locator("[data-testid=toast][data-kind=bad]").wait_for()
                await expect(card).to_have_count(1)
                await store["front"].ok("POST", f"/v1/checks/{order['check_id']}/await", {})
                await expect(card).to_have_count(0, timeout=60_000)

    chromium.run(scene())


@pytest.mark.parametrize(("size", "dark"), SCREENS, ids=[size for size, _ in SCREENS])
def test_offline_by_hand_needs_a_manager_and_ends_by_hand(chromium: Chromium, tmp_path: Path, size: str, dark: bool) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, changes=STAFF_CONFIG, agent=False) as rig:
            write_roster(rig.folder / "staff.json", rig.data)
            await rig.start_agent()
            await rig.wait_mode("online")
            async with register_page(chromium, rig, size=SIZES[size], dark=dark) as till:
                await till.sign_in(ANA.pin)
                await till.go("store")
                mode = till.page.locator("[data-testid=mode]")
                await expect(mode).to_have_attribute("data-mode", "online", timeout=60_000)
                await till.tap("offline")
                await till.tap("confirm", till.dialog("confirm"))
                await till.approve(BOSS.pin)
                await expect(mode).to_have_attribute("data-mode", "manual_offline", timeout=60_000)
                await expect(till.page.locator("header [data-testid=dot]")).to_contain_text("Offline by hand")
                await expect(till.page.locator("header [data-dot=red]")).to_be_visible()
                await till.close_messages()
                await looked_at(till, f"mode-{size}-{'dark' if dark else 'light'}")
                await asyncio.sleep(BOUNCE_S)
                await till.tap("offline")  # ending it is asked for, too
                await till.approve(BOSS.pin)
                await expect(mode).to_have_attribute("data-mode", "online", timeout=60_000)
                assert "mode_switched" in rig.event_types()

    chromium.run(scene())


def test_a_slip_is_entered_once_and_nothing_is_printed(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig, size=SIZES["tablet"]) as till:
            for again in (False, True):
                await till.new()
                await till.ring("cheeseburger")
                await till.ring("fries")
                await till.go("store")
                await till.tap("from-paper")
                box = till.dialog("paper")
                await box.locator("[data-field=slip]").fill("17")
                await box.locator("[data-field=slip-at]").fill("04:00")  # when the business day begins: past at any hour
                await picture(till.page, "paper-tablet-light")
                await till.tap("confirm", box)
                if again:  # the number is known: a person says that it is another slip
                    await till.dialog("confirm").wait_for()
                    await till.tap("confirm", till.dialog("confirm"))
                await till.said("Slip 17 is ")
                await till.close_messages()
            checks = (await rig.get("/v1/checks?limit=10"))["checks"]
            assert [one["state"] for one in checks] == ["closed", "closed"]
            assert not any(rig.slips(name) for name in rig.shop.printers)
            assert rig.pulses() == 0
            tasks = (await rig.get("/v1/after"))["tasks"]
            assert [task["kind"] for task in tasks] == ["from_paper", "from_paper"]
            assert "entered before" in tasks[1]["words"]

    chromium.run(scene())
