"""Pages that stay open while the register goes away, hangs, is upgraded, or while the tablet itself is not well."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Route, expect
from tests.browser.world import checks, papers, rung, tab
from tests.support.browser import Chromium
from tests.support.register_page import RegisterPage, register_page
from tests.support.store import StoreRig
from tests.support.wire import Wire

NEWER = "9.9.9"
YEAR_MS = 365 * 24 * 3_600_000
FILL = """() => {
  let text = "x".repeat(1 << 20);
  for (let n = 0; text; n += 1) {
    try { localStorage.setItem(`filler.${n}`, text); } catch { text = text.slice(0, text.length >> 1); }
  }
}"""
FAMILY = "👨‍👩‍👧‍👦"
"""One glyph, seven code points."""


async def ring_two(till: RegisterPage) -> None:
    await till.new()
    await till.ring("cheeseburger")
    await till.ring("cola")


async def sees_the_register(till: RegisterPage) -> None:
    await expect(till.page.locator("[data-banner=lost]")).to_have_count(0)
    await till.idle()


def test_an_order_entered_while_the_agent_is_away_arrives_once(whole_chromium: Chromium, tmp_path: Path) -> None:
    """Whoever reloads meanwhile sees the browser's own page, which comes back by itself."""

    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(whole_chromium, rig, outages=True) as till:
            await till.sell("cola")
            await rig.wait_all_settled()  # else its receipt may be held for a person: whether it came out is not known
            await rig.kill_agent()
            await expect(till.page.locator("[data-banner=lost]")).to_be_visible()
            await ring_two(till)
            await till.tap("send")
            assert "kept" in await till.said("does not answer")
            await ring_two(till)
            await till.reload_lost()
            await rig.start_agent()
            await till.ready()
            await sees_the_register(till)
            await till.send()  # the second one was not sent before: it is still there
            first, *others = await rung(rig)
            assert first[1] == {"cola": 1}
            assert others == [("open", {"cheeseburger": 1, "cola": 1}, [])] * 2
            assert (await papers(rig))["grill"] == 2

    whole_chromium.run(scene())


def test_a_page_of_which_a_file_did_not_come_loads_itself_anew(chromium: Chromium, tmp_path: Path) -> None:
    """Chromium gives up what it is loading where the machine gets another address; of modules none runs then."""

    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, chromium.context(rig.origin, outages=True) as context:
            lost = {"/shared/stock.js": "GET", "/register/": "HEAD"}  # nor does the register answer at first

            async def once(route: Route) -> None:
                path = urlsplit(route.request.url).path
                if lost.get(path) == route.request.method:
                    del lost[path]
                    await route.abort("connectionreset")
                else:
                    await route.continue_()

            await context.route("**", once)
            page = await context.new_page()
            await page.goto(rig.page_url("register"))
            await RegisterPage(page).ready()
            assert not lost

    chromium.run(scene())


def test_a_page_left_open_over_an_upgrade_says_so_and_goes_on(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path / "store", hq=False) as rig, register_page(chromium, rig, outages=True) as till:
            await ring_two(till)
            await rig.stop_agent()
            upgraded = tmp_path / "upgraded" / f"tillkeeper-{NEWER}.dist-info"
            upgraded.mkdir(parents=True)
            (upgraded / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tillkeeper\nVersion: {NEWER}\n", "ascii")
            rig.agent_prefix = ("env", f"PYTHONPATH={upgraded.parent}")
            await rig.start_agent()
            assert (await rig.get("/v1/status"))["version"] == NEWER
            banner = till.page.locator("[data-banner=update]")
            await expect(banner).to_contain_text(NEWER)
            await till.send()
            await banner.locator("[data-action=reload]").click()
            await till.ready()
            await sees_the_register(till)
            await expect(banner).to_have_count(0)
            assert await rung(rig) == [("open", {"cheeseburger": 1, "cola": 1}, [])]

    chromium.run(scene())


def test_a_wire_that_stalls_is_noticed_and_the_order_goes_out_once(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, hq=False) as rig,
            Wire() as wire,
            register_page(chromium, rig, proxy=wire.url, outages=True) as till,
        ):
            await ring_two(till)
            wire.stall()
            await till.tap("send")
            await till.said("does not answer")
            await expect(till.page.locator("[data-banner=lost]")).to_be_visible()
            await expect(till.page.locator("header [data-dot=red]")).to_be_visible()
            assert await rung(rig) == []
            wire.flow()
            await sees_the_register(till)
            await till.settle_down(0.5)
            assert await rung(rig) == [("open", {"cheeseburger": 1, "cola": 1}, [])]
            assert (await papers(rig))["grill"] == 1
            # What others do arrives again without a reload.
            other = await rig.order("bruschetta", tenders=[])
            await till.go("checks")
            await expect(till.page.locator(f"[data-check={other['ticket_code']}]")).to_be_visible()

    chromium.run(scene())


def test_a_tablet_whose_clock_is_a_year_off_and_jumps_sells_as_ever(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, chromium.context(rig.origin, outages=True) as context:
            await context.add_init_script(
                f"globalThis.wrongBy = {YEAR_MS}; const now = Date.now.bind(Date); Date.now = () => now() + globalThis.wrongBy;"
            )
            async with tab(context, rig) as till:
                await ring_two(till)
                code = await till.send()
                await till.recall(code)
                await rig.wait_all_settled()
                await rig.kill_agent()
                await till.ring("bruschetta")
                await till.tap("send")
                await till.page.evaluate(f"() => {{ globalThis.wrongBy = {-YEAR_MS}; }}")
                await till.new()
                await till.ring("caesar-salad")
                await till.tap("send")
                await rig.start_agent()
                await sees_the_register(till)
                await rig.wait_for("both are there", lambda: two(rig))
                assert await rung(rig) == [
                    ("open", {"cheeseburger": 1, "cola": 1, "bruschetta": 1}, []),
                    ("open", {"caesar-salad": 1}, []),
                ]

    async def two(rig: StoreRig) -> bool:
        return len(await checks(rig)) == 2

    chromium.run(scene())


def test_a_full_storage_is_said_and_nothing_is_lost_or_doubled(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig, outages=True) as till:
            await till.page.evaluate(FILL)
            await ring_two(till)
            await till.send()
            await expect(till.page.locator("[data-banner=storage]")).to_be_visible()
            await rig.wait_all_settled()
            await rig.kill_agent()
            await ring_two(till)
            await till.tap("send")
            await till.said("does not answer")
            await rig.start_agent()
            await sees_the_register(till)
            await till.settle_down(0.5)
            assert await rung(rig) == [("open", {"cheeseburger": 1, "cola": 1}, [])] * 2
            assert (await papers(rig))["grill"] == 2

    chromium.run(scene())


def test_five_hundred_open_checks_are_listed_found_and_paid(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig:
            codes = [(await rig.order("cola", tenders=[], name=f"Guest {n}"))["ticket_code"] for n in range(500)]
            async with register_page(chromium, rig) as till:
                await till.go("checks")
                await expect(till.page.locator("[data-testid=check-rows]")).to_have_attribute("data-count", "500")
                assert await till.page.locator("[data-check]").count() < 60, "the list draws what is seen"
                await till.page.locator("[data-field=code]").fill("guest 7")
                await expect(till.page.locator("[data-testid=check-rows]")).to_have_attribute("data-count", "11")
                await till.recall(codes[0])
                code, total = await till.to_payment()
                assert code == codes[0]
                assert await till.pay("cash") == 0
                await till.go("checks")
                await expect(till.page.locator("[data-testid=check-rows]")).to_have_attribute("data-count", "499")
                assert (await rig.get(f"/v1/checks/{code}"))["payments"][0]["amount_minor"] == total

    chromium.run(scene())


def test_a_name_of_two_hundred_emoji_is_kept_printed_and_shown(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            for name in ("🍔" * 200, FAMILY * 200):
                await ring_two(till)
                await till.called(name)
                await till.send()
                await till.close_messages()
                kept = (await checks(rig))[-1]["name"]
                assert len(kept) <= 200
                assert name.startswith(kept)
                assert kept == "🍔" * 200 or kept == FAMILY * (200 // len(FAMILY)), "cut between glyphs"
                await till.go("checks")
                await till.in_view("checks")  # else the next order is looked for in the view before
                wide = await till.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0
            await asyncio.wait_for(papers(rig), 30)
            assert len(rig.slips("grill")) == 2

    chromium.run(scene())
