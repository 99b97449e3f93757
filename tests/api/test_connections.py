"""Below the requests: malformed HTTP, clients that are slow on purpose, and every bound of `ApiLimits`."""

import asyncio
import contextlib
import json
import socket
import time

import httpx
import msgspec
import pytest
from tests.api.fake_till import FakeTill
from tests.api.serving import DEADLINE_S, TOKEN, Running, problem, serving

from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.sockets import bind_tcp
from tillkeeper.contract.http_parser import HEADERS, PARTS

FAST = ApiLimits(head_s=0.3, body_s=0.3, stall_s=0.3, discard_s=0.3)
ORDER = {"order_type": "dine_in", "lines": [{"item_id": "a"}]}


def head(running: Running, first: bytes = b"POST /v1/orders HTTP/1.1", *more: bytes) -> bytes:
    lines = [
        first,
        b"Host: 127.0.0.1:%d" % running.port,
        b"Authorization: Bearer " + TOKEN.encode(),
        b"Idempotency-Key: k",
        b"Content-Type: application/json",
        *more,
    ]
    return b"\r\n".join([*lines, b"", b""])


def typed(answer: bytes, status: int, code: str) -> dict[str, object]:
    """The problem in a raw answer, which must be one and close the connection."""
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 %d " % status), answer
    assert b"content-type: application/problem+json" in top.lower()
    members: dict[str, object] = json.loads(body)
    assert members["type"] == f"urn:tillkeeper:problem:{code}"
    return members


GARBAGE = {
    "not HTTP": b"EHLO register\r\n\r\n",
    "binary": bytes(range(256)) + b"\r\n\r\n",
    "a TLS hello": bytes.fromhex("16030100a5010000a10303") + b"\0" * 90,
    "no Host": b"GET /v1/health HTTP/1.1\r\n\r\n",
    "two Hosts": b"GET /v1/health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "a space in a header name": b"GET / HTTP/1.1\r\nHost: a\r\nX y: z\r\n\r\n",
    "a length that is no number": b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: ten\r\n\r\n",
    "a negative length": b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    "two lengths": b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "an unknown transfer coding": b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n",
    "a large head in one piece": b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: x\r\n" * 20_000 + b"\r\n",
    "an endless head": b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000,
}


@pytest.mark.parametrize("name", GARBAGE)
def test_malformed_http_gets_a_typed_answer(name: str) -> None:
    async def scenario() -> None:
        async with serving() as running:
            typed(await running.raw(GARBAGE[name]), 400, "bad_request")
            assert (await running.http.get("/v1/health")).status_code == 200

    asyncio.run(scenario())


PROXY = [b"CONNECT evil.example:443 HTTP/1.1", b"GET http://evil.example/v1/status HTTP/1.1", b"OPTIONS * HTTP/1.1"]


@pytest.mark.parametrize("line", PROXY)
def test_this_is_no_proxy(line: bytes) -> None:
    async def scenario() -> None:
        async with serving() as running:
            typed(await running.raw(head(running, line, b"Connection: close")), 404, "not_found")

    asyncio.run(scenario())


def test_a_body_that_breaks_off_changes_nothing() -> None:
    async def scenario() -> None:
        async with serving() as running:
            broken = head(running, b"POST /v1/orders HTTP/1.1", b"Transfer-Encoding: chunked")
            typed(await running.raw(broken + b'5\r\n{"ord\r\nnot a size\r\n'), 400, "bad_request")
            body = json.dumps(ORDER).encode()
            cut = head(running, b"POST /v1/orders HTTP/1.1", b"Content-Length: %d" % (len(body) + 1))
            await running.raw(cut + body, half_close=True)
            assert not running.till.executed

    asyncio.run(scenario())


def test_two_requests_in_one_packet_are_two_answers() -> None:
    async def scenario() -> None:
        async with serving() as running:
            body = json.dumps(ORDER).encode()
            one = head(running, b"POST /v1/orders HTTP/1.1", b"Content-Length: %d" % len(body)) + body
            answers = await running.raw(one + head(running, b"GET /v1/jobs HTTP/1.1", b"Connection: close"))
            assert answers.count(b"HTTP/1.1 200") == 2
            assert len(running.till.executed) == 1

    asyncio.run(scenario())


def test_an_endless_body_is_not_read_for_ever() -> None:
    async def scenario() -> None:
        limits = ApiLimits(discard_bytes=300_000, discard_s=5.0, head_s=2.0)
        async with serving(limits) as running:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(head(running, b"POST /v1/orders HTTP/1.1", b"Transfer-Encoding: chunked"))
            answer = asyncio.ensure_future(reader.read(-1))
            sent = 0
            chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
            async with asyncio.timeout(DEADLINE_S):
                while not answer.done():
                    writer.write(chunk)
                    sent += len(chunk)
                    try:
                        await writer.drain()
                    except ConnectionError:
                        break
                    await asyncio.sleep(0)
                with contextlib.suppress(ConnectionResetError):  # it kept sending: a reset may overtake the answer
                    typed(await answer, 413, "body_too_large")
            writer.close()
            assert sent < 20_000_000
            assert not running.till.executed

    asyncio.run(scenario())


def test_a_head_of_nothing_but_headers_is_cut() -> None:
    async def scenario() -> None:
        async with serving() as running:
            ours = head(running, b"GET /v1/health HTTP/1.1", b"Connection: close").count(b"\n") - 2
            as_many = [b"GET /v1/health HTTP/1.1", b"Connection: close", *[b"X:"] * (HEADERS - ours)]
            assert (await running.raw(head(running, *as_many))).startswith(b"HTTP/1.1 200 ")
            typed(await running.raw(head(running, *as_many, b"X:")), 400, "bad_request")

    asyncio.run(scenario())


def test_a_body_in_as_many_parts_as_bytes_is_cut() -> None:
    """Each part takes the loop as long as a small request, and a packet has tens of thousands of them."""

    async def scenario() -> None:
        async with serving() as running:
            chunked = head(running, b"POST /v1/orders HTTP/1.1", b"Transfer-Encoding: chunked")
            typed(await running.raw(chunked + b"1\r\n \r\n" * (PARTS + 1)), 400, "bad_request")
            assert not running.till.executed
            body = json.dumps(ORDER).encode().ljust(PARTS)
            parts = b"".join(b"1\r\n%c\r\n" % byte for byte in body[:PARTS])
            good = chunked.replace(b"Host", b"Connection: close\r\nHost") + parts + b"0\r\n\r\n"
            assert (await running.raw(good)).startswith(b"HTTP/1.1 200")

    asyncio.run(scenario())


def test_who_asks_first_is_told_before_sending() -> None:
    async def scenario() -> None:
        async with serving() as running:
            polite = head(running, b"POST /v1/orders HTTP/1.1", b"Content-Length: 99999999999", b"Expect: 100-continue")
            answer = await running.raw(polite)
            assert b"100 Continue" not in answer
            typed(answer, 413, "body_too_large")

    asyncio.run(scenario())


@pytest.mark.parametrize("start", [b"", b"GET /v1/health HTT", b"GET /v1/health HTTP/1.1\r\nHost: a\r\nX-Slow"])
def test_a_head_that_never_ends_is_cut(start: bytes) -> None:
    async def scenario() -> None:
        async with serving(FAST) as running:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            for byte in start:  # one at a time does not keep it open either
                writer.write(bytes([byte]))
                await asyncio.sleep(0)
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                    await reader.readexactly(1)
            writer.close()

    asyncio.run(scenario())


def test_a_second_head_that_never_ends_is_cut() -> None:
    async def scenario() -> None:
        async with serving(FAST) as running:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(head(running, b"GET /v1/health HTTP/1.1"))
            await reader.readuntil(b"}")
            writer.write(b"GET /v1/he")
            async with asyncio.timeout(DEADLINE_S):
                with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                    await reader.readexactly(1)
            writer.close()

    asyncio.run(scenario())


def test_a_body_that_never_ends_is_answered() -> None:
    async def scenario() -> None:
        async with serving(FAST) as running:
            begun = head(running, b"POST /v1/orders HTTP/1.1", b"Content-Length: 100") + b"{"
            typed(await running.raw(begun), 408, "body_too_slow")
            assert not running.till.executed

    asyncio.run(scenario())


def test_a_client_that_takes_nothing_is_let_go() -> None:
    """It asks for the catalogue again and again and reads nothing, until the server's buffers and its own are full."""

    async def scenario() -> None:
        async with serving(FAST) as running:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as deaf:
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                deaf.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(deaf, ("127.0.0.1", running.port))
                async with asyncio.timeout(DEADLINE_S):
                    with pytest.raises(ConnectionError):
                        await loop.sock_sendall(deaf, head(running, b"GET /openapi.json HTTP/1.1") * 100_000)
            assert (await running.http.get("/v1/health")).status_code == 200

    asyncio.run(scenario())


def test_one_connection_too_many_is_told_so() -> None:
    async def scenario() -> None:
        async with serving(ApiLimits(connections=3)) as running:
            held = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(3)]
            for reader, writer in held:
                writer.write(head(running, b"GET /v1/health HTTP/1.1"))
                await reader.readuntil(b"}")
            assert typed(await running.raw(b""), 503, "overloaded")["retry_safe"] is True
            assert (await running.unix.get("/v1/health")).status_code == 200  # the socket has places of its own
            for _reader, writer in held:
                writer.close()
            async with asyncio.timeout(DEADLINE_S):
                while (await running.http.get("/v1/health")).status_code != 200:  # noqa: ASYNC110  # asks until it has a place
                    await asyncio.sleep(0.01)

    asyncio.run(scenario())


def test_a_connection_that_is_idle_makes_room_the_longest_first() -> None:
    async def scenario() -> None:
        async with serving(ApiLimits(connections=3, idle_s=0.05)) as running:
            held = [await asyncio.open_connection("127.0.0.1", running.port) for _ in range(3)]
            for reader, writer in held:
                writer.write(head(running, b"GET /v1/health HTTP/1.1"))
                await reader.readuntil(b"}")
            await asyncio.sleep(0.1)
            assert (await running.http.get("/v1/health")).status_code == 200
            async with asyncio.timeout(DEADLINE_S):
                assert await held[0][0].read() == b""
            for reader, writer in held[1:]:
                writer.write(head(running, b"GET /v1/health HTTP/1.1"))
                assert b" 200 " in await reader.readline()
            for _reader, writer in held:
                writer.close()

    asyncio.run(scenario())


def test_a_kept_connection_is_closed_after_its_time_and_later_than_clients_close_theirs() -> None:
    async def scenario() -> None:
        async with serving(ApiLimits(kept_s=1)) as running:
            reader, writer = await asyncio.open_connection("127.0.0.1", running.port)
            writer.write(head(running, b"GET /v1/health HTTP/1.1"))
            async with asyncio.timeout(DEADLINE_S):
                assert b" 200 " in await reader.read(-1)  # to the end
            writer.close()

    asyncio.run(scenario())
    curl_s, go_s, httpx_s = 118, 90, httpx.Limits().keepalive_expiry
    assert ApiLimits().kept_s > max(curl_s, go_s, httpx_s or 0)


def test_a_request_that_comes_as_its_kept_connection_is_to_be_closed_is_answered() -> None:
    """The register is busy for a moment; when it looks again, the connection's time is up and the next request is there."""

    async def scenario() -> None:
        async with serving(ApiLimits(kept_s=1)) as running:
            loop = asyncio.get_running_loop()
            with socket.socket(socket.AF_UNIX) as client:
                client.setblocking(False)
                await loop.sock_connect(client, str(running.bound.socket))
                busy_s = 0.3
                asked_s = loop.time()
                await loop.sock_sendall(client, head(running, b"GET /v1/health HTTP/1.1"))
                assert b" 200 " in await loop.sock_recv(client, 65_536)
                # Both are due when the loop wakes from the first: the second comes before the end of what is kept.
                loop.call_at(asked_s + 1 - busy_s / 2, time.sleep, busy_s)
                loop.call_at(asked_s + 1 - busy_s / 3, client.send, head(running, b"GET /v1/health HTTP/1.1"))
                async with asyncio.timeout(DEADLINE_S):
                    assert b" 200 " in await loop.sock_recv(client, 65_536)

    asyncio.run(scenario())


def test_one_request_too_many_is_told_so() -> None:
    async def scenario() -> None:
        till = FakeTill()
        till.hang = asyncio.Event()
        async with serving(ApiLimits(requests=1), till) as running:
            first = asyncio.ensure_future(running.http.post("/v1/orders", json=ORDER, headers={"idempotency-key": "a"}))
            async with asyncio.timeout(DEADLINE_S):
                await till.entered.wait()
            second = await running.http.post("/v1/orders", json=ORDER, headers={"idempotency-key": "b"})
            problem(second, 503, "overloaded")
            assert second.headers["retry-after"] == "1"
            till.hang.set()
            assert (await first).status_code == 200
            assert (await running.http.post("/v1/orders", json=ORDER, headers={"idempotency-key": "b"})).status_code == 200

    asyncio.run(scenario())


def test_a_client_that_leaves_does_not_undo_its_order() -> None:
    async def scenario() -> None:
        till = FakeTill()
        till.hang = asyncio.Event()
        async with serving(till=till) as running:
            leaving = asyncio.ensure_future(running.http.post("/v1/orders", json=ORDER, headers={"idempotency-key": "a"}))
            async with asyncio.timeout(DEADLINE_S):
                await till.entered.wait()
            leaving.cancel()
            await asyncio.wait({leaving})
            till.hang.set()
            again = await running.http.post("/v1/orders", json=ORDER, headers={"idempotency-key": "a"})
            assert again.headers["idempotent-replayed"] == "true"
            assert len(till.executed) == 1

    asyncio.run(scenario())


def test_accepted_connections_do_not_wait_for_acknowledgements() -> None:
    """asyncio sets TCP_NODELAY only on sockets whose protocol number is TCP's, and accepted ones inherit it."""
    listener = bind_tcp("127.0.0.1:0")
    with listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.proto == socket.IPPROTO_TCP


def test_limits_are_positive_and_said_in_the_document() -> None:
    limits = ApiLimits()
    assert all(value > 0 for value in msgspec.structs.asdict(limits).values())
