"""The virtual kitchen display against an agent written by hand from the protocol's page, and a whole shop."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from PIL import Image
from websockets.asyncio.server import ServerConnection, serve

from tillkeeper_drivers.simulator.display import VirtualDisplay
from tillkeeper_drivers.simulator.shop import DisplaySpec, PrinterSpec, VirtualShop

DEADLINE_S = 10


def ticket(check_id: str) -> dict[str, Any]:
    item = {"line_id": "1", "quantity": 2, "name": "Żurek", "action": "void", "modifiers": ["no egg"], "note": "hot"}
    return {"check_id": check_id, "ticket_code": "B-037", "station": "grill", "order_type": "TAKEOUT", "items": [item]}


class Agent:
    """The agent's end: each connection's frames in a queue, and the newest socket to send on."""

    def __init__(self) -> None:
        self.frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sockets: list[ServerConnection] = []
        self.epoch = "e1"
        self.port = 0

    async def handle(self, socket: ServerConnection) -> None:
        self.sockets.append(socket)
        async for text in socket:
            frame = json.loads(text)
            await self.frames.put(frame)
            if frame["type"] == "hello":
                await self.send({"type": "welcome", "device": "d", "epoch": self.epoch, "seq": 0, "beat_s": 60})

    async def send(self, frame: dict[str, Any]) -> None:
        await self.sockets[-1].send(json.dumps(frame))

    async def show(self, seq: int, job_id: str, check_id: str, *marks: str) -> None:
        await self.send({"type": "ticket", "seq": seq, "job_id": job_id, "ticket": ticket(check_id), "marks": marks})

    async def next(self) -> dict[str, Any]:
        async with asyncio.timeout(DEADLINE_S):
            return await self.frames.get()


@contextlib.asynccontextmanager
async def agent() -> AsyncIterator[Agent]:
    one = Agent()
    async with asyncio.timeout(30), serve(one.handle, "127.0.0.1", 0) as server:
        one.port = next(iter(server.sockets)).getsockname()[1]
        yield one


def display(one: Agent, directory: Path | None = None) -> VirtualDisplay:
    return VirtualDisplay(f"ws://127.0.0.1:{one.port}/", directory=directory, retry_s=0.05)


def test_a_ticket_is_shown_kept_and_acknowledged_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with agent() as one:
            async with display(one, tmp_path) as shown:
                assert await one.next() == {"type": "hello", "last_seq": 0, "epoch": ""}
                await one.show(1, "j1", "c1", "REROUTED")
                assert await one.next() == {"type": "ack", "seq": 1, "job_id": "j1"}
                assert "j1" in (tmp_path / "shown.jsonl").read_text()
                await one.show(1, "j1", "c1")
                assert await one.next() == {"type": "ack", "seq": 1, "job_id": "j1"}
                assert shown.duplicates == 1
                await shown.bump("c1")
                await shown.recall("c1")
                assert [(await one.next())["type"] for _ in range(2)] == ["bump", "recall"]
                text = shown.as_text()
                head = ["TAKEOUT", "B-037", "*** REROUTED ***", "*** CHANGE ***"]
                assert text.splitlines() == [*head, "VOID 2 Żurek", "   no egg", "   ! hot"]
                assert len(Image.open(io.BytesIO(shown.as_png())).convert("L").histogram()) == 256
            async with display(one, tmp_path) as again:
                assert await one.next() == {"type": "hello", "last_seq": 1, "epoch": "e1"}
                await one.show(1, "j1", "c1")
                await one.next()
                assert (len(again.cards.cards), again.duplicates) == (1, 1)
                assert "TAKEOUT" in again.as_text()

    asyncio.run(run())


def test_it_comes_back_after_a_lost_connection_and_bumps_are_told_then() -> None:
    async def run() -> None:
        async with agent() as one, display(one) as shown:
            await one.next()
            await one.show(1, "j1", "c1")
            await one.next()
            one.epoch = "e2"
            one.sockets[-1].transport.abort()
            await shown.changed.wait_for(lambda: not shown.connected, DEADLINE_S)
            assert "NO CONNECTION" in shown.as_text()
            await shown.bump("c1")
            assert await one.next() == {"type": "hello", "last_seq": 1, "epoch": "e1"}
            assert await one.next() == {"type": "bump", "check_id": "c1", "station": "grill", "job_ids": ["j1"]}
            assert "TAKEOUT" not in shown.as_text()
            await shown.recall("c1")
            assert (await one.next())["type"] == "recall"
            assert "TAKEOUT" in shown.as_text()

    asyncio.run(run())


def test_a_deaf_display_shows_and_says_nothing_and_a_replaced_one_stays_away() -> None:
    async def run() -> None:
        async with agent() as one, display(one) as shown:
            await one.next()
            await shown.command({"deaf": True})
            await one.show(1, "j1", "c1")
            await shown.wait_shown(1, DEADLINE_S)
            await shown.command({"deaf": False})
            await one.show(2, "j2", "c2")
            assert await one.next() == {"type": "ack", "seq": 2, "job_id": "j2"}
            await one.send({"type": "bye", "reason": "replaced"})
            await shown.changed.wait_for(lambda: shown.replaced and not shown.connected, DEADLINE_S)
            await asyncio.sleep(0.15)
            assert len(one.sockets) == 1

    asyncio.run(run())


def test_a_display_that_is_replaced_while_it_acknowledges_stays_away() -> None:
    async def run() -> None:
        async with agent() as one, display(one) as shown:
            await one.next()
            shown.slow_s = 0.1  # the connection is closed before it acknowledges
            await one.show(1, "j1", "c1")
            await one.send({"type": "bye", "reason": "replaced"})
            await one.sockets[0].close()
            await shown.changed.wait_for(lambda: shown.replaced, DEADLINE_S)
            assert len(one.sockets) == 1

    asyncio.run(run())


async def _request(where: str, *requests: dict[str, Any] | bytes) -> list[dict[str, Any]]:
    address, _, port = where.rpartition(":")
    opened = asyncio.open_connection(address, int(port)) if port.isdigit() else asyncio.open_unix_connection(where)
    reader, writer = await opened
    answers = []
    for request in requests:
        writer.write((request if isinstance(request, bytes) else json.dumps(request).encode()) + b"\n")
        answers.append(json.loads(await reader.readline()))
    writer.close()
    await writer.wait_closed()
    return answers


def test_a_shop_is_controlled_from_outside(tmp_path: Path) -> None:
    async def run() -> None:
        specs: list[PrinterSpec | DisplaySpec] = [
            PrinterSpec("receipt", drawer_pin=2, speed_mm_s=0), PrinterSpec("grill", "tm-u220"), DisplaySpec("kds", "ws://127.0.0.1:9/"),
        ]  # fmt: skip
        async with asyncio.timeout(30), VirtualShop(specs, directory=tmp_path / "out", control=True) as shop:
            cover, state, listed, nobody, broken, odd, fault = await _request(
                shop.control_at,
                {"device": "grill", "cover": "open"},
                {"device": "grill", "state": True},
                {"devices": True},
                {"device": "fryer", "state": True},
                b"{nonsense",
                {"device": "receipt", "covr": "open"},
                {"device": "receipt", "fault": "power_loss", "after_lines": "random"},
            )
            assert cover == {"ok": True}
            assert (state["state"]["cover_open"], state["state"]["online"]) == (True, False)
            assert listed["devices"] == ["receipt", "grill", "kds"]
            assert not nobody["ok"]
            assert "receipt, grill, kds" in nobody["error"]
            assert not broken["ok"]
            assert odd == {"ok": False, "error": "unknown: covr"}
            assert fault["ok"]
            assert shop.printers["receipt"].faults.power_loss_after_lines
            _, writer = await asyncio.open_connection("127.0.0.1", shop.printers["receipt"].port)
            await _request(shop.control_at, {"device": "receipt", "fault": "none"})
            writer.write(b"soup\n\x1dVB\x00")
            await shop.printers["receipt"].wait_printed(1, DEADLINE_S)
            writer.close()
            await writer.wait_closed()
        assert (tmp_path / "out" / "receipt" / "slip-0001.txt").read_text().startswith("soup")

    asyncio.run(run())


def test_the_control_socket_can_be_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    async def run() -> None:
        where = tmp_path / "control.sock"
        async with asyncio.timeout(30), VirtualShop([PrinterSpec("receipt")], control=where) as shop:
            assert where.stat().st_mode & 0o077 == 0
            (answer,) = await _request(shop.control_at, {"paper": "near_end", "state": True})
            assert answer["state"]["paper_near_end"]
            assert not answer["state"]["paper_out"]

    asyncio.run(run())
