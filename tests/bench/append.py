"""`Journal.append` against a plain file: the same payload written and synced on the same disk.

What counts as "the same bytes" is the payload only (bodies of events, checks and jobs, the kept answer), not what SQLite adds.
The file is written in place over blocks that exist, so that its sync moves no metadata: the best a disk can do, and harder to
keep up with than a file that grows, which is timed as well.
"""

import asyncio
import os
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

from tests.bench import rows
from tests.bench.history import Ringer
from tests.bench.world import TYPICAL

from tillkeeper import clock
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.journal.commit import prepare
from tillkeeper.journal.journal import Journal
from tillkeeper.journal.records import Batch

ROUNDS, TURNS = 7, 60
WARM_UP = 80
"""Orders before the first timed one: the log is written over by then, as on any register that has run for a while."""
FILE_BYTES = 16 * 2**20


class RawFile:
    """`grows`: appended to, instead of written in place."""

    def __init__(self, path: Path, *, grows: bool) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self._grows, self._at = grows, 0
        if not grows:
            os.write(self._handle, os.urandom(FILE_BYTES))
            os.fsync(self._handle)

    def write(self, data: bytes) -> None:
        if not self._grows and self._at + len(data) > FILE_BYTES:
            self._at = 0
        os.pwrite(self._handle, data, self._at)
        os.fdatasync(self._handle)
        self._at += len(data)

    def close(self) -> None:
        os.close(self._handle)


def payload(batch: Batch) -> int:
    """Bytes of what the batch says."""
    sizes = [len(event.body) for event in prepare(batch).events]
    sizes += [len(check.body) for check in batch.checks] + [len(job.body) for job in batch.jobs]
    sizes += [len(value) for value in batch.settings.values()]
    return sum(sizes) + (len(batch.command.result) if batch.command else 0)


def measure(folder: Path) -> list[rows.Row]:
    return asyncio.run(_measure(folder))


async def _measure(folder: Path) -> list[rows.Row]:
    ringer = Ringer()

    def small() -> Batch:
        event = NoSaleRecorded(no_sale_id=clock.new_id(), drawer="drawer", reason="change for a guest", by="Maya")
        return Batch(events=(ringer.stamp(event, clock.wall_ms()),))

    def order() -> Batch:
        return ringer.ring(TYPICAL, clock.wall_ms(), settled=False, keep=True)

    found = []
    async with AsyncExitStack() as stack:
        journal = await stack.enter_async_context(
            await Journal.open(
                folder / "append.db", "store-1", "front", wall_ms=clock.wall_ms, new_id=clock.new_id, machine_id="bench"
            )
        )
        for _ in range(WARM_UP):
            await journal.append(order())
        in_place, growing = RawFile(folder / "in-place", grows=False), RawFile(folder / "growing", grows=True)
        stack.callback(in_place.close)
        stack.callback(growing.close)
        for name, make in (("one event", small), ("a whole order", order)):
            found += await _compare(name, make, journal, in_place, growing)
    return found


async def _compare(
    name: str, make: Callable[[], Batch], journal: Journal, in_place: RawFile, growing: RawFile
) -> list[rows.Row]:
    size = payload(make())
    ratios, grown, appends = [], [], []
    for _ in range(ROUNDS):
        times: tuple[list[float], list[float], list[float]] = ([], [], [])
        for _ in range(TURNS):
            data, batch = os.urandom(size), make()
            times[0].append(_timed(lambda data=data: in_place.write(data)))  # type: ignore[misc]
            times[1].append(_timed(lambda data=data: growing.write(data)))  # type: ignore[misc]
            began = time.perf_counter()
            await journal.append(batch)
            times[2].append(time.perf_counter() - began)
        raw, grow, append = map(rows.p50, times)
        ratios.append(append / raw)
        grown.append(append / grow)
        appends.append(append * 1000)
    note = f"p50 {rows.p50(appends):.3g} ms, {size} bytes; {rows.spread(ratios, 'x')}; {rows.p50(grown):.3g} x a growing file"
    return [rows.figure(f"journal append of {name}, to a raw write + fdatasync of its bytes", rows.p50(ratios), "x", 2.0, note)]


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
