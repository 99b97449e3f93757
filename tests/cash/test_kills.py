"""A store of real processes, killed at the wrong moment: sessions survive, and Z numbers have neither gaps nor doubles."""

import asyncio
import contextlib
import random
import sqlite3
from pathlib import Path
from typing import Any

import httpx
from tests.cash.world import DRAWER
from tests.support.store import StoreRig, in_store

from tillkeeper.contract.cash import DrawerCounted, DrawerSessionClosed, DrawerSessionOpened
from tillkeeper.contract.events import decode_body
from tillkeeper.journal.files import JOURNAL_FILE

PATH = f"/v1{DRAWER}"
KILLS = 10


def stored(rig: StoreRig) -> list[Any]:
    with contextlib.closing(sqlite3.connect(f"file:{rig.data / JOURNAL_FILE}?mode=ro", uri=True)) as journal:
        rows = journal.execute("SELECT type, body FROM events ORDER BY id").fetchall()
    return [decode_body(name, body.encode() if isinstance(body, str) else body) for name, body in rows]


def test_a_counted_session_survives_a_kill_and_can_be_closed(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        opened = await rig.ok("POST", f"{PATH}/open", {"float_minor": 10_000})
        due = (await rig.order("cola"))["totals"]["gross_minor"]
        await rig.kill_agent()
        await rig.start_agent()
        due += (await rig.order("cola"))["totals"]["gross_minor"]
        key = "the-count"
        counted = await rig.ok("POST", f"{PATH}/count", {"counted": {"USD": 10_000 + due + 1}}, key=key)
        assert counted["report"]["session"]["over_short_minor"] == {"USD": 1}
        await rig.kill_agent()
        await rig.start_agent()
        waiting = (await rig.get("/v1/drawers"))["drawers"][0]["waiting"]
        assert [one["session_id"] for one in waiting] == [opened["entity_id"]]
        assert await rig.ok("POST", f"{PATH}/count", {"counted": {"USD": 10_000 + due + 1}}, key=key) | {"report": 0} == (
            counted | {"report": 0}
        )
        await rig.order("cola")
        closed = await rig.ok("POST", f"{PATH}/close")
        assert closed["report"]["session"]["over_short_minor"] == {"USD": 1}
        assert (await rig.wait_settled(closed["jobs"][0]["job_id"]))["state"] == "confirmed"
        (paper,) = [slip for slip in rig.slips("receipt") if "Z REPORT" in slip]
        assert "COPY" not in paper
        again = await rig.ok("POST", f"{PATH}/report", {"session_id": opened["entity_id"]})
        assert (await rig.wait_settled(again["jobs"][0]["job_id"]))["state"] == "confirmed"
        assert "COPY" in [slip for slip in rig.slips("receipt") if "Z REPORT" in slip][-1]
        await rig.wait_synced()
        await rig.check_books()

    in_store(tmp_path, scene)


def test_z_numbers_have_no_gap_and_no_double_whenever_it_is_killed(tmp_path: Path) -> None:
    chance = random.Random(11)

    async def scene(rig: StoreRig) -> None:
        async def until_answered(path: str, body: dict[str, Any], key: str) -> Any:
            """As a page does: with the same key, until there is an answer."""
            while True:
                with contextlib.suppress(httpx.TransportError):
                    return await rig.ok("POST", path, body, key=key)
                await alive.wait()

        alive = asyncio.Event()
        alive.set()

        async def kill(after_s: float) -> None:
            await asyncio.sleep(after_s)
            alive.clear()
            await rig.kill_agent()
            await rig.start_agent()
            alive.set()

        told: list[int] = []
        for number in range(KILLS):
            steps = [("open", {"float_minor": number}), ("count", {"counted": {"USD": number}}), ("close", {})]
            killed = asyncio.create_task(kill(chance.random() * 0.04))
            for name, body in steps:
                answer = await until_answered(f"{PATH}/{name}", body, f"{name}-{number}")
            told.append(answer["report"]["session"]["number"])
            await killed
        assert told == list(range(1, KILLS + 1))
        sessions = (await rig.get(f"{PATH}/sessions"))["sessions"]
        assert [one["number"] for one in sessions] == told[::-1]
        found = stored(rig)
        assert [event.number for event in found if isinstance(event, DrawerSessionClosed)] == told
        for kind in (DrawerSessionOpened, DrawerCounted):
            assert sum(isinstance(event, kind) for event in found) == KILLS
        rig.verify_chain()

    in_store(tmp_path, scene, hq=False)
