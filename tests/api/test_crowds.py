"""Who has many addresses and says nothing on them: all of 127/8 is this machine."""

import asyncio

import httpx
from tests.api.serving import TOKEN, Running, serving
from tests.support.plain_http import NOBODY

from tillkeeper.api.limits import ApiLimits

FEW = ApiLimits(connections=6, head_s=600.0, idle_s=600.0)


async def from_address(running: Running, address: str) -> httpx.Response:
    transport = httpx.AsyncHTTPTransport(local_address=address, verify=NOBODY)
    headers = {"authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url=running.bound.url, headers=headers) as client:
        return await client.get("/v1/status")


async def half(running: Running, *addresses: str) -> list[asyncio.StreamWriter]:
    """Connections that stay in the middle of a head."""
    opened = [await asyncio.open_connection("127.0.0.1", running.port, local_addr=(one, 0)) for one in addresses]
    for _, writer in opened:
        writer.write(b"GET /v1/")
    return [writer for _, writer in opened]


def test_half_requests_from_several_addresses_keep_no_other_out() -> None:
    async def scenario() -> None:
        async with serving(FEW) as running:
            held = await half(running, *(f"127.0.0.{2 + number % 3}" for number in range(6)))
            for _ in range(3):
                assert (await from_address(running, "127.0.0.9")).status_code == 200
            for writer in held:
                writer.transport.abort()

    asyncio.run(scenario())


def test_connections_that_were_used_a_moment_ago_make_room_too() -> None:
    async def scenario() -> None:
        async with serving(FEW) as running:
            clients = [
                httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(local_address="127.0.0.2", verify=NOBODY))
                for _ in range(6)
            ]
            for client in clients:
                assert (await client.get(f"{running.bound.url}/v1/health")).status_code == 200
            assert (await from_address(running, "127.0.0.9")).status_code == 200
            for client in clients:
                await client.aclose()

    asyncio.run(scenario())


def test_who_has_the_most_itself_gets_no_place_of_another() -> None:
    async def scenario() -> None:
        async with serving(FEW) as running:
            held = await half(running, *["127.0.0.2"] * 5, "127.0.0.3")
            assert (await from_address(running, "127.0.0.2")).status_code == 503
            for writer in held:
                writer.transport.abort()

    asyncio.run(scenario())
