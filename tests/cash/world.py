"""A register with a drawer, and short words for what is done with it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from tests.till.world import Register, running

from tillkeeper.config.model import Config

DRAWER = "/drawers/drawer"
Scene = Callable[["Till"], Awaitable[None]]


class Till:
    """`cash` and `card` sell one cola; what they come to is in the answer."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.post, self.get = register.post, register.get

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
