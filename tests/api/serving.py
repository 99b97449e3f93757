"""A real server on a unix socket and a loopback port, for as long as a test's body runs."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.api.fake_till import FakeTill
from tests.support.plain_http import NOBODY

from tillkeeper.api.app import create_app
from tillkeeper.api.auth import Access
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.server import ApiListen, ApiServer, Bound

TOKEN = "a-token-for-tests-0123456789"
LISTED = "http://office.example"
DEADLINE_S = 20.0


class Running(msgspec.Struct):
    till: FakeTill
    bound: Bound
    http: httpx.AsyncClient
    """On the port, with the token."""
    unix: httpx.AsyncClient
    """On the socket, without one."""
    task: asyncio.Task[None]

    @property
    def port(self) -> int:
        assert self.bound.tcp is not None
        return self.bound.tcp[1]

    @property
    def ws_url(self) -> str:
        return self.bound.url.replace("http", "ws", 1)

    async def raw(self, sent: bytes, *, half_close: bool = False) -> bytes:
        """Everything that the server says to `sent` on the port until it closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(sent)
            if half_close:
                writer.write_eof()
            async with asyncio.timeout(DEADLINE_S):
                return await reader.read(-1)
        finally:
            writer.close()
            await asyncio.wait({asyncio.ensure_future(_closed(writer))})


async def _closed(writer: asyncio.StreamWriter) -> None:
    try:
        await writer.wait_closed()
    except OSError:
        return


@asynccontextmanager
async def serving(limits: ApiLimits | None = None, till: FakeTill | None = None) -> AsyncIterator[Running]:
    fake = till or FakeTill()
    with tempfile.TemporaryDirectory(prefix="tk") as folder:
        path = Path(folder) / "api.sock"
        server = ApiServer(create_app(fake, Access(TOKEN, (LISTED,)), limits), ApiListen(path, "", "127.0.0.1:0"), limits)
        bound: asyncio.Future[Bound] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(server.run(bound.set_result))
        try:
            both: set[asyncio.Future[Any]] = {task, bound}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED, timeout=DEADLINE_S)
            if task.done():
                task.result()
            here = bound.result()
            async with (
                httpx.AsyncClient(
                    base_url=here.url, headers={"authorization": f"Bearer {TOKEN}"}, trust_env=False, verify=NOBODY
                ) as http,
                httpx.AsyncClient(
                    transport=httpx.AsyncHTTPTransport(uds=str(path), verify=NOBODY), base_url="http://register"
                ) as unix,
            ):
                yield Running(fake, here, http, unix, task)
        finally:
            task.cancel()
            await asyncio.wait({task}, timeout=DEADLINE_S)


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    """The problem document of `answer`, after what every one must have."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    members: dict[str, object] = answer.json()
    assert members["type"] == f"urn:tillkeeper:problem:{code}", members
    assert members["status"] == status
    assert {"title", "detail", "operation", "subject", "cause", "hint", "retry_safe"} <= members.keys()
    return members
