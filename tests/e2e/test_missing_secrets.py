"""What it takes to ask HQ is missing when the register starts, at a power-on with nobody there: it sells all the same."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.prerequisites import need
from tests.support.store import StoreRig, in_store

AS_ANYBODY = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search")
"""Root without its way through closed doors."""


def _gone(token: Path) -> None:
    token.unlink()


def _empty(token: Path) -> None:
    token.write_bytes(b"")


def _folder(token: Path) -> None:
    token.unlink()
    token.mkdir()


def _closed(token: Path) -> None:
    token.chmod(0)


SPOILED: dict[Callable[[Path], None], str] = {
    _gone: "can not be read: No such file or directory",
    _empty: "has an empty first line",
    _folder: "can not be read: Is a directory",
    _closed: "can not be read: Permission denied to user ",
}


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_register_without_its_secret_for_hq_sells_and_sends_once_that_is_back(
    spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    if spoil is _closed and os.geteuid() == 0:
        need("setpriv")

    async def scene(rig: StoreRig) -> None:
        token = rig.folder / "hq-token"
        secret = token.read_text("ascii")
        spoil(token)
        if spoil is _closed and os.geteuid() == 0:
            rig.agent_prefix = AS_ANYBODY
        await rig.start_agent()
        sold = await rig.order("cola")
        assert sold["state"] == "closed"
        await rig.wait_all_settled()
        assert any(sold["ticket_code"] in slip for slip in rig.slips("receipt"))
        assert rig.pulses() == 1

        status = await rig.wait_mode("offline")
        told = {one["code"]: one for one in status["advisories"]}
        assert told["file_unread"]["text"].startswith(f"hq.token_file: {token} {SPOILED[spoil]}")
        assert told["file_unread"]["severity"] == "warning"
        assert "without a restart" in told["file_unread"]["hint"]
        assert "hq_never_reached" not in told, "once is enough"
        assert (status["dot"]["colour"], status["hq_exchange_age_s"]) == ("red", None)
        assert status["dot"]["words"].startswith("Offline: hq.token_file can not be read, ")
        (hq,) = status["sinks"]
        assert not hq["reachable"]
        assert SPOILED[spoil] in hq["words"]

        if token.is_dir():
            token.rmdir()
        draft = token.with_name("draft")
        draft.write_text(secret, "ascii")
        draft.rename(token)
        await rig.wait_synced()
        assert (await rig.check_books())["sales"] == 1
        assert "file_unread" not in [one["code"] for one in (await rig.get("/v1/status"))["advisories"]]

    in_store(tmp_path, scene, agent=False)


def test_the_secret_that_was_read_holds_while_its_file_is_gone(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        await rig.wait_mode("online")
        (rig.folder / "hq-token").unlink()
        await rig.internet.cut()
        await rig.wait_mode("offline")
        await rig.order("cola")
        await rig.internet.restore()
        await rig.wait_synced()
        status: dict[str, Any] = await rig.get("/v1/status")
        assert "file_unread" not in [one["code"] for one in status["advisories"]]

    in_store(tmp_path, scene)
