"""A register with staff, and pages that talk to it over its loopback port."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from msgspec.structs import replace
from tests.support.plain_http import NOBODY
from tests.support.staff import STAFF, Page, Person, page_token, with_staff
from tests.till.world import Register, config_in, running

from tillkeeper.config.model import Config, Terminal

Scene = Callable[["Store"], Awaitable[None]]


class Store:
    """`register` is called with everything allowed, over the socket; `page` makes a page at a terminal."""

    def __init__(self, register: Register, http: httpx.AsyncClient, config: Config) -> None:
        self.register, self.config = register, config
        self._http = http

    def page(self, terminal: str = "front") -> Page:
        return Page(self._http, page_token(Path(self.config.data_dir)), terminal)

    async def signed_in(self, person: Person, terminal: str = "front") -> Page:
        page = self.page(terminal)
        await page.sign_in(person)
        return page


def staffed(folder: Path, people: tuple[Person, ...] = STAFF) -> Config:
    """Two terminals, front and side, and a roster of these people."""
    terminals = {name: Terminal(title=name.capitalize()) for name in ("front", "side")}
    return replace(with_staff(config_in(folder), folder, people), terminals=terminals)


@asynccontextmanager
async def open_store(config: Config) -> AsyncIterator[Store]:
    async with (
        running(config) as register,
        httpx.AsyncClient(base_url=register.url, timeout=10, trust_env=False, verify=NOBODY) as http,
    ):
        yield Store(register, http, config)


def in_store(config: Config, scene: Scene) -> None:
    async def run() -> None:
        async with open_store(config) as store:
            await scene(store)

    asyncio.run(run())
