"""What is paid and still on hold is said, and goes to the kitchen with one tap."""

from pathlib import Path

from tests.support.browser import Chromium
from tests.support.register_page import register_page
from tests.support.store import StoreRig


def test_a_held_line_of_a_paid_check_is_said_and_sent(chromium: Chromium, tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path, hq=False) as rig, register_page(chromium, rig) as till:
            await till.new()
            await till.ring("cheeseburger", held=True)
            await till.ring("cola")
            code, total = await till.to_payment()
            await till.pay("cash", total)
            said = till.page.locator("[data-not-sent='1']")
            await said.wait_for()
            assert "Cheeseburger" in await said.inner_text()
            await rig.wait_all_settled()
            assert not rig.slips("grill")
            await till.tap("fire-held")
            await said.wait_for(state="detached")
            await rig.wait_all_settled()
            assert any("Cheeseburger" in slip and code in slip for slip in rig.slips("grill"))

    chromium.run(scene())
