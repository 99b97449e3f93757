"""A register's files with texts about persons in them, and somebody who erases."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tests.journal.world import DAY, NOW, opened

from tillkeeper.contract.base import Event
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.values import Personal
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.privacy import make_personal
from tillkeeper.journal.records import Batch, NewEvent, PersonalText
from tillkeeper.privacy.keeper import Keeper
from tillkeeper.privacy.retention import Clocks
from tillkeeper.replication.held.held import HeldLogs
from tillkeeper.replication.model import Holdings

STORE, REGISTER = "corner", "till-b"
WAIT_S = 30.0


def clocks(now_ms: int = NOW) -> Clocks:
    return Clocks(now_ms, 0, now_ms, 0)


def keeper(
    journal: Journal,
    held: Holdings | None,
    folder: Path,
    *,
    keep_days: int = 0,
    now_ms: int = NOW,
    open_checks: Callable[[], tuple[str, ...]] = tuple,
) -> Keeper:
    return Keeper(
        journal,
        held,
        folder / "held.db",
        keep_days,
        stamp=lambda event: NewEvent(event, DAY, NOW),
        clocks=lambda: clocks(now_ms),
        forget=lambda _digests: None,
        changed=lambda: None,
        open_checks=open_checks,
    )


@contextlib.asynccontextmanager
async def register(folder: Path) -> AsyncIterator[tuple[Journal, HeldLogs]]:
    async with (
        opened(folder / "journal.db", store=STORE, register=REGISTER) as journal,
        await HeldLogs.open(folder / "held.db", STORE, wall_ms=lambda: NOW, min_free_bytes=0, idle_s=0.05) as held,
    ):
        yield journal, held


def named(check_id: str, **texts: PersonalText) -> CheckOpened:
    return CheckOpened(
        check_id=check_id,
        ticket_code=f"B-{check_id}",
        order_type="takeout",
        catalogue_version="v",
        terminal="till-b",
        **{field: Personal(text.digest) for field, text in texts.items()},  # type: ignore[arg-type]
    )


async def open_check(journal: Journal, check_id: str, at_ms: int = NOW, **texts: str) -> dict[str, str]:
    """field -> digest."""
    made = {field: make_personal(text) for field, text in texts.items()}
    event: Event = named(check_id, **made)
    await journal.append(Batch(events=(NewEvent(event, DAY, at_ms),), personal=tuple(made.values())))
    return {field: text.digest for field, text in made.items()}


def holders(folder: Path, text: str) -> list[str]:
    """Files under the folder with these bytes in them."""
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and text.encode() in path.read_bytes()]
    return [str(path.relative_to(folder)) for path in found]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not true():  # noqa: ASYNC110 - files and threads tell nobody
            await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def running(one: Keeper) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
