"""Checks that wait for a card's answer, and checks that another register has: what the page says and the ways out of it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from tests.browser.test_store_page import SCREENS, looked_at
from tests.support.browser import Chromium
from tests.support.looks import SIZES
from tests.support.register_page import RegisterPage, register_page
from tests.support.several import SeveralRig
from tests.support.store import StoreRig

from tillkeeper_drivers.simulator.gateway import Fault, VirtualGateway

LONG_MS = 60_000
TOKEN = "s3cret-of-the-gateway"
SILENT: tuple[Fault, ...] = ("error_before",) * 400


def with_gateway(folder: Path, gateway: VirtualGateway) -> dict[str, Any]:
    token = folder / "gateway-token"
    token.write_text(f"{TOKEN}\n", "ascii")
    bank = {"url": gateway.url, "token_file": str(token), "timeout_s": 2.0}
    return {"gateways": {"bank": bank}, "tenders": {"card": {"gateway": "bank"}}}


async def takes_cards(rig: StoreRig) -> None:
    """Away from the store the call alone decides, whatever HQ does meanwhile."""
    await rig.ok("POST", "/v1/mode/offsite", {"on": True})
    await rig.wait_mode("offsite")


async def to_card(till: RegisterPage, *items: str) -> None:
    """An order up to the tap on the card."""
    await till.new()
    for item in items:
        await till.ring(item)
    await till.to_payment()
    await till.page.locator("[data-tender=card]").click()


async def tasks(rig: StoreRig, *kinds: str) -> Any:
    async def look() -> Any:
        view = await rig.get("/v1/after")
        return view if [task["kind"] for task in view["tasks"]] == list(kinds) else None

    return await rig.wait_for(f"left to do: {kinds}", look)


@pytest.mark.parametrize(("size", "dark"), SCREENS, ids=[size for size, _ in SCREENS])
def test_a_card_without_an_answer_freezes_the_check_and_is_paid_another_way(
    chromium: Chromium, tmp_path: Path, size: str, dark: bool
) -> None:
    async def scene() -> None:
        async with (
            VirtualGateway(token=TOKEN) as gateway,
            StoreRig(tmp_path, changes=with_gateway(tmp_path, gateway), hq=False) as rig,
        ):
            await takes_cards(rig)
            async with register_page(chromium, rig, size=SIZES[size], dark=dark) as till:
                gateway.order("lost_after", *SILENT, on="any")
                await to_card(till, "cheeseburger", "fries")
                frozen = till.page.locator("[data-testid=frozen]")
                await frozen.wait_for(timeout=LONG_MS)
                await till.close_messages()
                await expect(till.page.locator("[data-tender=cash]")).to_be_disabled()
                await expect(till.page.locator("[data-tender=card]")).to_be_disabled()
                await looked_at(till, f"frozen-{size}-{'dark' if dark else 'light'}")
                view = await tasks(rig, "frozen_sale")
                assert view["tasks"][0]["amount_minor"] == await till.due()
                assert [way["label"] for way in view["tasks"][0]["ways"]] == ["Ask again", "Pay another way"]

                await till.tap("abandon", frozen)
                await till.tap("confirm", till.dialog("confirm"))
                await expect(frozen).to_have_count(0, timeout=LONG_MS)
                await till.close_messages()
                await tasks(rig, "reversal_owed")
                await till.page.locator(".quick [data-amount]").first.click()
                await till.page.locator(".paid").first.wait_for(timeout=LONG_MS)

                gateway.forget_orders()  # the bank answers again: what it took goes back
                await tasks(rig)
                assert gateway.kept_minor == 0

    chromium.run(scene())


def test_asked_again_the_payment_is_finished_and_the_store_page_can_do_it_too(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            VirtualGateway(token=TOKEN) as gateway,
            StoreRig(tmp_path, changes=with_gateway(tmp_path, gateway), hq=False) as rig,
        ):
            await takes_cards(rig)
            async with register_page(chromium, rig, size=SIZES["tablet"]) as till:
                gateway.order("lost_after", *SILENT, on="any")
                await to_card(till, "cola")
                await till.page.locator("[data-testid=frozen]").wait_for(timeout=LONG_MS)
                due = await till.due()
                await till.go("store")
                task = till.page.locator("[data-kind=frozen_sale]")
                await task.wait_for(timeout=LONG_MS)
                gateway.forget_orders()
                await till.tap("way", task)
                await expect(task).to_have_count(0, timeout=LONG_MS)
                (check,) = (await rig.get("/v1/checks?limit=5"))["checks"]
                assert (check["state"], check["due_minor"]) == ("closed", 0)
                assert gateway.kept_minor == due

    chromium.run(scene())


@pytest.mark.parametrize(("size", "dark"), SCREENS, ids=[size for size, _ in SCREENS])
def test_a_check_of_another_register_is_taken_by_one_tap_and_with_a_warning_where_its_register_is_silent(
    chromium: Chromium, tmp_path: Path, size: str, dark: bool
) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back") as store:
            first = await store["side"].order("cheeseburger", tenders=[])
            second = await store["side"].order("fries", tenders=[])
            await store.wait_sinks("side", front=0)
            async with register_page(chromium, store["front"], size=SIZES[size], dark=dark) as till:
                await till.go("checks")
                await till.page.locator("[data-testid=filters] button[data-value=elsewhere]").click()
                row = till.page.locator(f"[data-check={first['ticket_code']}]")
                await row.wait_for(timeout=LONG_MS)
                await row.click()
                box = till.page.locator(f".detail[data-code={first['ticket_code']}]")
                await expect(box.locator("[data-testid=elsewhere]")).to_have_attribute("data-register", "side")
                await looked_at(till, f"elsewhere-{size}-{'dark' if dark else 'light'}")
                await till.tap("take", box)
                await till.said("is here now")
                await till.close_messages()
                await expect(box.locator("[data-testid=elsewhere]")).to_have_count(0)
                await till.tap("pay", box)
                await till.page.locator(".quick [data-amount]").first.click()
                await till.page.locator(".paid").first.wait_for(timeout=LONG_MS)

                # Now its register is gone: that is said, and said again before money is taken.
                await store["side"].kill_agent()
                await till.go("checks")
                await till.page.locator("[data-testid=filters] button[data-value=elsewhere]").click()
                await till.page.locator(f"[data-check={second['ticket_code']}]").click()
                box = till.page.locator(f".detail[data-code={second['ticket_code']}]")
                await box.wait_for(timeout=LONG_MS)
                await till.tap("take", box)
                await expect(till.dialog("confirm")).to_contain_text("POSSIBLE DUPLICATE", timeout=LONG_MS)
                await till.tap("confirm", till.dialog("confirm"))
                await box.locator("[data-testid=doubt]").wait_for(timeout=LONG_MS)
                await till.close_messages()
                await till.tap("pay", box)
                await till.page.locator(".quick [data-amount]").first.click()
                await expect(till.dialog("confirm")).to_contain_text("paid", timeout=LONG_MS)
                await till.tap("confirm", till.dialog("confirm"))
                await till.page.locator(".paid").first.wait_for(timeout=LONG_MS)

    chromium.run(scene())


def test_what_waits_for_a_card_is_charged_by_one_tap_when_the_guest_is_gone(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            VirtualGateway(token=TOKEN) as gateway,
            StoreRig(tmp_path, changes=with_gateway(tmp_path, gateway), hq=False) as rig,
        ):
            await takes_cards(rig)
            order = await rig.order("cheeseburger", tenders=[])
            await rig.ok("POST", f"/v1/checks/{order['check_id']}/await", {"tender": "card"})
            async with register_page(chromium, rig, size=SIZES["tablet"]) as till:
                await till.go("store")
                task = till.page.locator("[data-kind=awaiting]")
                await task.wait_for(timeout=LONG_MS)
                await till.tap("way", task)
                await till.tap("confirm", till.dialog("confirm"))
                await expect(task).to_have_count(0, timeout=LONG_MS)
                check = await rig.get(f"/v1/checks/{order['check_id']}")
                assert (check["state"], check["payments"][0]["kind"]) == ("closed", "card")
                assert gateway.kept_minor == order["totals"]["due_minor"]

    chromium.run(scene())


def test_the_same_items_after_a_register_died_are_asked_about(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", "back") as store:
            lost = await store["side"].order("cheeseburger", "fries", tenders=[])
            await store.wait_sinks("side", front=0)
            await store["side"].kill_agent()
            await store.wait_sinks("front", side=None)
            async with register_page(chromium, store["front"], size=SIZES["tablet"]) as till:
                await till.new()
                await till.ring("cheeseburger")
                await till.ring("fries")
                await till.tap("send")
                asked = till.dialog("confirm")
                await expect(asked).to_contain_text(f"Is this {lost['ticket_code']}?", timeout=LONG_MS)
                await looked_at(till, "same-tablet-light")
                await till.tap("confirm", asked)
                box = till.page.locator(f".detail[data-code={lost['ticket_code']}]")
                await expect(box.locator("[data-testid=elsewhere]")).to_have_attribute(
                    "data-reachable", "false", timeout=LONG_MS
                )

    chromium.run(scene())
