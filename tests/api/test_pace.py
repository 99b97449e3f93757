"""Who asks too much is told so and keeps nobody else away. The layers alone, on a clock of the test."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import pytest
from starlette.types import Message, Receive, Send
from tests.api.serving import serving

from tillkeeper.api.auth import DEVICE_KEY, LAN_KEY, SCOPE_KEY
from tillkeeper.api.edge import Edge
from tillkeeper.api.headers import EVERY
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.pace import Pace

LIMITS = ApiLimits()
NOBODY = ("127.0.0.1", 40_000)


Scope = dict[str, Any]


class Tablet(NamedTuple):
    device_id: str


class Heard(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


def coming(path: str = "/v1/status", *, client: tuple[str, int] | None = NOBODY, kind: str = "http", **more: Any) -> Scope:
    headers = [(b"tillkeeper-terminal", more.pop("terminal").encode())] if "terminal" in more else []
    server = ["/run/till.sock", None] if client is None else ["127.0.0.1", 8400]
    base = {
        "type": kind,
        "method": "GET",
        "path": path,
        "headers": headers,
        "client": client,
        "server": server,
        "subprotocols": [],
    }
    return base | {name: value for name, value in more.items() if value is not None}


def page(path: str = "/v1/status", terminal: str = "front") -> Scope:
    return coming(path, terminal=terminal) | {SCOPE_KEY: "page"}


def tablet(name: str, path: str = "/v1/status", kind: str = "http", address: str = "192.168.1.50") -> Scope:
    return coming(path, client=(address, 5), kind=kind) | {LAN_KEY: object(), SCOPE_KEY: "kitchen", DEVICE_KEY: Tablet(name)}


async def _receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def ask(app: Callable[[Any, Receive, Send], Awaitable[None]], scope: Scope) -> Heard:
    said: list[Message] = []

    async def send(message: Message) -> None:
        said.append(message)

    await app(scope, _receive, send)
    headers = {name.decode(): value.decode() for name, value in said[0].get("headers", ())}
    return Heard(said[0].get("status", 101), headers, b"".join(one.get("body", b"") for one in said))


class Inside:
    """What is behind the layers: answers `status`; where `hold` is set, only when it is opened."""

    def __init__(self, status: int = 200) -> None:
        self.status, self.asked = status, 0
        self.hold: asyncio.Event | None = None
        self._more = asyncio.Event()

    async def until(self, asked: int) -> None:
        """So many have come here."""
        while self.asked < asked:
            self._more.clear()
            await self._more.wait()

    async def __call__(self, scope: Any, _receive: Receive, send: Send) -> None:
        self.asked += 1
        self._more.set()
        if self.hold is not None:
            await self.hold.wait()
        start = "websocket.accept" if scope["type"] == "websocket" else "http.response.start"
        await send({"type": start, "status": self.status, "headers": []} if scope["type"] == "http" else {"type": start})
        if scope["type"] == "http":
            await send({"type": "http.response.body", "body": b"said"})


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_page_that_asks_without_end_is_told_to_wait_and_another_is_not() -> None:
    async def scene() -> None:
        inside, clock = Inside(), Clock()
        pace = Pace(inside, LIMITS, clock)
        for _ in range(400):
            assert (await ask(pace, page())).status == 200
        refused = await ask(pace, page())
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert b"urn:tillkeeper:problem:too_often" in refused.body
        assert inside.asked == 400
        assert (await ask(pace, page(terminal="bar"))).status == 200
        assert (await ask(pace, tablet("pass"))).status == 200
        assert (await ask(pace, coming() | {SCOPE_KEY: "full"})).status == 200
        clock.now_s += 1
        assert [(await ask(pace, page())).status for _ in range(41)] == [200] * 40 + [429]

    asyncio.run(scene())


def test_pictures_cost_more_and_files_less() -> None:
    async def scene() -> None:
        pace = Pace(Inside(), LIMITS, Clock())
        pictures = [(await ask(pace, tablet("a", "/v1/preview/receipt"))).status for _ in range(41)]
        assert pictures == [200] * 40 + [429]
        files = [(await ask(pace, coming("/shared/api.js", client=("192.168.1.7", 1)))).status for _ in range(1601)]
        assert files == [200] * 1600 + [429]

    asyncio.run(scene())


def test_the_unix_socket_is_not_counted() -> None:
    async def scene() -> None:
        pace = Pace(Inside(), LIMITS, Clock())
        assert {(await ask(pace, coming(client=None))).status for _ in range(5_000)} == {200}

    asyncio.run(scene())


def test_wrong_pins_of_one_device_end_whatever_terminal_it_names() -> None:
    async def scene() -> None:
        inside, clock = Inside(401), Clock()
        pace = Pace(inside, LIMITS, clock)
        answers = [(await ask(pace, tablet("a", "/v1/sign-in"))).status for _ in range(12)]
        assert answers == [401] * 10 + [429] * 2
        assert inside.asked == 10
        assert (await ask(pace, tablet("b", "/v1/sign-in"))).status == 401
        assert (await ask(pace, tablet("a"))).status == 401  # whatever else it asks goes on
        clock.now_s += 30
        assert [(await ask(pace, tablet("a", "/v1/approvals"))).status for _ in range(2)] == [401, 429]

    asyncio.run(scene())


@pytest.mark.parametrize("status", [200, 403])
def test_right_pins_are_never_counted(status: int) -> None:
    """403: of somebody who may not approve."""

    async def scene() -> None:
        clock = Clock()
        pace = Pace(Inside(status), LIMITS, clock)
        for _ in range(100):
            clock.now_s += 1
            assert (await ask(pace, tablet("a", "/v1/approvals"))).status == status

    asyncio.run(scene())


def test_who_is_told_to_come_later_comes_by_a_new_connection() -> None:
    """Answering costs the processor: what one address may cost is bounded where connections are (`api/lan.py`)."""

    async def scene() -> None:
        async with serving(ApiLimits(wrong_token_s=60)) as running:  # else a slow machine is let off one more
            one = f"GET /v1/status HTTP/1.1\r\nhost: 127.0.0.1:{running.port}\r\nauthorization: Bearer wrong\r\n"
            said = await running.raw((f"{one}\r\n" * 30 + f"{one}connection: close\r\n\r\n").encode())
            assert [said.count(b"HTTP/1.1 %d" % status) for status in (401, 429)] == [20, 1]

    asyncio.run(scene())


@pytest.mark.parametrize("status", [401, 403])
def test_refused_strangers_of_one_address_get_429_and_who_is_let_in_does_not(status: int) -> None:
    async def scene() -> None:
        inside, clock = Inside(status), Clock()
        edge = Edge(inside, LIMITS, clock)
        stranger = coming(client=("192.168.1.66", 9)) | {LAN_KEY: object()}
        answers = [await ask(edge, stranger) for _ in range(25)]
        assert [one.status for one in answers] == [status] * 20 + [429] * 5
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert EVERY.items() <= answers[-1].headers.items()
        other = coming(client=("192.168.1.67", 9)) | {LAN_KEY: object()}
        assert (await ask(edge, other)).status == status
        allowed = tablet("a", address="192.168.1.66")
        assert {(await ask(edge, allowed)).status for _ in range(50)} == {status}
        inside.status = 200
        assert (await ask(edge, stranger)).status == 200

    asyncio.run(scene())


def test_a_stranger_in_the_stores_ipv6_network_is_no_tablet_there() -> None:
    """All devices of a store share the first half of their addresses."""

    async def scene() -> None:
        inside = Inside()
        inside.hold = asyncio.Event()
        edge = Edge(inside, LIMITS, Clock())
        slow = [
            asyncio.create_task(ask(edge, coming("/v1/pair", client=("fd12:3456:789a:1::66", 9)) | {LAN_KEY: object()}))
            for _ in range(LIMITS.requests_of_one + 1)
        ]
        await inside.until(LIMITS.requests_of_one)
        grill = asyncio.create_task(ask(edge, tablet("grill", address="fd12:3456:789a:1::50")))
        await asyncio.wait({grill, more := asyncio.create_task(inside.until(LIMITS.requests_of_one + 1))}, timeout=60,
                           return_when=asyncio.FIRST_COMPLETED)  # fmt: skip
        more.cancel()
        inside.hold.set()
        assert (await grill).status == 200
        assert sorted(one.status for one in await asyncio.gather(*slow)) == [200] * LIMITS.requests_of_one + [503]
        refused = Edge(Inside(401), LIMITS, Clock())
        assert [(await ask(refused, coming(client=("fd12:3456:789a:1::66", 9)))).status for _ in range(22)] == [401] * 20 + [
            429
        ] * 2
        assert (await ask(refused, coming(client=("fd12:3456:789a:1::50", 9)))).status == 401

    asyncio.run(scene())


def test_after_ten_wrong_codes_no_code_of_that_address_is_looked_at() -> None:
    async def scene() -> None:
        inside, clock = Inside(403), Clock()
        pace = Pace(inside, LIMITS, clock)
        pairing = coming("/v1/pair", client=("192.168.1.66", 9)) | {LAN_KEY: object()}
        assert [(await ask(pace, pairing)).status for _ in range(12)] == [403] * 10 + [429] * 2
        assert inside.asked == 10
        inside.status = 200
        assert (await ask(pace, coming("/v1/pair", client=("192.168.1.67", 9)))).status == 200
        clock.now_s += 60
        assert (await ask(pace, pairing)).status == 200

    asyncio.run(scene())


def test_a_tablet_that_hangs_keeps_neither_the_others_nor_this_machine_waiting() -> None:
    async def scene() -> None:
        inside = Inside()
        inside.hold = asyncio.Event()
        edge = Edge(inside, LIMITS, Clock())
        held = [asyncio.create_task(ask(edge, tablet("a"))) for _ in range(20)]
        many = [asyncio.create_task(ask(edge, tablet(f"t{n}", address=f"10.0.0.{n % 200}"))) for n in range(100)]
        await inside.until(96)
        assert sum(task.done() for task in held) == 4  # beyond 16 of one device
        assert sum(task.done() for task in many) == 20  # beyond 96 of the network
        here = [asyncio.create_task(ask(edge, page())) for _ in range(32)]
        await inside.until(128)
        inside.hold.set()
        assert {(await task).status for task in here} == {200}
        assert sorted([(await task).status for task in held]) == [200] * 16 + [503] * 4
        await asyncio.gather(*many)

    asyncio.run(scene())


def test_no_device_has_all_the_places_for_websockets() -> None:
    async def scene() -> None:
        inside = Inside()
        inside.hold = asyncio.Event()
        pace = Pace(inside, LIMITS, Clock())
        own = [asyncio.create_task(ask(pace, tablet("a", "/v1/live", "websocket"))) for _ in range(10)]
        others = [asyncio.create_task(ask(pace, tablet(f"t{n}", "/v1/live", "websocket"))) for n in range(20)]
        kitchen = asyncio.create_task(ask(pace, tablet("k", "/v1/kitchen/pass", "websocket")))
        here = [asyncio.create_task(ask(pace, page("/v1/live") | {"type": "websocket"})) for _ in range(8)]
        await inside.until(8 + 16 + 1 + 8)
        inside.hold.set()
        assert sorted([(await task).status for task in own]) == [101] * 8 + [503] * 2
        assert sorted([(await task).status for task in others]) == [101] * 16 + [503] * 4
        assert {(await task).status for task in (kitchen, *here)} == {101}
        assert (await ask(pace, tablet("a", "/v1/live", "websocket"))).status == 101  # places come back

    asyncio.run(scene())
