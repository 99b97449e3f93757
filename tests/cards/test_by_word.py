"""A payment of a check that was taken over, given up by somebody's word while the register that asked for it has it booked."""

from pathlib import Path
from typing import Any

from tests.cards.test_checks_elsewhere import in_store, known, opened
from tests.support.several import SeveralRig

from tillkeeper_drivers.simulator.gateway import VirtualGateway


def test_what_is_given_up_by_word_and_was_recorded_is_given_back_and_told(tmp_path: Path) -> None:
    in_store(tmp_path, by_word)


async def by_word(store: SeveralRig, gateway: VirtualGateway) -> None:
    front, side = store["front"], store["side"]
    made = await opened(front)
    check, due = made["check_id"], made["totals"]["due_minor"]
    gateway.order("lost_after", *["error_before"] * 500)
    await front.post(f"/v1/checks/{check}/tenders", {"tender": "visa"})
    await known(side, check)

    async def frozen_there() -> Any:
        return (await side.get(f"/v1/checks/{check}"))["frozen"]

    await side.wait_for("the other register knows what it waits for", frozen_there)
    await store.cut("front", "side")

    async def taken() -> Any:
        return (await side.post(f"/v1/checks/{check}/take", {"although_unreachable": True})).is_success

    await side.wait_for("the other register takes it although its owner is silent", taken)
    at = f"/v1/checks/{check}/authorisation"
    for way in ("query", "abandon"):
        refused = await side.post(f"{at}/{way}", {})
        assert refused.json()["type"].endswith("asked_elsewhere"), refused.text
        assert refused.json()["register"] == "front"
    assert not (await side.get("/v1/authorisations"))["frozen"], "it is not the other register's to settle"

    gateway.forget_orders()
    await front.post(f"{at}/query", {})  # or it asked by itself meanwhile

    async def recorded_there() -> Any:
        return (await front.get(f"/v1/checks/{check}"))["state"] == "closed"

    await front.wait_for("its first owner, which does not know better, records it", recorded_there)
    assert gateway.kept_minor == due

    await side.ok("POST", f"{at}/abandon", {"although_unreachable": True})

    async def reversed_there() -> Any:
        return not (await side.get("/v1/authorisations"))["reversals_owed"]

    await side.wait_for("it is taken back", reversed_there)
    assert gateway.kept_minor == 0
    paid = {"tender": "cash", "although_unreachable": True}
    assert (await side.ok("POST", f"/v1/checks/{check}/tenders", paid))["state"] == "closed"
    await store.mend("front", "side")

    async def told() -> Any:
        view = await side.get(f"/v1/checks/{check}")
        return [one["code"] for one in view["conflicts"] if one["code"] == "taken_back"]

    await side.wait_for("the merge tells of it", told)
    view = await side.get(f"/v1/checks/{check}")
    assert (view["state"], view["overpaid_minor"]) == ("closed", 0), "the guest has paid once, in cash"
    assert {one["tender"]: one["amount_minor"] for one in view["payments"] if not one["returned"]} == {"cash": due}

    async def let_go() -> Any:
        view = await front.get("/v1/authorisations")
        return not view["frozen"] and not view["reversals_owed"]

    await front.wait_for("its first owner has nothing in hand any more", let_go)
