"""What is true behind the pages, for tests of pages: the journal's checks, paper and drawer pulses of a rig."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import BrowserContext
from tests.support.register_page import RegisterPage
from tests.support.store import StoreRig


async def checks(rig: StoreRig) -> list[dict[str, Any]]:
    """All of the rig's checks in full, oldest first."""
    listed = (await rig.get("/v1/checks?limit=500"))["checks"]
    return [await rig.get(f"/v1/checks/{one['check_id']}") for one in reversed(listed)]


async def rung(rig: StoreRig) -> list[tuple[str, dict[str, int], list[int]]]:
    """Each check as (state, pieces by item, payments in minor units), oldest first."""
    found = []
    for check in await checks(rig):
        pieces: dict[str, int] = {}
        for line in check["lines"]:
            pieces[line["item_id"]] = pieces.get(line["item_id"], 0) + line["quantity"]
        found.append((check["state"], pieces, [one["amount_minor"] for one in check["payments"]]))
    return found


async def papers(rig: StoreRig) -> dict[str, int]:
    """Slips cut by each printer once nothing waits any more."""
    await rig.wait_all_settled()
    return {name: len(rig.slips(name)) for name in rig.shop.printers}


@contextlib.asynccontextmanager
async def tab(context: BrowserContext, rig: StoreRig, terminal: str = "") -> AsyncIterator[RegisterPage]:
    """One more register page in the same browser, ready."""
    page = await context.new_page()
    query = {"terminal": terminal} if terminal else {}
    await page.goto(rig.page_url("register", **query))
    till = RegisterPage(page)
    await till.ready()
    try:
        yield till
    finally:
        await page.close()
