"""The timeline on the disk: one JSON line for each change of an entry, the newest line of an entry counts. It is bounded by
rotation, survives a torn last line, and stops nothing when the disk is full (docs/decisions/0013)."""

import asyncio
import logging
import os
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import msgspec

from tillkeeper.contract.network import NetworkEntry, NetworkHistory
from tillkeeper.network.faults import second_of
from tillkeeper.network.model import Report
from tillkeeper.network.present import plain
from tillkeeper.network.timeline import Change, Timeline
from tillkeeper.network.words import headline_of
from tillkeeper.plain_file import open_plain

log = logging.getLogger(__name__)

FILE = "network-history.jsonl"
MAX_BYTES = 512 * 1024
"""A file that is larger is put beside as `.1`, the one before it goes: about 3,000 changes each."""
MAX_ROWS = 1_000
"""Of the newest entries, in memory."""
MAX_WHY = 400
AT_ONCE = 50
"""Rows of one write; a row is under 8 KiB, so they fit into a file."""
AGAIN_S = 10.0
"""After so long a refused write is tried again."""
SAME_S = 5.0
"""A trouble that began within so long of one whose end was not seen, with the same faults, is that one."""
LONGEST_S = 10 * 365 * 86_400.0
"""No age is larger, whatever a report says."""
UNSEEN = "its end was not seen: nobody was watching"


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line. `lasted_s` is measured on the boot clock, the stamps are wall clock."""

    id: int
    began_at_ms: int
    faults: tuple[str, ...]
    ended_at_ms: int | None = None
    lasted_s: float | None = None
    corrected_faults: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    why: str = ""


_decode = msgspec.json.Decoder(Row).decode
_encode = msgspec.json.Encoder().encode


class TimelineFile:
    """Appends and reads lines; blocks, so it is called in threads. `max_bytes` of each of the two files."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path, self._max_bytes = path, max_bytes

    @property
    def _old(self) -> Path:
        return self._path.with_name(f"{self._path.name}.1")

    def read(self) -> list[Row]:
        """All rows, oldest line first. What is no row (a torn line, another version's) is left out. Raises `OSError`."""
        rows = []
        for path in (self._old, self._path):
            try:
                with open_plain(path) as file:
                    raw = file.read(2 * self._max_bytes)
            except FileNotFoundError:
                continue
            for line in raw.split(b"\n"):
                try:
                    rows.append(_decode(line))
                except (msgspec.MsgspecError, UnicodeDecodeError):
                    continue
        return rows

    def append(self, rows: Iterable[Row]) -> None:
        """Durable once it returns. Raises `OSError`: then nothing of it is there."""
        data = b"".join(_encode(row) + b"\n" for row in rows)
        if self._size() + len(data) > self._max_bytes:
            self._rotate()
        fresh = not self._path.exists()
        handle = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            size = os.fstat(handle).st_size
            if size and os.pread(handle, 1, size - 1) != b"\n":
                data = b"\n" + data  # the line before was torn: it shall not take this one with it
            try:
                while data:
                    data = data[os.write(handle, data) :]
                os.fsync(handle)
            except OSError:
                os.ftruncate(handle, size)
                raise
        finally:
            os.close(handle)
        if fresh:
            self._sync_folder()

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0

    def _rotate(self) -> None:
        if self._path.exists():
            self._path.replace(self._old)
            self._sync_folder()

    def _sync_folder(self) -> None:
        handle = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


class History:
    """Folds reports into the timeline and keeps it. `take` and `view` on the loop, the disk in threads.

    Args:
        now_s: boot clock; now_ms: wall clock.
    """

    def __init__(
        self, file: TimelineFile, now_s: Callable[[], float], now_ms: Callable[[], int], again_s: float = AGAIN_S
    ) -> None:
        self._file, self._now_s, self._now_ms, self._again_s = file, now_s, now_ms, again_s
        self._rows: dict[int, Row] = {}
        self._unwritten: dict[int, Row] = {}
        """By entry: however often one changes while the disk refuses, it is one line."""
        self._same: dict[int, int] = {}
        self._going_on: set[int] = set()
        self._timeline = Timeline()
        self._wake = asyncio.Event()
        self._writing = False
        self.trouble = ""
        """Why it can not be written, or empty."""

    async def load(self) -> None:
        """What was kept; before anything else."""
        try:
            rows = await asyncio.to_thread(self._file.read)
        except OSError as error:
            self._fail(error)
            rows = []
        for row in rows:
            self._rows.pop(row.id, None)
            self._rows[row.id] = row
        self._trim()
        self._timeline = Timeline(first_id=max(self._rows, default=0) + 1)

    async def run(self) -> None:
        """Write what changes, until cancelled."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._write_all()
        finally:
            if self._unwritten and not self._writing:
                self._last_write()

    def take(self, report: Report) -> None:
        for change in self._timeline.take(report, self._now_s()):
            self._note(change)

    def _note(self, change: Change) -> None:
        entry = change.entry
        if change.kind == "began" and (before := self._unended(entry.faults, self._at_ms(entry.began_s))) is not None:
            self._same[entry.id] = before.id
        number = self._same.get(entry.id, entry.id)
        known = self._rows.get(number)
        ended = entry.ended_s is not None
        began_at_ms = self._at_ms(entry.began_s) if known is None else known.began_at_ms
        ended_at_ms = known.ended_at_ms if known is not None else None
        if entry.ended_s is not None and ended_at_ms is None:
            ended_at_ms = max(began_at_ms, self._at_ms(entry.ended_s))
        row = Row(
            id=number,
            began_at_ms=began_at_ms,
            faults=entry.faults,
            ended_at_ms=ended_at_ms,
            lasted_s=None if entry.ended_s is None else _age(entry.began_s, entry.ended_s),
            corrected_faults=entry.corrected_faults,
            also=(*entry.also, *_seconds(known, entry.also)),
            why=plain(entry.why, MAX_WHY),
        )
        (self._going_on.discard if ended else self._going_on.add)(number)
        self._rows[number] = self._unwritten[number] = row
        self._trim()
        self._wake.set()

    def _unended(self, faults: tuple[str, ...], began_at_ms: int) -> Row | None:
        """The newest kept trouble of this kind whose end nobody saw, where it is likely the same."""
        newest = next(reversed(self._rows.values()), None)
        if newest is None or newest.ended_at_ms is not None or newest.id in self._going_on or newest.faults != faults:
            return None
        return newest if abs(newest.began_at_ms - began_at_ms) <= SAME_S * 1000 else None

    def _at_ms(self, at_s: float) -> int:
        return self._now_ms() - round(_age(at_s, self._now_s()) * 1000)

    def _trim(self) -> None:
        while len(self._rows) > MAX_ROWS:
            oldest = next(iter(self._rows))
            del self._rows[oldest]
            self._unwritten.pop(oldest, None)
            self._going_on.discard(oldest)

    async def _write_all(self) -> None:
        while self._unwritten:
            batch = dict(islice(self._unwritten.items(), AT_ONCE))
            self._writing = True
            try:
                await asyncio.to_thread(self._file.append, tuple(batch.values()))
            except OSError as error:
                self._fail(error)
                await asyncio.sleep(self._again_s)
                continue
            finally:
                self._writing = False
            self._written(batch)

    def _written(self, batch: dict[int, Row]) -> None:
        self.trouble = ""
        for number, row in batch.items():
            if self._unwritten.get(number) is row:
                del self._unwritten[number]

    def _last_write(self) -> None:
        """The agent ends: what is left goes out now, or not at all."""
        try:
            while batch := dict(islice(self._unwritten.items(), AT_ONCE)):
                self._file.append(tuple(batch.values()))
                self._written(batch)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        words = error.strerror or str(error)
        if words != self.trouble:
            log.warning("the timeline of the network can not be kept: %s", words)
        self.trouble = words

    def view(self, limit: int, *, watched: bool = True) -> NetworkHistory:
        """The newest `limit` entries, newest first. `watched`: a prober reports now, else nothing is known to go on."""
        newest = sorted(self._rows.values(), key=lambda row: row.id, reverse=True)
        return NetworkHistory(
            entries=tuple(self._entry(row, watched) for row in newest[:limit]), more=len(newest) > limit, trouble=self.trouble
        )

    def _entry(self, row: Row, watched: bool) -> NetworkEntry:
        going_on = watched and row.id in self._going_on
        unseen = UNSEEN if row.ended_at_ms is None and not going_on else ""
        seconds = dict.fromkeys(tuple(code for code in second_of(also) if code not in row.faults) for also in row.also)
        besides = "; ".join(filter(None, map(headline_of, seconds)))
        return NetworkEntry(
            entry_id=str(row.id),
            began_at_ms=row.began_at_ms,
            ended_at_ms=row.ended_at_ms,
            lasted_s=row.lasted_s,
            going_on=going_on,
            faults=row.faults,
            headline=headline_of(row.faults),
            corrected_faults=row.corrected_faults,
            corrected_headline=headline_of(row.corrected_faults) if row.corrected_faults else "",
            why="; ".join(words for words in (row.why, f"besides: {besides}" if besides else "", unseen) if words),
        )


def _seconds(known: Row | None, also: tuple[str, ...]) -> tuple[str, ...]:
    """Second faults that were there for a while and are over: a router that was replaced while the line was down."""
    now = {code for one in also for code in second_of(one)}
    return () if known is None else tuple(one for one in known.also if second_of(one) and not now & set(second_of(one)))


def _age(at_s: float, now_s: float) -> float:
    return min(max(0.0, now_s - at_s), LONGEST_S)
