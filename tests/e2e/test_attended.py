"""A printer that is this register's alone, seen from the API: it tells by itself, and orders share its connection."""

import asyncio
import json
from pathlib import Path

import websockets
from tests.support.store import StoreRig, in_store

HELD = {"devices": {"grill": {"hold": True}}, "stations": {"grill": {"backup": None}}}


def test_a_cover_is_on_the_pages_before_the_next_ticket_and_shut_it_lets_it_out(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        first = await rig.order("cheeseburger")
        assert (await rig.wait_settled(job_of(first)))["state"] == "confirmed"
        assert rig.printer("grill").connected, "its connection stands"
        url = rig.origin.replace("http", "ws") + "/v1/live"
        headers = {"Authorization": f"Bearer {rig.api_token}"}
        async with asyncio.timeout(20), websockets.connect(url, additional_headers=headers, proxy=None) as live:
            rig.printer("grill").set_cover(open_=True)
            await told(live, "yes")
            second = await rig.order("cheeseburger")
            rig.printer("grill").set_cover(open_=False)
            await told(live, "no")
            assert (await rig.wait_settled(job_of(second)))["state"] == "confirmed"
        assert len(rig.slips("grill")) == 2

    in_store(tmp_path, scene, hq=False, changes=HELD)


def job_of(order: dict[str, list[dict[str, str]]]) -> str:
    return next(job["job_id"] for job in order["jobs"] if job["device"] == "grill")


async def told(live: websockets.ClientConnection, cover: str) -> None:
    """Until the grill's printer is told to have its cover like that."""
    async for message in live:
        device = json.loads(message).get("device")
        if isinstance(device, dict) and device.get("device") == "grill" and device["cover_open"] == cover:
            return
