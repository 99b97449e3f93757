"""Drive-through: from the tap on "Send" on the lane's page until the window's page can take the money, in a real browser."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from tests.bench import rows
from tests.support.browser import Chromium
from tests.support.register_page import RegisterPage, register_page
from tests.support.store import StoreRig

ORDERS, WARM_UP = 40, 5
GOAL_MS = 300.0
P50, P95 = (f"lane tablet: tap on Send -> payable on the window's page, {part}" for part in ("p50", "p95"))
ITEMS = ("cheeseburger", "fries", "cola")
TERMINALS: dict[str, Any] = {
    "lane": {"title": "Lane", "view": "lane", "order_type": "drive_through"},
    "window": {"title": "Window", "view": "window", "order_type": "drive_through"},
}
WHEN_SENT = """() => {
  const stamp = () => { globalThis.sentAt = performance.timeOrigin + performance.now(); };
  document.querySelector(".view [data-action=send]").addEventListener("pointerdown", stamp, {capture: true, once: true});
}"""
WHEN_PAYABLE = """() => {
  globalThis.payable = new Promise((resolve) => {
    const payable = () => document.querySelector(".window-car .quick [data-amount]:enabled");
    const look = () => payable() && (watcher.disconnect(), resolve(performance.timeOrigin + performance.now()));
    const watcher = new MutationObserver(look);
    watcher.observe(document.body, {subtree: true, childList: true, attributes: true});
  });
}"""


async def one_car(lane: RegisterPage, window: RegisterPage) -> float:
    """In ms, by the one clock that both pages have. The window has no other car, and has none again afterwards."""
    await lane.new()
    for item in ITEMS:
        await lane.ring(item)
    await window.page.locator(".window-empty").wait_for()
    await window.page.evaluate(WHEN_PAYABLE)
    await lane.page.evaluate(WHEN_SENT)
    await lane.send()
    payable_at = await window.page.evaluate("payable")
    sent_at = await lane.page.evaluate("sentAt")
    await window.page.locator(".window-car .quick [data-amount]").first.click()
    await window.page.locator(".paid [data-action=done]").click()
    return float(payable_at - sent_at)


async def cars(chromium: Chromium, folder: Path) -> list[float]:
    async with contextlib.AsyncExitStack() as stack:
        rig = await stack.enter_async_context(StoreRig(folder / "window", changes={"terminals": TERMINALS}))
        await rig.wait_mode("online")
        lane = await stack.enter_async_context(register_page(chromium, rig, "lane"))
        window = await stack.enter_async_context(register_page(chromium, rig, "window"))
        found = []
        for _ in range(WARM_UP + ORDERS):
            found.append(await one_car(lane, window))
            await asyncio.sleep(0.2)
    return found[WARM_UP:]


def measure(folder: Path) -> list[rows.Row]:
    with Chromium() as chromium:
        found = chromium.run(cars(chromium, folder))
    note = f"{len(found)} cars of {len(ITEMS)} lines, max {max(found):.0f} ms; two pages, one agent, HQ connected"
    return [
        rows.figure(P50, rows.p50(found), "ms", note=note),
        rows.figure(P95, rows.percentile(found, 95), "ms", GOAL_MS, note),
    ]
