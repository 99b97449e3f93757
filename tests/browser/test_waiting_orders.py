"""Commands that wait in the browser while the person at it changes: what they were entered as, they are."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Route, expect
from tests.browser.world import checks, papers
from tests.killloop.journal import read
from tests.support.browser import Chromium
from tests.support.register_page import RegisterPage, register_page
from tests.support.staff import ANA, BEN, STAFF_CONFIG, write_roster
from tests.support.store import StoreRig

from tillkeeper.contract.events import TenderRecorded


@asynccontextmanager
async def at_the_till(chromium: Chromium, folder: Path) -> AsyncIterator[tuple[StoreRig, RegisterPage]]:
    """Ana has signed in."""
    async with StoreRig(folder, hq=False, changes=STAFF_CONFIG, agent=False) as rig:
        write_roster(rig.folder / "staff.json", rig.data)
        await rig.start_agent()
        async with register_page(chromium, rig, outages=True) as till:
            await till.sign_in(ANA.pin)
            yield rig, till


@asynccontextmanager
async def lost(till: RegisterPage, path: str) -> AsyncIterator[None]:
    """Meanwhile no such command arrives."""

    async def lose(route: Route) -> None:
        await route.abort("connectionreset")

    await till.page.route(path, lose)
    yield
    await till.page.unroute(path, lose)


async def ring(till: RegisterPage, item: str) -> None:
    """Sent, and kept by the page."""
    await till.new()
    await till.ring(item)
    await till.tap("send")
    await till.said("The order is kept here")
    await till.close_messages()


async def training(till: RegisterPage, *, on: bool) -> None:
    await till.go("status")
    await till.tap("training")
    await expect(till.page.locator("[data-banner=training]")).to_have_count(int(on))


def test_no_sale_becomes_practice_and_no_practice_a_sale_while_it_waits(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with at_the_till(chromium, tmp_path) as (rig, till):
            for item, on in (("cheeseburger", True), ("fries", False)):
                async with lost(till, "**/v1/orders"):
                    await ring(till, item)
                    await training(till, on=on)
                await till.idle()
            found = [(one["ticket_code"], one["training"], one["lines"][0]["item_id"]) for one in await checks(rig)]
            assert found == [("B-001", False, "cheeseburger"), ("T-001", True, "fries")]
            assert (await rig.get("/v1/books"))["checks_opened"] == 1
            assert (await papers(rig))["grill"] == 1

    chromium.run(scene())


def test_what_waits_is_done_by_who_entered_it_whoever_signs_in_meanwhile(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with at_the_till(chromium, tmp_path) as (rig, till):
            await till.new()
            await till.ring("cheeseburger")
            await till.to_payment()
            async with lost(till, "**/tenders"):
                await till.page.locator(".tenders [data-tender=cash]").click()
                await till.page.locator("[data-banner=waiting]").wait_for()
                await till.sign_out()
                await till.sign_in(BEN.pin, training=True)
            await expect(till.page.locator("[data-banner=waiting]")).to_contain_text("whoever entered it")
            assert [one["state"] for one in await checks(rig)] == ["open"]
            await till.sign_out()
            await till.sign_in(ANA.pin, training=True)
            await till.idle()
            taken = [(event.by, event.training) for event in read(rig.data / "journal.db").of(TenderRecorded)]
            assert taken == [("ana", False)]

    chromium.run(scene())
