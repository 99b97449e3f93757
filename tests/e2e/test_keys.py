"""An idempotency key outlives the agent."""

import asyncio
from pathlib import Path

from tests.support.store import StoreRig, in_store

ORDER = {"order_type": "takeout", "lines": [{"item_id": "cola", "quantity": 2}], "tenders": [{"tender": "cash"}]}


def test_the_same_key_after_a_kill_gets_the_same_answer_and_rings_nothing(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        first = await rig.post("/v1/orders", ORDER, key="table-9")
        assert "idempotent-replayed" not in first.headers
        await rig.kill_agent()
        await rig.start_agent()
        again = await rig.post("/v1/orders", ORDER, key="table-9")
        assert again.headers["idempotent-replayed"] == "true"
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        other = await rig.post("/v1/orders", {**ORDER, "order_type": "dine_in"}, key="table-9")
        assert (other.status_code, other.json()["type"]) == (409, "urn:tillkeeper:problem:conflict")
        assert "key" in other.json()["subject"]
        assert (await rig.own_books())["checks_opened"] == 1
        await rig.wait_settled(first.json()["jobs"][-1]["job_id"])

    in_store(tmp_path, scene, hq=False)


def test_many_at_once_with_one_key_ring_once(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        answers = await asyncio.gather(*(rig.post("/v1/orders", ORDER, key="impatient") for _ in range(8)))
        assert len({answer.text for answer in answers}) == 1
        assert sum(answer.headers.get("idempotent-replayed") == "true" for answer in answers) == 7
        assert (await rig.own_books())["checks_closed"] == 1

    in_store(tmp_path, scene, hq=False)


def test_a_command_without_a_key_is_refused(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        answer = await rig.till.post("/v1/orders", json=ORDER)
        assert answer.status_code == 400
        assert "Idempotency-Key" in answer.json()["subject"]
        assert (await rig.own_books())["checks_opened"] == 0

    in_store(tmp_path, scene, hq=False)
