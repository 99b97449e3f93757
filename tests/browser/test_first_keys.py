"""A cashier types before he looks: keys are heard from the first moment that their keypad is on the screen, however late the
browser paints it. A digit that is lost there would book exact cash where a note was given, and name no change."""

from pathlib import Path

from playwright.async_api import expect
from tests.support.browser import Chromium
from tests.support.register_page import RegisterPage, register_page
from tests.support.staff import ANA, BOSS, write_roster
from tests.support.store import StoreRig

TYPE_AT_ONCE = """([where, keys]) => new MutationObserver(async (_changes, seer) => {
  if (!document.querySelector(where)) return;
  seer.disconnect();
  for (const key of keys) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    await Promise.resolve();
  }
}).observe(document.body, {childList: true, subtree: true})"""
"""The keys come in the very turn in which `where` does: before a frame is painted."""


async def types_at_once(till: RegisterPage, where: str, keys: str) -> None:
    await till.page.evaluate(TYPE_AT_ONCE, [where, keys])


def test_the_first_key_of_an_amount_counts(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            await till.new()
            await till.ring("croque")
            code = await till.send()
            await till.recall(code)
            await types_at_once(till, ".pay .keypad", "5000")
            _code, due = await till.to_payment()
            await expect(till.page.locator(".due-amount")).to_have_text("50.00")
            assert await till.pay("cash") == 50_00 - due
            (payment,) = (await rig.get(f"/v1/checks/{code}"))["payments"]
            assert (payment["tendered_minor"], payment["change_minor"]) == (50_00, 50_00 - due)

    chromium.run(scene())


def test_the_first_digit_of_a_pin_counts(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, changes={"staff": {"file": "staff.json"}}, agent=False) as rig:
            write_roster(rig.folder / "staff.json", rig.data)
            await rig.start_agent()
            async with register_page(chromium, rig) as till:
                await till.sign_in(ANA.pin)
                await till.new()
                await till.ring("cola")
                _code, total = await till.to_payment()
                await types_at_once(till, "dialog[data-testid=approval][open] .keypad", BOSS.pin)
                await till.tap("discount")
                await till.dialog("discounts").locator("[data-value=loyal-guest]").click()
                await expect(till.page.locator(f"[data-due]:not([data-due='{total}'])")).to_be_attached()

    chromium.run(scene())
