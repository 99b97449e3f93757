"""A register in this process, driven over its own socket. Its printers do not answer: what is printed is tested elsewhere."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
from msgspec.structs import replace
from tests.support.plain_http import NOBODY

from tillkeeper import daemon
from tillkeeper.api.server import Bound
from tillkeeper.config.embedded import embedded, embedded_printers
from tillkeeper.config.load import builtin_menu
from tillkeeper.config.model import Config

BURGERS = {"item_id": "cheeseburger", "quantity": 2}
COLA = {"item_id": "cola"}


def config_in(folder: Path) -> Config:
    """The embedded register with its own copy of the menu, and printers on ports where nobody listens."""
    menu = folder / "menu.toml"
    if not menu.exists():
        menu.write_text(builtin_menu().read_text("utf-8"), "utf-8")
    config = embedded(folder / "data", ports=dict.fromkeys(embedded_printers(), 1))
    return replace(config, catalogue=replace(config.catalogue, file=str(menu)))


class Register:
    """`url`: of its loopback port, empty where the configuration has none."""

    def __init__(self, client: httpx.AsyncClient, url: str = "") -> None:
        self.client = client
        self.url = url
        self._keys = count()

    async def post(self, path: str, body: dict[str, Any] | None = None, *, key: str = "", status: int = 200) -> Any:
        """The answer's body; asserts the status. Each call has a new key unless one is given."""
        headers = {"Idempotency-Key": key or f"{id(self)}-{next(self._keys)}"}
        answer = await self.client.post(f"/v1{path}", json=body or {}, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, *, status: int = 200) -> Any:
        answer = await self.client.get(f"/v1{path}")
        assert answer.status_code == status, answer.text
        return answer.json()


@asynccontextmanager
async def running(config: Config) -> AsyncIterator[Register]:
    """Up to its first accepted connection; stopped in order at the end."""
    bound: asyncio.Future[Bound] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(daemon.run(config, bound.set_result))
    await asyncio.wait({task, bound}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        task.result()
    socket = str(bound.result().socket)
    transport = httpx.AsyncHTTPTransport(uds=socket, verify=NOBODY)
    async with httpx.AsyncClient(transport=transport, base_url="http://till", timeout=10) as client:
        try:
            yield Register(client, bound.result().url)
        finally:
            task.cancel()
            await asyncio.wait({task})
