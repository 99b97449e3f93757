"""The small HQ on a socket."""

import asyncio
import contextlib
import gzip
import socket
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import uvicorn
from tests.conformance.small_hq import MAX_BYTES, STORE, TOKEN, Refused, SmallHq

KEPT_S = 60
"""Longer than clients use an idle connection (httpx: 5 s, as uvicorn closes it): where everything is slow both come to 5 s at a
time, and what was sent on it gets no answer."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serving(hq: SmallHq) -> contextlib.AbstractAsyncContextManager[str]:
    return serving_app(_App(hq))


@contextlib.asynccontextmanager
async def serving_app(app: Any) -> AsyncIterator[str]:
    """Any ASGI application on a socket; yields its address."""
    # The protocol is named: with 0 asyncio leaves TCP_NODELAY off, and each small answer takes 40 ms.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    sock.setblocking(False)
    config = uvicorn.Config(
        app, http="h11", ws="none", lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=2,
        timeout_keep_alive=KEPT_S,
    )  # fmt: skip
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        yield f"http://127.0.0.1:{sock.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
        sock.close()


class _App:
    def __init__(self, hq: SmallHq) -> None:
        self._hq = hq
        self._turn = asyncio.Lock()
        self._racing = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            async with self._turn if self._hq.wrong("one_at_a_time") else contextlib.nullcontext():
                answer = await self._answer(scope, receive)
            await _respond(send, 200, b"application/json", msgspec.json.encode(answer))
        except Refused as refused:
            body = {"type": f"urn:tillkeeper:hq:problem:{refused.code}", "status": refused.status}
            kind = b"text/html" if self._hq.wrong("plain_errors") else b"application/problem+json"
            await _respond(send, refused.status, kind, msgspec.json.encode(body))

    async def _answer(self, scope: Any, receive: Any) -> Any:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = await _body(receive)
        if headers.get("authorization") != f"Bearer {TOKEN}" and not self._hq.wrong("any_token"):
            raise Refused(401, "unauthorised")
        if scope["method"] == "GET":
            return self._hq.show(scope["path"], dict(parse_qsl(scope["query_string"].decode())))
        if scope["path"] == "/v1/roster":
            return self._hq.take_roster(body)
        if scope["path"] == f"/v1/stores/{STORE}/online-orders/take":
            return self._hq.take_online(body)
        if scope["path"] == f"/v1/stores/{STORE}/roles/witness":
            return self._hq.witness(body)
        return await self._take(self._unpacked(body, headers.get("content-encoding", "")))

    def _unpacked(self, body: bytes, packing: str) -> bytes:
        if packing == "gzip":
            if self._hq.wrong("no_gzip"):
                raise Refused(415, "unknown_encoding")
            try:
                body = gzip.decompress(body)
            except (OSError, EOFError, zlib.error):
                raise Refused(400, "bad_request") from None
        if len(body) > MAX_BYTES:
            raise Refused(500 if self._hq.wrong("large_breaks") else 413, "too_large")
        return body

    async def _take(self, body: bytes) -> Any:
        batch = self._hq.decode(body)
        if self._hq.wrong("beat_numbers") and not batch.events:
            return self._hq.take(batch) | {"numbers": [{"check_id": "x", "number": 1}]}
        self._hq.check(batch)
        if not self._hq.wrong("parallel_refused"):
            return self._hq.take(batch)
        self._racing += 1
        try:
            await asyncio.sleep(0.05)
            if self._racing > 1:
                raise Refused(409, "conflict")
            return self._hq.take(batch)
        finally:
            self._racing -= 1


async def _body(receive: Any) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


async def _respond(send: Any, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
