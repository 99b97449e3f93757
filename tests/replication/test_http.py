"""The HTTP seam against servers that answer as servers on bad days do."""

import asyncio
import contextlib
import gzip
import ssl
from collections.abc import AsyncIterator

import msgspec
import pytest
from tests.support.hq_access import access

from tillkeeper import clock
from tillkeeper.config.model import Hq
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.replication.http import WORTH_PACKING, HttpTransport
from tillkeeper.replication.trouble import SinkTrouble

BEAT = HqBatch("corner", "till-1", "inc-1")


def response(status: str, body: bytes, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


class Server:
    """Answers each request with the same bytes; `drip_s` between each of them, `hangs` after the last."""

    def __init__(self, answer: bytes, drip_s: float, hangs: bool) -> None:
        self.answer, self.drip_s, self.hangs = answer, drip_s, hangs
        self.requests: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
            self.requests.append(head + await reader.readexactly(length))
            step = 1 if self.drip_s else max(1, len(self.answer))
            for at in range(0, len(self.answer), step):
                writer.write(self.answer[at : at + step])
                await writer.drain()
                await asyncio.sleep(self.drip_s)
            if self.hangs:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


@contextlib.asynccontextmanager
async def serving(
    answer: bytes, drip_s: float = 0.0, hangs: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Server]:
    server = Server(answer, drip_s, hangs)
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls) as listening:
        server.url = f"{'https' if tls else 'http'}://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield server


def exchange(answer: bytes, drip_s: float = 0.0, hangs: bool = False, timeout_s: float = 10.0) -> tuple[HqAnswer, list[bytes]]:
    async def scene() -> tuple[HqAnswer, list[bytes]]:
        async with serving(answer, drip_s, hangs) as server:
            transport = HttpTransport(access(Hq(url=server.url + "/", timeout_s=timeout_s)))
            try:
                return await transport.exchange(BEAT), server.requests
            finally:
                await transport.aclose()

    return asyncio.run(scene())


@pytest.mark.parametrize(
    ("date", "unix_s"),
    [("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777.0), ("yesterday", None), ("", None), ("Sun, 06 Nov 99999 0:0:0 GMT", None)],
)
def test_the_time_that_hq_says_is_kept_on_the_clock_that_nobody_sets(date: str, unix_s: float | None) -> None:
    async def scene() -> float | None:
        async with serving(response(f"200 OK\r\nDate: {date}", b'{"held_seq":7}')) as server:
            transport = HttpTransport(access(Hq(url=server.url + "/")))
            try:
                await transport.exchange(BEAT)
            finally:
                await transport.aclose()
        return transport.hq_minus_boot_s

    offset_s = asyncio.run(scene())
    assert offset_s is None if unix_s is None else offset_s == pytest.approx(unix_s - clock.boot_s(), abs=5.0)


def test_a_look_that_makes_the_register_online_says_the_time_too() -> None:
    async def scene() -> float | None:
        async with serving(response("200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT", b'{"held_seq":7}')) as server:
            transport = HttpTransport(access(Hq(url=server.url + "/")))
            try:
                await transport.look(BEAT, 3.0)
            finally:
                await transport.aclose()
        return transport.hq_minus_boot_s

    assert asyncio.run(scene()) == pytest.approx(784_111_777.0 - clock.boot_s(), abs=5.0)


def test_an_answer_is_an_answer() -> None:
    got, requests = exchange(response("200 OK", b'{"held_seq":7,"a_field_of_tomorrow":1}'))
    assert got == HqAnswer(7)
    assert requests[0].startswith(b"POST /v1/events HTTP/1.1\r\n")
    assert b"authorization: bearer the-secret" in requests[0].lower()


PROBLEM = b'{"type":"x","title":"No valid token","detail":"ask the manager"}'
NO_AUTHORITY = b'{"type":"urn:tillkeeper:hq:problem:no_authority","title":"HQ believes no signature of this store"}'


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (response("401 Unauthorized", PROBLEM), "credentials_refused", "ask the manager"),
        (response("403 Forbidden", b"<html>"), "credentials_refused", "credentials refused"),
        (response("403 Forbidden", NO_AUTHORITY), "credentials_refused", "HQ takes nothing of other registers"),
        (response("302 Found", b"", "Location: http://127.0.0.1:9/elsewhere"), "redirected", "not followed"),
        (response("307 Temporary Redirect", b"", "Location: /v1/events"), "redirected", "not followed"),
        (response("413 Too Large", b""), "batch_refused", "413"),
        (response("503 Busy", PROBLEM), "busy", "ask the manager"),
        (response("500 Oops", b"<h1>oops</h1>"), "server_error", "500"),
        (response("404 Not Found", b""), "server_error", "404"),
        (response("204 No Content", b""), "server_error", "204"),
        (response("200 OK", b"<html>Welcome to the hotel</html>"), "garbage", "no answer of HQ"),
        (response("200 OK", b"{}"), "garbage", "held_seq"),
        (response("200 OK", b'{"held_seq":"7"}'), "garbage", "no answer of HQ"),
        (response("200 OK", b'{"held_seq":-1}'), "garbage", "out of range"),
        (response("200 OK", b'{"held_seq":1,"numbers":[{"check_id":"c","number":0}]}'), "garbage", "out of range"),
        (response("200 OK", b'{"held_seq":1,"numbers":[{"check_id":"c","number":4111111111111111}]}'), "garbage", "range"),
        (response("200 OK", b"\xff\xfe"), "garbage", "no answer of HQ"),
        (response("200 OK", b'{"held_seq":1,"more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "garbage", "no answer of HQ"),
        (response("500 Oops", b'{"detail":"x","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "server_error", "no details"),
        (response("200 OK", b" " * 2_000_000), "garbage", "longer than"),
        (response("200 OK", b'{"held_seq":7}')[:-3], "unreachable", ""),
        (b"", "unreachable", ""),
        (b"SSH-2.0-OpenSSH\r\n", "unreachable", ""),
    ],
)
def test_what_is_no_answer_is_named(answer: bytes, code: str, words: str) -> None:
    with pytest.raises(SinkTrouble) as caught:
        exchange(answer)
    assert caught.value.code == code
    assert words in caught.value.cause
    assert "the-secret" not in str(caught.value)


@pytest.mark.parametrize(("answer", "drip_s"), [(b"", 0.0), (response("200 OK", b'{"held_seq":7}'), 0.05)])
def test_silence_and_drips_end_at_the_deadline(answer: bytes, drip_s: float) -> None:
    with pytest.raises(SinkTrouble) as caught:
        exchange(answer, drip_s, hangs=True, timeout_s=0.3)
    assert caught.value.code == "timeout"


def test_nobody_there() -> None:
    async def scene() -> None:
        async with serving(b"") as server:
            url = server.url
        for where in (url, "http://", "not a url", "ftp://hq"):
            transport = HttpTransport(access(Hq(url=where, timeout_s=10)))
            try:
                with pytest.raises(SinkTrouble) as caught:
                    await transport.exchange(BEAT)
            finally:
                await transport.aclose()
            assert caught.value.code == "unreachable"

    asyncio.run(scene())


class Choosy(Server):
    """Takes nothing that is packed, and says so in the one way or the other."""

    def __init__(self, refusal: bytes) -> None:
        super().__init__(response("200 OK", b'{"held_seq":1}'), 0.0, False)
        self.refusal, self.good = refusal, self.answer

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.answer = self.refusal if b"gzip" in head.lower() else self.good
        again = asyncio.StreamReader()
        again.feed_data(head)
        length = next(int(line.split(b":")[1]) for line in head.splitlines() if line.lower().startswith(b"content-length"))
        again.feed_data(await reader.readexactly(length))
        await super().serve(again, writer)


def batch_of(size: int) -> HqBatch:
    event = Envelope("corner", "till-1", "inc-1", 1, "odd", 1, "2026-11-21", 0, "x" * size, "a", "b")
    return HqBatch("corner", "till-1", "inc-1", (event,))


def pushed(server: Server, *batches: HqBatch) -> list[tuple[bool, HqBatch]]:
    """What a server got of these: packed or not, and the batch."""

    async def scene() -> None:
        async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
            transport = HttpTransport(access(Hq(url=f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}")))
            try:
                for batch in batches:
                    await transport.exchange(batch)
            finally:
                await transport.aclose()

    asyncio.run(scene())
    found = []
    for request in server.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        packed = b"content-encoding: gzip" in head.lower()
        found.append((packed, msgspec.json.decode(gzip.decompress(body) if packed else body, type=HqBatch)))
    return found


def test_a_large_batch_goes_out_packed_and_a_small_one_as_it_is() -> None:
    large, small = batch_of(WORTH_PACKING), batch_of(100)
    server = Server(response("200 OK", b'{"held_seq":1}'), 0.0, False)
    assert pushed(server, large, small, large) == [(True, large), (False, small), (True, large)]


@pytest.mark.parametrize("status", ["415 Unsupported Media Type", "400 Bad Request"])
def test_an_hq_that_takes_nothing_packed_gets_the_same_batch_unpacked_and_no_packed_one_after_it(status: str) -> None:
    large = batch_of(WORTH_PACKING)
    server = Choosy(response(status, b"{}"))
    assert pushed(server, large, large) == [(True, large), (False, large), (False, large)]
