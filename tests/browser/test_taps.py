"""Double taps, two tabs, back and reload: whatever a hurried hand does, each order is made once and paid once."""

import asyncio
from pathlib import Path

from playwright.async_api import expect
from tests.browser.world import checks, papers, rung, tab
from tests.support.browser import Chromium
from tests.support.register_page import RegisterPage, register_page
from tests.support.store import StoreRig
from tests.support.wire import Wire

BURST = "(button) => { for (let n = 0; n < 5; n += 1) button.click(); }"
"""Five taps before the page gets to draw again."""


async def ring_two(till: RegisterPage) -> None:
    await till.new()
    await till.ring("cheeseburger")
    await till.ring("cola")


def test_five_taps_on_send_make_one_order(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            await ring_two(till)
            await till.on("send").evaluate(BURST)
            await till.on("send").dblclick(force=True)
            await till.said("is with the kitchen")
            await till.settle_down(1.0)
            assert await rung(rig) == [("open", {"cheeseburger": 1, "cola": 1}, [])]
            assert (await papers(rig)) == {"receipt": 0, "grill": 1, "bar": 1}

    chromium.run(scene())


def test_five_taps_on_pay_and_on_a_tender_take_the_money_once(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            await ring_two(till)
            await till.on("pay").evaluate(BURST)
            await till.in_view("pay")
            total = await till.due()
            await till.page.locator(".tenders [data-tender=cash]").evaluate(BURST)
            await expect(till.page.locator(".paid [data-change]")).to_be_visible()
            await till.page.locator(".paid [data-action=done]").evaluate(BURST)
            await till.settle_down(1.0)
            assert await rung(rig) == [("closed", {"cheeseburger": 1, "cola": 1}, [total])]
            assert (await papers(rig)) == {"receipt": 1, "grill": 1, "bar": 1}
            assert rig.pulses() == 1

    chromium.run(scene())


def test_taps_on_an_item_are_pieces_and_nothing_else(chromium: Chromium, tmp_path: Path) -> None:
    """Five taps on a tile mean five colas: there a double tap is an order."""

    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            await till.new()
            await till.ring("cola")
            await till.page.locator(".tiles [data-item=cola]").evaluate(BURST)
            await till.send()
            assert await rung(rig) == [("open", {"cola": 6}, [])]

    chromium.run(scene())


def test_two_tabs_with_one_check_can_not_take_the_money_twice(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, hq=False) as rig,
            chromium.context(rig.origin) as context,
            tab(context, rig) as one,
            tab(context, rig) as other,
        ):
            await ring_two(one)
            code = await one.send()
            for till in (one, other):
                await till.recall(code)
                await till.tap("pay")
                await till.in_view("pay")
            total = await one.due()
            # Both hands at once; a page that has heard of the other's payment in time has no such button any more.
            take = "document.querySelector('.tenders [data-tender=cash]')?.click()"
            await asyncio.gather(*(till.page.evaluate(take) for till in (one, other)))
            for till in (one, other):
                await expect(till.page.locator(f".paid[data-code={code}]")).to_be_visible()
                await till.settle_down(0.3)
            assert await rung(rig) == [("closed", {"cheeseburger": 1, "cola": 1}, [total])]
            assert (await papers(rig))["receipt"] == 1
            assert rig.pulses() == 1

    chromium.run(scene())


def test_two_tabs_add_to_one_check_and_nothing_is_lost(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, hq=False) as rig,
            chromium.context(rig.origin) as context,
            tab(context, rig) as one,
            tab(context, rig) as other,
        ):
            await ring_two(one)
            code = await one.send()
            for till, item in ((one, "caesar-salad"), (other, "bruschetta")):
                await till.recall(code)
                await till.ring(item)
            for till in (one, other):
                await till.tap("send")
            for till in (one, other):
                await till.said("is with the kitchen")
                await till.idle()
            assert await rung(rig) == [("open", {"cheeseburger": 1, "cola": 1, "caesar-salad": 1, "bruschetta": 1}, [])]

    chromium.run(scene())


def test_a_reload_and_the_back_button_keep_an_order_that_nobody_sent(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            await ring_two(till)
            await till.go("checks")
            await till.in_view("checks")
            await till.page.go_back()
            await till.in_view("order")
            await expect(till.page.locator("[data-draft-line]")).to_have_count(2)
            await till.reload()
            await expect(till.page.locator("[data-draft-line]")).to_have_count(2)
            assert await rung(rig) == []
            await till.send()
            await till.reload()
            await till.settle_down(0.5)
            assert await rung(rig) == [("open", {"cheeseburger": 1, "cola": 1}, [])]

    chromium.run(scene())


def test_a_reload_while_the_order_is_under_way_makes_one_order(chromium: Chromium, tmp_path: Path) -> None:
    """The register has made it and its answer is lost with the page."""

    async def scene() -> None:
        async with (
            StoreRig(tmp_path, hq=False) as rig,
            Wire() as wire,
            register_page(chromium, rig, proxy=wire.url, outages=True) as till,
        ):
            await ring_two(till)
            wire.lose_answers()
            await till.tap("send")
            await rig.wait_for("the register has the order", lambda: checks(rig))
            wire.flow()
            wire.cut()
            await till.reload()
            await till.idle()
            await till.settle_down(0.5)
            assert await rung(rig) == [("open", {"cheeseburger": 1, "cola": 1}, [])]
            assert (await papers(rig)) == {"receipt": 0, "grill": 1, "bar": 1}
            await expect(till.page.locator("[data-draft-line]")).to_have_count(0)

    chromium.run(scene())


def test_a_reload_and_the_back_button_in_a_payment_take_the_money_once(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, hq=False) as rig,
            Wire() as wire,
            register_page(chromium, rig, proxy=wire.url, outages=True) as till,
        ):
            await ring_two(till)
            code, total = await till.to_payment()
            await till.page.go_back()
            await till.in_view("order")
            await till.page.go_forward()
            await till.in_view("pay")
            await till.reload()
            assert await till.due() == total
            wire.lose_answers()
            await till.page.locator(".tenders [data-tender=cash]").click()
            await rig.wait_for("the register has the payment", lambda: paid(rig, code))
            wire.flow()
            wire.cut()
            await till.reload()
            await till.idle()
            await expect(till.page.locator(f".paid[data-code={code}]")).to_be_visible()
            await till.page.go_back()
            await till.settle_down(0.5)
            assert await rung(rig) == [("closed", {"cheeseburger": 1, "cola": 1}, [total])]
            assert (await papers(rig))["receipt"] == 1
            assert rig.pulses() == 1

    async def paid(rig: StoreRig, code: str) -> bool:
        return bool((await rig.get(f"/v1/checks/{code}"))["payments"])

    chromium.run(scene())
