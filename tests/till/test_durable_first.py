"""I1: what is not synced has not happened, for whoever rang it and for every device."""

import asyncio
from pathlib import Path
from typing import Any

from tests.journal import shim
from tests.till.world import BURGERS, COLA, Register, config_in, running

OPEN = {"order_type": "takeout", "lines": [BURGERS]}
PAID = {"order_type": "takeout", "lines": [COLA], "tenders": [{"tender": "cash"}]}
NO_SALE = {"drawer": "drawer", "reason": "change for a guest"}
RUNG = (("/checks", OPEN), ("/orders", PAID), ("/no-sales", NO_SALE))
KEY = {"Idempotency-Key": "once the disk is well"}
WELL_S = 30.0
TURNS = 30
"""Other requests are answered meanwhile: what would go ahead of the sync has had its turn."""


def given(answer: Any) -> set[str]:
    """The documents that an answer names."""
    return {job["job_id"] for job in answer.get("jobs", ())}


async def happened(till: Register) -> tuple[set[str], set[str], int]:
    """Checks and documents, whatever became of them; and how many the devices have before them."""
    checks, jobs = (await till.get("/checks"))["checks"], (await till.get("/jobs?state=all"))["jobs"]
    queued = sum(one.get("queued", 0) for one in (await till.get("/devices"))["devices"])
    return {check["check_id"] for check in checks}, {job["job_id"] for job in jobs}, queued


def test_nothing_is_answered_or_given_to_a_device_before_the_sync(tmp_path: Path) -> None:
    async def scenario() -> None:
        with shim.everywhere() as disk:
            async with running(config_in(tmp_path)) as till:
                disk.may_sync.clear()
                disk.sync_began.clear()
                asked = [asyncio.create_task(till.post(*one)) for one in RUNG]
                try:
                    assert await asyncio.to_thread(disk.sync_began.wait, 10)
                    for _turn in range(TURNS):
                        assert await happened(till) == (set(), set(), 0)
                    assert not any(one.done() for one in asked)
                finally:
                    disk.may_sync.set()
                answers = await asyncio.gather(*asked)
                checks, jobs, _queued = await happened(till)
                assert checks == {answer["check_id"] for answer in answers[:2]}
                assert jobs == set().union(*map(given, answers))

    asyncio.run(scenario())


def test_of_what_a_failed_sync_refused_nothing_comes_out_once_the_disk_is_well(tmp_path: Path) -> None:
    async def scenario() -> None:
        with shim.everywhere() as disk:
            async with running(config_in(tmp_path)) as till:
                disk.fail_syncs = True
                for path, body in RUNG:
                    await till.post(path, body, status=507)
                assert await happened(till) == (set(), set(), 0)
                disk.fail_syncs = False
                async with asyncio.timeout(WELL_S):
                    said = await till.client.post("/v1/no-sales", json=NO_SALE, headers=KEY)
                    while said.status_code == 507:
                        await asyncio.to_thread(disk.sync_began.wait, 0.1)
                        said = await till.client.post("/v1/no-sales", json=NO_SALE, headers=KEY)
                for _turn in range(TURNS):
                    assert (await happened(till))[:2] == (set(), given(said.json()))

    asyncio.run(scenario())
