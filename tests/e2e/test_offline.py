"""The internet is gone: what is refused and why, what goes on, and that it all arrives once."""

from pathlib import Path

from tests.killloop import journal
from tests.support.store import StoreRig, in_store

from tillkeeper.cli import orders

DAY = Path(__file__).resolve().parents[2] / "hw-fixtures" / "store" / "day.jsonl"
HALF_AN_HOUR_S = 1800.0


def busiest_half_hour() -> list[orders.PlannedOrder]:
    """The orders of the thirty minutes of the day in which most came."""
    day = orders.read(DAY)
    return max(
        ([order for order in day if 0 <= order.at_s - first.at_s < HALF_AN_HOUR_S] for first in day), key=len
    )  # fmt: skip


def test_a_card_is_refused_with_the_reason_and_what_is_allowed(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        await rig.internet.cut()
        await rig.wait_mode("offline")
        body = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "card"}]}
        for tender in ("card", "gift"):
            refused = await rig.post("/v1/orders", {**body, "tenders": [{"tender": tender}]}, key=f"by-{tender}")
            problem = refused.json()
            assert (refused.status_code, problem["type"].rpartition(":")[2]) == (422, "tender_needs_uplink")
            assert set(problem["allowed"]) == {"cash", "euro", "voucher", "house"}
            assert problem["cause"]
        assert (await rig.own_books())["checks_opened"] == 0
        assert rig.pulses() == 0
        offers = {offer["tender"]: offer for offer in (await rig.get("/v1/catalogue"))["tenders"]}
        assert not offers["card"]["available"]
        assert offers["card"]["unavailable_words"]
        assert (await rig.order("cola", tenders=[{"tender": "voucher"}], key="by-voucher"))["state"] == "closed"

    in_store(tmp_path, scene)


def test_the_orders_of_half_an_hour_without_internet_reach_hq_once(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        before = await rig.order("cola")
        await rig.wait_synced()
        await rig.internet.cut()
        await rig.wait_mode("offline")
        planned = busiest_half_hour()
        assert len(planned) >= 30
        answers = [await rig.ok("POST", "/v1/orders", order.body(), key=order.order) for order in planned]
        await rig.wait_all_settled()
        await rig.kill_agent()
        await rig.start_agent()
        status = await rig.wait_mode("offline")
        assert status["dot"]["colour"] == "red"
        assert status["only_here"] >= len(planned)
        listed = (await rig.get("/v1/checks?limit=500"))["checks"]
        marks = {check["check_id"]: check["synced"] for check in listed}
        assert marks == {before["check_id"]: True} | {answer["check_id"]: False for answer in answers}
        assert all(check["number"] is None for check in listed if not check["synced"])

        await rig.internet.restore()
        await rig.wait_synced()
        sums = await rig.check_books()
        assert sums["sales"] == len(planned) + 1
        assert sums["gross_minor"] == sum(answer["totals"]["gross_minor"] for answer in (before, *answers))
        records = [await rig.hq_get(f"/v1/checks/{answer['check_id']}") for answer in answers]
        assert len({record["number"] for record in records}) == len(records)
        for answer, record in zip(answers, records, strict=True):
            by_number = await rig.get(f"/v1/checks/{record['number']}")
            assert by_number["check_id"] == answer["check_id"]
        assert await rig.stop_agent() == 0
        (log,) = (await rig.hq_get("/v1/registers"))["registers"]
        assert (log["held_seq"], log["rejected"]) == (len(journal.read(rig.data / "journal.db").envelopes), 0)

    in_store(tmp_path, scene, changes={"registers": {"front": {"drawer": None}}})
