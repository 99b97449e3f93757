"""Keys are for the dialog that has the floor: an approver's PIN never becomes an amount behind it, and a slip of the finger is
asked about before money is booked."""

from pathlib import Path

from playwright.async_api import expect
from tests.support.browser import Chromium
from tests.support.register_page import register_page
from tests.support.staff import ANA, BOSS, write_roster
from tests.support.store import StoreRig


def test_a_pin_typed_over_the_payment_stays_in_its_dialog(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, changes={"staff": {"file": "staff.json"}}, agent=False) as rig:
            write_roster(rig.folder / "staff.json", rig.data)
            await rig.start_agent()
            async with register_page(chromium, rig) as till:
                await till.sign_in(ANA.pin)
                await till.new()
                await till.ring("cola")
                _code, total = await till.to_payment()
                await till.tap("discount")
                await till.dialog("discounts").locator("[data-value=loyal-guest]").click()
                approval = till.dialog("approval")
                await approval.or_(till.dialog("reason")).first.wait_for()
                if await till.dialog("reason").is_visible():
                    await till.dialog("reason").locator("[data-reason]").first.click()
                await approval.wait_for()
                await till.page.keyboard.type(BOSS.pin)
                await till.page.keyboard.press("Enter")  # a late one, after the last digit has sent it
                await approval.wait_for(state="detached")
                await expect(till.page.locator(f"[data-due]:not([data-due='{total}'])")).to_be_attached()
                shown = await till.page.locator("[data-due]").inner_text()
                due = int(await till.page.locator("[data-due]").get_attribute("data-due") or "0")
                assert 0 < due < total
                assert f"{due / 100:.2f}" in shown

    chromium.run(scene())


def test_an_unlikely_amount_is_asked_about(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            await till.new()
            await till.ring("cola")
            code, total = await till.to_payment()
            await till.page.keyboard.type("402915")
            await till.page.locator(".tenders [data-tender=cash]").click()
            await till.tap("cancel", till.dialog("confirm"))
            await till.dialog("confirm").wait_for(state="detached")
            assert (await rig.get(f"/v1/checks/{code}"))["payments"] == []
            await till.page.keyboard.press("Delete")
            assert await till.pay("cash", total + 100) == 100

    chromium.run(scene())
