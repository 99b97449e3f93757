"""A drawer by its switch, which level means "open" being learned: open, shut, left open, stuck."""

import asyncio
from pathlib import Path
from typing import Any

from tests.support.store import StoreRig, in_store

CHANGES: dict[str, Any] = {"devices": {"drawer": {"left_open_s": 0.2}}, "tenders": {"cash": {"opens_drawer": True}}}


async def drawer(rig: StoreRig) -> str:
    return next(str(one["drawer_open"]) for one in (await rig.get("/v1/devices"))["devices"] if one["device"] == "drawer")


async def told(rig: StoreRig, code: str) -> list[str]:
    return [one["text"] for one in (await rig.get("/v1/status"))["advisories"] if one["code"] == code]


async def until(rig: StoreRig, code: str, *, said: bool) -> list[str]:
    async with asyncio.timeout(30):
        while bool(texts := await told(rig, code)) != said:  # noqa: ASYNC110 - asked over the API, as a page would
            await asyncio.sleep(0.1)
    return texts


def test_what_kicks_have_taught_tells_when_it_stands_open_and_when_it_is_stuck(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        printer = rig.printer("receipt")
        assert await drawer(rig) == "unknown", "nobody has said which level means open"
        await rig.order("cola")
        await rig.wait_all_settled()

        async def is_shut() -> bool:
            return not printer.mechanism.drawer_open

        await rig.wait_for("the cashier shuts it", is_shut)
        printer.set_drawer(open_=True)
        (text,) = await until(rig, "drawer_open", said=True)
        assert text.startswith("drawer has been open for")
        assert await drawer(rig) == "yes"
        printer.set_drawer(open_=False)
        await until(rig, "drawer_open", said=False)
        assert await drawer(rig) == "no"
        printer.mechanism.drawer_stuck = True
        await rig.order("cola")
        await until(rig, "drawer_stuck", said=True)
        printer.mechanism.drawer_stuck = False
        printer.set_drawer(open_=True)  # somebody has the key
        await until(rig, "drawer_stuck", said=False)

    in_store(tmp_path, scene, hq=False, changes=CHANGES)
