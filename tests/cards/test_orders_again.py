"""An order that was being paid when a copy of the disk was made, and was placed after that."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

from tests.cards.test_checks_elsewhere import in_store
from tests.support.several import SeveralRig

from tillkeeper_drivers.simulator.gateway import VirtualGateway

ORDER = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "visa"}]}


def test_an_order_that_was_placed_after_the_copy_was_made_stays_paid(tmp_path: Path) -> None:
    """The copy knows only that its card was asked for, and nobody asks for the order again."""

    async def scene(store: SeveralRig, gateway: VirtualGateway) -> None:
        front, backup = store["front"], tmp_path / "backup"
        gateway.hold()
        paying = asyncio.create_task(front.post("/v1/orders", ORDER, key="the-order"))

        async def asked() -> Any:
            return (await front.get("/v1/authorisations"))["frozen"]

        assert (await front.wait_for("the card is being asked for", asked))[0]["purpose"] == "order"
        await front.kill_agent()
        await asyncio.gather(paying, return_exceptions=True)
        gateway.go_on()

        async def decided() -> Any:
            return all(entry.state != "pending" for entry in gateway.entries.values())

        await front.wait_for("the gateway has made it or never heard of it", decided)
        shutil.copytree(front.data, backup)
        await front.start_agent()
        placed = await front.ok("POST", "/v1/orders", ORDER, key="the-order")
        assert placed["state"] == "closed"
        assert gateway.kept_minor == placed["totals"]["gross_minor"]
        await store.wait_sinks("front", side=0)
        await front.kill_agent()
        shutil.rmtree(front.data)
        shutil.copytree(backup, front.data)
        assert "tender_recorded" not in front.event_types(), "the copy does not know how it ended"
        await front.start_agent()

        async def let_go() -> Any:
            view = await front.get("/v1/authorisations")
            return not view["frozen"] and not view["reversals_owed"]

        await front.wait_for("it has heard of it", let_go, 60.0)
        assert gateway.kept_minor == placed["totals"]["gross_minor"], "nothing is taken back of what was sold"

    in_store(tmp_path / "store", scene)
