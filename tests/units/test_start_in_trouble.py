"""What a register starts with that is not as it should be: a catalogue that can not be read, a disk without any room."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_full_disk import fill, may_mount
from tests.support.store import StoreRig, in_store
from tests.units.manager import START_S, Manager, manager
from tests.units.till import Till

from tillkeeper.cli import main
from tillkeeper.config.load import builtin_menu
from tillkeeper.upkeep import next_start


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Manager]:
    with manager(tmp_path) as made:
        yield made


def advisories(till: Till) -> dict[str, Any]:
    with till.client() as client:
        return {one["code"]: one for one in client.get("/v1/status").json()["advisories"]}


def test_a_catalogue_that_can_not_be_read_is_an_advisory_and_the_one_before_it_holds(tmp_path: Path, held: Manager) -> None:
    menu = tmp_path / "menu.toml"
    menu.write_bytes(builtin_menu().read_bytes())
    till = Till(tmp_path, held, changes={"catalogue": {"file": str(menu)}})
    till.start()
    held.ready()
    assert "catalogue_unknown" not in advisories(till)
    held.signal(signal.SIGTERM)
    held.wait()
    menu.write_bytes(menu.read_bytes()[:500] + b"\0\0\0")  # as after a power cut
    till.start()
    held.ready()
    told = advisories(till)["catalogue_unknown"]
    assert "the one before it holds" in told["text"]
    assert main(["config", "check", str(till.config_file)]) == 2, "it is wrong"
    assert asyncio.run(next_start.trouble(next_start.command(till.config_file))) == "", "and holds no upgrade back"
    with till.client() as client:
        order = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}
        answer = client.post("/v1/orders", json=order, headers={"Idempotency-Key": "one"})
        assert answer.json()["state"] == "closed", answer.text


def test_a_new_register_without_one_does_not_start_and_says_why(tmp_path: Path, held: Manager) -> None:
    menu = tmp_path / "menu.toml"
    menu.write_text("nonsense")
    till = Till(tmp_path, held, changes={"catalogue": {"file": str(menu)}})
    till.start()
    held.wait_for("not started", lambda told: "menu.toml" in told.get("STATUS", ""))
    assert "menu.toml: is not TOML" in asyncio.run(next_start.trouble(next_start.command(till.config_file)))
    menu.write_bytes(builtin_menu().read_bytes())
    assert held.wait() == 2, held.said()
    till.start()
    held.ready()


WOULD_NOT_START = {
    "pages.registers": ({"pages": {"registers": ["front.lan"]}}, "front.lan"),
    "fiscal signer acme": ({"fiscal": {"signer": "acme"}}, "acme"),
}


@pytest.mark.parametrize("where", WOULD_NOT_START)
def test_what_keeps_an_agent_from_starting_is_found_by_who_checks_the_configuration(
    where: str, tmp_path: Path, held: Manager, capsys: pytest.CaptureFixture[str]
) -> None:
    changes, word = WOULD_NOT_START[where]
    till = Till(tmp_path, held, changes=changes)
    till.start()
    told = held.wait_for("not started", lambda told: told.get("STATUS", "").startswith("not started"))
    assert word in told["STATUS"]
    for arguments in ((), ("--start",)):
        assert main(["config", "check", str(till.config_file), *arguments]) == 2
        assert f"{where}: " in capsys.readouterr().out


def test_a_route_to_nothing_is_wrong_and_keeps_no_agent_from_starting(tmp_path: Path, held: Manager) -> None:
    till = Till(tmp_path, held, changes={"routing": {"items": {"sushi-of-yesterday": ["grill"]}}})
    assert main(["config", "check", str(till.config_file)]) == 2
    assert main(["config", "check", str(till.config_file), "--start"]) == 0
    till.start()
    held.ready()


def test_what_it_takes_to_ask_others_is_missing_and_keeps_no_agent_from_starting(
    tmp_path: Path, held: Manager, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ca.pem").write_text("no certificate\n")
    changes = {
        "hq": {"url": "https://127.0.0.1:1", "token_file": "hq-token", "ca_file": "ca.pem"},
        "gateways": {"bank": {"url": "https://127.0.0.1:1", "token_file": "bank-token"}},
        "network": {"key_file": "beacon.key"},
        "online": {"take": True, "tender": "voucher"},
    }
    till = Till(tmp_path, held, changes=changes)
    asking = ["hq.token_file", "hq.ca_file", "gateways.bank.token_file"]
    assert main(["config", "check", str(till.config_file)]) == 2, "it is wrong"
    said = capsys.readouterr().out
    assert all(f": {setting}: " in said for setting in (*asking, "network.key_file")), said
    assert asyncio.run(next_start.trouble(next_start.command(till.config_file))) == "", "and holds no upgrade back"
    till.start()
    held.ready()
    with till.client() as client:
        order = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}
        answer = client.post("/v1/orders", json=order, headers={"Idempotency-Key": "one"})
        assert answer.json()["state"] == "closed", answer.text
        told = client.get("/v1/status").json()["advisories"]
    assert [one["subject"] for one in told if one["code"] == "file_unread"] == asking


SMALL_DISK = 'mount -t tmpfs -o size=24m tmpfs "$0" && echo up && exec sleep infinity'


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[tuple[tuple[str, ...], Path]]:
    """A command to start something where `folder` is a small disk of its own, and the way into that from here."""
    if not may_mount():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("no user namespace to mount a small disk in")
    folder.mkdir()
    with subprocess.Popen(["unshare", "-rm", "sh", "-c", SMALL_DISK, str(folder)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"up\n"
            enter = ("nsenter", "-t", str(holder.pid), "-U", "-m", "--preserve-credentials", "--")
            yield enter, Path(f"/proc/{holder.pid}/root{folder}")
        finally:
            holder.kill()


@pytest.mark.root
@pytest.mark.parametrize("orderly", [False, True])
def test_a_disk_that_is_full_to_the_last_byte_is_an_advisory_and_no_reason_not_to_start(tmp_path: Path, orderly: bool) -> None:
    async def scene(rig: StoreRig) -> None:
        with small_disk(rig.data) as (enter, disk):
            rig.agent_prefix = enter

            async def end() -> None:
                await (rig.stop_agent() if orderly else rig.kill_agent())

            await rig.start_agent()
            await rig.order("cola")
            await end()
            for others in ("one", "two"):  # whoever fills the disk takes the reserve too, as soon as it is given up
                fill(disk / others)
                await rig.start_agent()
                assert "storage_refused" in [one["code"] for one in (await rig.get("/v1/status"))["advisories"]]
                await end()
            await rig.start_agent()
            assert (await rig.get("/v1/status"))["selling"] is False
            for others in ("one", "two"):
                (disk / others).unlink()

            async def sells() -> bool:
                return bool((await rig.get("/v1/status"))["selling"])

            await rig.wait_for("selling resumes by itself", sells)
            await rig.order("cola", key="after")
            await rig.kill_agent()

    in_store(tmp_path, scene, hq=False, agent=False, changes={"registers": {"front": {"drawer": None}}})


def test_an_agent_that_sells_does_not_end_for_a_configuration_that_would_not_start(tmp_path: Path, held: Manager) -> None:
    """A restart between sales is asked for; with a typo it goes on, and says why; without it ends once it is quiet."""
    till = Till(tmp_path, held)
    till.start()
    held.ready()
    right = till.config_file.read_text()
    till.config_file.write_text(right.replace("this_register", "this_regsiter", 1))
    with till.client() as client:
        assert client.post("/v1/restart", json={}).status_code == 200
        until_s = time.monotonic() + START_S
        while not any("this_regsiter" in words for words in client.get("/v1/restart").json()["reasons"]):
            assert held.ended() is None, held.said()
            assert time.monotonic() < until_s, client.get("/v1/restart").json()
            time.sleep(0.1)
        till.config_file.write_text(right)
        assert client.post("/v1/restart", json={}).status_code == 200
    assert held.wait() == 0, held.said()
