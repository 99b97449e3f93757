"""A file beside the configuration is missing, empty or broken when the register starts, at a power-on with nobody there: it
takes orders and prints them, and says what is wrong."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.support.store import StoreRig, in_store
from tests.support.toml import dumps, merged

from tillkeeper.cli import main

OWN = {
    "store": {"logo": "logo.png"},
    "models": {"own": "models"},
    "layouts": {"folder": "layouts", "use": {"receipt": "ours"}},
}
ACME = '[acme-nine]\nlike = "tm-m30"\ntitle = "Nine"\n'
MEANWHILE = {
    "store.logo": "Receipts are printed without it",
    "models.own": "A device whose model is missing is sent nothing",
    "layouts.folder": "Those of the package are used instead",
    "api.page_token_file": "Pages on this machine are not let in",
}
SPOILED: dict[str, bytes | None] = {"missing": None, "empty": b"", "after a power cut": bytes(300), "a word": b"our word\n"}


def put(file: Path, content: bytes) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)


def change(rig: StoreRig, changes: dict[str, Any]) -> None:
    rig.config_file.write_text(dumps(merged(tomllib.loads(rig.config_file.read_text("utf-8")), changes)), "utf-8")


async def unread(rig: StoreRig) -> dict[str, Any]:
    """By setting."""
    return {one["subject"]: one for one in (await rig.get("/v1/status"))["advisories"] if one["code"] == "file_unread"}


async def sells(rig: StoreRig, key: str) -> str:
    """The code of an order that was taken, printed and paid."""
    sold = await rig.order("cola", "cheeseburger", key=key)
    assert sold["state"] == "closed"
    await rig.wait_all_settled()
    assert any(sold["ticket_code"] in slip for slip in rig.slips("receipt"))
    return str(sold["ticket_code"])


@pytest.mark.parametrize("how", SPOILED)
def test_what_is_of_no_use_is_said_and_the_register_sells(how: str, tmp_path: Path) -> None:
    content = SPOILED[how]

    async def scene(rig: StoreRig) -> None:
        change(rig, OWN)
        for name in ("logo.png", "models/acme.toml", "layouts/ours.toml", "data/page-token"):
            if content is not None:
                put(rig.folder / name, content)
        await rig.start_agent()
        code = await sells(rig, "one")
        assert any(code in slip for slip in rig.slips("grill"))
        told = await unread(rig)
        assert list(told) == [setting for setting in MEANWHILE if how == "a word" or setting != "api.page_token_file"]
        for setting, one in told.items():
            assert MEANWHILE[setting] in one["text"]
            assert (one["severity"], "at the next start" in one["hint"]) == ("warning", True)
        assert main(["config", "check", str(rig.config_file), "--start"]) == 0, "no upgrade is held back by it"
        assert main(["config", "check", str(rig.config_file)]) == 2, "who looks at it is told"

    in_store(tmp_path, scene, hq=False, agent=False)


def test_what_is_mended_is_taken_up_at_the_next_start(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        change(rig, {"models": OWN["models"], "devices": {"grill": {"profile": "acme-nine"}}})
        put(rig.folder / "models" / "acme.toml", b"")
        put(rig.folder / "models" / "other.toml", ACME.replace("acme-nine", "acme-ten").encode())
        await rig.start_agent()
        code = await sells(rig, "one")
        assert rig.slips("grill") == [], "what it understands is not known"
        assert any(code in slip and "GRILL" in slip.upper() for slip in rig.slips("receipt")), "carried, or at the backup"
        devices = {one["device"]: one for one in (await rig.get("/v1/devices"))["devices"]}
        assert devices["grill"]["trouble"].startswith("is of a model that no file tells of")
        told = [one for one in (await rig.get("/v1/status"))["advisories"] if one["code"] == "device_trouble"]
        assert [one["subject"] for one in told] == ["grill"]
        assert "acme.toml: has no model in it" in (await unread(rig))["models.own"]["text"]
        await rig.stop_agent()
        put(rig.folder / "models" / "acme.toml", ACME.encode())
        await rig.start_agent()
        code = await sells(rig, "two")
        assert any(code in slip for slip in rig.slips("grill"))
        assert await unread(rig) == {}

    in_store(tmp_path, scene, hq=False, agent=False)


@pytest.mark.parametrize("left", [bytes(44), b" \n\n"], ids=["NULs", "white space"])
def test_a_blank_token_is_nobodys_and_gives_way_to_a_new_one(left: bytes, tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        for name in ("page-token", "own-token"):
            put(rig.data / name, left)
        change(rig, {"api": {"token_file": "own-token"}})
        await rig.start_agent()
        await sells(rig, "one")
        assert await unread(rig) == {}
        tokens = [(rig.data / name).read_text("ascii") for name in ("page-token", "own-token")]
        assert len({token for token in tokens if len(token.strip()) == 43}) == 2
        assert f"the token file {rig.data}/own-token was blank" in rig.agent.said()
        await rig.stop_agent()
        await rig.start_agent()
        assert tokens == [(rig.data / name).read_text("ascii") for name in ("page-token", "own-token")]

    in_store(tmp_path, scene, hq=False, agent=False, screens=False)


def test_a_catalogue_that_is_gone_is_an_advisory_where_there_was_one(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.stop_agent()
        change(rig, {"catalogue": {"file": "gone.toml"}})
        await rig.start_agent()
        await sells(rig, "one")
        told = [one for one in (await rig.get("/v1/status"))["advisories"] if one["code"] == "catalogue_unknown"]
        assert "No such file" in told[0]["text"]

    in_store(tmp_path, scene, hq=False)


def test_what_a_kill_left_half_written_is_removed_at_a_later_start(tmp_path: Path) -> None:
    end = "0123456789abcdef"
    drafts = (f".staff.json.{end}", f".api-token.{end}", f"trust/.roster.json.{end}")
    others = (f".staff.json.{end.upper()}", f"staff.json.{end}", f"..{end}", f"nightly/.a.{end}")
    young, linked, folder = f".young.{end}", f".link.{end}", f".folder.{end}"

    def spoil(data: Path) -> None:
        data.mkdir()
        for name in (*drafts, *others, young):
            put(data / name, b"half")
            if name != young:
                os.utime(data / name, (1, 1))
        (data / linked).symlink_to(data / others[-1])
        (data / folder).mkdir()
        os.utime(data / folder, (1, 1))

    async def scene(rig: StoreRig) -> None:
        spoil(rig.data)
        await rig.start_agent()
        await sells(rig, "one")
        left = [str(file.relative_to(rig.data)) for file in rig.data.rglob("*") if end in file.name.lower()]
        assert sorted(left) == sorted([*others, young, linked, folder])

    in_store(tmp_path, scene, hq=False, agent=False)
