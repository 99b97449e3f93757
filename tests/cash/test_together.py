"""Counts and sales at the same time: all money of a session stands before its count in the journal, and the count tells it."""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest
import websockets
from msgspec.structs import replace
from tests.cash.test_drawers import events
from tests.cash.world import DRAWER, Till, at_till
from tests.till.world import config_in

from tillkeeper.config.model import Config
from tillkeeper.contract.cash import DrawerCounted
from tillkeeper.contract.events import TenderRecorded

ROUNDS, SALES = 6, 25


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return config_in(tmp_path)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_count_among_sales_knows_every_cent_of_its_session(config: Config, seed: int) -> None:
    """Sales, counts and new sessions race; then each count's answer is compared with the journal, told by hand."""
    chance = random.Random(seed)
    told: dict[str, Any] = {}

    async def scene(till: Till) -> None:
        for _ in range(ROUNDS):
            session = await till.open(1_000)

            async def sell() -> None:
                await asyncio.sleep(chance.random() * 0.1)
                await till.cash(1_000)

            async def count(session: str = session) -> None:
                await asyncio.sleep(0.02 + chance.random() * 0.06)
                told[session] = (await till.count(USD=0))["report"]["session"]["expected_minor"]["USD"]

            await asyncio.gather(count(), *(sell() for _ in range(SALES)))

    at_till(config, scene)
    counted: set[str] = set()
    expected = dict.fromkeys(told, 1_000)
    outside = 0
    for event in events(config):
        if isinstance(event, DrawerCounted):
            counted.add(event.session_id)
        elif isinstance(event, TenderRecorded) and event.drawer_session:
            assert event.drawer_session not in counted, "money after the count of its session"
            expected[event.drawer_session] += event.tendered_minor - event.change_minor
        elif isinstance(event, TenderRecorded):
            outside += 1
    assert told == expected
    assert 0 < outside < ROUNDS * SALES, "the race was none: nothing sold on one side of the counts"


def test_counts_and_openings_at_the_same_time_are_one_each(config: Config) -> None:
    async def scene(till: Till) -> None:
        for _ in range(3):
            for path, body in (("open", {"float_minor": 1}), ("count", {"counted": {"USD": 1}}), ("close", {})):
                asked = [
                    till.register.client.post(
                        f"/v1{DRAWER}/{path}", json=body, headers={"idempotency-key": f"{random.random()}"}
                    )
                    for _ in range(8)
                ]
                statuses = sorted(answer.status_code for answer in await asyncio.gather(*asked))
                assert statuses == [200, *[422] * 7], path
        numbers = [one["number"] for one in (await till.get(f"{DRAWER}/sessions"))["sessions"]]
        assert numbers == [3, 2, 1]

    at_till(config, scene)


def test_live_clients_see_the_drawers_and_never_what_is_expected(config: Config) -> None:
    listening = replace(config, api=replace(config.api, listen="127.0.0.1:0"))

    async def scene(till: Till) -> None:
        token = (Path(config.data_dir) / "api-token").read_text("ascii").strip()
        url = till.register.url.replace("http", "ws") + "/v1/live"
        seen: list[Any] = []

        async def watch(live: websockets.ClientConnection) -> None:
            """Until the counted session is closed; a repeat of what was told is no news."""
            async for frame in live:
                message = json.loads(frame)
                if "drawers" in message and message["drawers"]["drawers"][:1] != seen[-1:]:
                    seen.append(message["drawers"]["drawers"][0])
                    if len(seen) > 1 and seen[-2]["waiting"] and not seen[-1]["waiting"]:
                        return

        headers = {"authorization": f"Bearer {token}"}
        async with asyncio.timeout(20), websockets.connect(url, additional_headers=headers, proxy=None) as live:
            watching = asyncio.create_task(watch(live))
            await till.open(1_000)
            await till.cash()
            await till.count(USD=1)
            await till.close()
            await watching
        states = [(one["session"] or {}).get("state") or [w["state"] for w in one["waiting"]] for one in seen]
        assert states == [[], "open", ["counted"], []]
        sessions = [one["session"] or one["waiting"][0] for one in seen[1:3]]
        assert {(one["expected_minor"], one["over_short_minor"]) for one in sessions} == {(None, None)}

    at_till(listening, scene)
