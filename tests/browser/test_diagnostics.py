"""Diagnostics on a phone: what broke in the network, what waits for devices, how the store is; not known is never fine."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.support.browser import Chromium
from tests.support.looks import SIZES, grave_violations, out_of_sight, picture, too_small, wider_than_screen
from tests.support.prober import StandIn, verdict
from tests.support.staff import ANA, BOSS, STAFF_CONFIG, write_roster
from tests.support.store import StoreRig

from tillkeeper.network.wire import DiagnoseEnded, DiagnoseStep

SOON_MS = 30_000
PLACES = {
    "network": {
        "links": {
            "cables": {"front": {"where": "under the counter", "cable_colour": "yellow"}},
            "router": {"where": "on the shelf in the office"},
        }
    }
}
STALE = {
    "stations": {"grill": {"devices": ["grill"], "backup": None, "carry": False, "alarm_after_s": 0, "stale_after_s": 2.0}}
}
SCREENS = [("phone", False), ("phone", True), ("tablet", False)]


async def looked_at(page: Page, name: str) -> None:
    """A picture, and nothing that a person could not use."""
    await picture(page, name)
    assert await grave_violations(page) == []
    assert await too_small(page) == []
    assert await out_of_sight(page) == []
    assert await wider_than_screen(page) <= 0


@pytest.mark.parametrize(("size", "dark"), SCREENS, ids=[f"{size}-{'dark' if dark else 'light'}" for size, dark in SCREENS])
def test_what_broke_is_read_from_the_register_outwards(chromium: Chromium, tmp_path: Path, size: str, dark: bool) -> None:
    name = f"diagnostics-network-{size}-{'dark' if dark else 'light'}"

    async def scene() -> None:
        async with (
            StoreRig(tmp_path, changes=PLACES) as rig,
            chromium.page(
                rig.page_url("diagnostics"), size=SIZES[size], dark=dark, touch=size == "phone", outages=True
            ) as page,
            StandIn(rig.data / "probe.sock") as prober,
        ):
            await prober.hello()
            said = page.locator("[data-testid=verdict]")
            fine = page.locator("[data-fact][data-level=good]")
            async with prober.reporting(verdict("fine")):
                await expect(said).to_have_attribute("data-phase", "fine", timeout=SOON_MS)
                await expect(page.locator("[data-fact=router]")).to_have_attribute("data-level", "good")
                await expect(page.locator("[data-fact='modem.echo']")).to_have_attribute("data-level", "unknown")
                await expect(page.locator("[data-fact='modem.echo']")).to_contain_text("Never answered")
            async with prober.reporting(verdict("confirmed", "router_dead", "router_cable", also=("wifi_weak",))):
                await expect(said).to_have_attribute("data-phase", "confirmed", timeout=SOON_MS)
                await expect(page.locator("[data-testid=network]")).to_contain_text("on the shelf in the office")
                await expect(page.locator("[data-fact=carrier]")).to_have_attribute("data-level", "good")
                await expect(page.locator("[data-fact=router]")).to_have_attribute("data-level", "bad")
                target = page.locator("[data-fact='gateway.echo']")
                await expect(target).to_have_attribute("data-level", "bad")
                await expect(target).to_contain_text("No answer to the last 12; answered 4 s ago")
                await expect(page.locator("[data-also=wifi_weak]")).to_be_visible()
                await expect(page.locator("[data-entry]")).to_contain_text("goes on", timeout=SOON_MS)
                await looked_at(page, name)

            # Nobody reports any more: nothing stays fine, and nothing that was wrong is still said to be.
            await prober.die()
            await expect(said).to_have_attribute("data-phase", "checking", timeout=SOON_MS)
            await expect(fine).to_have_count(0)

    chromium.run(scene())


def test_a_deeper_look_is_read_step_by_step(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path) as rig,
            chromium.page(rig.page_url("diagnostics"), size=SIZES["phone"], touch=True) as page,
            StandIn(rig.data / "probe.sock") as prober,
        ):
            await prober.hello()
            async with prober.reporting(verdict("fine")):
                await expect(page.locator("[data-testid=verdict]")).to_have_attribute("data-phase", "fine", timeout=SOON_MS)
                await page.locator("[data-action=diagnose]").click()
                wish = (await prober.asked()).request
                found = {"servers": ["192.0.2.1", "192.0.2.66"]}
                await prober.say(DiagnoseStep(request=wish, check="dhcp", state="done", words="2 servers answer", result=found))
                await expect(page.locator("[data-step=dhcp]")).to_contain_text("192.0.2.66", timeout=SOON_MS)
                await expect(page.locator("[data-testid=diagnosis]")).to_contain_text("It runs")
                await prober.say(DiagnoseEnded(request=wish, took_s=7.5))
                await expect(page.locator("[data-testid=diagnosis]")).to_have_attribute("data-state", "done", timeout=SOON_MS)

    chromium.run(scene())


def test_a_page_that_lost_its_register_says_so_with_the_age_of_what_it_shows(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path) as rig,
            chromium.page(rig.page_url("diagnostics"), size=SIZES["phone"], touch=True, outages=True) as page,
            StandIn(rig.data / "probe.sock") as prober,
        ):
            await prober.hello()
            said, lost = page.locator("[data-testid=verdict]"), page.locator("[data-banner=as-of]")
            async with prober.reporting(verdict("fine")):
                await expect(said).to_have_attribute("data-phase", "fine", timeout=SOON_MS)
                await expect(page.locator("[data-fact][data-level=good]").first).to_be_visible()
            await rig.kill_agent()
            await expect(lost).to_contain_text("front does not answer", timeout=SOON_MS)
            await expect(lost).to_contain_text(" old.")
            await expect(said).to_have_attribute("data-phase", "unknown")
            await expect(page.locator("[data-testid=before]")).to_contain_text("ago")
            await expect(page.locator("[data-fact][data-level=good]")).to_have_count(0)
            await looked_at(page, "diagnostics-lost-phone-light")
            await page.locator("[data-action=waiting]").click()
            for mark in await page.locator(".device > :first-child").all_inner_texts():
                assert mark == "?"
            await page.locator("[data-action=store]").click()
            await expect(page.locator("[data-testid=green]")).to_have_attribute("data-green", "unknown")
            await rig.start_agent()
            await expect(lost).to_have_count(0, timeout=SOON_MS)
            await expect(page.locator("[data-testid=green]")).not_to_have_attribute("data-green", "unknown", timeout=SOON_MS)

    chromium.run(scene())


def test_a_held_ticket_is_read_by_anybody_and_printed_in_somebodys_name(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, changes=STAFF_CONFIG | STALE, agent=False) as rig:
            write_roster(rig.folder / "staff.json", rig.data)
            await rig.start_agent()
            rig.printer("grill").load_paper(0)
            wanted, given_up = [(await rig.order("cheeseburger"))["ticket_code"] for _ in range(2)]
            async with chromium.page(rig.page_url("diagnostics"), size=SIZES["phone"], touch=True) as page:
                await page.locator("[data-action=waiting]").click()
                held = page.locator("[data-job][data-state=held]")
                await expect(held).to_have_count(2, timeout=SOON_MS)
                row = held.filter(has_text=wanted)
                await expect(row).to_contain_text("At grill, since ")
                await expect(page.locator("[data-device=grill]")).to_contain_text("the paper is out")
                await looked_at(page, "diagnostics-waiting-phone-light")

                rig.printer("grill").load_paper(10_000)
                await row.locator("[data-action=release]").click()
                await page.locator("[data-testid=signin] [data-testid=pin]").wait_for()
                await page.keyboard.type(ANA.pin)
                await expect(held).to_have_count(1, timeout=SOON_MS)
                await held.filter(has_text=given_up).locator("[data-action=cancel]").click()
                await page.locator("[data-testid=confirm] [data-action=confirm]").click()
                await expect(held).to_have_count(0, timeout=SOON_MS)
            await rig.wait_all_settled()
            (slip,) = rig.slips("grill")
            assert wanted in slip

    chromium.run(scene())


def test_where_the_network_is_not_watched_nobody_is_offered_a_deeper_look(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path, hq=False, changes={"network": {"watch": False}}) as rig,
            chromium.page(rig.page_url("diagnostics"), size=SIZES["phone"], touch=True) as page,
        ):
            await expect(page.locator("[data-testid=verdict]")).to_have_attribute("data-phase", "checking")
            await expect(page.get_by_role("region", name="What was")).to_be_visible()
            await expect(page.locator("[data-action=diagnose]")).to_have_count(0)

    chromium.run(scene())


def test_where_a_register_has_several_places_one_is_chosen_before_somebody_signs_in(chromium: Chromium, tmp_path: Path) -> None:
    terminals = {"counter": {"title": "Counter"}, "window": {"title": "Window", "view": "window"}}

    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, changes=STAFF_CONFIG | {"terminals": terminals}, agent=False) as rig:
            write_roster(rig.folder / "staff.json", rig.data)
            await rig.start_agent()
            async with chromium.page(rig.page_url("diagnostics"), size=SIZES["phone"], touch=True) as page:
                await page.locator("[data-action=waiting]").click()
                try_grill = page.locator("[data-device=grill] [data-action=test-slip]")
                await try_grill.click()
                await expect(page.locator("[data-testid=places] [data-terminal]")).to_have_count(2)
                await looked_at(page, "diagnostics-places-phone-light")
                await page.locator("[data-testid=places] [data-terminal=window]").click()
                await try_grill.click()  # the view is the one of before
                await page.locator("[data-testid=signin] [data-testid=pin]").wait_for()
                await page.keyboard.type(BOSS.pin)
                await expect(page.locator("[data-testid=signin]")).to_have_count(0)
            await rig.wait_all_settled()
            assert len(rig.slips("grill")) == 1

    chromium.run(scene())


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_store_in_one_look(chromium: Chromium, tmp_path: Path, dark: bool) -> None:
    async def scene() -> None:
        async with (
            StoreRig(tmp_path) as rig,
            chromium.page(rig.page_url("diagnostics"), size=SIZES["phone"], dark=dark, touch=True) as page,
        ):
            await page.locator("[data-action=store]").click()
            rig.printer("grill").power_off()
            await expect(page.locator("[data-member=front]")).to_have_attribute("data-level", "trouble", timeout=SOON_MS)
            advice = page.locator("[data-advisory=device_trouble]")  # also of the kitchen, until its display is connected
            await expect(advice.filter(has_text="grill")).to_be_visible(timeout=SOON_MS)
            await expect(page.locator("[data-testid=roles]")).to_have_attribute("data-primary", "front")
            await expect(page.locator("[data-sink=HQ]")).to_be_visible()
            await expect(page.locator("[data-testid=preflight]")).to_be_visible()
            assert await page.locator("[data-action=assign]").count() == 0  # roles are decided at a register
            await looked_at(page, f"diagnostics-store-phone-{'dark' if dark else 'light'}")

    chromium.run(scene())
