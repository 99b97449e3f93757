"""A cashier at the counter, with a real register behind the page."""

from pathlib import Path

from tests.support.browser import Chromium
from tests.support.register_page import register_page
from tests.support.store import StoreRig


def test_a_burger_is_sold_for_cash(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path) as rig, register_page(chromium, rig) as till:
            await till.new()
            await till.ring("cheeseburger", "bacon", "no-onion")
            await till.ring("cola")
            code, total = await till.to_payment()
            assert await till.pay("cash", total + 100) == 100
            await till.done()
            check = await rig.get(f"/v1/checks/{code}")
            assert (check["state"], check["totals"]["gross_minor"]) == ("closed", total)
            await rig.wait_all_settled()
            assert any("Bacon" in slip for slip in rig.slips("grill"))
            assert rig.pulses() == 1

    chromium.run(scene())
