"""Clients that go on with checks of other registers: one opens a check, another one takes it over, adds to it and is paid;
sometimes both are."""

import asyncio
import json
import random
from collections import Counter, deque
from typing import Any, NamedTuple

import httpx
from tests.storelab.cashier import AGAIN, ITEMS, Ledger
from tests.storelab.evidence import Paid
from tests.storelab.machine import Machine

THINKS_S, AGAIN_S, TRIES = 2.5, 0.5, 8
CASH = {"tender": "cash"}
EXPECTED = frozenset({
    "check_elsewhere", "owner_silent", "busy", "moved_on", "may_be_paid", "check_not_open", "nothing_due", "catalogue_missing",
    "below_paid", "not_found", "unknown_check", "check_missing",
})  # fmt: skip
"""What may be said of a check that somebody else works on as well, or whose register lost its disk."""


class Opened(NamedTuple):
    check_id: str
    register: str
    host: str
    life: int


class Tables:
    """Open checks of the store, as the people in it know them. `refused`: how often which code was the answer."""

    def __init__(self) -> None:
        self.open: deque[Opened] = deque(maxlen=60)
        self.refused: Counter[str] = Counter()
        self.took: Counter[str] = Counter()


class Window:
    """One person at one register. `run` until `closing`; a question is asked again until it is answered."""

    def __init__(self, machine: Machine, tables: Tables, ledger: Ledger, number: int, seed: int) -> None:
        self._machine, self._tables, self._ledger, self._number = machine, tables, ledger, number
        self._chance = random.Random(f"{seed} window {machine.name}")
        self._count = 0
        self.waits_for = ""
        self.closing = asyncio.Event()

    async def run(self) -> None:
        while not self.closing.is_set():
            await (self._open() if self._chance.random() < 0.45 else self._go_on())
            try:
                async with asyncio.timeout(self._chance.expovariate(1 / THINKS_S)):
                    await self.closing.wait()
            except TimeoutError:
                pass

    async def _open(self) -> None:
        key = self._key("zq")
        lines = [{"item_id": item, "quantity": 1, "note": key} for item in self._chance.sample(ITEMS, 2)]
        life = self._machine.life
        answer = await self._ask("/v1/orders", {"order_type": "takeout", "lines": lines}, key)
        if answer is not None and answer.is_success:
            opened = Opened(json.loads(answer.content)["check_id"], self._machine.register, self._machine.name, life)
            self._tables.open.append(opened)

    async def _go_on(self) -> None:
        """With any open check: one in four stays with whoever opened it, and some are taken by two people at a time."""
        if not self._tables.open:
            return
        found = self._chance.choice(self._tables.open)
        if self._chance.random() < 0.8:
            self._tables.open.remove(found)
        if found.host != self._machine.name and not await self._take(found.check_id):
            return
        path = f"/v1/checks/{found.check_id}"
        if self._chance.random() < 0.5:
            line = {"item_id": self._chance.choice(ITEMS), "quantity": 1, "note": self._key("zx")}
            await self._command(f"{path}/lines", {"lines": [line]})
        await self._pay(found.check_id)

    async def _take(self, check_id: str) -> bool:
        """Where its register is silent: as some people do, at once, or after a few more times, or not at all."""
        patience = self._chance.choice((0, 1, 2, TRIES))
        for number in range(TRIES):
            said = await self._command(f"/v1/checks/{check_id}/take", {})
            if said == "owner_silent" and number >= patience:
                said = await self._command(f"/v1/checks/{check_id}/take", {"although_unreachable": True})
            if said not in ("busy", "owner_silent", "not_found", "unknown_check", "moved_on"):
                self._tables.took[said or "taken"] += 1
                return not said
            await asyncio.sleep(AGAIN_S)
        return False

    async def _pay(self, check_id: str) -> None:
        life = self._machine.life
        said = await self._command(f"/v1/checks/{check_id}/tenders", CASH)
        if said == "may_be_paid":
            said = await self._command(f"/v1/checks/{check_id}/tenders", {**CASH, "although_unreachable": True})
        if not said:
            self._ledger.paid.append(Paid(self._machine.name, check_id, life))

    async def _command(self, path: str, body: dict[str, Any]) -> str:
        """Empty where it was done, else the code of the refusal."""
        answer = await self._ask(path, body, f"window-{self._key('')}")
        if answer is None:
            return "unanswered"
        if answer.is_success:
            return ""
        code = str(answer.json().get("type", answer.status_code)).rpartition(":")[2]
        self._tables.refused[code] += 1
        if code not in EXPECTED:
            self._ledger.refused.append(f"{path} at {self._machine.name}: {answer.status_code} {answer.text[:500]}")
        return code

    async def _ask(self, path: str, body: dict[str, Any], key: str) -> httpx.Response | None:
        """None: the register's disk was replaced meanwhile, so that the same question would be another one."""
        life = self._machine.life
        while self._machine.life == life:
            answer = await self._machine.post(path, body, key)
            if answer is not None and answer.status_code not in AGAIN:
                self.waits_for = ""
                return answer
            self.waits_for = f"{path} at {self._machine.name}: {answer.text[:300] if answer is not None else 'no answer'}"
            await asyncio.sleep(AGAIN_S)
        self.waits_for = ""
        return None

    def _key(self, kind: str) -> str:
        """As long as those of the cashiers, which have a digit there."""
        self._count += 1
        return f"{kind}{chr(ord('a') + self._number)}{self._count:06d}qz"
