"""A register in this process with a virtual gateway, and what the gateway's ledger says of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from tests.till.world import BURGERS, COLA, Register, config_in, running

from tillkeeper.config.model import Config, Gateway
from tillkeeper.journal.database import connect_reader
from tillkeeper_drivers.simulator.gateway import VirtualGateway

WITHIN_S = 20.0
__all__ = ["BURGERS", "COLA", "Shop", "config_with", "events_of", "shop"]


def config_with(folder: Path, gateway: VirtualGateway, timeout_s: float = 5.0) -> Config:
    """Cards and gift cards go to the gateway; its secret lies in a file."""
    config = config_in(folder)
    token = folder / "gateway-token"
    token.write_text("s3cret-of-the-gateway\n", "ascii")
    world = {
        name: replace(tender, gateway="bank") if tender.kind in ("card", "gift", "loyalty") else tender
        for name, tender in config.tenders.items()
    }
    return replace(
        config,
        tenders=world,
        gateways={"bank": Gateway(url=gateway.url, token_file=str(token), timeout_s=timeout_s)},
    )


class Shop:
    """A register that sells away from its store, so that the call alone decides."""

    def __init__(self, till: Register, gateway: VirtualGateway) -> None:
        self.till, self.gateway = till, gateway

    async def open(self, *lines: dict[str, Any]) -> str:
        made = await self.till.post("/checks", {"order_type": "takeout", "lines": list(lines or (BURGERS,))})
        return str(made["check_id"])

    async def pay(self, check_id: str, tender: str = "card", *, status: int = 200, key: str = "", **more: Any) -> Any:
        return await self.till.post(f"/checks/{check_id}/tenders", {"tender": tender, **more}, status=status, key=key)

    async def check(self, check_id: str) -> Any:
        return await self.till.get(f"/checks/{check_id}")

    async def open_authorisations(self) -> Any:
        return await self.till.get("/authorisations")

    async def until(self, what: Any) -> None:
        """Wait for a condition (an async function without arguments)."""
        async with asyncio.timeout(WITHIN_S):
            while not await what():  # noqa: ASYNC110 - another party's doing, seen over the socket
                await asyncio.sleep(0.02)

    async def settled(self) -> None:
        """Nothing is frozen and nothing is owed any more."""

        async def nothing_open() -> bool:
            view = await self.open_authorisations()
            return not view["frozen"] and not view["reversals_owed"]

        await self.until(nothing_open)


@asynccontextmanager
async def shop(folder: Path, gateway: VirtualGateway, timeout_s: float = 5.0) -> AsyncIterator[Shop]:
    async with running(config_with(folder, gateway, timeout_s)) as till:
        await till.post("/mode/offsite", {"on": True})
        yield Shop(till, gateway)


def events_of(folder: Path) -> list[tuple[str, str]]:
    """Type and body of every event of the stopped register."""
    connection = connect_reader(folder / "data" / "journal.db")
    try:
        return [(str(kind), str(body)) for kind, body in connection.execute("SELECT type, body FROM events ORDER BY id")]
    finally:
        connection.close(True)
