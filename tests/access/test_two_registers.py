"""One kitchen tablet, two registers, and the death of the one that its page came from."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect
from tests.access.test_pages import kept
from tests.access.world import PORT, browser_of, trust
from tests.network.wires import cable
from tests.support.several import SeveralRig
from tests.support.store import STORE

from tillkeeper.access.certify import make
from tillkeeper.access.wanted import Order, Wanted

pytestmark = pytest.mark.root

ADDRESSES = {"front": "10.7.0.1", "side": "10.7.0.9"}
SECRET = "a-secret-of-this-store-alone-0123456789abcd"
SALAD = {"order_type": "dine_in", "lines": [{"item_id": "caesar-salad"}], "tenders": []}


class OnTheLan(SeveralRig):
    """Each register at an address of its own, and named to the other's pages."""

    def _config(self, name: str, port: int) -> dict[str, Any]:
        others = [f"https://{address}:{PORT}" for other, address in ADDRESSES.items() if other != name]
        lan = {"listen": f"{ADDRESSES[name]}:{PORT}"}
        return super()._config(name, port) | {"lan": lan, "pages": {"registers": others}}


def test_a_page_whose_register_has_died_is_loaded_anew_and_hears_the_other(tmp_path: Path) -> None:
    for name in ADDRESSES:  # as `store join` hands it on
        (tmp_path / name / "data").mkdir(parents=True)
        file = tmp_path / name / "data/store-secret"
        file.write_text(f"{SECRET}\n", "ascii")
        file.chmod(0o600)
    wanted = Wanted(store=STORE, register="front", secret_id="", addresses=(), names=())
    home = tmp_path / "tablet-home"
    home.mkdir()
    trust(home, make(Order(store_secret=SECRET, wanted=wanted, begins_ms=0, ends_ms=0)).authority)

    with cable() as (register, tablet), browser_of(home, tablet) as chromium:
        register.ip("address", "add", f"{ADDRESSES['side']}/24", "dev", "lan0")

        async def scene() -> None:
            async with OnTheLan(tmp_path, *ADDRESSES, hq=False, screens=False) as store:
                front, side = store["front"], store["side"]
                opened = await front.ok("POST", "/v1/pairings", {"scope": "kitchen", "name": "grill-tablet"})
                others = tuple(f"https://{address}:{PORT}" for address in ADDRESSES.values())
                async with chromium.page(opened["url"], others=others, outages=True) as page:
                    await page.locator("body[data-trust=yes]").wait_for(timeout=30_000)
                    await page.locator("[data-action=pair]").click()
                    await page.locator("[data-action=go]").click(timeout=30_000)
                    cards = page.locator("[data-testid=card]")
                    await front.ok("POST", "/v1/orders", SALAD)
                    await side.ok("POST", "/v1/orders", SALAD)
                    await expect(cards).to_have_count(2, timeout=30_000)

                    await kept(page)
                    await front.kill_agent()
                    await page.reload()
                    await expect(cards).to_have_count(2, timeout=30_000)
                    await expect(page.locator("[data-sign=register-lost]")).to_contain_text("since", timeout=30_000)
                    await side.ok("POST", "/v1/orders", SALAD)
                    await expect(cards).to_have_count(3, timeout=30_000)

        with register.inside():
            chromium.run(scene())
