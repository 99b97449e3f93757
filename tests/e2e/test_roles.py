"""Real registers: the primary dies, is stopped, is cut off, comes back; roles are assigned, confirmed, looked at."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.several import SeveralRig

THREE, TWO = ("front", "side", "back"), ("front", "side")
ROLES = {"roles": {"primary": "front", "backup": "side"}}
ACTS_S = 30.0
"""A machine with a load of twenty is slow; how long it takes on a calm one is measured in the bench."""


def in_store(
    folder: Path,
    scene: Callable[[SeveralRig], Awaitable[None]],
    *names: str,
    changes: dict[str, Any] | None = None,
    hq: bool = True,
) -> None:
    async def run() -> None:
        async with SeveralRig(folder, *(names or THREE), changes=ROLES if changes is None else changes, hq=hq) as store:
            await scene(store)

    asyncio.run(run())


async def roles(store: SeveralRig, name: str) -> Any:
    return (await store[name].get("/v1/roles"))["now"]


async def holding(store: SeveralRig, name: str) -> Any:
    """Its roles, once it may do what only the primary may."""

    async def look() -> Any:
        found = await roles(store, name)
        return found if found["holds"] else None

    return await store[name].wait_for(f"{name} holds", look, ACTS_S)


async def has(store: SeveralRig, name: str, **wanted: str) -> Any:
    async def look() -> Any:
        found = await roles(store, name)
        return found if {key: found[key] for key in wanted} == wanted else None

    return await store[name].wait_for(f"{name}: {wanted}", look, ACTS_S)


async def told(name: str, store: SeveralRig, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`tillkeeper ARGUMENTS` at a register, beside the lines, which are this process's."""
    command = [sys.executable, "-m", "tillkeeper", *arguments, "--socket", str(store[name].socket)]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)


async def events_of(store: SeveralRig, register: str, kind: str) -> list[Any]:
    """What HQ holds of one register's log."""
    logs = (await store.hq_get("/v1/registers"))["registers"]
    found = []
    for log in logs:
        if log["register"] == register:
            page = await store.hq_get("/v1/events", register=register, incarnation=log["incarnation"], limit="500")
            found += [json.loads(event["body"]) for event in page["events"] if event["type"] == kind]
    return found


def test_the_backup_steps_in_and_the_primary_returns_as_its_backup(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        first = await holding(store, "front")
        assert first["words"] == "Primary"
        await has(store, "side", words="Backup")
        for internet in store.internets.values():
            await internet.cut()
        await store["front"].order("cola")
        await store["front"].kill_agent()
        await store["side"].order("cola")
        promoted = await holding(store, "side")
        assert (promoted["primary"], promoted["backup"], promoted["absent"]) == ("side", "", "front")
        assert promoted["epoch"] == {"counter": 1, "register": "side"}
        await has(store, "back", primary="side")
        await store["front"].start_agent()
        await has(store, "front", role="backup", phase="guarding")
        await holding(store, "side")
        await store["front"].order("cola")
        for internet in store.internets.values():
            await internet.mend()
        for name in THREE:
            await store.wait_sinks(name, HQ=0)
        assert await store.hq_sales() == 3
        assert [event["cause"] for event in await events_of(store, "side", "roles_assigned")] == ["promoted", "returned"]

    in_store(tmp_path, scene)


def test_hq_is_witness_although_its_token_has_gone_since_the_start(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await holding(store, "front")
        await has(store, "side", role="backup", phase="guarding")
        (tmp_path / "hq-token-side").unlink()
        await store["front"].kill_agent()
        assert (await holding(store, "side"))["primary"] == "side"

    in_store(tmp_path, scene, *TWO)


def test_a_stopped_primary_does_not_act_when_it_wakes(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await holding(store, "front")
        pid = store["front"].agent.pid
        os.kill(pid, signal.SIGSTOP)
        try:
            await holding(store, "side")
        finally:
            os.kill(pid, signal.SIGCONT)
        for _ in range(20):
            assert not (await roles(store, "front"))["holds"]
        await has(store, "front", role="backup")
        assert not (await roles(store, "front"))["holds"]

    in_store(tmp_path, scene, hq=False)


def test_a_primary_that_was_cut_off_follows_when_the_lines_are_mended(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await holding(store, "front")
        await store.cut("front", "side")
        await store.cut("front", "back")
        await holding(store, "side")
        cut_off = await has(store, "front", phase="waiting")
        assert not cut_off["holds"]

        async def said() -> bool:
            return "confirms that it is away" in str((await roles(store, "front"))["alarms"])

        await store["front"].wait_for("a manager is asked", said, ACTS_S)
        await store["front"].order("cola")  # it sells as ever
        await store.mend("front", "side")
        await store.mend("front", "back")
        await has(store, "front", role="backup", primary="side")
        assert (await roles(store, "front"))["epoch"]["register"] == "side"

    in_store(tmp_path, scene, hq=False)


def test_a_store_of_two_waits_for_its_manager(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await holding(store, "front")
        await has(store, "side", phase="guarding")  # it has heard of front
        refused = await told("side", store, "roles", "confirm-away", "front", "--by", "Mia")
        assert refused.returncode == 1
        assert "heard" in refused.stderr
        await store["front"].kill_agent()
        await has(store, "side", phase="watching")

        async def asked() -> Any:
            found = await store["side"].get("/v1/roles")
            return found if found["confirm"] == ["front"] and "nobody to witness" in str(found["now"]["alarms"]) else None

        await store["side"].wait_for("a manager is asked", asked, ACTS_S)
        codes = {one["code"] for one in (await store["side"].get("/v1/status"))["advisories"]}
        assert "roles" in codes
        done = await told("side", store, "roles", "confirm-away", "front", "--by", "Mia")
        assert done.returncode == 0, done.stderr
        assert "Mia" in done.stdout
        assert (await holding(store, "side"))["primary"] == "side"
        await store["front"].start_agent()
        await has(store, "front", role="backup")

    in_store(tmp_path, scene, *TWO, hq=False)


def test_hq_is_witness_enough_for_a_store_of_two(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await holding(store, "front")
        await store.wait_sinks("front", HQ=0, side=0)
        await store["front"].kill_agent()
        await holding(store, "side")
        assert (await store["side"].get("/v1/roles"))["witness"] == "HQ"

    in_store(tmp_path, scene, *TWO)


def test_a_role_is_assigned_to_another_register_over_the_command_line(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await holding(store, "front")
        await store["front"].order("cola")
        for name, words in (("nowhere", "no register of this name"), ("front", "can not be both")):
            refused = await told("back", store, "roles", "assign", "--primary", "front", "--backup", name)
            assert refused.returncode == 1
            assert words in refused.stderr
        moved = await told("back", store, "roles", "assign", "--primary", "back", "--backup", "front", "--by", "Mia")
        assert moved.returncode == 0, moved.stderr
        assert "back" in moved.stdout
        taken = await holding(store, "back")
        assert (taken["backup"], taken["epoch"]) == ("front", {"counter": 1, "register": "back"})
        await has(store, "front", role="backup", phase="guarding")
        await has(store, "side", role="none")
        await store["front"].kill_agent()
        await store["side"].kill_agent()
        silent = await told("back", store, "roles", "assign", "--primary", "back", "--backup", "side")
        assert silent.returncode == 1  # who gets a role has to be there
        await store["side"].start_agent()
        await has(store, "back", phase="alone", absent="front")  # side has agreed

    in_store(tmp_path, scene, hq=False)


def test_a_store_without_a_backup_is_not_ready_for_an_upgrade(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await has(store, "front", phase="alone")
        found = await told("side", store, "preflight")
        assert found.returncode == 1
        assert "no backup" in found.stdout
        await told("front", store, "roles", "assign", "--primary", "front", "--backup", "side")
        await holding(store, "front")
        await store.wait_sinks("side", front=0)

        async def ready() -> bool:
            return (await told("side", store, "preflight")).returncode == 0

        await store["side"].wait_for("ready for an upgrade", ready, ACTS_S)

    in_store(tmp_path, scene, *TWO, changes={}, hq=False)


def test_what_was_assigned_survives_a_restart_of_the_whole_store(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await holding(store, "front")
        await told("side", store, "roles", "assign", "--primary", "side", "--backup", "front", "--by", "Mia")
        await holding(store, "side")
        for name in TWO:
            await store[name].kill_agent()
        for name in TWO:
            await store[name].start_agent()
        again = await holding(store, "side")
        assert again["epoch"] == {"counter": 1, "register": "side"}
        await has(store, "front", role="backup")

    in_store(tmp_path, scene, *TWO, hq=False)
