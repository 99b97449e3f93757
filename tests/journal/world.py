"""What the journal's tests share: small batches, and a way to open a journal."""

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tillkeeper.clock import new_id
from tillkeeper.contract.events import CheckOpened, LineAdded, ModeChanged
from tillkeeper.contract.values import Tax
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch, CheckRow, JobRow, KeptCommand, NewEvent

DAY = "2026-03-29"
NOW = 1_774_750_000_000


def clock(start: int = NOW) -> Callable[[], int]:
    ticks = itertools.count(start)
    return lambda: next(ticks)


@asynccontextmanager
async def opened(path: Path, **options: Any) -> AsyncIterator[Journal]:
    given = {"store": "store-1", "register": "till-b", "machine_id": "machine-1", "wall_ms": clock(), "new_id": new_id}
    given |= {"reserve_bytes": 0} | options
    async with await Journal.open(path, given.pop("store"), given.pop("register"), **given) as journal:
        yield journal


def mode(text: str = "online") -> NewEvent:
    return NewEvent(event=ModeChanged(mode=text, previous="checking"), business_day=DAY, at_ms=NOW)


def line(check_id: str, note: str = "", **fields: Any) -> NewEvent:
    given: dict[str, Any] = {"item_id": "burger", "name": "Burger", "quantity": 1, "unit_price_minor": 990, "station": "grill"}
    event = LineAdded(check_id=check_id, line_id=new_id(), tax=Tax("std", 190_000, True), note=note, **{**given, **fields})
    return NewEvent(event=event, business_day=DAY, at_ms=NOW)


def check_opened(check_id: str, code: str = "B-001", **fields: Any) -> NewEvent:
    event = CheckOpened(
        check_id=check_id, ticket_code=code, order_type="dine_in", catalogue_version="2026-03-28", terminal="till-b", **fields
    )
    return NewEvent(event=event, business_day=DAY, at_ms=NOW)


def check_row(check_id: str, code: str = "B-001", **fields: Any) -> CheckRow:
    given: dict[str, Any] = {"business_day": DAY, "state": "open", "opened_at_ms": NOW, "body": b"{}"}
    return CheckRow(check_id=check_id, ticket_code=code, **{**given, **fields})


def job_row(job_id: str, **fields: Any) -> JobRow:
    given: dict[str, Any] = {"device": "grill", "state": "queued", "created_at_ms": NOW, "settled": False, "body": b"{}"}
    return JobRow(job_id=job_id, **{**given, **fields})


def kept(key: str, answer: bytes = b'{"events":1}', at_ms: int = NOW) -> KeptCommand:
    return KeptCommand(key, b"\1" * 32, answer, at_ms)


def sale(key: str, **fields: Any) -> Batch:
    """A batch as a client's command makes it."""
    return Batch(events=(mode(),), command=kept(key), **fields)


class IdleClock:
    """The writer asks for the time when it is idle: two questions after the opening, and one round of forgetting is over."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self.asked = threading.Semaphore(0)

    def __call__(self) -> int:
        self.asked.release()
        return self.now_ms

    async def drained(self) -> None:
        """Forget the questions so far, then wait for two new ones."""
        while self.asked.acquire(blocking=False):
            pass
        await self.rounds(1)

    async def rounds(self, count: int) -> None:
        for _ in range(count + 1):
            assert await asyncio.to_thread(self.asked.acquire, timeout=20)


def files(folder: Path, pattern: str = "*") -> list[Path]:
    return sorted(folder.glob(pattern))
