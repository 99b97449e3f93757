"""Practice is no business: not in the status, and without a number even from an HQ that gives one."""

import asyncio
from pathlib import Path

from tests.till.test_lying_hq import hq, number_of
from tests.till.world import COLA, config_in, running

CHECK = {"order_type": "dine_in", "lines": [COLA]}


def test_open_practice_is_no_open_check(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running(config_in(tmp_path)) as till:
            await till.post("/checks", CHECK)
            await till.post("/checks", CHECK | {"training": True})
            assert (await till.get("/status"))["checks_open"] == 1
            assert (await till.get("/books"))["checks_open"] == 1

    asyncio.run(scenario())


def test_a_number_for_practice_is_passed_over(tmp_path: Path) -> None:
    given: list[str] = []

    def numbers(opened: list[str]) -> list[tuple[str, int]]:
        given.extend(opened)
        return [(check_id, len(given) - len(opened) + at + 1) for at, check_id in enumerate(opened)]

    async def scenario() -> None:
        async with hq(config_in(tmp_path), tmp_path, numbers) as config, running(config) as till:
            practice = (await till.post("/checks", CHECK | {"training": True}))["check_id"]
            real = (await till.post("/checks", CHECK))["check_id"]
            async with asyncio.timeout(20):
                while await number_of(till, real) is None:  # noqa: ASYNC110 - another party's doing, seen over the socket
                    await asyncio.sleep(0.02)
            assert set(given) == {practice, real}
            assert await number_of(till, practice) is None

    asyncio.run(scenario())
