"""`tillkeeper store` as people type it: real agents as processes, which talk to each other over TLS."""

import asyncio
import contextlib
import json
import os
import pty
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.ports import free_port
from tests.support.prerequisites import need
from tests.support.store import StoreRig
from tests.support.wall_clock import WallClock

from tillkeeper.cli import exits

WAIT_S = 60.0


async def cli(*arguments: str, given: str = "") -> tuple[int, str, str]:
    """Exit code, what it said, and what it complained of."""

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tillkeeper", "store", *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False)

    done = await asyncio.to_thread(run)
    return done.returncode, done.stdout, done.stderr


async def told(*arguments: str, given: str = "") -> dict[str, Any]:
    code, out, err = await cli(*arguments, "--json", given=given)
    assert code == exits.OK, err
    answer: dict[str, Any] = json.loads(out)
    return answer


async def refused(*arguments: str, given: str = "") -> dict[str, Any]:
    code, out, err = await cli(*arguments, "--json", given=given)
    assert code != exits.OK
    assert out == ""
    trouble: dict[str, Any] = json.loads(err)
    assert trouble["cause"]
    assert trouble["exit_code"] == code
    return trouble


def shop(folder: Path, register: str, ports: dict[str, int]) -> StoreRig:
    registers = {
        name: {"letter": name[0].upper(), "address": f"127.0.0.1:{port}", "receipt_printer": "receipt", "drawer": "drawer"}
        for name, port in ports.items()
    }
    changes: dict[str, Any] = {
        "this_register": register,
        "registers": registers,
        "replication": {"listen": f"127.0.0.1:{ports[register]}"},
        "network": {"watch": False},
    }
    return StoreRig(folder / register, changes=changes, hq=False, agent=False)


async def until(there: Callable[[], Awaitable[bool]], *rigs: StoreRig) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + WAIT_S
    while not await there():
        assert loop.time() < end, "\n---\n".join(rig.agent.said() for rig in rigs)
        await asyncio.sleep(0.05)


async def store(rig: StoreRig) -> dict[str, Any]:
    return await told("status", "--socket", str(rig.socket))


@pytest.mark.timeout(300)
def test_a_store_is_made_joined_left_and_recovered(tmp_path: Path) -> None:
    async def scene() -> None:
        ports = {"front": free_port(), "bar": free_port()}
        async with shop(tmp_path, "front", ports) as front, shop(tmp_path, "bar", ports) as bar:
            recovery = await made(front)
            await joined(front, bar)
            await let_go(front, bar)
            await brought_back(tmp_path, front, bar, recovery, ports)

    asyncio.run(scene())


async def sinks(rig: StoreRig) -> dict[str, str]:
    return {one["name"]: one["words"] for one in (await rig.ok("GET", "/v1/status"))["sinks"]}


async def made(front: StoreRig) -> str:
    """The recovery code of a new store."""
    config = ("--config", str(front.config_file))
    recovery = (await told("create", *config, "--by", "ana"))["recovery_code"]
    assert (await refused("create", *config))["exit_code"] == exits.REFUSED
    await front.start_agent()
    alone = await store(front)
    assert (alone["member"], alone["may_admit"], len(alone["members"])) == (True, True, 1)
    assert await sinks(front) == {"bar": "has not joined the store yet (`tillkeeper store code bar`)"}
    return str(recovery)


async def advisories(rig: StoreRig) -> str:
    return " ".join(one["title"] + " " + one["text"] for one in (await rig.ok("GET", "/v1/status"))["advisories"])


async def joined(front: StoreRig, bar: StoreRig) -> None:
    """With an agent of the new register that has sold already."""
    config = ("--config", str(bar.config_file))
    await bar.start_agent()
    assert not (await store(bar))["joined"]
    assert "has not joined its store" in await advisories(bar), "a register without copies is not well"
    await bar.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "before it joined"})
    code = (await told("code", "bar", "--socket", str(front.socket), "--by", "ana"))["code"]
    mistyped = ("1" if code[0] != "1" else "2") + code[1:]
    assert (await refused("join", mistyped, *config))["exit_code"] == exits.USAGE
    assert (await told("join", *config, "--by", "bo", given=code))["admitted_by"] == "front"
    assert (await refused("join", code, *config))["exit_code"] == exits.REFUSED
    assert await bar.stop_agent() == 0
    await bar.start_agent()

    async def agree() -> bool:
        one, other = await store(front), await store(bar)
        return bool(one["digest"] == other["digest"]) and len(other["members"]) == 2

    await until(agree, front, bar)
    assert "has not joined" not in await advisories(bar)
    assert (front.data / "store-secret").read_text() == (bar.data / "store-secret").read_text()
    said = await asyncio.to_thread(types, bar)
    assert "incarnation_began" in said
    assert said["store_keys_taken"] == {"act": "joined", "at": "front", "by": "bo"}
    assert (await asyncio.to_thread(types, front))["register_admitted"] == {"by": "ana", "register": "bar"}


def types(rig: StoreRig) -> dict[str, dict[str, str]]:
    """Event types of the register's journal, with who and where of the newest of each."""
    with contextlib.closing(sqlite3.connect(f"file:{rig.data / 'journal.db'}?mode=ro", uri=True)) as journal:
        rows = journal.execute("SELECT type, body FROM events ORDER BY rowid").fetchall()
    told_of = ("act", "at", "by", "register")
    keys = {"store_keys_taken": ("act", "at", "by"), "register_admitted": ("by", "register")}
    return {kind: {key: json.loads(body).get(key, "") for key in keys.get(kind, told_of)} for kind, body in rows}


async def let_go(front: StoreRig, bar: StoreRig) -> None:
    """What the other register holds of it by then counts, and both know it."""
    await bar.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "as a member"})

    async def held() -> bool:
        return all(sink["behind"] == 0 for sink in (await bar.ok("GET", "/v1/status"))["sinks"])

    await until(held, front, bar)
    assert (await refused("leave", "nobody", "--socket", str(front.socket)))["exit_code"] == exits.REFUSED
    (gone,) = (await told("leave", "bar", "--socket", str(front.socket), "--by", "ana"))["left"]
    assert gone["register"] == "bar"
    assert sum(gone["finals"].values()) >= 4

    async def knows() -> bool:
        return not (await store(bar))["member"]

    await until(knows, front, bar)
    assert await sinks(front) == {"bar": "has left the store"}
    _code, out, _err = await cli("status", "--socket", str(bar.socket))
    assert "NO LONGER BELONGS" in out
    advisories = (await bar.ok("GET", "/v1/status"))["advisories"]
    assert any("it was let go" in one["text"] for one in advisories if one["code"] == "books_alarm")
    await bar.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "it sells all the same"})


async def brought_back(folder: Path, front: StoreRig, bar: StoreRig, recovery: str, ports: dict[str, int]) -> None:
    """The bar joins again; then the front dies with its disk, and another machine becomes it."""
    await bar.stop_agent()
    code = (await told("code", "bar", "--socket", str(front.socket)))["code"]
    await told("join", code, "--config", str(bar.config_file))
    await bar.start_agent()
    await front.kill_agent()
    async with shop(folder / "new", "front", ports) as fresh:
        config = ("--config", str(fresh.config_file))
        wrong = await refused("recover", *config, given=recovery[::-1])
        assert wrong["exit_code"] == exits.USAGE
        back = await told("recover", *config, "--by", "ana", given=recovery)
        assert back["registers"] == ["bar", "front"]
        await fresh.start_agent()

        async def agree() -> bool:
            one, other = await store(fresh), await store(bar)
            members = {member["register"]: member["key"] for member in other["members"]}
            return bool(one["digest"] == other["digest"] and members == {"front": back["key"], "bar": other["key"]})

        await until(agree, fresh, bar)
        assert (await store(fresh))["may_admit"]


def test_a_mistyped_code_is_asked_for_again_at_a_keyboard_and_seen_while_it_is_typed(tmp_path: Path) -> None:
    config = tmp_path / "store.toml"
    config.write_text('this_register = "bar"\n[store]\nid = "corner"\n[registers.bar]\nletter = "B"\n', "ascii")
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "wb", buffering=0) as keyboard, os.fdopen(theirs, "rb") as stdin:
        keyboard.write(b"ABCDE-FGHJK\n" * 2 + b"\x04")
        command = [sys.executable, "-m", "tillkeeper", "store", "join", "--config", str(config)]
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False, timeout=WAIT_S)
        assert b"ABCDE" in os.read(ours, 4096), "the terminal echoes it"
    assert done.returncode == exits.USAGE
    assert done.stderr.count("groups 1 and 2 are mistyped: once more") == 2
    assert done.stderr.count("Join code: ") == 3
    assert "nobody answers" in done.stderr


@pytest.mark.timeout(300)
def test_a_register_that_boots_in_1970_sells_on_the_right_day_and_replicates(tmp_path: Path) -> None:
    wall = WallClock(tmp_path / "wall")

    async def scene() -> None:
        ports = {"front": free_port(), "bar": free_port()}
        async with shop(tmp_path, "front", ports) as front, shop(tmp_path, "bar", ports) as bar:
            await told("create", "--config", str(front.config_file))
            await front.start_agent()
            code = (await told("code", "bar", "--socket", str(front.socket)))["code"]
            await told("join", code, "--config", str(bar.config_file))
            await bar.start_agent()
            await bar.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "with a clock"})
            await bar.stop_agent()
            wall.set_ahead("-20440d")
            bar.agent_prefix = wall.prefix
            await bar.start_agent()
            await bar.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "without"})

            async def held() -> bool:
                sinks = (await bar.ok("GET", "/v1/status"))["sinks"]
                return bool(sinks) and all(sink["behind"] == 0 for sink in sinks)

            await until(held, front, bar)
            status = await bar.ok("GET", "/v1/status")
            assert any(one["code"] == "clock_wrong" for one in status["advisories"])
            stamped = await asyncio.to_thread(days, bar, "no_sale_recorded")
            assert stamped[0] == stamped[1]
            assert status["business_day"] == stamped[0]

    asyncio.run(scene())


def days(rig: StoreRig, kind: str) -> list[str]:
    """The business days of the events of this type."""
    with contextlib.closing(sqlite3.connect(f"file:{rig.data / 'journal.db'}?mode=ro", uri=True)) as journal:
        return [day for (day,) in journal.execute("SELECT business_day FROM events WHERE type = ? ORDER BY rowid", (kind,))]


@pytest.mark.timeout(120)
def test_a_port_that_is_taken_keeps_nobody_from_selling_and_is_listened_on_when_it_is_free(tmp_path: Path) -> None:
    async def scene() -> None:
        ports = {"front": free_port(), "bar": free_port()}
        with socket.create_server(("127.0.0.1", ports["front"])) as taken:
            async with shop(tmp_path, "front", ports) as front:
                await told("create", "--config", str(front.config_file))
                await front.start_agent()

                async def alarm() -> bool:
                    advisories = (await front.ok("GET", "/v1/status"))["advisories"]
                    return any(str(ports["front"]) in one["text"] for one in advisories if one["code"] == "books_alarm")

                await until(alarm, front)
                await front.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "it sells"})
                assert "does not listen" in (await refused("code", "bar", "--socket", str(front.socket)))["cause"]
                taken.close()

                async def over() -> bool:
                    return not await alarm()

                await until(over, front)
                assert (await told("code", "bar", "--socket", str(front.socket)))["address"].endswith(str(ports["front"]))

    asyncio.run(scene())


@pytest.mark.timeout(120)
def test_broken_keys_keep_nobody_from_selling(tmp_path: Path) -> None:
    async def scene() -> None:
        async with shop(tmp_path, "front", {"front": free_port()}) as front:
            await told("create", "--config", str(front.config_file))
            (front.data / "trust" / "register.key").write_bytes(b"rust")
            await front.start_agent()
            await front.ok("POST", "/v1/no-sales", {"drawer": "drawer", "reason": "it sells"})
            advisories = (await front.ok("GET", "/v1/status"))["advisories"]
            assert any("register.key" in one["text"] for one in advisories if one["code"] == "books_alarm")
            shown = await store(front)
            assert (shown["joined"], "register.key" in shown["trouble"]) == (False, True)
            trouble = await refused("code", "front", "--socket", str(front.socket))
            assert "register.key" in trouble["cause"]

    asyncio.run(scene())


def test_a_folder_of_another_user_is_not_touched(tmp_path: Path) -> None:
    need("true")  # root: only root can give files away
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", 12345, 12345)
    (tmp_path / "store.toml").write_text('this_register = "front"\nstore.id = "store-1"\n')
    trouble = asyncio.run(refused("create", "--config", str(tmp_path / "store.toml")))
    assert "12345" in trouble["cause"]
    assert list((tmp_path / "data").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "this_register"),
        ("this_register = 1", "str"),
        ("[", "end of document"),
        ('this_register = "a b"\nstore.id = "s"', "this_register"),
    ],
)
def test_a_configuration_that_says_too_little_is_named(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "store.toml").write_text(text)
    trouble = asyncio.run(refused("create", "--config", str(tmp_path / "store.toml")))
    assert trouble["exit_code"] == exits.USAGE
    assert says in trouble["cause"]


def test_files_that_the_configuration_names_need_not_be_there_yet(tmp_path: Path) -> None:
    text = 'this_register = "front"\nstore.id = "store-1"\nnetwork.key_file = "beacon.key"\nstaff.file = "staff.json"\n'
    (tmp_path / "store.toml").write_text(text)
    made_now = asyncio.run(told("create", "--config", str(tmp_path / "store.toml")))
    assert made_now["registers"] == ["front"]
    assert (tmp_path / "data" / "trust" / "roster.json").exists()
