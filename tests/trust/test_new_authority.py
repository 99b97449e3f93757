"""Somebody may have the store's authority: the way in docs/trust.md, done by hand with real registers and HQ."""

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from tests.support.several import SeveralRig
from tests.support.store import STORE, StoreRig

from tillkeeper.cli import exits
from tillkeeper.contract.roster import Admitted, Signed
from tillkeeper.trust.admitting import signed
from tillkeeper.trust.keys import KeyPair

OLD = 20
"""Statements of the old authority that HQ has: more than it looks at in one message that is forged."""


def seed(number: int) -> KeyPair:
    return KeyPair(bytes((number,)) * 32)


async def cli(*arguments: str, given: str = "") -> Any:
    command = [sys.executable, "-m", "tillkeeper", "store", *arguments, "--json"]
    done = await asyncio.to_thread(subprocess.run, command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == exits.OK, done.stderr
    return json.loads(done.stdout)


async def told_to_hq(store: SeveralRig, *statements: Signed) -> Any:
    body = msgspec.json.encode({"store": STORE, "statements": statements})
    headers = {"authorization": f"Bearer {store.tokens['front']}", "content-type": "application/json"}
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{store.hq.base_url}/v1/roster", content=body, headers=headers)
    assert answer.is_success, answer.text
    return answer.json()


def old_statements(authority: KeyPair) -> list[Signed]:
    return [signed(authority, Admitted(store=STORE, register=f"old-{n}", key=seed(n).key)) for n in range(1, OLD + 1)]


async def without_keys(rig: StoreRig) -> None:
    assert await rig.stop_agent() == 0
    shutil.rmtree(rig.data / "trust")


@pytest.mark.timeout(300)
def test_a_new_store_of_the_same_registers_shuts_out_who_has_the_old_key(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side") as store:
            front, side = store["front"], store["side"]
            await front.order("cola")
            await side.order("cola")
            await store.wait_sinks("front", HQ=0, side=0)
            await store.wait_sinks("side", HQ=0, front=0)
            assert (await told_to_hq(store, *old_statements(store.authority)))["added"] == OLD

            for rig in (front, side):
                await without_keys(rig)
            made = await cli("create", "--config", str(front.config_file))
            store.believed = made["authority"]
            await store.kill_hq()
            await store.start_hq()
            await front.start_agent()
            code = (await cli("code", "side", "--socket", str(front.socket)))["code"]
            await cli("join", "--config", str(side.config_file), given=code)
            await side.start_agent()

            await front.order("cola")
            await side.order("cola")
            await store.wait_sinks("front", HQ=0, side=0)
            await store.wait_sinks("side", HQ=0, front=0)
            assert await store.hq_sales() == 4

            thief = seed(99)
            admission = signed(store.authority, Admitted(store=STORE, register="side", key=thief.key, term=9, may_admit=True))
            assert (await told_to_hq(store, admission))["refused"] == 1
            known = await cli("status", "--socket", str(front.socket))
            assert {one["register"] for one in known["members"]} == {"front", "side"}
            assert thief.key not in {one["key"] for one in known["members"]}

            async def agrees() -> bool:
                return bool((await told_to_hq(store))["digest"] == known["digest"])

            await front.wait_for("HQ knows the members, whatever it knew of before", agrees)

    asyncio.run(scene())
