"""The link to HQ: its cursors live in the journal, and its check numbers go to the till with them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from tillkeeper import clock
from tillkeeper.config.model import Hq, Store
from tillkeeper.contract.envelope import Author, HqAnswer, HqBatch, NumberAssigned
from tillkeeper.journal.records import Appended, Batch
from tillkeeper.replication.batches import Outgoing
from tillkeeper.replication.cursors import Cursor, Progress
from tillkeeper.replication.link import LinkStatus, SinkLink, SinkTransport
from tillkeeper.replication.model import LogId
from tillkeeper.replication.recheck import Flight, Looking, Recheck


class HqTransport(SinkTransport, Protocol):
    hq_minus_boot_s: float | None
    """HQ's clock at its last good answer, less our boot clock then; None while no answer said the time."""


class CursorJournal(Protocol):
    """What the link needs of the journal."""

    def setting(self, name: str) -> bytes | None: ...

    async def append(self, batch: Batch) -> Appended: ...


class NumberSink(Protocol):
    """The till: it owns the folds of the checks."""

    async def numbers_assigned(self, numbers: Sequence[NumberAssigned], settings: dict[str, bytes]) -> None:
        """`check_numbered` for those checks that are known and have no number yet, with their changed rows. With the last of
        them, in one journal append, `settings` (the cursor) - the settings also where no check is left to number."""


class _Saved(msgspec.Struct):
    acked: int
    rejected: int = 0


class JournalCursors:
    """Cursors of the register's own logs are kept in its journal; how much HQ holds of others' logs, and of what was lost here
    and came back, is asked anew. `is_others`: see `batches.Outgoing`."""

    def __init__(
        self, journal: CursorJournal, numbers: NumberSink, register: str, is_others: Callable[[LogId], bool] | None = None
    ) -> None:
        self._journal, self._numbers, self._register = journal, numbers, register
        self._is_others = is_others or (lambda log: log.register != register)

    def load(self, log: LogId) -> Cursor:
        kept = self._journal.setting(cursor_setting(log.incarnation)) if log.register == self._register else None
        saved = _Saved(0) if kept is None else msgspec.json.decode(kept, type=_Saved)
        return Cursor(saved.acked, None, saved.rejected, branch="unknown" if self._is_others(log) else "same")

    async def save(self, log: LogId, progress: Progress) -> None:
        if log.register != self._register:
            return  # its numbers are its author's business, and it gets them when it sends the same events itself
        cursor = progress.cursor
        settings = {cursor_setting(log.incarnation): msgspec.json.encode(_Saved(cursor.acked, cursor.rejected))}
        if progress.numbers:
            await self._numbers.numbers_assigned(progress.numbers, settings)
        else:
            await self._journal.append(Batch(settings=settings))


class Telling:
    """A transport that says with each batch of an own log how far that log goes, and how the store writes money and times."""

    def __init__(
        self, transport: SinkTransport, outgoing: Outgoing, store: Store | None, flight: Flight, now_s: Callable[[], float]
    ) -> None:
        self._transport, self._outgoing, self._flight, self._now_s = transport, outgoing, flight, now_s
        self._said = Author(0) if store is None else Author(0, store.currency, store.minor_digits, store.timezone)
        self.aclose = transport.aclose

    async def exchange(self, batch: HqBatch) -> HqAnswer:
        """Raises SinkTrouble."""
        if batch.register == self._outgoing.own.register:
            last_seq = self._outgoing.heads().get(LogId(batch.register, batch.incarnation))
            if last_seq is not None:
                batch = msgspec.structs.replace(batch, author=msgspec.structs.replace(self._said, last_seq=last_seq))
        self._flight.begun(self._now_s())
        answered = False
        try:
            answer = await self._transport.exchange(batch)
            answered = True
            return answer
        finally:
            self._flight.ended(self._now_s(), answered=answered)


class HqLink(SinkLink):
    """`run` closes the transport. `about`: the store's configuration, of which HQ is told what it shows figures by."""

    def __init__(
        self,
        journal: CursorJournal,
        outgoing: Outgoing,
        hq: Hq,
        transport: HqTransport,
        numbers: NumberSink,
        *,
        store: str,
        now_s: Callable[[], float] = clock.boot_s,
        chance: random.Random | None = None,
        changed: Callable[[], None] = lambda: None,
        conflict: Callable[[LogId, str], None] = lambda _log, _reason: None,
        step_aside: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
        about: Store | None = None,
    ) -> None:
        self._hq = transport
        self._flight = Flight()
        chance = chance or random.Random()  # noqa: S311 - jitter, no secret
        self.recheck = None
        if isinstance(transport, Looking):
            own, last = (lambda: outgoing.own), (lambda: (self._last_ok_s, self._last_failure_s))
            self.recheck = Recheck(transport, self._flight, store, own, last, self._looked, now_s, chance)
        super().__init__(
            "HQ",
            outgoing,
            Telling(transport, outgoing, about, self._flight, now_s),
            JournalCursors(journal, numbers, outgoing.own.register, outgoing.is_others),
            store=store,
            beat_s=hq.beat_s,
            now_s=now_s,
            chance=chance,
            changed=changed,
            conflict=conflict,
            step_aside=step_aside,
        )

    def status(self) -> LinkStatus:
        """With what was learned by a way of its own (`recheck.py`)."""
        found = msgspec.structs.replace(super().status(), hq_minus_boot_s=self._hq.hq_minus_boot_s)
        if (recheck := self.recheck) is None:
            return found
        uplink = msgspec.structs.replace(found.uplink, denied_s=recheck.denied_s, error=found.uplink.error or recheck.error)
        if recheck.ok_s is not None and recheck.ok_s > (found.last_ok_s or 0.0):
            uplink = msgspec.structs.replace(uplink, last_ok_s=recheck.ok_s, stuck=bool(found.trouble))
        return msgspec.structs.replace(found, uplink=uplink, last_ok_s=uplink.last_ok_s)

    def _looked(self, answers: bool, again: bool) -> None:
        if answers and (again or self._trouble):
            self.poke()
        self._changed()


def cursor_setting(incarnation: str) -> str:
    """Name of the journal's setting that says how far HQ has answered that log."""
    return f"hq.cursor.{incarnation}"
