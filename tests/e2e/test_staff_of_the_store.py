"""The people of a store as three agents: who is changed at one register is changed at all, also at one that was away, that was
killed meanwhile, or that somebody gives an older list."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.several import SeveralRig
from tests.support.staff import ANA, BEN, BOSS, COOK, FILE, STAFF_CONFIG, Page, Person, page_token
from tests.support.store import STORE

from tillkeeper.people import roster

NAMES = ("front", "side", "back")
SECRET = "a-secret-of-this-store-alone"


def in_store(folder: Path, scene: Callable[[SeveralRig], Awaitable[None]]) -> None:
    """Three registers that have one secret, as joining gives it to them, and nobody on their lists."""
    for name in NAMES:
        (folder / name / "data").mkdir(parents=True, mode=0o700)
        (folder / name / "data" / "store-secret").write_text(SECRET + "\n", "ascii")
        (folder / name / "data" / "store-secret").chmod(0o600)

    async def run() -> None:
        async with SeveralRig(folder, *NAMES, hq=False, changes=STAFF_CONFIG) as store:
            for name in NAMES:
                await store.wait_sinks(name, **{other: 0 for other in NAMES if other != name})
            await scene(store)

    asyncio.run(run())


async def staff(store: SeveralRig, name: str, action: str, person: Person, *more: str, pin: str = "") -> None:
    """`tillkeeper staff` at a register."""
    line = ["-m", "tillkeeper", "staff", action, person.employee, "--config", str(store[name].config_file), *more]
    if action == "add":
        line += [part for role in person.roles for part in ("--role", role)]
    line += ["--pin-stdin"] if pin else []
    pipe = asyncio.subprocess.PIPE
    said = await asyncio.create_subprocess_exec(sys.executable, *line, stdin=pipe, stdout=pipe, stderr=pipe)
    _, trouble = await said.communicate(f"{pin}\n".encode())
    assert said.returncode == 0, trouble.decode()


async def lists(store: SeveralRig, name: str) -> dict[str, str]:
    """The version of the list at each register, as one of them says."""
    status = await store[name].get("/v1/status")
    held = {one["name"]: one["staff"] for one in status["sinks"]} | {name: status["staff"]}
    return {register: one["version"] for register, one in held.items() if one is not None}


async def all_agree(store: SeveralRig, *people: Person, names: tuple[str, ...] = NAMES) -> None:
    """These people are on the list of each of these registers, which say so of each other too."""
    wanted = sorted(person.employee for person in people)
    for name in names:

        async def there(name: str = name) -> bool:
            listed = sorted(one["employee"] for one in (await store[name].get("/v1/staff"))["staff"])
            found = await lists(store, name)
            return listed == wanted and len({found.get(other) for other in names}) == 1

        await store[name].wait_for(f"{name} has {wanted}", there)


def page(store: SeveralRig, name: str, http: httpx.AsyncClient) -> Page:
    return Page(http, page_token(store[name].data))


def client(store: SeveralRig, name: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=store[name].origin, timeout=10, trust_env=False)


async def gets_in(store: SeveralRig, name: str, pin: str) -> bool:
    async with client(store, name) as http:
        return (await page(store, name, http).call("POST", "/sign-in", {"pin": pin})).status_code == 200


def test_who_is_changed_at_one_register_is_changed_at_all_also_where_it_was_away(tmp_path: Path) -> None:
    async def scene(store: SeveralRig) -> None:
        await staff(store, "front", "add", BOSS, pin=BOSS.pin)
        await staff(store, "front", "add", ANA, pin=ANA.pin)
        await all_agree(store, ANA, BOSS)
        old = (store["front"].folder / FILE).read_bytes()
        assert await gets_in(store, "side", BOSS.pin)
        async with client(store, "back") as http:
            anas = page(store, "back", http)
            await anas.sign_in(ANA)

            await store.cut("back", "front")
            await store.cut("back", "side")
            await store.wait_sinks("back", front=None, side=None)
            await staff(store, "front", "remove", ANA)
            await staff(store, "side", "add", BEN, pin=BEN.pin)
            await all_agree(store, BEN, BOSS, names=("front", "side"))
            await staff(store, "back", "set-pin", ANA, pin="240681")  # later, and not knowing that she was taken off
            await staff(store, "back", "add", COOK, pin=COOK.pin)
            apart = await lists(store, "front")
            assert apart["back"] != apart["front"]
            (words,) = [one["words"] for one in (await store["front"].get("/v1/status"))["sinks"] if one["name"] == "back"]
            assert f"another list of staff ({apart['back']}, changed" in words
            await store.mend("back", "front")
            await store.mend("back", "side")

            await all_agree(store, BEN, BOSS, COOK)
            assert (await anas.call("GET", "/session")).status_code == 401, "her session ends where she is still at work"
        assert not await gets_in(store, "back", "240681")
        assert not await gets_in(store, "front", ANA.pin)
        assert await gets_in(store, "back", BEN.pin)

        newest = (store["side"].folder / FILE).read_bytes()
        (store["side"].folder / FILE).write_bytes(old)

        async def mended() -> bool:
            return (store["side"].folder / FILE).read_bytes() == newest

        await store["side"].wait_for("an older file is brought up to date", mended)
        await all_agree(store, BEN, BOSS, COOK)
        await staff(store, "side", "add", ANA, pin="240681")
        await all_agree(store, ANA, BEN, BOSS, COOK)
        assert await gets_in(store, "front", "240681")
        said = b"".join((store[name].folder / "agent.log").read_bytes() for name in NAMES)
        members = roster.decode(newest, STORE, FILE).members
        assert not [one.employee for one in members if one.pin.encode() in said]
        assert SECRET.encode() not in said

    in_store(tmp_path, scene)


@pytest.mark.parametrize("after_s", [0.0, 0.3])
def test_a_register_that_is_killed_while_it_is_told_has_the_whole_list_afterwards(tmp_path: Path, after_s: float) -> None:
    """`after_s`: since the register that was changed has it, so that the other one is about to take it over or to write it."""

    async def scene(store: SeveralRig) -> None:
        await staff(store, "front", "add", BOSS, pin=BOSS.pin)
        await all_agree(store, BOSS)
        await staff(store, "front", "add", ANA, pin=ANA.pin)

        async def known() -> Any:
            return len((await store["front"].get("/v1/staff"))["staff"]) == 2

        await store["front"].wait_for("the first has it", known)
        await asyncio.sleep(after_s)
        await store["side"].kill_agent()
        file = store["side"].folder / FILE
        assert len(roster.decode(file.read_bytes(), STORE, FILE).members) in (1, 2), "whole, whichever it is"
        await store["side"].start_agent()
        await all_agree(store, ANA, BOSS)
        assert await gets_in(store, "side", ANA.pin)

        async def written() -> bool:
            return len(roster.decode(file.read_bytes(), STORE, FILE).members) == 2

        await store["side"].wait_for("the file too", written)

    in_store(tmp_path, scene)
