"""Erasing: the event, the texts in every file of this register, and the same wherever another register's event says so."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

import apsw

from tillkeeper.contract.base import Event
from tillkeeper.contract.privacy import MAX_DIGESTS, PersonalDataErased
from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.records import Appended, Batch, NewEvent
from tillkeeper.privacy.retention import Clocks, erased_before
from tillkeeper.privacy.scrub import Scrubbed, scrub_all
from tillkeeper.privacy.search import Files, Old, old_texts
from tillkeeper.replication.model import Holdings

log = logging.getLogger(__name__)

RETRY_S = 5.0
LOOK_S = 3_600.0
"""How often is looked for texts that have become too old, and whether both files still agree."""
OLD_AT_ONCE = 100
REST_S = 0.05
"""Between two turns of what nobody waits for."""
MOST_WAITING = 20_000
"""Digests that were learned and wait for the disk; the next look finds the rest."""


class Texts(Protocol):
    """What is needed of the journal."""

    @property
    def path(self) -> Path: ...

    async def append(self, batch: Batch) -> Appended: ...

    async def erase(self, digests: tuple[str, ...]) -> int: ...

    def erased(self, after: str, limit: int) -> list[str]: ...


class Keeper:
    """Everything on the loop. `holdings`: what is held for others, None for nothing. `forget`: told which texts must not be
    remembered any longer. `changed`: told when there is a new event. `open_checks`: digests of texts of checks in work."""

    def __init__(
        self,
        journal: Texts,
        holdings: Holdings | None,
        held_file: Path,
        keep_days: int,
        *,
        stamp: Callable[[Event], NewEvent],
        clocks: Callable[[], Clocks],
        forget: Callable[[Iterable[str]], None],
        changed: Callable[[], None],
        open_checks: Callable[[], Iterable[str]],
    ) -> None:
        self._journal, self._holdings, self._keep_days = journal, holdings, keep_days
        self.files = Files(journal.path, held_file if holdings is not None else None)
        self._stamp, self._clocks, self._forget = stamp, clocks, forget
        self._changed, self._open_checks = changed, open_checks
        self._learned: dict[str, None] = {}
        self._wake = asyncio.Event()
        self._scrub = True
        self.asides = Scrubbed()
        """What the last look at files that were set aside has come to."""
        if holdings is not None:
            holdings.learned = self._learn

    def _learn(self, digests: tuple[str, ...]) -> None:
        self._forget(digests)
        if len(self._learned) < MOST_WAITING:
            self._learned |= dict.fromkeys(digests)
        self._wake.set()

    async def erase(self, digests: tuple[str, ...], cause: str, by: str = "") -> int:
        """Journal that they are erased, and erase them here; how many texts that were. At most `MAX_DIGESTS`.

        Raises: StorageRefused, Overloaded: said again, it is done again; nothing of it harms.
        """
        event = PersonalDataErased(digests=digests, cause=cause, by=by)
        before = await asyncio.to_thread(_count, self.files, digests)
        await self._journal.append(Batch(events=(self._stamp(event),), erase=digests))
        self._forget(digests)
        self._scrub = True
        self._changed()
        try:
            await self._erase_here(digests)
        except TillkeeperError:
            self._learned |= dict.fromkeys(digests)  # the task does the rest
            raise
        finally:
            self._wake.set()
        return before

    async def _erase_here(self, digests: tuple[str, ...]) -> None:
        await self._journal.erase(digests)
        if self._holdings is not None:
            await self._holdings.erase(digests)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._agree()
                await self._take_learned()
                await self._take_old(held=False)
                await self._take_old(held=True)
                await self._look_aside()
                await self._until_woken()
            except (TillkeeperError, OSError) as error:
                log.warning("texts that are to be erased are not all erased yet: %s", error)
                await asyncio.sleep(RETRY_S)

    async def _until_woken(self) -> None:
        """Raises: as `_take_learned`."""
        end = asyncio.get_running_loop().time() + LOOK_S
        while (left := end - asyncio.get_running_loop().time()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                return
            self._wake.clear()
            await self._take_learned()
            await self._look_aside()

    async def _take_learned(self) -> None:
        """Raises: StorageRefused, Overloaded."""
        while self._learned:
            digests = tuple(self._learned)[:MAX_DIGESTS]
            await self._erase_here(digests)
            for digest in digests:
                self._learned.pop(digest, None)
            self._scrub = True
            await asyncio.sleep(REST_S)

    async def _agree(self) -> None:
        """What one file knows to be erased the other must know: either may have begun anew, or the agent was killed in
        between. Raises: StorageRefused, Overloaded."""
        if self._holdings is None:
            return
        for digests in await self._unknown(self._holdings.erased, self._journal.erased):
            await self._journal.erase(digests)
            self._scrub = True
        for digests in await self._unknown(self._journal.erased, self._holdings.erased):
            await self._holdings.erase(digests)

    async def _unknown(
        self, known: Callable[[str, int], list[str]], other: Callable[[str, int], list[str]]
    ) -> list[tuple[str, ...]]:
        """Those of `known` that `other` lacks, in portions. Both are read in their order, a page at a time."""
        missing: list[str] = []
        after = ""
        while page := known(after, MAX_DIGESTS):
            there, at = set[str](), after
            while found := other(at, MAX_DIGESTS):
                there.update(found)
                at = found[-1]
                if at >= page[-1] or len(found) < MAX_DIGESTS:
                    break
            missing += [digest for digest in page if digest not in there]
            after = page[-1]
            await asyncio.sleep(0)
        return [tuple(missing[at : at + MAX_DIGESTS]) for at in range(0, len(missing), MAX_DIGESTS)]

    async def _take_old(self, *, held: bool) -> None:
        """Raises: StorageRefused, Overloaded."""
        path = self.files.held if held else self.files.journal
        before_ms = erased_before(self._clocks(), self._keep_days, held=held)
        if path is None or before_ms is None:
            return
        after = 0
        while found := await asyncio.to_thread(old_texts, path, held=held, after=after, before_ms=before_ms, limit=OLD_AT_ONCE):
            after = found[-1].place
            if len(found) == OLD_AT_ONCE and found[0].place < after:
                after -= 1  # the last event may have more texts than came
            if digests := self._not_needed(found):
                await self.erase(digests, "retention")
            await asyncio.sleep(REST_S)

    def _not_needed(self, found: list[Old]) -> tuple[str, ...]:
        needed = set(self._open_checks())
        return tuple(dict.fromkeys(one.digest for one in found if one.digest not in needed))

    async def _look_aside(self) -> None:
        """Raises: OSError."""
        if self._scrub:
            self._scrub = False
            self.asides = await asyncio.to_thread(_scrub, self._journal.path)


def _scrub(journal: Path) -> Scrubbed:
    """Raises: OSError."""
    try:
        with closing(connect_reader(journal)) as connection:
            return scrub_all(
                journal.parent,
                lambda digest: connection.execute("SELECT 1 FROM erased WHERE digest = ?", (digest,)).get is not None,
            )
    except apsw.Error as error:
        raise OSError(str(error)) from error


def _count(files: Files, digests: tuple[str, ...]) -> int:
    """How many of them are here, in either file. Raises: StorageRefused."""
    here = set[str]()
    for path in _paths(files):
        try:
            with closing(connect_reader(path)) as connection:
                sql = "SELECT 1 FROM personal WHERE digest = ?"
                here |= {digest for digest in digests if connection.execute(sql, (digest,)).get is not None}
        except apsw.Error as error:
            raise StorageRefused("erase", path.name, str(error), "ask again in a moment") from error
    return len(here)


def _paths(files: Files) -> Iterator[Path]:
    yield files.journal
    if files.held is not None:
        yield files.held
