"""86 under SIGKILL: what is rung and what is left make the whole, whatever the moment."""

import asyncio
import random
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.store import StoreRig, in_store

LEFT = 60


async def remaining(rig: StoreRig) -> int:
    entries = (await rig.get("/v1/availability"))["entries"]
    return int(next(entry["remaining"] for entry in entries if entry["subject_id"] == "cola"))


async def rung(rig: StoreRig) -> int:
    rows = (await rig.get("/v1/checks?limit=500"))["checks"]
    checks = [await rig.get(f"/v1/checks/{row['check_id']}") for row in rows if row["state"] != "voided"]
    return sum(line["quantity"] for check in checks for line in check["lines"] if line["item_id"] == "cola")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_countdown_is_exact_after_kills(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)

    async def scene(rig: StoreRig) -> None:
        body = {"kind": "item", "subject_id": "cola", "state": "counting", "remaining": LEFT, "by": "cook"}
        await rig.ok("POST", "/v1/availability", body)
        answered: dict[str, Any] = {}

        async def order(key: str, quantity: int) -> None:
            lines = [{"item_id": "cola", "quantity": quantity}]
            try:
                answer = await rig.post("/v1/orders", {"order_type": "takeout", "lines": lines}, key=key)
            except httpx.HTTPError:
                return
            answered[key] = answer

        for number in range(3):
            wanted = {f"{number}-{n}": chance.randint(1, 2) for n in range(25)}
            tasks = [asyncio.create_task(order(key, quantity)) for key, quantity in wanted.items()]
            target = len(answered) + chance.randint(1, 12)
            while len(answered) < target:
                await asyncio.wait([task for task in tasks if not task.done()], return_when=asyncio.FIRST_COMPLETED)
            await rig.kill_agent()
            await asyncio.gather(*tasks)
            await rig.start_agent()
            assert await rung(rig) + await remaining(rig) == LEFT
            open_checks = (await rig.get("/v1/checks?state=open&limit=500"))["checks"]
            await rig.ok("POST", f"/v1/checks/{chance.choice(open_checks)['check_id']}/void", {"reason": "left"})
            for key, quantity in wanted.items():  # the pages send again what got no answer
                if key not in answered:
                    await order(key, quantity)
            assert await rung(rig) + await remaining(rig) == LEFT
        assert {answer.status_code for answer in answered.values()} <= {200, 422}
        rig.verify_chain()

    in_store(tmp_path, scene, hq=False)


def test_the_last_one_is_sold_once_over_a_kill(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        body = {"kind": "item", "subject_id": "cola", "state": "counting", "remaining": 1}
        await rig.ok("POST", "/v1/availability", body)
        order = {"order_type": "takeout", "lines": [{"item_id": "cola"}]}
        first = [asyncio.create_task(rig.post("/v1/orders", order, key=f"page-{n}")) for n in range(50)]
        await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
        await rig.kill_agent()
        await asyncio.gather(*first, return_exceptions=True)
        await rig.start_agent()
        again = [await rig.post("/v1/orders", order, key=f"page-{n}") for n in range(50)]
        assert sorted(answer.status_code for answer in again) == [200, *[422] * 49]
        assert await rung(rig) == 1
        assert await remaining(rig) == 0

    in_store(tmp_path, scene, hq=False)
