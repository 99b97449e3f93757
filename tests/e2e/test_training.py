"""Practice in a whole store: on paper with its banner, in no drawer, in no book of the register or of HQ."""

from pathlib import Path
from typing import Any

import httpx
from tests.support.store import StoreRig, in_store

BANNER = "TRAINING"
BURGER = {"item_id": "cheeseburger"}


def money(books: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in books.items() if name != "only_here"}


def test_practice_is_on_paper_with_its_banner_and_nowhere_else(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        real = await rig.order("cola", "cheeseburger")
        await rig.wait_all_settled()
        await rig.wait_synced()
        pulses = rig.pulses()
        assert pulses == 1
        books, theirs = money(await rig.own_books()), await rig.hq_books()
        grill, cards = list(rig.slips("grill")), len(rig.cards())
        slips = len(rig.slips("receipt"))

        sold = await rig.order("cola", "cheeseburger", training=True)
        opened = await rig.ok("POST", "/v1/checks", {"order_type": "dine_in", "lines": [BURGER], "training": True})
        path = f"/v1/checks/{opened['check_id']}"
        await rig.ok("POST", f"{path}/send")
        await rig.ok("POST", f"{path}/lines/{opened['line_ids'][0]}/void", {"reason": "dropped"})
        await rig.ok("POST", f"{path}/void", {"reason": "left"})
        await rig.ok("POST", f"/v1/checks/{sold['check_id']}/receipt")
        await rig.ok("POST", f"/v1/checks/{sold['check_id']}/refunds", {"tender": "cash", "reason": "cold"})
        later = await rig.ok("POST", "/v1/checks", {"order_type": "dine_in", "lines": [BURGER], "training": True})
        now_ms = (await rig.get("/v1/status"))["at_ms"]
        await rig.ok("POST", f"/v1/checks/{later['check_id']}/fire", {"fire_at_ms": now_ms + 200})

        async def fired() -> bool:
            check = await rig.get(f"/v1/checks/{later['check_id']}")
            return bool(check["lines"][0]["state"] == "fired")

        await rig.wait_for("the timed fire", fired)
        await rig.wait_all_settled()
        await rig.wait_synced()

        practice = rig.slips("receipt")[slips:]
        # Two kitchen tickets and the receipt of the sale, a ticket and its void, a copy, a refund, the timed ticket.
        assert len(practice) >= 7
        assert [slip for slip in practice if BANNER not in slip.upper()] == []
        assert rig.slips("grill") == grill
        assert len(rig.cards()) == cards
        assert BANNER not in "".join(rig.slips("receipt")[:slips]).upper()
        assert rig.pulses() == pulses
        assert money(await rig.own_books()) == books
        assert await rig.hq_books() == theirs
        await rig.check_books()

        assert (await rig.get(f"/v1/checks/{real['check_id']}"))["number"] == 1
        shown = await rig.get(f"/v1/checks/{sold['check_id']}")
        assert (shown["number"], shown["synced"], shown["training"]) == (None, True, True)
        answer: httpx.Response = await rig.hq.get("/v1/checks/T-001", params={"store": "store-1"})
        assert answer.status_code == 404
        after = await rig.order("cola")
        await rig.wait_synced()

        async def numbered() -> Any:
            return (await rig.get(f"/v1/checks/{after['check_id']}"))["number"]

        assert await rig.wait_for("the next number", numbered) == 2

    in_store(tmp_path, scene)


def test_codes_of_practice_never_come_twice_over_kills(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        seen: list[str] = []
        cars: list[int] = []
        for _ in range(3):
            for _ in range(4):
                answer = await rig.order("cola", training=True, order_type="drive_through", tenders=[])
                seen.append(answer["ticket_code"])
                cars.append((await rig.get(f"/v1/checks/{answer['check_id']}"))["car"])
            await rig.kill_agent()
            await rig.start_agent()
        assert len(set(seen)) == 12
        assert all(code.startswith("T-") for code in seen)
        assert cars == list(range(1, 13))
        assert (await rig.order("cola"))["ticket_code"] == "B-001"

    in_store(tmp_path, scene, hq=False)


def test_what_is_paused_is_said_only_while_hq_is_away(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        assert (await rig.wait_mode("online"))["paused"] == []
        await rig.wait_synced()
        await rig.internet.cut()
        await rig.wait_mode("offline")
        await rig.order("cola")
        status = await rig.get("/v1/status")
        waiting = status["only_here"]
        assert waiting > 1
        words = " / ".join(status["paused"])
        assert "Reports at HQ do not update" in words
        assert "Changes published at HQ are not applied" in words
        assert f"{waiting} events wait" in words
        await rig.internet.restore()
        assert (await rig.wait_mode("online"))["paused"] == []

    in_store(tmp_path, scene)
