"""A kitchen page that stays open all day takes no more memory than after its first hour. TICKETS=2000 makes it a whole day."""

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.async_api import CDPSession
from tests.killloop.journal import read
from tests.support.browser import Chromium
from tests.support.kitchen_page import KitchenPage, kitchen_page
from tests.support.store import StoreRig

from tillkeeper.contract.documents import TicketBumped

TICKETS = int(os.environ.get("TICKETS", "600"))
AT_ONCE = 50
HOUR = 200
"""Tickets between two looks at the memory."""
WARM, A_TICKET = 250_000, 1_000
"""Bytes of the heap that the page may take more after its first look, and that a ticket may leave behind, at most."""
MIB = 1 << 20
BUMP_ALL = """async (wanted) => {
  const draw = () => new Promise(requestAnimationFrame);
  while (document.querySelector("[data-testid=tickets]").dataset.open !== String(wanted)) await draw();
  while (document.querySelector("[data-testid=tickets]").dataset.open !== "0") {
    document.querySelectorAll("[data-testid=bump]:enabled").forEach((button) => button.click());
    await draw();
  }
}"""


class Size(NamedTuple):
    heap: int
    nodes: int
    listeners: int
    stored: int
    """Characters in the browser's storage."""


async def size(cook: KitchenPage, session: CDPSession) -> Size:
    await session.send("HeapProfiler.collectGarbage")
    heap = await session.send("Runtime.getHeapUsage")
    counters = await session.send("Memory.getDOMCounters")
    stored = await cook.page.evaluate("JSON.stringify(localStorage).length")
    return Size(int(heap["usedSize"]), int(counters["nodes"]), int(counters["jsEventListeners"]), int(stored))


@pytest.mark.timeout(240)
def test_thousands_of_tickets_leave_nothing_behind(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False, screens=False) as rig, kitchen_page(chromium, rig, outages=True) as cook:
            session = await cook.page.context.new_cdp_session(cook.page)
            sizes: list[Size] = []
            for done in range(0, TICKETS, AT_ONCE):
                await asyncio.gather(*(rig.order("caesar-salad", tenders=[{"tender": "voucher"}]) for _ in range(AT_ONCE)))
                await cook.page.evaluate(BUMP_ALL, AT_ONCE)
                await cook.all_told()
                if (done + AT_ONCE) % HOUR == 0:
                    sizes.append(await size(cook, session))
            print(*sizes, sep="\n")
            first, last = sizes[0], sizes[-1]
            assert last.heap - first.heap < WARM + A_TICKET * (TICKETS - HOUR), sizes
            assert last.heap < 12 * MIB, sizes
            assert last.nodes <= first.nodes * 1.2, sizes
            assert last.listeners <= first.listeners * 1.2, sizes
            assert last.stored < 300_000, sizes
            await rig.wait_all_settled()
            assert await rig.stop_agent() == 0
            bumped = [event.check_id for event in read(rig.data / "journal.db").of(TicketBumped)]
            assert len(bumped) == len(set(bumped)) == TICKETS

    chromium.run(scene())
