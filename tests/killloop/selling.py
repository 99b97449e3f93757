"""Guests: orders at random moments, each repeated with its own key until the register has answered it."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec

from tillkeeper.cli import orders, tsv_import
from tillkeeper.cli.orders import PlannedOrder

AT_ONCE = 12
PAUSE_S = (0.02, 0.15)
ASK_AGAIN = 0.05
"""Share of the accepted orders that are asked for once more, a little later."""
NO_CARD = ("cash", *("voucher", "house") * 7)
"""What guests pay with. A drawer takes up to a second for a kick, so cash is one order in fifteen."""


class Sold(msgspec.Struct, frozen=True):
    """An order whose answer was received. `tries`: how often it was sent."""

    key: str
    answer: dict[str, Any]
    tries: int

    @property
    def check_id(self) -> str:
        return str(self.answer["check_id"])

    @property
    def gross_minor(self) -> int:
        return int(self.answer["totals"]["gross_minor"])


class Guests:
    """Sends `planned` over and over, with a new key prefix each round, about `per_s` orders a second, until `closed` is set.

    Attributes:
        sold: by key. wrong: what no guest may see, in words.
    """

    def __init__(self, client: httpx.AsyncClient, planned: Sequence[PlannedOrder], chance: random.Random, per_s: float) -> None:
        self._client, self._planned, self._chance, self._per_s = client, planned, chance, per_s
        self.closed = asyncio.Event()
        self.sold: dict[str, Sold] = {}
        self.wrong: list[str] = []
        self.replays = 0
        """Answers that a repeated key got from the journal."""

    async def run(self) -> None:
        """Until `closed` is set and every order under way is answered."""
        waiting: asyncio.Queue[tuple[str, dict[str, Any]] | None] = asyncio.Queue(maxsize=AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._serve(waiting))
            for order in self._endless():
                if self.closed.is_set():
                    break
                await waiting.put(order)
                await asyncio.sleep(self._chance.expovariate(self._per_s))
            for _ in range(AT_ONCE):
                await waiting.put(None)

    def _endless(self) -> Iterator[tuple[str, dict[str, Any]]]:
        part = 0
        while True:
            part += 1
            for order in self._planned:
                body = order.body()
                if not body.get("tenders"):
                    body["tenders"] = [{"tender": self._chance.choice(NO_CARD)}]
                yield f"round{part}-{order.order}", body

    async def _serve(self, waiting: "asyncio.Queue[tuple[str, dict[str, Any]] | None]") -> None:
        while (order := await waiting.get()) is not None:
            key, body = order
            answer, tries = await self._until_answered(key, body)
            if answer is None:
                continue
            self.sold[key] = Sold(key, answer, tries)
            if self._chance.random() < ASK_AGAIN:
                await asyncio.sleep(self._chance.uniform(0, 1))
                again, _tries = await self._until_answered(key, body)
                if again != answer:
                    self.wrong.append(f"{key}: answered with {answer}, and later with {again}")

    async def _until_answered(self, key: str, body: dict[str, Any]) -> tuple[dict[str, Any] | None, int]:
        tries = 0
        while True:
            tries += 1
            try:
                answer = await self._client.post("/v1/orders", json=body, headers={"Idempotency-Key": key})
            except httpx.TransportError:
                await asyncio.sleep(self._chance.uniform(*PAUSE_S))
                continue
            if answer.is_success:
                self.replays += answer.headers.get("idempotent-replayed") == "true"
                result: dict[str, Any] = answer.json()
                return result, tries
            if answer.status_code != 503:
                self.wrong.append(f"{key}: {answer.status_code} {answer.text[:300]}")
                return None, tries
            await asyncio.sleep(self._chance.uniform(*PAUSE_S))


def real_orders(tsv: Path, folder: Path) -> tuple[Path, tuple[PlannedOrder, ...]]:
    """The export as a catalogue file (in `folder`) and its orders."""
    found = tsv_import.import_tsv(tsv.read_text("utf-8-sig"), tsv.name)
    catalogue = folder / "imported.toml"
    catalogue.write_text(found.catalogue, "utf-8")
    return catalogue, found.orders


def own_day(root: Path) -> tuple[PlannedOrder, ...]:
    """The day that comes with the project, rung from the built-in menu."""
    return orders.read(root / "hw-fixtures" / "store" / "day.jsonl")
