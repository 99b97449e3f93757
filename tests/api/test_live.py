"""Live changes and kitchen displays over real WebSockets."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import websockets
from tests.api.fake_till import FakeTill, job, summary
from tests.api.serving import DEADLINE_S, TOKEN, Running, serving
from websockets.asyncio.client import ClientConnection

from tillkeeper.api.hub import LiveHub
from tillkeeper.api.limits import ApiLimits
from tillkeeper.contract import views as v
from tillkeeper.contract.live import CheckChanged, DeviceChanged, JobChanged, StatusChanged

BEARER = {"authorization": f"Bearer {TOKEN}"}


@asynccontextmanager
async def connected(running: Running, path: str = "/v1/live") -> AsyncIterator[ClientConnection]:
    async with (
        asyncio.timeout(DEADLINE_S),
        websockets.connect(running.ws_url + path, additional_headers=BEARER, proxy=None, max_size=None) as socket_,
    ):
        yield socket_


async def message(client: ClientConnection) -> dict[str, object]:
    members: dict[str, object] = json.loads(await client.recv())
    return members


async def settled(client: ClientConnection) -> int:
    """The code with which the server closes."""
    await client.wait_closed()
    return client.close_code or 0


def test_a_snapshot_then_every_change() -> None:
    async def scenario() -> None:
        async with serving() as running:
            await running.http.post("/v1/checks", json={"order_type": "dine_in"}, headers={"idempotency-key": "0"})
            async with connected(running) as client:
                first = await message(client)
                assert first["type"] == "snapshot"
                assert [row["check_id"] for row in first["checks"]] == ["CHK0"]  # type: ignore[attr-defined]
                assert first["status"]["dot"]["colour"] == "green"  # type: ignore[index]
                await running.http.post("/v1/checks", json={"order_type": "dine_in"}, headers={"idempotency-key": "1"})
                running.till.hub.publish(JobChanged(job=job("J7")))
                running.till.hub.publish(DeviceChanged(device=v.DeviceView(device="grill", kind="escpos")))
                running.till.hub.publish(StatusChanged(status=await running.till.status()))
                seen = [await message(client) for _ in range(4)]
            assert [one["type"] for one in seen] == ["check", "job", "device", "status"]
            assert seen[0]["check"]["check_id"] == "CHK1"  # type: ignore[index]

    asyncio.run(scenario())


def test_nothing_falls_between_snapshot_and_changes() -> None:
    """A till that changes while the snapshot is being read: the change is in the snapshot or comes after it."""

    class Busy(FakeTill):
        async def status(self) -> v.StatusView:
            self.rows.append(summary("LATE", 1))
            self.hub.publish(CheckChanged(check=self.rows[-1]))
            return await super().status()

    async def scenario() -> None:
        async with serving(till=Busy()) as running, connected(running) as client:
            assert (await message(client))["type"] == "snapshot"
            assert (await message(client))["type"] == "check"

    asyncio.run(scenario())


def test_a_slow_client_is_told_to_start_over_and_others_are_not_delayed() -> None:
    async def scenario() -> None:
        till = FakeTill(LiveHub(queue=50))
        async with serving(till=till) as running, connected(running) as quick:
            await message(quick)
            reader, writer = await raw_live(running)
            for number in range(600):  # 12 MB: far more than the kernel's buffers take for a client that does not read
                till.hub.publish(CheckChanged(check=summary("x" * 20_000, number)))
                got = await message(quick)
                assert got["check"]["opened_at_ms"] == number  # type: ignore[index]
            seen = bytearray()
            while not seen.endswith((4008).to_bytes(2, "big") + b"too slow: connect again"):
                piece = await reader.read(65_536)
                assert piece, "it ended without a word"
                seen = seen[-100:] + piece
            writer.close()
            async with connected(running) as again:
                assert (await message(again))["type"] == "snapshot"

    asyncio.run(scenario())


def test_a_client_that_takes_nothing_at_all_is_cut() -> None:
    async def scenario() -> None:
        till = FakeTill(LiveHub(queue=50))
        async with serving(ApiLimits(stall_s=0.3), till) as running:
            _reader, writer = await raw_live(running)
            async with asyncio.timeout(DEADLINE_S):
                while till.hub.readers:
                    till.hub.publish(CheckChanged(check=summary("x" * 200)))
                    await asyncio.sleep(0)
            writer.close()

    asyncio.run(scenario())


async def no_readers(running: Running) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while running.till.hub.readers:  # noqa: ASYNC110  # the hub tells nobody when a reader goes
            await asyncio.sleep(0.01)


async def raw_live(running: Running) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A live client with small buffers that has read its handshake and reads no more."""
    plain = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", running.port))
    reader, writer = await asyncio.open_connection(sock=plain, limit=1024)
    writer.write(
        b"GET /v1/live HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        % (running.port, TOKEN.encode())
    )
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def test_one_client_too_many_is_refused_and_places_come_back() -> None:
    async def scenario() -> None:
        async with serving(till=FakeTill(LiveHub(clients=2))) as running:
            async with connected(running) as one, connected(running) as two:
                await message(one)
                await message(two)
                with pytest.raises(websockets.InvalidStatus) as refused:
                    async with connected(running):
                        pass
                assert refused.value.response.status_code == 503
                assert b"overloaded" in (refused.value.response.body or b"")
            await no_readers(running)
            async with connected(running) as three:
                await message(three)

    asyncio.run(scenario())


def test_what_a_live_client_says_means_nothing_and_is_bounded() -> None:
    async def scenario() -> None:
        async with serving() as running, connected(running) as client:
            await message(client)
            await client.send("hello")
            await client.send(b"\x00")
            running.till.hub.publish(JobChanged(job=job("J1")))
            assert (await message(client))["type"] == "job"
            await client.send("x" * 65_537)
            assert await settled(client) == 1009

    asyncio.run(scenario())


def test_a_dead_client_is_noticed_by_its_silence() -> None:
    async def scenario() -> None:
        async with serving(ApiLimits(ping_s=0.2)) as running:
            _reader, writer = await raw_live(running)  # it answers no ping
            await no_readers(running)
            writer.close()

    asyncio.run(scenario())


def test_a_display_is_handed_to_its_driver() -> None:
    async def scenario() -> None:
        async with serving() as running:
            async with connected(running, "/v1/kitchen/pass") as client:
                assert await client.recv() == "hello"
                await client.send("Ünïcödé 漢字")
                assert await client.recv() == "echo Ünïcödé 漢字"
                await client.send("leave")
                assert await settled(client) == 1000
            await running.till.display.left.wait()

    asyncio.run(scenario())


def test_a_display_that_goes_ends_its_session() -> None:
    async def scenario() -> None:
        async with serving() as running:
            async with connected(running, "/v1/kitchen/pass") as client:
                await client.recv()
            async with asyncio.timeout(DEADLINE_S):
                await running.till.display.left.wait()

    asyncio.run(scenario())


@pytest.mark.parametrize(("frame", "code"), [(b"binary", 1003), ("x" * 65_537, 1009), ("crash", 1011)])
def test_what_a_display_must_not_send_ends_the_connection(frame: str | bytes, code: int) -> None:
    async def scenario() -> None:
        async with serving() as running:
            async with connected(running, "/v1/kitchen/pass") as client:
                await client.recv()
                await client.send(frame)
                assert await settled(client) == code
            async with connected(running, "/v1/kitchen/pass") as client:
                assert await client.recv() == "hello"

    asyncio.run(scenario())


def test_a_display_that_talks_without_end_is_read_no_faster_than_it_may_talk() -> None:
    async def scenario() -> None:
        limits = ApiLimits(frames_burst=3, frames_per_s=0.5)
        async with serving(limits) as running, connected(running, "/v1/kitchen/pass") as client:
            assert await client.recv() == "hello"
            for number in range(5):
                await client.send(f"{number}")
            assert [await client.recv() for _ in range(3)] == ["echo 0", "echo 1", "echo 2"]
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.recv()
            assert await client.recv() == "echo 3"

    asyncio.run(scenario())


ASIDES = {
    "pings": b"\x89\x80mask",
    "pongs": b"\x8a\x80mask",
    "parts of a message": b"\x00\x80mask",
}
"""Frames of a client without a payload (RFC 6455, 5.2)."""


@pytest.mark.parametrize("name", ASIDES)
def test_a_client_that_says_nothing_in_ever_more_frames_is_let_go(name: str) -> None:
    async def scenario() -> None:
        async with serving(ApiLimits(frames_per_s=0.1)) as running:
            reader, writer = await raw_live(running)
            writer.write(b"\x01\x80mask" + ASIDES[name] * 90)
            running.till.hub.publish(JobChanged(job=job("J1")))
            async with asyncio.timeout(DEADLINE_S):
                heard = b""
                while b'{"type":"job"' not in heard:
                    heard += await reader.read(1024)
                writer.write(ASIDES[name] * 20)
                with contextlib.suppress(ConnectionResetError):
                    await reader.read(-1)
                await no_readers(running)
            writer.close()

    asyncio.run(scenario())


def test_a_display_that_says_much_at_once_is_heard_to_the_end() -> None:
    async def scenario() -> None:
        async with serving() as running, connected(running, "/v1/kitchen/pass") as client:
            assert await client.recv() == "hello"
            said = [f"{number}" * 20 for number in range(1_000)]
            for one in said:
                await client.send(one)
            assert [await client.recv() for _ in said] == [f"echo {one}" for one in said]

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/v1/kitchen/nowhere", "/v1/nothing", "/v1/orders"])
def test_a_websocket_that_does_not_exist_is_a_typed_refusal(path: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with connected(running, path):
                    pass
            assert refused.value.response.status_code == 404
            assert json.loads(refused.value.response.body or b"")["type"] == "urn:tillkeeper:problem:not_found"

    asyncio.run(scenario())


def test_one_display_too_many_is_refused() -> None:
    async def scenario() -> None:
        async with serving(ApiLimits(displays=1)) as running, connected(running, "/v1/kitchen/pass") as client:
            await client.recv()
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with connected(running, "/v1/kitchen/pass"):
                    pass
            assert refused.value.response.status_code == 503

    asyncio.run(scenario())
