"""Servers that are no HQ at all: a run ends, and says so."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest

from tillkeeper.conformance.model import NoHq, Report
from tillkeeper.conformance.run import CHECKS, examine

BEAT = b'{"held_seq":0,"verdicts":[],"numbers":[],"hq_time_ms":1795310000123}'


def answer(body: bytes, status: bytes = b"200 OK", *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def dripping() -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
    yield from itertools.repeat(b" ")


STRANGERS: dict[str, Callable[[], Iterator[bytes]]] = {
    "says nothing": lambda: itertools.repeat(b""),
    "drips for ever": dripping,
    "hangs up": lambda: iter(()),
    "no HTTP": lambda: iter([b"220 mail.example ESMTP\r\n"]),
    "a page": lambda: iter([answer(b"<html>Welcome</html>")]),
    "another program's JSON": lambda: iter([answer(b'{"status":"ok"}')]),
    "a portal": lambda: iter([answer(b"", b"302 Found", b"Location: http://127.0.0.1:9/")]),
    "packed without being asked": lambda: iter([answer(b"\x1f\x8b\x08\x00", b"200 OK", b"Content-Encoding: gzip")]),
    "too long": lambda: iter([b"HTTP/1.1 200 OK\r\n\r\n", *[b" " * 65_536] * 20]),
    "nested": lambda: iter([answer(b"[" * 200_000)]),
}


@asynccontextmanager
async def serving(parts: Callable[[], Iterator[bytes]]) -> AsyncIterator[str]:
    """Answers each connection with these parts, an empty one being a moment of silence."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            for part in parts():
                writer.write(part)
                await writer.drain()
                if len(part) < 2:
                    await asyncio.sleep(0.05)
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("stranger", STRANGERS)
def test_what_is_no_hq_is_not_examined(stranger: str) -> None:
    async def scenario() -> None:
        async with serving(STRANGERS[stranger]) as url:
            await examine(url, "a-token", "corner", "till-1", timeout_s=0.5)

    with pytest.raises(NoHq):
        asyncio.run(scenario())


def test_what_can_only_beat_fails_and_the_run_ends() -> None:
    """It answers everything with the same friendly words."""

    async def scenario() -> Report:
        async with serving(lambda: iter([answer(BEAT, b"200 OK", b"Content-Type: application/json")])) as url:
            return await examine(url, "a-token", "corner", "till-1", timeout_s=2)

    report = asyncio.run(scenario())
    assert len(report.results) == len(CHECKS)
    passed = {one.check for one in report.results if one.verdict == "passed"}
    assert passed <= {"held-begins-at-0", "problem-details", "slow-sender"}
    assert not report.conforms
