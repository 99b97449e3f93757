"""The small HTTP server: bounded in size, time and number, whatever is sent to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

import pytest

from tillkeeper_drivers.httpd import MAX_HEAD, Answer, Asked, serving

DEADLINE_S = 0.5
POST = b"POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"


async def echo(asked: Asked) -> Answer:
    return Answer(200, asked.body)


async def talk(port: int, data: bytes, *, end: bool = False) -> bytes:
    """All that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        if end:
            writer.write_eof()
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


def served(scene: Callable[[int], Awaitable[None]], most: int = 8) -> None:
    async def run() -> None:
        async with serving("127.0.0.1", 0, echo, max_body=100, deadline_s=DEADLINE_S, most=most) as port:
            await scene(port)
            assert (await talk(port, POST % 2 + b"ok")).endswith(b"ok"), "and goes on"

    asyncio.run(run())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (POST % 5 + b"hello", b"200"),
        (POST % 101 + b"x" * 101, b"413"),
        (b"GET /" + b"a" * (2 * MAX_HEAD), b"431"),
        (b"\x16\x03\x01 nonsense\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: many\r\n\r\n", b"400"),
    ],
)
def test_requests(data: bytes, status: bytes) -> None:
    async def scene(port: int) -> None:
        assert (await talk(port, data)).startswith(b"HTTP/1.1 " + status)

    served(scene)


def test_a_request_that_never_ends_is_cut_off_at_the_deadline_and_half_of_one_at_once() -> None:
    async def scene(port: int) -> None:
        assert await talk(port, b"POST / HTTP/1.1\r\n") == b""
        assert (await talk(port, POST % 50 + b"half", end=True)).startswith(b"HTTP/1.1 400")

    served(scene)


def test_more_connections_than_allowed_are_closed() -> None:
    async def scene(port: int) -> None:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await asyncio.sleep(0)
        assert await talk(port, POST % 2 + b"no") == b""
        for reader, writer in held:
            assert await reader.read() == b"", "closed at the deadline"
            writer.close()

    served(scene, most=2)


def test_who_is_not_admitted_hears_nothing() -> None:
    async def run() -> None:
        async with serving("127.0.0.1", 0, echo, admits=lambda peer: peer != "127.0.0.1") as port:
            assert await talk(port, POST % 2 + b"no") == b""

    asyncio.run(run())


def test_an_answer_that_breaks_off_is_a_lost_connection() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    async def broken(_asked: Asked) -> Answer:
        return Answer(200, length=8, chunks=chunks())

    async def run() -> None:
        async with serving("127.0.0.1", 0, broken) as port:
            assert not (await talk(port, POST % 0)).endswith(b"halfhalf")

    asyncio.run(run())


def test_garbage_of_any_kind_stops_nothing() -> None:
    async def scene(port: int) -> None:
        chance = Random(7)
        whole = POST % 40 + bytes(40)
        for _ in range(60):
            data = bytearray(whole[: chance.randrange(len(whole))])
            for _ in range(chance.randrange(6)):
                data.insert(chance.randrange(len(data) + 1), chance.randrange(256))
            await talk(port, bytes(data), end=True)

    served(scene)
