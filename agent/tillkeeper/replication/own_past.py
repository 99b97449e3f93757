"""What this register wrote into journals that were damaged and set aside: as far as they can be read they are held, and sent,
like the logs of others. They may be the only copy of sales that were answered and had not reached anybody yet."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import apsw
import msgspec

from tillkeeper.clock import WallClock
from tillkeeper.contract.chain import GENESIS, ChainBroken, verify
from tillkeeper.contract.envelope import Envelope, HqBatch
from tillkeeper.errors import Overloaded, Refused, StorageRefused
from tillkeeper.journal.commit import Log
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.files import beside
from tillkeeper.journal.reader import read_envelopes
from tillkeeper.replication.held.rescue import rescued, to_rescue
from tillkeeper.replication.model import Holdings

log = logging.getLogger(__name__)

PAGE_EVENTS = 500
TRIES = 60
RETRY_S = 1.0


def has_past(journal: Path) -> bool:
    """Whether a journal beside this one was set aside and not read over yet."""
    with suppress(OSError):
        return bool(to_rescue(journal))
    return False


async def take_over(journal: Path, store: str, register: str, holdings: Holdings, now_ms: WallClock) -> int:
    """Read what was set aside beside `journal` into `holdings`, once; how many events. Interrupted it begins again: taking an
    event twice changes nothing. Does not raise; what went wrong is in the log and tried again at the next start."""
    count = 0
    try:
        for aside in await asyncio.to_thread(to_rescue, journal):
            pages = _pages(aside, store, register)
            while (page := await asyncio.to_thread(next, pages, None)) is not None:
                await _take(HqBatch(store, register, page[0].incarnation, tuple(page)), holdings, now_ms)
                count += len(page)
            await asyncio.to_thread(rescued, aside)
            log.info("%s was read over: %d events are held now and will be sent", aside.name, count)
    except (OSError, Refused, StorageRefused, Overloaded) as error:
        log.error("a journal that was set aside could not be read over: %s; the next start tries again", error)
    return count


async def _take(batch: HqBatch, holdings: Holdings, now_ms: WallClock) -> None:
    for left in reversed(range(TRIES)):
        try:
            await holdings.take(batch, now_ms())
        except (Overloaded, StorageRefused):
            if not left:
                raise
            await asyncio.sleep(RETRY_S)
        else:
            return


def _pages(aside: Path, store: str, register: str) -> Iterator[list[Envelope]]:
    """Every log of this register in the file, up to where it is damaged. Blocking, a page at a time."""
    waiting = beside(aside, "-wal")
    with (
        suppress(apsw.Error),
        closing(connect_reader(aside, immutable=not waiting.exists() or not waiting.stat().st_size)) as connection,
    ):
        # Whose they are the hashes tell: the row that says so may be what is damaged.
        rows: list[Any] = connection.execute("SELECT log_no, incarnation FROM logs ORDER BY log_no").fetchall()
        for log_no, incarnation in rows:
            yield from _log(connection, Log(log_no, store, register, incarnation))


def _log(connection: apsw.Connection, one: Log) -> Iterator[list[Envelope]]:
    seq, tip, limit = 0, GENESIS, PAGE_EVENTS
    while True:
        try:
            page = read_envelopes(connection, one, seq, limit)
            if page and page[0].seq != seq + 1:
                return
            verify(page, tip)
        except (apsw.Error, ChainBroken, msgspec.DecodeError, ValueError):
            if limit == 1:
                return
            limit = 1  # up to the very event that can not be read
            continue
        if not page:
            return
        seq, tip = page[-1].seq, page[-1].hash
        yield page
