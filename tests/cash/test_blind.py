"""Who is told what is expected, and when: over pages with people who signed in."""

from pathlib import Path

import pytest
from tests.cash.world import DRAWER
from tests.people.world import Store, in_store, staffed
from tests.support.staff import ANA, BOSS, COOK, NEW

from tillkeeper.config.model import Config

ORDER = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return staffed(tmp_path)


def test_nobody_who_counts_blind_is_told_before_the_count(config: Config) -> None:
    async def scene(store: Store) -> None:
        ana, boss, nobody = await store.signed_in(ANA), await store.signed_in(BOSS, "side"), store.page()
        await ana.post(f"{DRAWER}/open", {"float_minor": 10_000})
        due = (await ana.post("/orders", ORDER))["totals"]["gross_minor"]
        for page in (ana, nobody):
            blind = await page.get(f"{DRAWER}/report")
            assert blind["figures"] is None
            assert (blind["session"]["expected_minor"], blind["session"]["over_short_minor"]) == (None, None)
            listed = (await page.get("/drawers"))["drawers"][0]["session"]
            assert (listed["expected_minor"], listed["over_short_minor"]) == (None, None)
            await page.get("/books", status=401 if page is nobody else 403)
        await boss.get("/books")
        seen = await boss.get(f"{DRAWER}/report")
        assert seen["session"]["expected_minor"] == {"USD": 10_000 + due}
        assert (await ana.post(f"{DRAWER}/report", status=403))["permission"] == "see_expected"
        session = seen["session"]["session_id"]
        assert (await ana.post(f"{DRAWER}/report", {"session_id": session}, status=403))["permission"]

        counted = (await ana.post(f"{DRAWER}/count", {"counted": {"USD": 10_000}}))["report"]
        assert counted["session"]["over_short_minor"] == {"USD": -due}
        assert (counted["session"]["opened_by"], counted["session"]["counted_by"]) == ("ana", "ana")
        assert (await ana.get(f"{DRAWER}/report"))["figures"]["sales"] == 1

    in_store(config, scene)


def test_once_counted_only_who_may_see_counts_again(config: Config) -> None:
    async def scene(store: Store) -> None:
        ana, boss = await store.signed_in(ANA), await store.signed_in(BOSS, "side")
        session = (await ana.post(f"{DRAWER}/open", {"float_minor": 10_000}))["entity_id"]
        await ana.post(f"{DRAWER}/count", {"counted": {"USD": 9_000}})
        again = {"counted": {"USD": 10_000}, "session_id": session}
        assert (await ana.post(f"{DRAWER}/count", again, status=403))["permission"] == "see_expected"
        recounted = await boss.post(f"{DRAWER}/count", again)
        assert recounted["report"]["session"]["over_short_minor"] == {"USD": 0}

    in_store(config, scene)


def test_permissions_and_approvals(config: Config) -> None:
    async def scene(store: Store) -> None:
        ana, cook, trainee = await store.signed_in(ANA), await store.signed_in(COOK, "side"), store.page("front")
        assert (await cook.post(f"{DRAWER}/open", {"float_minor": 1}, status=403))["permission"] == "open_drawer"
        await ana.post(f"{DRAWER}/open", {"float_minor": 10_000})
        out = {"kind": "paid_out", "amount_minor": 500, "reason": "milk"}
        assert (await ana.post(f"{DRAWER}/movements", out, status=403))["permission"] == "cash_movement"
        approval = await ana.approval(BOSS, "cash_movement")
        await ana.post(f"{DRAWER}/movements", out, approval=approval)
        await ana.post(f"{DRAWER}/count", {"counted": {"USD": 9_500}})
        assert (await ana.post(f"{DRAWER}/close", status=403))["permission"] == "close_drawer"
        approval = await ana.approval(BOSS, "close_drawer")
        closed = await ana.post(f"{DRAWER}/close", approval=approval)
        assert closed["report"]["session"]["over_short_minor"] == {"USD": 0}
        await trainee.sign_in(NEW)
        problem = await trainee.post(f"{DRAWER}/open", {"float_minor": 1}, status=422)
        assert problem["type"].endswith("training_drawer")
        await store.page().post(f"{DRAWER}/open", {"float_minor": 1}, status=401)

    in_store(config, scene)
