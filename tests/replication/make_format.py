"""Writes a file of held logs as the code at hand makes it, for `tests/replication/formats/`, as `tests/journal/make_format.py`
does for journals.

    python -m tests.replication.make_format tests/replication/formats/held-1.db.gz
"""

import asyncio
import gzip
import sys
import tempfile
from pathlib import Path

from tests.hq.world import Log, personal
from tests.replication.logs_of_others import STORE, ToyKey, altered, batch, fork, sales

from tillkeeper.contract.events import CheckOpened
from tillkeeper.replication.held.held import HeldLogs

NOW = 1_795_000_000_000
KEY = ToyKey()


def good_log() -> Log:
    """Sales, types that nobody knows, a guest's name and number."""
    log = sales(6)
    log.raw("robot_waiter_dispatched", '{ "b" : 1.50,\t"a":"\\u00e9 \u00e9 \u6f22", "b":2 }')
    log.raw("check_closed", '{"meaning":"changed"}', version=9)
    name, texts = personal("Zo\u00eb")
    phone, more = personal("0151 2345678", "ab" * 16)
    fields = {"ticket_code": "A-1", "order_type": "delivery", "catalogue_version": "v", "terminal": "till-1"}
    log.add(CheckOpened(check_id="c1", name=name, phone=phone, **fields), personal={**texts, **more})  # type: ignore[arg-type]
    return log


def clone() -> Log:
    return fork(good_log(), 10, "clone", 2)


def spoiled() -> Log:
    log = sales(2, "till-2", "inc-7")
    log.events[2] = altered(log.events[2], body=log.events[2].body + " ")
    return log


async def make(path: Path) -> None:
    async with await HeldLogs.open(path, STORE, wall_ms=lambda: NOW, min_free_bytes=0) as held:
        log = good_log()
        for first, last in ((0, 5), (5, 14), (14, len(log.events))):
            await held.take(batch(log.events[first:last], KEY), NOW)
        await held.take(batch(clone().events[10:14], KEY), NOW)
        await held.take(batch(spoiled().events), NOW)
        await held.erase([personal("Zo\u00eb")[0].digest])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "held.db"
        asyncio.run(make(path))
        Path(sys.argv[1]).write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))


if __name__ == "__main__":
    main()
