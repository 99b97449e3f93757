"""A register with a drawer, and short words for what is done with it."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Any

import httpx
from tests.till.world import Register, running

from tillkeeper.config.model import Config

DRAWER = "/drawers/drawer"
Scene = Callable[["Till"], Awaitable[None]]


class Till:
    """`cash` sells one cola; what it comes to is in the answer. A request that a closing connection lost is sent again with its
    key, as the API asks for: the register closes what was idle, and under load that meets a request on its way."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.get = register.get
        self._keys = count()

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "", status: int = 200) -> Any:
        key = key or f"till-{id(self)}-{next(self._keys)}"
        for _ in range(5):
            with contextlib.suppress(httpx.ReadError, httpx.RemoteProtocolError):
                return await self.register.post(path, dict(body or {}), key=key, status=status)
        raise AssertionError(f"{path}: no answer")

    async def open(self, float_minor: int = 10_000, **more: Any) -> str:
        return str((await self.post(f"{DRAWER}/open", {"float_minor": float_minor, **more}))["entity_id"])

    async def sell(self, *tenders: Mapping[str, Any], quantity: int = 1, status: int = 200) -> Any:
        order = {"order_type": "takeout", "lines": [{"item_id": "cola", "quantity": quantity}], "tenders": list(tenders)}
        return await self.post("/orders", order, status=status)

    async def cash(self, tendered_minor: int | None = None, status: int = 200) -> Any:
        return await self.sell({"tender": "cash", "tendered_minor": tendered_minor}, status=status)

    async def move(self, kind: str, amount_minor: int, reason: str = "milk", status: int = 200) -> Any:
        body = {"kind": kind, "amount_minor": amount_minor, "reason": reason}
        return await self.post(f"{DRAWER}/movements", body, status=status)

    async def count(self, status: int = 200, **counted: int) -> Any:
        return await self.post(f"{DRAWER}/count", {"counted": counted}, status=status)

    async def close(self, status: int = 200, **more: Any) -> Any:
        return await self.post(f"{DRAWER}/close", more, status=status)

    async def report(self, session: str = "", status: int = 200) -> Any:
        return await self.get(f"{DRAWER}/report" + (f"?session={session}" if session else ""), status=status)

    async def drawer(self) -> Any:
        return (await self.get("/drawers"))["drawers"][0]


def at_till(config: Config, scene: Scene) -> None:
    async def run() -> None:
        async with running(config) as register:
            await scene(Till(register))

    asyncio.run(run())
