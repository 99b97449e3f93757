"""The shift's part of the register page: drawer, hours, 86, training. Verbs as in `register_page`, which they take as `till`.

A PIN as `approver` is entered where the signed-in person may not do it alone.
"""

import asyncio
from collections.abc import Mapping

from playwright.async_api import expect
from tests.support.register_page import BOUNCE_S, RegisterPage


async def open_drawer(till: RegisterPage, float_minor: int) -> None:
    await till.go("drawer")
    await till.tap("open-drawer")
    await till.amount(float_minor)
    await expect(till.page.locator("[data-session=open]")).to_be_visible(timeout=till.patience_ms)
    await till.idle()


async def move_cash(till: RegisterPage, kind: str, amount_minor: int, approver: str = "") -> None:
    """`paid-in`, `paid-out` or `safe-drop`."""
    await till.go("drawer")
    await till.tap(kind)
    await till.amount(amount_minor)
    await till.reason(approver)
    await till.said(f"{kind[0].upper()}{kind[1:].replace('-', ' ')}: ")
    await till.close_messages()


async def count_drawer(till: RegisterPage, counted: Mapping[str, int]) -> dict[str, int]:
    """Count blind, by sums; what the page says is over (positive) or short, in the order of the currencies shown."""
    await till.go("drawer")
    await till.tap("count")
    box = till.dialog("count")
    await box.wait_for()
    for currency, minor in counted.items():
        choose = box.locator(f"[data-currency={currency}]")
        if await choose.count():
            await choose.click()
        await box.locator("[data-count=sum]").click()
        await till.keys(minor, box)
        await expect(box.locator(f"[data-counted='{minor}']")).to_be_visible()
    await till.tap("confirm", box)
    report = till.page.locator("[data-report=x], [data-report=z]")
    await report.wait_for(timeout=till.patience_ms)
    shown = await report.locator("[data-over-short]").evaluate_all("(all) => all.map((one) => Number(one.dataset.overShort))")
    assert shown, "the report says nothing of the count"
    return dict(zip(counted, shown, strict=False))  # a currency of which there should be none and is none is not shown


async def close_drawer(till: RegisterPage, approver: str = "") -> None:
    """The Z of the session that was counted first."""
    await till.go("drawer")
    waiting = till.page.locator("[data-waiting-session]")
    await waiting.first.wait_for(timeout=till.patience_ms)
    before = await waiting.count()
    await till.tap("close-drawer")
    if approver:
        await till.approve(approver)
    await expect(waiting).to_have_count(before - 1, timeout=till.patience_ms)
    await till.page.locator("[data-report=z]").wait_for(timeout=till.patience_ms)
    await asyncio.sleep(BOUNCE_S)


async def clock(till: RegisterPage, kind: str) -> None:
    """`clock-in`, `break-start`, `break-end` or `clock-out`, of who is signed in."""
    await till.go("clock")
    await till.tap(kind)
    await till.said("done")
    await till.close_messages()


async def declare_tips(till: RegisterPage, minor: int) -> None:
    await till.go("clock")
    await till.tap("tips")
    await till.amount(minor)
    await till.said("Declared")
    await till.close_messages()


async def set_available(till: RegisterPage, item: str, state: str, remaining: int = 0) -> None:
    """86: `sold_out`, `available`, or `counting` from `remaining`."""
    await till.go("sold-out")
    entry = till.page.locator(f"[data-availability={item}]")
    if state == "available":
        await entry.locator("[data-action=back-again]").click()
        await expect(entry).to_have_count(0, timeout=till.patience_ms)
        return
    await till.page.locator(f"[data-subject={item}]").click()
    box = till.dialog("availability")
    if remaining:
        await box.locator("[data-field=remaining]").fill(str(remaining))
    await box.locator(f"[data-value={state}]").click()
    await expect(till.page.locator(f"[data-availability={item}][data-state={state}]")).to_be_visible(timeout=till.patience_ms)


async def training(till: RegisterPage, *, on: bool) -> None:
    await till.go("status")
    await till.tap("training")
    banner = till.page.locator("[data-banner=training]")
    await expect(banner).to_have_count(int(on), timeout=till.patience_ms)
    await till.close_messages()


async def no_sale(till: RegisterPage, approver: str = "") -> None:
    await till.go("status")
    await till.tap("no-sale")
    await till.reason(approver)
    await till.said("The drawer opens")
    await till.close_messages()
