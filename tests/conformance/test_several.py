"""Two processes of tillkeeper-hq on one PostgreSQL, each request at the other one: for registers they are one HQ."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conformance.small_server import serving_app
from tests.hq.world import DATABASE, STORE, running, token
from tests.support import postgres

from tillkeeper.conformance.model import Report
from tillkeeper.conformance.run import examine
from tillkeeper.trust.keys import KeyPair

SEED = bytes(range(32))
PASSED_ON = ("authorization", "content-type", "content-encoding", "content-length")


class Balancer:
    """Hands each request to the next of them, as it comes in."""

    def __init__(self, client: httpx.AsyncClient, urls: tuple[str, ...]) -> None:
        self._client, self._next = client, itertools.cycle(urls)
        self.handed = dict.fromkeys(urls, 0)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def parts() -> AsyncIterator[bytes]:
            more = True
            while more:
                message = await receive()
                yield message.get("body", b"")
                more = message.get("more_body", False)

        url = next(self._next)
        self.handed[url] += 1
        headers = {name.decode(): value.decode() for name, value in scope["headers"] if name.decode() in PASSED_ON}
        query = "?" + scope["query_string"].decode() if scope["query_string"] else ""
        answer = await self._client.request(scope["method"], url + scope["path"] + query, headers=headers, content=parts())
        kind = answer.headers.get("content-type", "").encode()
        sent = [(b"content-type", kind), (b"content-length", str(len(answer.content)).encode())]
        await send({"type": "http.response.start", "status": answer.status_code, "headers": sent})
        await send({"type": "http.response.body", "body": answer.content})


def test_two_processes_conform_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(*urls: str) -> tuple[Report, Balancer]:
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            balancer = Balancer(client, urls)
            async with serving_app(balancer) as url:
                report = await examine(url, token("till-1"), STORE, "till-1", authority=SEED, timeout_s=20)
                return report, balancer

    with postgres.running("fsync=off") as server:
        monkeypatch.setenv(DATABASE, server.fresh())
        folders = [tmp_path / name for name in ("one", "other")]
        for folder in folders:
            folder.mkdir()
        key = KeyPair(SEED).key
        with running(folders[0], authority=key) as one, running(folders[1], authority=key) as other:
            report, balancer = asyncio.run(scenario(one.url, other.url))
    assert min(balancer.handed.values()) > 50
    assert report.conforms, [(result.check, result.reason) for result in report.results if result.verdict == "failed"]
    assert [one.check for one in report.results if one.verdict == "skipped"] == ["durable"]
