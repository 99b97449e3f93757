"""The agent's disk is full: nothing is pretended, reading goes on, selling resumes by itself."""

import contextlib
import errno
import os
import subprocess
from pathlib import Path

import pytest
from tests.support.store import StoreRig, in_store

SMALL_DISK_MIB = 24


def may_mount() -> bool:
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except FileNotFoundError:
        return False


def fill(file: Path) -> None:
    """Write until the disk is full."""
    handle = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (1 << 20, 4096, 64):
            with contextlib.suppress(OSError):
                while True:
                    os.write(handle, b"x" * size)
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            os.write(handle, b"x" * 65_536)
    finally:
        os.close(handle)


def remove(file: Path) -> None:
    file.unlink()


@pytest.mark.root
def test_a_full_disk_refuses_sales_reads_on_and_resumes(tmp_path: Path) -> None:
    if not may_mount():
        reason = "no user namespace to mount a small disk in"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)

    async def scene(rig: StoreRig) -> None:
        rig.data.mkdir()
        mount = f'mount -t tmpfs -o size={SMALL_DISK_MIB}m tmpfs "$0" && exec "$@"'
        rig.agent_prefix = ("unshare", "-rm", "sh", "-c", mount, str(rig.data))
        await rig.start_agent()
        sold = await rig.order("cola", key="before")
        # The disk is in the agent's own mount namespace: this is the way into it from here.
        stuff = Path(f"/proc/{rig.agent.pid}/root{rig.data}/other-peoples-data")
        fill(stuff)
        sold_before, problem = await refused(rig)
        assert problem["type"] == "urn:tillkeeper:problem:storage_refused"
        assert "full" in str(problem["cause"])
        assert problem["retry_safe"] is True
        status = await rig.get("/v1/status")
        assert status["selling"] is False
        assert [advisory for advisory in status["advisories"] if advisory["severity"] == "alarm"]
        assert (await rig.get(f"/v1/checks/{sold['check_id']}"))["state"] == "closed"
        assert (await rig.own_books())["checks_opened"] == sold_before + 1
        remove(stuff)

        async def sells() -> bool:
            return bool((await rig.get("/v1/status"))["selling"])

        await rig.wait_for("selling resumes by itself", sells)
        after = await rig.order("cola", key=f"sale-{sold_before}")
        assert (await rig.get(f"/v1/checks/{after['check_id']}"))["state"] == "closed"
        await rig.wait_all_settled()
        assert (await rig.own_books())["checks_opened"] == len(rig.slips("receipt"))

    in_store(tmp_path, scene, hq=False, agent=False, changes={"registers": {"front": {"drawer": None}}})


async def refused(rig: StoreRig) -> tuple[int, dict[str, object]]:
    """Sell until it is refused: how many were sold, and the problem. The journal's own room may last for a while."""
    body = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash"}]}
    for number in range(400):
        answer = await rig.post("/v1/orders", body, key=f"sale-{number}")
        if answer.status_code != 200:
            assert answer.status_code == 507, answer.text
            problem: dict[str, object] = answer.json()
            return number, problem
    raise AssertionError("400 sales on a full disk")
