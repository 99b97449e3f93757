"""What is owed by a register for a check that another register has by now."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig
from tests.support.store import StoreRig

from tillkeeper_drivers.simulator.gateway import VirtualGateway


def in_store(folder: Path, scene: Callable[[SeveralRig, VirtualGateway], Awaitable[None]]) -> None:
    async def run() -> None:
        async with VirtualGateway() as gateway:
            changes = {
                "gateways": {"bank": {"url": gateway.url, "timeout_s": 5.0}},
                "tenders": {"visa": {"kind": "card", "title": "Card", "gateway": "bank"}},
            }
            async with SeveralRig(folder, "front", "side", changes=changes, hq=False) as store:
                for near, far in (("front", "side"), ("side", "front")):
                    await store[near].ok("POST", "/v1/mode/offsite", {"on": True})  # the call alone decides about a card
                    await store.wait_sinks(near, **{far: 0})
                await scene(store, gateway)

    asyncio.run(run())


async def opened(at: StoreRig) -> Any:
    return await at.ok("POST", "/v1/checks", {"order_type": "takeout", "lines": [{"item_id": "cola"}]})


async def known(at: StoreRig, check: str) -> None:
    async def there() -> Any:
        return (await at.till.get(f"/v1/checks/{check}")).status_code == 200

    await at.wait_for("the other register knows the check", there)


def test_what_is_owed_is_taken_back_although_its_check_went_to_another_register(tmp_path: Path) -> None:
    in_store(tmp_path, handed_over)


async def handed_over(store: SeveralRig, gateway: VirtualGateway) -> None:
    front, side = store["front"], store["side"]
    made = await opened(front)
    check = made["check_id"]
    gateway.order("lost_after", *["error_before"] * 500)
    lost = await front.post(f"/v1/checks/{check}/tenders", {"tender": "visa"})
    assert lost.json()["type"].endswith("authorisation_unknown"), lost.text
    await front.ok("POST", f"/v1/checks/{check}/authorisation/abandon")
    assert gateway.kept_minor > 0
    await known(side, check)
    await side.ok("POST", f"/v1/checks/{check}/take")
    assert len((await front.get("/v1/authorisations"))["reversals_owed"]) == 1, "listed until it is final"
    gateway.forget_orders()

    async def final() -> Any:
        return not (await front.get("/v1/authorisations"))["reversals_owed"]

    await front.wait_for("the reversal is final", final)
    assert gateway.kept_minor == 0
    assert (await side.ok("POST", f"/v1/checks/{check}/tenders", {"tender": "visa"}))["state"] == "closed"
    assert gateway.kept_minor == made["totals"]["due_minor"]


def test_a_frozen_check_that_another_register_took_over_is_finished_there_and_delays_no_other(tmp_path: Path) -> None:
    in_store(tmp_path, forked)


async def forked(store: SeveralRig, gateway: VirtualGateway) -> None:
    front, side = store["front"], store["side"]
    first = await opened(front)
    check = first["check_id"]
    gateway.order("lost_after", *["error_before"] * 500)
    await front.post(f"/v1/checks/{check}/tenders", {"tender": "visa"})
    await known(side, check)

    async def frozen_there() -> Any:
        return (await side.get(f"/v1/checks/{check}"))["frozen"]

    await side.wait_for("the other register knows what it waits for", frozen_there)
    await store.cut("front", "side")

    async def taken() -> Any:
        answer = await side.post(f"/v1/checks/{check}/take", {"although_unreachable": True})
        return answer.is_success

    await side.wait_for("the other register takes it although its owner is silent", taken)
    await store.mend("front", "side")

    async def gone() -> Any:
        return (await front.get(f"/v1/checks/{check}"))["elsewhere"]

    await front.wait_for("its first owner knows that it went", gone)
    second = await opened(front)
    gateway.forget_orders()
    gateway.order("lost_after", on="put")
    await front.post(f"/v1/checks/{second['check_id']}/tenders", {"tender": "visa"})
    for at, one in ((front, second), (side, first)):

        async def closed(at: StoreRig = at, one: Any = one) -> Any:
            return (await at.get(f"/v1/checks/{one['check_id']}"))["state"] == "closed"

        await at.wait_for(f"check {one['ticket_code']} is paid by what was asked", closed, 170.0)  # it asks each minute
    assert gateway.kept_minor == 2 * first["totals"]["due_minor"]
    assert max(entry.bookings for entry in gateway.entries.values()) == 1


def test_a_card_on_a_check_that_may_be_paid_elsewhere_is_not_given_back_for_its_late_answer(tmp_path: Path) -> None:
    """Whoever took the card was told of the doubt and took it all the same: nobody asks a second time."""
    in_store(tmp_path, doubted)


async def doubted(store: SeveralRig, gateway: VirtualGateway) -> None:
    front, side = store["front"], store["side"]
    made = await opened(front)
    check = made["check_id"]
    await known(side, check)
    await store.cut("front", "side")

    async def taken() -> Any:
        return (await side.post(f"/v1/checks/{check}/take", {"although_unreachable": True})).is_success

    await side.wait_for("the other register takes it although its owner is silent", taken)
    card = {"tender": "visa"}
    doubt = await side.post(f"/v1/checks/{check}/tenders", card)
    assert doubt.json()["type"].endswith("may_be_paid"), doubt.text
    assert not gateway.entries, "nothing was asked"
    gateway.order("lost_after", "error_before")
    lost = await side.post(f"/v1/checks/{check}/tenders", card | {"although_unreachable": True})
    assert lost.json()["type"].endswith("authorisation_unknown"), lost.text

    async def ended() -> Any:
        return not (await side.get(f"/v1/checks/{check}"))["frozen"]

    await side.wait_for("what became of it is known", ended)
    paid = await side.get(f"/v1/checks/{check}")
    assert (paid["state"], paid["doubt"]) == ("closed", ["front"])
    assert gateway.kept_minor == made["totals"]["due_minor"]
