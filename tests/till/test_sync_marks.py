"""The not-synced mark goes away on an open page as soon as HQ holds all of a check, without the page asking again."""

import asyncio
import json
from pathlib import Path

import websockets
from tests.support.store import StoreRig

ORDER = {"order_type": "takeout", "lines": [{"item_id": "cola"}], "tenders": [{"tender": "cash", "tendered_minor": 2000}]}


def test_the_mark_goes_away_on_an_open_page(tmp_path: Path) -> None:
    async def scene() -> None:
        async with StoreRig(tmp_path) as rig:
            await rig.wait_mode("online")
            await rig.internet.cut()
            headers = {"Authorization": f"Bearer {rig.api_token}"}
            url = f"ws://127.0.0.1:{rig.api_port}/v1/live"
            async with websockets.connect(url, additional_headers=headers, proxy=None) as page:
                order = await rig.ok("POST", "/v1/orders", ORDER)
                marks: list[bool] = []
                async with asyncio.timeout(30):
                    async for frame in page:
                        message = json.loads(frame)
                        if message["type"] == "check" and message["check"]["check_id"] == order["check_id"]:
                            marks.append(message["check"]["synced"])
                            if len(marks) == 1:
                                await rig.internet.restore()
                            if marks[-1]:
                                break
                assert marks[0] is False

    asyncio.run(scene())
