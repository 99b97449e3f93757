"""WebSocket handshakes that are none (RFC 6455, 4.2.1): answered as everything else is, and gone afterwards."""

import asyncio
import logging

import pytest
from tests.api.serving import TOKEN, Running, serving

from tillkeeper.api.headers import EVERY
from tillkeeper.api.limits import ApiLimits

GOOD = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
    "Authorization": f"Bearer {TOKEN}",
}
BAD: dict[str, tuple[str, dict[str, str], int]] = {
    "a sub-protocol that is no text": ("GET", {"Sec-WebSocket-Protocol": "bearer.\xe9"}, 400),
    "an extension that is no text": ("GET", {"Sec-WebSocket-Extensions": "\xe9"}, 400),
    "a host that is no name": ("GET", {"Host": "xn--\xe9"}, 400),
    "another version": ("GET", {"Sec-WebSocket-Version": "12"}, 426),
    "another method": ("POST", {}, 400),
    "no key": ("GET", {"Sec-WebSocket-Key": ""}, 400),
}


def handshake(running: Running, method: str, changes: dict[str, str]) -> bytes:
    headers = {"Host": f"127.0.0.1:{running.port}"} | GOOD | changes
    lines = [f"{method} /v1/live HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items() if value), "", ""]
    return "\r\n".join(lines).encode("latin-1")


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_handshake_is_answered_and_takes_no_place(name: str, caplog: pytest.LogCaptureFixture) -> None:
    method, changes, status = BAD[name]

    async def scenario() -> None:
        async with serving(ApiLimits(connections=3)) as running:
            for _ in range(5):
                heard = await running.raw(handshake(running, method, changes))
                head, _, body = heard.partition(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 %d " % status), heard
                assert b"urn:tillkeeper:problem:" in body
                assert all(f"{header}: {value}".encode() in head for header, value in EVERY.items()), head
            assert (await running.http.get("/v1/health")).status_code == 200

    with caplog.at_level(logging.DEBUG):
        asyncio.run(scenario())
    assert not [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING], "anybody could fill the log"


def test_what_is_no_http_writes_nothing_into_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with serving() as running:
            assert (await running.raw(b"\x16\x03\x01 hello\r\n\r\n")).startswith(b"HTTP/1.1 400 ")

    asyncio.run(scenario())
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]
