"""The listener on the store's network, and whoever connects to it without end."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

from starlette.types import Receive, Scope, Send
from tests.api.serving import DEADLINE_S
from tests.support.ports import free_port

from tillkeeper.api.lan import OF_ONE_ADDRESS, LanServer
from tillkeeper.api.limits import ApiLimits

TAKEN = b"HTTP/1.1 204 No Content"


async def nothing(scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@contextlib.asynccontextmanager
async def listening(limits: ApiLimits) -> AsyncIterator[int]:
    """Its port, without TLS: what is counted are connections."""
    port, ready = free_port("0.0.0.0"), asyncio.Event()
    server = LanServer(nothing, limits, ("0.0.0.0", port), (), None, lambda trouble: None if trouble else ready.set())
    running = asyncio.create_task(server.run())
    try:
        async with asyncio.timeout(DEADLINE_S):
            await ready.wait()
            yield port
    finally:
        running.cancel()
        await asyncio.wait({running})


def connect(port: int, address: str, number: int) -> list[socket.socket]:
    """At once, without giving the loop a turn: they wait to be taken."""
    made = [socket.create_connection(("127.0.0.1", port), source_address=(address, 0)) for _ in range(number)]
    for one in made:
        one.setblocking(False)
    return made


def close(*made: socket.socket) -> None:
    for one in made:
        one.close()


async def is_closed(one: socket.socket) -> bool:
    try:
        return not await asyncio.get_running_loop().sock_recv(one, 1)
    except ConnectionError:
        return True


async def answer(one: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(one, b"GET / HTTP/1.1\r\nhost: here\r\n\r\n")
    return (await loop.sock_recv(one, 1000)).split(b"\r\n")[0]


def test_one_address_that_connects_without_end_leaves_the_loop_to_the_others() -> None:
    turns = 0

    async def turning() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def scene() -> None:
        async with listening(ApiLimits(new_of_one_burst=1000)) as port:
            kept = []
            for _ in range(OF_ONE_ADDRESS):
                kept += connect(port, "127.0.0.2", 1)
                assert await answer(kept[-1]) == TAKEN
            others = asyncio.create_task(turning())
            more = connect(port, "127.0.0.2", 100)
            before = turns
            assert all([await is_closed(one) for one in more])
            assert turns - before >= 100
            others.cancel()
            close(*kept, *more)

    asyncio.run(scene())


def test_who_connects_too_often_is_closed_and_no_other_address_is() -> None:
    async def scene() -> None:
        async with listening(ApiLimits(new_of_one_burst=5, new_of_one_per_s=0.01, head_s=60)) as port:
            many, other = connect(port, "127.0.0.2", 8), connect(port, "127.0.0.3", 1)
            assert [await answer(one) for one in (*many[:5], *other)] == [TAKEN] * 6
            assert all([await is_closed(one) for one in many[5:]])
            close(*many, *other)

    asyncio.run(scene())


def test_more_of_the_whole_network_wait_to_be_taken() -> None:
    """What they cost is the processor that sales need."""

    async def scene() -> None:
        async with listening(ApiLimits(new_burst=4, new_per_s=0.5)) as port:
            made = [one for number in range(5) for one in connect(port, f"127.0.0.{2 + number}", 1)]
            assert [await answer(one) for one in made[:4]] == [TAKEN] * 4
            last = asyncio.create_task(answer(made[4]))
            assert not (await asyncio.wait({last}, timeout=0.2))[0]
            assert await last == TAKEN
            close(*made)

    asyncio.run(scene())
