"""The logs of other registers that this one holds: a file of its own beside the journal, with a writer of its own, so that
nothing that happens to it - catching up with weeks, damage, no room - stands in the way of a sale.

A file that can not be used is set aside and another begins; what can be read of the old one is taken over, the rest comes in
again from the other registers.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import apsw
import msgspec

from tillkeeper.clock import WallClock
from tillkeeper.contract.chain import ChainBroken
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch, SignedHead
from tillkeeper.errors import Overloaded, Refused, StorageRefused, TillkeeperError
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.faults import StorageUnreadable
from tillkeeper.journal.files import beside, mark_suspect
from tillkeeper.journal.handover import Handover
from tillkeeper.journal.reserve import Reserve
from tillkeeper.journal.storage import Storage
from tillkeeper.replication.held.file import OpenedFile, alarm_of, begin_anew, open_file
from tillkeeper.replication.held.rescue import readable, rescued, to_rescue
from tillkeeper.replication.held.rows import (
    Known,
    Named,
    mark_of,
    read_asides,
    read_events,
    read_known,
    rejected_places,
    signed_up_to,
)
from tillkeeper.replication.held.taking import BeginAnew, Did, EraseTexts, Take, Taker, Work
from tillkeeper.replication.model import HeldAside, LogId, Mark

MAX_WAITING = 128
"""Batches that wait for the disk."""
MAX_EVENTS = 2_000
MAX_BYTES = 8 * 2**20
"""Of one batch."""
MAX_WAITING_BYTES = 64 * 2**20
"""Of all that wait."""
MAX_NAME = 200
"""Characters of the names of a store, a register, an incarnation."""
GROUP_EVENTS = 1_000
"""In one transaction: bounds how long a fresh sale of another register waits behind those that catch up."""
MIN_FREE_BYTES = 64 * 2**20
IDLE_S = 2.0
RESCUE_TRIES = 60
"""A second apart, while the disk refuses or too much waits."""

T = TypeVar("T")


class HeldLogs:
    """A `Holdings`. Made by `open`; belongs to the event loop it was opened in."""

    def __init__(
        self,
        path: Path,
        store: str,
        opened: OpenedFile,
        reading: apsw.Connection,
        *,
        wall_ms: WallClock,
        vfs: str | None,
        idle_s: float,
        min_free_bytes: int,
    ) -> None:
        self._path, self._store, self._vfs, self._wall_ms = path, store, vfs, wall_ms
        self._told = list(opened.alarms)
        storage = Storage(path, opened.connection, read_known, Reserve(beside(path, ".reserve"), 0), vfs, "it begins anew")
        self._handover: Handover[Work, Did, Known] = Handover(
            path.name,
            storage,
            Taker(path, storage, min_free_bytes).write,
            idle=lambda: None,
            idle_s=idle_s,
            changed=self._changed,
            ended=opened.lock.release,
            max_waiting=MAX_WAITING,
            weigh=_weight,
            max_group=GROUP_EVENTS,
        )
        self._waiting_bytes = 0
        self.learned: Callable[[tuple[str, ...]], None] = lambda _digests: None
        self._marks: tuple[Known, dict[LogId, Mark]] = ({}, {})
        self._reading: apsw.Connection | None = reading
        self._anew: asyncio.Task[None] | None = None
        self._rescue = asyncio.create_task(self._take_over(), name="rescue of held logs")

    @classmethod
    async def open(
        cls,
        path: Path,
        store: str,
        *,
        wall_ms: WallClock,
        vfs: str | None = None,
        idle_s: float = IDLE_S,
        min_free_bytes: int = MIN_FREE_BYTES,
    ) -> Self:
        """Open or make the file. Beside it live `<path>-wal`, `-shm`, `.lock`, and files that were set aside.

        Raises:
            JournalLocked: another agent works on it.
            StorageRefused: the disk can not be written.
        """
        opened = await asyncio.to_thread(open_file, path, store, str(wall_ms()), vfs)
        try:
            reading = _connect_reader(path, vfs)
        except apsw.Error as error:
            opened.connection.close(True)
            opened.lock.release()
            raise StorageRefused("open held logs", path.name, str(error), "look at the disk") from error
        return cls(path, store, opened, reading, wall_ms=wall_ms, vfs=vfs, idle_s=idle_s, min_free_bytes=min_free_bytes)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Finish what was accepted. May be called twice."""
        for task in (self._rescue, self._anew):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        self._stop_reading()
        await self._handover.close()

    @property
    def trouble(self) -> str | None:
        """Why nothing is taken right now, or None."""
        return self._handover.state.trouble

    @property
    def alarms(self) -> tuple[str, ...]:
        found = list(self._told)
        if self.trouble is not None:
            found.append(f"nothing is taken from other registers: {self.trouble}")
        for log, held in self._handover.state.known.items():
            if held.rejected:
                count, name = held.rejected, f"log {log.incarnation} of register {log.register}"
                found.append(f"{count} events of {name} are in quarantine")
        return tuple(found)

    def marks(self) -> dict[LogId, Mark]:
        known = self._handover.state.known
        if self._marks[0] is not known:
            self._marks = (known, {log: mark_of(log, held) for log, held in known.items()})
        return dict(self._marks[1])

    # --- reading ---

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        # After a sync that failed the file may show more than is durable.
        limit = min(limit, self._seq(log) - after_seq)
        return (
            self._ask(log, lambda connection, named: read_events(connection, named, after_seq, limit), []) if limit > 0 else []
        )

    def rejected(self, log: LogId, after_seq: int, last_seq: int) -> frozenset[int]:
        known = self._handover.state.known.get(log)
        if known is None or not known.rejected:
            return frozenset()
        return self._ask(log, lambda connection, named: rejected_places(connection, named, after_seq, last_seq), frozenset())

    def signed_up_to(self, log: LogId, at_most_seq: int) -> SignedHead | None:
        at_most_seq = min(at_most_seq, self._seq(log))
        return self._ask(log, lambda connection, named: signed_up_to(connection, named, at_most_seq), None)

    def quarantined(self, after: int, limit: int) -> list[HeldAside]:
        return self._read(lambda connection: read_asides(connection, after, limit))

    def _seq(self, log: LogId) -> int:
        held = self._handover.state.known.get(log)
        return held.held.held_seq if held is not None else 0

    def _ask(self, log: LogId, question: Callable[[apsw.Connection, Named], T], unknown: T) -> T:
        held = self._handover.state.known.get(log)
        if held is None:
            return unknown
        named = Named(held.log_no, self._store, log)
        return self._read(lambda connection: question(connection, named))

    def _read(self, question: Callable[[apsw.Connection], T]) -> T:
        if self._anew is not None or self._handover.closing:
            raise StorageUnreadable("read", self._path.name, "it is closed, or begins anew", "ask again in a moment")
        try:
            if self._reading is None:
                self._reading = _connect_reader(self._path, self._vfs)
            return question(self._reading)
        except (apsw.CorruptError, apsw.NotADBError, ChainBroken, msgspec.DecodeError, UnicodeDecodeError) as error:
            mark_suspect(self._path, str(error))
            self._begin_anew(str(error))
            raise StorageUnreadable("read", self._path.name, str(error), "the file begins anew") from error
        except apsw.Error as error:
            raise StorageUnreadable("read", self._path.name, str(error), "ask again in a moment") from error

    def _stop_reading(self) -> None:
        if self._reading is not None:
            with contextlib.suppress(apsw.Error):
                self._reading.close(True)
            self._reading = None

    def erased(self, after: str, limit: int) -> list[str]:
        sql = "SELECT digest FROM erased WHERE digest > ? ORDER BY digest LIMIT ?"
        return [str(row[0]) for row in self._read(lambda connection: connection.execute(sql, (after, limit)).fetchall())]

    # --- taking ---

    async def take(self, batch: HqBatch, now_ms: int, last_accepted: int | None = None) -> HqAnswer:
        size = _check(batch, self._store)
        if not batch.events:
            return HqAnswer(self._seq(LogId(batch.register, batch.incarnation)), (), (), now_ms)
        if self._handover.state.damaged:
            self._begin_anew(self._handover.state.trouble or "")
        if self._waiting_bytes and self._waiting_bytes + size > MAX_WAITING_BYTES:
            cause = f"{self._waiting_bytes} bytes wait for the disk"
            raise Overloaded("take", self._path.name, cause, "try again in a moment")
        self._waiting_bytes += size
        try:
            did = await self._handover.submit("take", Take(batch, now_ms, last_accepted))
        finally:
            self._waiting_bytes -= size
        if did.learned:
            self.learned(did.learned)
        return did.answer

    async def erase(self, digests: Collection[str]) -> int:
        return (await self._handover.submit("erase", EraseTexts(tuple(digests)))).erased

    # --- beginning anew ---

    def _changed(self) -> None:
        if self._handover.state.damaged:
            self._begin_anew(self._handover.state.trouble or "")

    def _begin_anew(self, cause: str) -> None:
        if self._anew is None and not self._handover.closing:
            # Before the file is moved: whoever closes it last tidies its log away by name.
            self._stop_reading()
            self._anew = asyncio.create_task(self._replace(cause), name="held logs begin anew")

    async def _replace(self, cause: str) -> None:
        def make() -> apsw.Connection:
            connection, name = begin_anew(self._path, self._store, str(self._wall_ms()), self._vfs)
            names.append(name)
            return connection

        names: list[str] = []
        try:
            await self._handover.submit("begin anew", BeginAnew(make))
            self._told.append(alarm_of(names[-1], cause))
            if self._rescue.done():
                self._rescue = asyncio.create_task(self._take_over(), name="rescue of held logs")
        except TillkeeperError as error:
            self._told = [told for told in self._told if told != str(error)] + [str(error)]
        finally:
            self._anew = None

    async def _retake(self, work: Work) -> None:
        """Raises: Overloaded, StorageRefused."""
        for left in reversed(range(RESCUE_TRIES)):
            try:
                did = await self._handover.submit("take over", work)
            except (Overloaded, StorageRefused):
                if not left:
                    raise
                await asyncio.sleep(1.0)
            except Refused:
                return  # too many logs or conflicts by now; the file stays
            else:
                if did.learned:
                    self.learned(did.learned)
                return

    async def _take_over(self) -> None:
        """What can be read of files that were set aside. Done again from the start where it was interrupted: taking an event
        twice changes nothing."""
        try:
            for aside in await asyncio.to_thread(to_rescue, self._path):
                works = readable(aside, self._store, self._wall_ms())
                while (work := await asyncio.to_thread(next, works, None)) is not None:
                    await self._retake(work)
                await asyncio.to_thread(rescued, aside)
        except (OSError, TillkeeperError) as error:
            self._told.append(f"logs that were set aside could not be taken over ({error}); a restart tries again")


def _connect_reader(path: Path, vfs: str | None) -> apsw.Connection:
    """Kept open: whoever opens the file alone, after a sync that failed, reads what was refused. Raises: apsw.Error."""
    reading = connect_reader(path, vfs)
    try:
        reading.execute("SELECT 1 FROM owner").fetchall()
    except apsw.Error:
        reading.close(True)
        raise
    return reading


def _weight(work: Work) -> int:
    return len(work.batch.events) if isinstance(work, Take) else 1


def _check(batch: HqBatch, store: str) -> int:
    """About how many bytes it has. Raises: Refused."""
    names = (batch.store, batch.register, batch.incarnation)
    if batch.store != store or not all(name and len(name) <= MAX_NAME and name.isprintable() for name in names):
        cause = f"it is of store {batch.store[:40]!r}, register {batch.register[:40]!r}"
        raise Refused("bad_identity", "take", "a batch", cause)
    size = 0
    for event in batch.events:
        if (event.store, event.register, event.incarnation) != names:
            raise Refused("bad_identity", "take", f"event {event.seq}", "it is of another log than its batch")
        texts = (event.type, event.business_day, event.body, event.prev_hash, event.hash, *event.personal)
        try:
            size += sum(len(text.encode()) for text in texts)
            size += sum(len(salt.encode()) + len(text.encode()) for salt, text in event.personal.values())
        except UnicodeEncodeError as error:
            raise Refused("bad_identity", "take", f"event {event.seq}", "it is no text that can be kept") from error
    if len(batch.events) > MAX_EVENTS or size > MAX_BYTES:
        cause = f"{len(batch.events)} events, {size} bytes; {MAX_EVENTS} events and {MAX_BYTES} bytes are taken"
        raise Refused("too_large", "take", "a batch", cause, "send smaller ones")
    return size
