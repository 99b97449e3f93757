"""The kitchen page as a cook uses it: what is on the screen, bump, recall, STOP seen; and a record of all it ever showed.

async with kitchen_page(chromium, rig) as cook:
    await cook.shows("B-003")
    await cook.bump("B-003")
"""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from playwright.async_api import Locator, Page, expect
from tests.support.browser import STEP_MS, Chromium
from tests.support.store import StoreRig

_REMEMBER = """() => {
  globalThis.everShown = new Set();
  globalThis.everRead = new Set();
  const look = () => {
    const cards = document.querySelectorAll("[data-jobs]");
    for (const card of cards) {
      card.dataset.jobs.split(" ").forEach((job) => everShown.add(job));
      const lines = [...card.querySelectorAll(".what")].map((line) => line.innerText);
      everRead.add(JSON.stringify([card.dataset.code, card.dataset.station, lines]));
    }
  };
  look();
  const watched = {subtree: true, childList: true, attributes: true, attributeFilter: ["data-jobs"]};
  new MutationObserver(look).observe(document.body, watched);
}"""


@contextlib.asynccontextmanager
async def kitchen_page(
    chromium: Chromium, rig: StoreRig, device: str = "kitchen", *, patience_ms: float = STEP_MS, **options: Any
) -> AsyncIterator["KitchenPage"]:
    """A kitchen page of a rig, connected; options as of `Chromium.context`. The rig has `screens=False`."""
    async with chromium.page(rig.page_url("kitchen", device=device), **options) as page:
        cook = KitchenPage(page, patience_ms)
        await cook.connected()
        await page.evaluate(_REMEMBER)
        yield cook


class KitchenPage:
    """See the module. A long ticket may stand in several cards of one check."""

    def __init__(self, page: Page, patience_ms: float = STEP_MS) -> None:
        self.page = page
        self.patience_ms = patience_ms
        page.set_default_timeout(patience_ms)

    async def connected(self) -> None:
        await expect(self.page.locator("[data-testid=open-count][data-connected=yes]")).to_be_visible(timeout=self.patience_ms)

    def card(self, code: str) -> Locator:
        return self.page.locator(f"[data-testid=card][data-code={code}]").first

    async def shows(self, code: str) -> None:
        await self.card(code).wait_for(timeout=self.patience_ms)

    async def open_jobs(self) -> frozenset[str]:
        """Job ids of the tickets that are open, on all pages of the screen."""
        found: set[str] = set()
        following = self.page.locator("[data-testid=page-next]")
        while True:
            cards = self.page.locator("[data-testid=card]")
            for jobs in await cards.evaluate_all("(all) => all.map((one) => one.dataset.jobs)"):
                found.update(jobs.split())
            if not await following.is_enabled():
                return frozenset(found)
            await following.click()

    async def ever(self) -> frozenset[str]:
        """Job ids of all tickets that were on the screen since the page was opened."""
        return frozenset(await self.page.evaluate("[...everShown]"))

    async def ever_read(self) -> list[tuple[str, str, list[str]]]:
        """What a cook could read so far, each state of a card once: ticket code, station, lines with modifiers."""
        found: list[str] = await self.page.evaluate("[...everRead]")
        return [tuple(json.loads(one)) for one in found]

    async def open_count(self) -> int:
        return int(await self.page.locator("[data-testid=tickets]").get_attribute("data-open") or "-1")

    async def count_is(self, count: int) -> None:
        """Until so many cards are open, on all pages of the screen."""
        await expect(self.page.locator(f"[data-testid=tickets][data-open='{count}']")).to_be_attached(timeout=self.patience_ms)

    async def bump(self, code: str) -> None:
        await self.card(code).locator("[data-testid=bump]").click()

    async def bump_first(self) -> None:
        """By the bump bar: first slot, bump."""
        await self.page.keyboard.press("1")
        await self.page.keyboard.press("Enter")

    async def recall_last(self) -> None:
        """By the bump bar: the last bumped card comes back."""
        await self.page.keyboard.press("Backspace")

    async def stop_seen(self, code: str) -> None:
        await self.card(code).locator("[data-testid=stop-seen]").click()

    async def sign(self, name: str) -> None:
        """Until the screen says this: lost, register-lost, replaced, sound-off, stop, dropped."""
        await self.page.locator(f"[data-testid=sign][data-sign={name}]").wait_for(timeout=self.patience_ms)

    async def all_told(self) -> None:
        """Until every bump has reached its register."""
        await expect(self.page.locator("[data-testid=unsent]")).to_have_count(0, timeout=self.patience_ms)
