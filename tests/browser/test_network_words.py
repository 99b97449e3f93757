"""What a cashier and a cook read of the network: the dot names the fault, the status view says what to do, selling goes on."""

from pathlib import Path

from playwright.async_api import expect
from tests.support.browser import Chromium
from tests.support.looks import PICTURES, SIZES
from tests.support.prober import StandIn, verdict
from tests.support.register_page import register_page
from tests.support.store import StoreRig

CONFIG = {
    "network": {
        "links": {
            "cables": {"front": {"where": "under the counter", "cable_colour": "yellow"}},
            "router": {"where": "on the shelf in the office"},
            "internet": {"provider": "Example Telecom", "isp_phone": "+1 555 0100", "account": "4711-0815"},
        }
    }
}


def test_the_dot_names_the_fault_and_the_status_view_says_what_to_do(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, changes=CONFIG) as rig,
            register_page(chromium, rig) as till,
            StandIn(rig.data / "probe.sock") as prober,
        ):
            page = till.page
            await prober.hello()
            async with prober.reporting(verdict("fine")):
                await page.locator("header [data-dot=green]").wait_for()
            await rig.internet.cut()
            async with prober.reporting(verdict("suspect", "router_dead", "router_cable")):
                dot = page.locator("header [data-testid=dot]")  # green until HQ has been silent for the whole window
                await expect(dot).to_contain_text("it may be")
            async with prober.reporting(verdict("confirmed", "router_dead", "router_cable")):
                dot = page.locator("header [data-dot=red]")
                await expect(dot).to_contain_text("router")
                await expect(dot).not_to_contain_text("may be")
                words = await dot.inner_text()
                assert "Offline for" in words
                assert "offline support is on" in words
                same = "(dot) => dot.title === dot.querySelector('.words').textContent"
                assert await dot.evaluate(same), "at one look, as it counts the seconds"
                for width, height in SIZES.values():  # all of it can be read, at whatever counter
                    await page.set_viewport_size({"width": width, "height": height})
                    hidden_px = await dot.locator(".words").evaluate("found => found.scrollHeight - found.clientHeight")
                    assert hidden_px <= 1, (width, height)
                await page.set_viewport_size({"width": SIZES["tablet"][0], "height": SIZES["tablet"][1]})

                await till.go("status")
                network = page.locator("[data-testid=network]")
                await expect(network).to_have_attribute("data-phase", "confirmed")
                assert await network.get_attribute("data-faults") == "router_dead router_cable"
                steps = await network.locator("li").all_inner_texts()
                assert "on the shelf in the office" in " ".join(steps)
                await expect(page.locator("[data-advisory=network_fault]")).to_have_count(1)
                PICTURES.mkdir(parents=True, exist_ok=True)
                await page.screenshot(path=PICTURES / "network-status-tablet-light.png")

                await till.new()  # selling does not care
                await till.ring("cola")
                _code, total = await till.to_payment()
                await till.pay("cash", total)
                await till.done()

            await prober.die()  # nobody knows any more what is wrong: the dot says no more than that
            await expect(page.locator("header [data-dot=red]")).not_to_contain_text("router")
            await till.go("status")
            await expect(network).to_have_attribute("data-phase", "checking")
            await expect(network).to_contain_text("silent")
            await expect(network.locator("li")).to_have_count(0)

    chromium.run(scene())


def test_the_kitchen_reads_one_line_and_it_goes_with_the_fault(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, changes=CONFIG, screens=False) as rig,
            chromium.page(rig.page_url("kitchen", device="kitchen")) as page,
            StandIn(rig.data / "probe.sock") as prober,
        ):
            await prober.hello()
            sign = page.locator("[data-sign=network]")
            async with prober.reporting(verdict("confirmed", "modem", "isp_access")):
                await sign.wait_for()
                assert "Selling, printing and cash go on" in await sign.inner_text()
                PICTURES.mkdir(parents=True, exist_ok=True)
                await page.screenshot(path=PICTURES / "network-kitchen-tablet-light.png")
            async with prober.reporting(verdict("fine")):
                await sign.wait_for(state="detached")

    chromium.run(scene())
