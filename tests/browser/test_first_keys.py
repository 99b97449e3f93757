"""A cashier types before he looks: keys are heard from the moment that he asks to pay, however late the register answers and
the browser paints. A digit that is lost there would book exact cash where a note was given, and name no change."""

from pathlib import Path

from playwright.async_api import expect
from tests.support.browser import Chromium
from tests.support.register_page import RegisterPage, register_page
from tests.support.staff import ANA, BOSS, write_roster
from tests.support.store import StoreRig
from tests.support.wire import Wire

TYPE_AT_ONCE = """([where, keys]) => new MutationObserver(async (_changes, seer) => {
  if (!document.querySelector(where)) return;
  seer.disconnect();
  for (const key of keys) {
    document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
    await Promise.resolve();
  }
}).observe(document.body, {childList: true, subtree: true})"""
"""The keys come in the very turn in which `where` does: before a frame is painted."""
PAY_AND_TYPE = """(keys) => {
  document.querySelector(".pane [data-action=pay]").click();
  for (const key of keys) document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
}"""
"""The keys come before the register can have answered."""


async def pay_and_type(till: RegisterPage, *keys: str) -> None:
    await expect(till.on("pay")).to_be_enabled()
    await till.page.evaluate(PAY_AND_TYPE, keys)


async def paying(till: RegisterPage) -> int:
    """Until the page takes money; what is due."""
    await till.in_view("pay")
    await till.page.locator(".pay[data-code]").wait_for()
    return await till.due()


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


def test_keys_count_while_the_order_is_on_its_way(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            await till.new()
            await till.ring("croque")
            await pay_and_type(till, *"500", "Backspace", *"00")
            due = await paying(till)
            await expect(till.page.locator(".due-amount")).to_have_text("50.00")
            assert await till.pay("cash") == 50_00 - due

    chromium.run(scene())


def test_keys_of_a_payment_that_does_not_come_are_forgotten(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, hq=False) as rig,
            Wire() as wire,
            register_page(chromium, rig, proxy=wire.url, outages=True) as till,
        ):
            await till.new()
            await till.ring("croque")
            wire.stall()
            await pay_and_type(till, *"5000")
            await till.said("does not answer")
            await till.page.keyboard.type("77")
            wire.flow()
            await till.idle()
            ((code, due),) = [(one["ticket_code"], one["due_minor"]) for one in (await rig.get("/v1/checks"))["checks"]]
            await till.recall(code)
            assert await till.to_payment() == (code, due)
            await expect(till.page.locator(".due-amount")).to_contain_text(f"{due / 100:.2f}")
            assert await till.pay("cash") == 0

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
