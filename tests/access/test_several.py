"""Several registers: a device that is paired at one is known at all, and what one has ended is ended everywhere."""

import asyncio
import contextlib
import secrets
from pathlib import Path
from typing import Any

import httpx
import websockets
from tests.support.several import SeveralRig
from tests.support.store import StoreRig


async def status(rig: StoreRig, token: str) -> int:
    """Of a call with this token to the register's port."""
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=rig.origin, headers=headers, trust_env=False, timeout=30) as device:
        return (await device.get("/v1/pages")).status_code


async def until(rig: StoreRig, token: str, wanted: int) -> None:
    async def there() -> bool:
        return await status(rig, token) == wanted

    await rig.wait_for(f"{wanted} at {rig.folder.name}", there)


async def paired(rig: StoreRig, name: str) -> tuple[str, str]:
    """Token and id of a new kitchen device."""
    opened: dict[str, Any] = await rig.ok("POST", "/v1/pairings", {"scope": "kitchen", "name": name, "by": "ana"})
    token = secrets.token_urlsafe(32)
    device = await rig.ok("POST", "/v1/pair", {"code": opened["code"], "token": token})
    return token, str(device["device_id"])


def test_a_tablet_outlives_the_register_that_it_was_paired_at(tmp_path: Path) -> None:
    async def scene() -> None:
        async with SeveralRig(tmp_path, "front", "side", hq=False) as store:
            front, side = store["front"], store["side"]
            token, device_id = await paired(front, "grill-tablet")
            assert await status(front, token) == 200
            await until(side, token, 200)
            listed = (await side.get("/v1/pairings"))["devices"]
            assert [(one["name"], one["register"], one["by"]) for one in listed] == [("grill-tablet", "front", "ana")]

            await front.kill_agent()
            offered = ["tillkeeper.v1", f"bearer.{token}"]
            url = f"{side.origin.replace('http', 'ws')}/v1/live"
            async with websockets.connect(url, subprotocols=offered, proxy=None) as live:  # type: ignore[arg-type]
                await live.recv()
                # What was paired at a register that is dead now is ended at another one, and the dead one hears of it later.
                await side.ok("POST", f"/v1/pairings/{device_id}/end", {"by": "mia"})
                with contextlib.suppress(websockets.ConnectionClosed):
                    while True:
                        await asyncio.wait_for(live.recv(), 60)
                assert live.close_code == 4401
            assert await status(side, token) == 401
            await side.kill_agent()
            await side.start_agent()
            assert await status(side, token) == 401
            await front.start_agent()
            await until(front, token, 401)
            assert (await front.get("/v1/pairings"))["devices"] == []

    asyncio.run(scene())
