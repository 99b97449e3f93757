"""Clients that sell for cash: one intention, one key, asked again until the register has answered. What was answered is written
down outside of everything that fails, with an fsync, before the next sale."""

import asyncio
import json
import os
import random
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
from tests.storelab.evidence import Paid, Sold
from tests.storelab.machine import Machine

ITEMS = ("soup-of-the-day", "onion-soup", "calamari", "bruschetta", "empanadas", "hummus", "falafel")
THINKS_S, AGAIN_S = 1.0, 0.4
AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
"""Answers after which the same is asked again."""


class Ledger:
    """`sold`: what was answered; `paid`: of checks that were open before; `refused`: what a register would not
    take. Every line is on the disk before `note` returns."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.sold: list[Sold] = []
        self.paid: list[Paid] = []
        self.refused: list[str] = []
        self.asked = self.repeated = 0

    def note(self, sale: Sold) -> None:
        self.sold.append(sale)
        with self.file.open("ab") as file:
            file.write(msgspec.json.encode(sale) + b"\n")
            file.flush()
            os.fsync(file.fileno())


class Cashier:
    """`run` sells until `closing`, and ends when the last sale is answered."""

    def __init__(self, machine: Machine, ledger: Ledger, number: int, seed: int) -> None:
        self._machine, self._ledger, self._number = machine, ledger, number
        self._chance = random.Random(f"{seed} {machine.name}")
        self._count = 0
        self._why = ""
        self.waits_for = ""
        """Words, while a sale is not answered."""
        self.closing = asyncio.Event()

    async def run(self) -> None:
        while not self.closing.is_set():
            await self._sell()
            try:
                async with asyncio.timeout(self._chance.expovariate(1 / THINKS_S)):
                    await self.closing.wait()
            except TimeoutError:
                pass

    async def _sell(self) -> None:
        self._count += 1
        key = f"zq{self._number}{self._count:06d}qz"
        lines = [
            {"item_id": item, "quantity": self._chance.randint(1, 3), "note": key}
            for item in self._chance.sample(ITEMS, self._chance.randint(1, 2))
        ]
        body = {"order_type": "takeout", "lines": lines, "tenders": [{"tender": "cash"}]}
        first = self._machine.life
        self._ledger.asked += 1
        while (answer := await self._ask(key, body)) is None:
            self._ledger.repeated += 1
            self.waits_for = f"{key} at {self._machine.name}: {self._why}"
            await asyncio.sleep(AGAIN_S * self._chance.uniform(0.5, 1.5))
        self.waits_for = ""
        if not answer.is_success:
            self._ledger.refused.append(f"{key} at {self._machine.name}: {answer.status_code} {answer.text[:500]}")
            return
        said = json.loads(answer.content)
        lives = (first, self._machine.life)
        sale = Sold(key, self._machine.name, said["check_id"], said["totals"]["gross_minor"], lives, time.monotonic())
        await asyncio.to_thread(self._ledger.note, sale)

    async def _ask(self, key: str, body: dict[str, Any]) -> httpx.Response | None:
        """None: nobody knows what became of it."""
        try:
            answer = await self._machine.client.post("/v1/orders", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError as error:
            self._why = repr(error)
            return None
        if answer.status_code not in AGAIN:
            return answer
        self._why = f"{answer.status_code} {answer.text[:300]}"
        return None
