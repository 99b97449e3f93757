"""A real register at a real HQ: what it says of itself is what people read on HQ's pages."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from tests.hq.people import Person, password_of
from tests.support.store import REGISTER, STORE, StoreRig

DEADLINE_S = 60.0


def add_owner(folder: Path) -> None:
    command = [sys.executable, "-m", "tillkeeper_hq", "user", "add", "mia", "--role", "owner", "--password-file", "-"]
    environment = {name: value for name, value in os.environ.items() if name != "TILLKEEPER_HQ_DATABASE"}
    subprocess.run(
        [*command, "--data", str(folder)], input=password_of("mia"), text=True, check=True, timeout=60, env=environment
    )


async def until_seen(mia: Person, path: str, *parts: str) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        seen = await asyncio.to_thread(mia.see, path)
        if all(part in seen for part in parts):
            return seen
        assert time.monotonic() < deadline, (parts, seen)
        await asyncio.sleep(0.1)


async def sold(rig: StoreRig) -> dict[str, Any]:
    """The books of the day at HQ, once the sale is there."""
    deadline = time.monotonic() + DEADLINE_S
    while not (days := await rig.hq_books()) or not days[0]["sales"]:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    return days[0]


def test_a_register_says_how_far_it_is_and_how_its_store_writes_money(tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path) as rig:
            add_owner(rig.hq_database_folder)
            with httpx.Client(trust_env=False, timeout=30) as client:
                mia = Person(client.request, str(rig.hq.base_url).rstrip("/"))
                assert (await asyncio.to_thread(mia.sign_in, "mia")).status_code == 303
                await rig.order("caesar-salad")
                await rig.wait_all_settled()
                books = await sold(rig)
                cents = books["gross_minor"]
                amount = f"{cents // 100}.{cents % 100:02} USD"
                await until_seen(mia, f"/store?store={STORE}", f"{books['business_day']} 1 {amount}")
                await until_seen(mia, "/", f"{REGISTER} up to date HQ has everything")
                (log,) = (await rig.hq_get("/v1/registers"))["registers"]
                assert log["claimed_seq"] > 1

    asyncio.run(scene())
