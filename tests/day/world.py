"""What the tests of the end of day share: its command line, problems by their code, what to wait for."""

import asyncio
import subprocess
import sys
from typing import Any

import httpx
from tests.support.store import StoreRig

from tillkeeper.replication.model import LogId


class Near:
    """Another register, which is heard. `acked`: what it holds of whom; `past`: its logs before the one that it writes."""

    def __init__(self, acked: dict[LogId, int], past: frozenset[LogId] = frozenset()) -> None:
        self.acked, self.past = acked, past

    def is_heard(self, _now_s: float) -> bool:
        return True

    def age_s(self, _now_s: float) -> float:
        return 0.0

    def seq(self, _which: LogId) -> int:
        return 0


async def cli(rig: StoreRig, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tillkeeper", "day", *arguments, "--socket", str(rig.socket)]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)


def code(answer: httpx.Response) -> str:
    """The last part of the problem's type; empty for an answer that is none."""
    return "" if answer.is_success else str(answer.json()["type"]).rpartition("/")[2].rpartition(":")[2]


async def may_close(rig: StoreRig) -> None:
    async def holds() -> bool:
        return bool((await rig.get("/v1/day"))["may_close"])

    await rig.wait_for("it holds the primary's lease", holds)


async def heard(rig: StoreRig, *names: str) -> None:
    """Until exactly these are heard, itself included."""
    there = ("to_be_asked", "ready", "behind", "one_copy", "lost")

    async def look() -> bool:
        members = (await rig.get("/v1/day"))["members"]
        return {one["register"] for one in members if one["state"] in there and one["silent_s"] is None} == set(names)

    await rig.wait_for(f"{names} are heard", look)


async def closed(rig: StoreRig, day: str) -> Any:
    async def look() -> Any:
        days = (await rig.get("/v1/days"))["days"]
        return next((one for one in days if one["day"] == day), None)

    return await rig.wait_for(f"{day} is closed", look)
