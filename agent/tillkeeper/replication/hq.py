"""The link to HQ: performs what `cursors` decides. One request at a time; new events go out at once, else a beat."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from tillkeeper import clock
from tillkeeper.config.model import Hq
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch, NumberAssigned
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.records import Appended, Batch, LogInfo
from tillkeeper.replication import cursors
from tillkeeper.replication.cursors import Cursor, Link, Progress, Send, Wait
from tillkeeper.replication.trouble import HqTrouble
from tillkeeper.roles.mode import Uplink

_ENVELOPE_BYTES = 600
"""About what header and JSON add to the body of an event."""


class HqTransport(Protocol):
    hq_minus_boot_s: float | None
    """HQ's clock at its last good answer, less our boot clock then; None while no answer said the time."""

    async def exchange(self, batch: HqBatch) -> HqAnswer:
        """Raises HqTrouble."""

    async def aclose(self) -> None: ...


class LogReader(Protocol):
    """What the link needs of the journal."""

    incarnation: str

    @property
    def last_seq(self) -> int: ...

    def logs(self) -> list[LogInfo]:
        """Every log of this register, old ones included."""

    def events(self, incarnation: str, after_seq: int, limit: int) -> list[Envelope]: ...

    def setting(self, name: str) -> bytes | None: ...

    async def append(self, batch: Batch) -> Appended: ...


class NumberSink(Protocol):
    """The till: it owns the folds of the checks."""

    async def numbers_assigned(self, numbers: Sequence[NumberAssigned], settings: dict[str, bytes]) -> None:
        """One journal append: `check_numbered` for those checks that are known and have no number yet, with their changed
        rows, plus `settings` (the cursor) - the settings also where no check is left to number."""


class LogStatus(msgspec.Struct, frozen=True):
    """`acked`: HQ has answered for everything up to here. `held_seq`: what HQ last said it holds. `head`: the last event."""

    incarnation: str
    acked: int
    held_seq: int | None
    head: int
    rejected: int


class LinkStatus(msgspec.Struct, frozen=True):
    """`trouble`: code of what is wrong now, empty while HQ answers. `alarms`: words for what needs a person."""

    uplink: Uplink
    unsynced: int
    logs: tuple[LogStatus, ...]
    last_ok_s: float | None
    last_error: str
    trouble: str
    alarms: tuple[str, ...]
    hq_minus_boot_s: float | None = None
    """HQ's clock less this machine's boot clock, as far as HQ's last answer said it."""


class _Saved(msgspec.Struct):
    acked: int
    rejected: int = 0


class HqLink:
    """Owns the cursors of all logs of this register. `run` is its one task; all else is called on the same loop."""

    def __init__(
        self,
        journal: LogReader,
        hq: Hq,
        transport: HqTransport,
        sink: NumberSink,
        *,
        store: str,
        register: str,
        now_s: Callable[[], float] = clock.boot_s,
        chance: random.Random | None = None,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._hq = hq
        self._transport = transport
        self._sink = sink
        self._store = store
        self._register = register
        self._now_s = now_s
        self._chance = chance or random.Random()  # noqa: S311 - jitter, no secret
        self._changed = changed
        self._wake = asyncio.Event()
        self._link = Link()
        self._cursors: dict[str, Cursor] = {}
        self._started_s = now_s()
        self._last_ok_s: float | None = None
        self._last_failure_s: float | None = None
        self._error = ""
        self._trouble = ""
        self._lost: set[str] = set()
        self._old_heads = {log.incarnation: log.last_seq for log in journal.logs() if not log.current}
        for incarnation in (*self._old_heads, journal.incarnation):
            kept = journal.setting(_setting(incarnation))
            saved = _Saved(0) if kept is None else msgspec.json.decode(kept, type=_Saved)
            self._cursors[incarnation] = Cursor(saved.acked, None, saved.rejected)

    def notify(self) -> None:
        """There are new events in the journal."""
        self._wake.set()

    def poke(self) -> None:
        """Something says that HQ may be back: try at once instead of at the end of the backoff."""
        self._link = msgspec.structs.replace(self._link, failures=0, beat_at_s=0.0)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Closes the transport."""
        try:
            while True:
                self._wake.clear()
                own = self._journal.incarnation
                action = cursors.next_action(self._link, self._cursors, self._heads(), own, self._now_s())
                if isinstance(action, Wait):
                    await self._rest(action)
                else:
                    await self._exchange(action)
                    self._changed()
        finally:
            await self._transport.aclose()

    async def _rest(self, wait: Wait) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait.until_s - self._now_s())):
                await self._wake.wait()

    async def _exchange(self, send: Send) -> None:
        events: tuple[Envelope, ...] = ()
        sent_s = self._now_s()
        try:
            if send.limit:
                events = _within(self._journal.events(send.incarnation, send.after_seq, send.limit), send.max_bytes)
            batch = HqBatch(self._store, self._register, send.incarnation, events)
            answer = await self._transport.exchange(batch)
            self._last_ok_s = sent_s
            progress = self._take(send, events, answer)
            if progress.moved:
                await self._save(send.incarnation, progress)
        except HqTrouble as trouble:
            self._failed(send, len(events), trouble)
        except TillkeeperError as error:
            # Our own trouble, not HQ's: the cursor stays where it was, and the events go out again later.
            self._error, self._trouble = str(error), error.code
            self._link = cursors.failed(self._link, self._now_s(), self._chance.random())
        else:
            self._cursors[send.incarnation] = progress.cursor
            self._error = self._trouble = ""
            self._link = cursors.succeeded(
                self._link, self._now_s(), self._hq.beat_s, send.incarnation, progress.stuck, self._chance.random()
            )

    def _take(self, send: Send, events: Sequence[Envelope], answer: HqAnswer) -> Progress:
        cursor = self._cursors[send.incarnation]
        progress = cursors.answered(cursor, send.after_seq + 1, send.after_seq + len(events), answer)
        if progress.lost and cursor.acked:
            self._lost.add(send.incarnation)
        elif not progress.stuck and progress.cursor.acked >= self._heads()[send.incarnation]:
            self._lost.discard(send.incarnation)
        return progress

    async def _save(self, incarnation: str, progress: Progress) -> None:
        settings = {_setting(incarnation): msgspec.json.encode(_Saved(progress.cursor.acked, progress.cursor.rejected))}
        if progress.numbers:
            await self._sink.numbers_assigned(progress.numbers, settings)
        else:
            await self._journal.append(Batch(settings=settings))

    def _failed(self, send: Send, sent: int, trouble: HqTrouble) -> None:
        self._last_failure_s = self._now_s()
        self._error, self._trouble = trouble.cause, trouble.code
        if trouble.code == "batch_refused":
            if sent == 1:
                self._error = f"HQ refuses event {send.after_seq + 1} of log {send.incarnation}: {trouble.cause}"
            self._cursors[send.incarnation] = cursors.refused_batch(self._cursors[send.incarnation], max(sent, 1))
        self._link = cursors.failed(self._link, self._last_failure_s, self._chance.random())

    def _heads(self) -> dict[str, int]:
        return {**self._old_heads, self._journal.incarnation: self._journal.last_seq}

    def status(self) -> LinkStatus:
        heads = self._heads()
        logs = tuple(LogStatus(name, c.acked, c.held, heads[name], c.rejected) for name, c in self._cursors.items())
        return LinkStatus(
            uplink=Uplink(
                configured=True,
                started_s=self._started_s,
                last_ok_s=self._last_ok_s,
                last_failure_s=self._last_failure_s,
                error=self._error,
            ),
            unsynced=sum(max(0, log.head - log.acked) for log in logs),
            logs=logs,
            last_ok_s=self._last_ok_s,
            last_error=self._error,
            trouble=self._trouble,
            alarms=tuple(self._alarms(logs)),
            hq_minus_boot_s=self._transport.hq_minus_boot_s,
        )

    def _alarms(self, logs: Sequence[LogStatus]) -> list[str]:
        alarms = []
        for log in logs:
            if log.held_seq is not None and log.held_seq > log.head:
                alarms.append(
                    f"HQ holds {log.held_seq} events of log {log.incarnation}, this register only {log.head}: it may be a "
                    "restored copy. Nothing of this log is sent; start a new incarnation."
                )
            if log.incarnation in self._lost:
                alarms.append(f"HQ has lost events of log {log.incarnation} that it had confirmed; they are being sent again.")
            if log.rejected:
                alarms.append(f"HQ has put {log.rejected} events of log {log.incarnation} into quarantine.")
        return alarms


def _within(events: Sequence[Envelope], max_bytes: int) -> tuple[Envelope, ...]:
    """As many of the first events as fit, at least one."""
    size = 0
    for count, event in enumerate(events):
        size += len(event.body.encode()) + _ENVELOPE_BYTES + sum(len(text) for _salt, text in event.personal.values())
        if size > max_bytes and count:
            return tuple(events[:count])
    return tuple(events)


def _setting(incarnation: str) -> str:
    return f"hq.cursor.{incarnation}"
