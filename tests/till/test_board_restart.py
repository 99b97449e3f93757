"""A kitchen display after a restart of the agent: what is open comes again, what a cook has done does not."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.store import StoreRig, in_store
from tests.till.test_bumps import touches
from websockets.asyncio.client import ClientConnection, connect


class FreshPage:
    """A page that knows nothing of before: acknowledges what it gets, and has every frame."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self.frames: list[dict[str, Any]] = []

    async def until(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while len(found := [frame for frame in self.frames if frame["type"] == kind]) < count:
                frame = json.loads(await self._socket.recv())
                self.frames.append(frame)
                if frame["type"] == "ticket":
                    await self.say(type="ack", seq=frame["seq"], job_id=frame["job_id"])
        return found

    async def say(self, **frame: Any) -> None:
        await self._socket.send(json.dumps(frame))

    async def touch(self, kind: str, check_id: str, name: str, **more: Any) -> None:
        """Do it, and wait until it is durable."""
        await self.say(type=kind, check_id=check_id, station="cold", touch=name, **more)
        async with asyncio.timeout(20):
            while name not in [frame["touch"] for frame in self.frames if frame["type"] == "kept"]:
                self.frames.append(json.loads(await self._socket.recv()))

    def checks(self) -> list[str]:
        return [frame["ticket"]["check_id"] for frame in self.frames if frame["type"] == "ticket"]


@asynccontextmanager
async def fresh_page(rig: StoreRig) -> AsyncIterator[FreshPage]:
    url = f"ws://127.0.0.1:{rig.api_port}/v1/kitchen/kitchen"
    headers = {"Authorization": f"Bearer {rig.api_token}"}
    async with connect(url, additional_headers=headers, proxy=None) as socket:
        page = FreshPage(socket)
        await page.say(type="hello", past=True)
        await page.until("beat")  # the first one comes after the replay
        yield page


def test_a_fresh_page_after_a_kill_has_all_open_tickets_in_order_and_none_that_was_bumped(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        async with fresh_page(rig) as page:
            orders = [await rig.order("caesar-salad") for _ in range(5)]
            await page.until("ticket", 5)
            await rig.wait_all_settled()
            ids = [order["check_id"] for order in orders]
            await page.touch("bump", ids[1], "t1")
            await page.touch("bump", ids[3], "t2")
            await page.touch("recall", ids[3], "t3")
            await page.touch("bump", ids[0], "t4", line_id="a line is for the screens alone")
            await rig.kill_agent()
        await rig.start_agent()
        async with fresh_page(rig) as page:
            assert page.checks() == [ids[0], ids[2], ids[3], ids[4]]
            assert [frame["ticket"]["check_id"] for frame in page.frames if frame["type"] == "past"] == [ids[1]]
            await page.touch("bump", ids[1], "again")
            await page.touch("recall", ids[1], "back")
            await rig.order("caesar-salad")
            await page.until("ticket", 5)
        assert touches(rig) == ["ticket_bumped", "ticket_bumped", "ticket_recalled", "ticket_recalled"]

    in_store(tmp_path, scene, hq=False, screens=False)


def test_a_void_that_a_cook_has_seen_does_not_say_stop_again_after_a_kill(tmp_path: Path) -> None:
    async def scene(rig: StoreRig) -> None:
        async with fresh_page(rig) as page:
            order = await rig.order("caesar-salad", "greek-salad", tenders=[])
            await page.until("ticket")
            check = await rig.get(f"/v1/checks/{order['check_id']}")
            line = check["lines"][0]
            void = f"/v1/checks/{order['check_id']}/lines/{line['line_id']}/void"
            await rig.ok("POST", void, {"quantity": 1, "reason": "guest left"})
            slip = (await page.until("ticket", 2))[1]
            assert [item["action"] for item in slip["ticket"]["items"]] == ["void"]
            await rig.wait_all_settled()
            await page.touch("stop_seen", order["check_id"], "t1", job_ids=[slip["job_id"]])
            await page.touch("stop_seen", order["check_id"], "t2", job_ids=[slip["job_id"]])
            await rig.kill_agent()
        await rig.start_agent()
        async with fresh_page(rig) as page:
            await page.until("ticket", 2)
            assert [frame.get("stop_seen", False) for frame in page.frames if frame["type"] == "ticket"] == [False, True]
            (board,) = await page.until("board")
            assert board["stop_seen"] == [slip["job_id"]]
        assert touches(rig, "void_acknowledged") == ["void_acknowledged"]

    in_store(tmp_path, scene, hq=False, screens=False)
