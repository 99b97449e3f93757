"""One sink's link: performs what `cursors` decides. One request at a time; new events go out at once, else a beat.

Every sink has a link of its own, and none waits for another. What is read is one batch at a time, however much waits.
"""

import asyncio
import contextlib
import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.replication import cursors
from tillkeeper.replication.batches import Batches, Outgoing
from tillkeeper.replication.cursors import Cursor, Link, Progress, Send, Wait
from tillkeeper.replication.model import LogId
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.roles.mode import Uplink

CATCH_UP_SHARE = 0.5
"""While it catches up a link rests as long as its exchange took, times this: sales share the loop."""
MAX_REST_S = 0.05
UNREADABLE_S = 1.0
"""How often is looked whether the journal can be read again."""
FORKED = "forked_log"
_REFUSALS = ("batch_refused", "credentials_refused")


class SinkTransport(Protocol):
    async def exchange(self, batch: HqBatch) -> HqAnswer:
        """Raises SinkTrouble."""

    async def aclose(self) -> None: ...


class CursorKeeper(Protocol):
    """Where cursors come from and go to."""

    def load(self, log: LogId) -> Cursor: ...

    async def save(self, log: LogId, progress: Progress) -> None:
        """Durable when it returns, `progress.numbers` with it. Raises: TillkeeperError; the events go out again later."""


class LogStatus(msgspec.Struct, frozen=True):
    """`acked`: the sink has answered for everything up to here. `held_seq`: what it last said it holds. `head`: the last event
    here. `relayed`: another register wrote it. `note`: why the sink will not take it now."""

    incarnation: str
    acked: int
    held_seq: int | None
    head: int
    rejected: int
    register: str = ""
    relayed: bool = False
    note: str = ""


class LinkStatus(msgspec.Struct, frozen=True):
    """`unsynced`: own events that the sink does not hold. `behind`: all that it is still to get. `trouble`: code of what is
    wrong now, empty while it answers; `hint`: what to do about it. `alarms`: words for what needs a person. `events_per_s`: how
    fast it takes what waits."""

    uplink: Uplink
    unsynced: int
    logs: tuple[LogStatus, ...]
    last_ok_s: float | None
    last_error: str
    trouble: str
    alarms: tuple[str, ...]
    hq_minus_boot_s: float | None = None
    """HQ's clock less this machine's boot clock, as far as HQ's last answer said it."""
    behind: int = 0
    events_per_s: float = 0.0
    hint: str = ""


class SinkLink:
    """Owns the cursors of one sink. `run` is its one task; all else is called on the same loop.

    Args:
        name: of the sink, in words: "HQ", "register back".
        most_events: of one batch.
        beat_s: how often an empty batch goes out; infinity: never.
        changed: told after each exchange.
        conflict: told where the sink holds more of the own log than there is here, or another event in one of its places.
        step_aside: awaited between the pieces of a large batch.
    """

    def __init__(
        self,
        name: str,
        outgoing: Outgoing,
        transport: SinkTransport,
        keeper: CursorKeeper,
        *,
        store: str,
        beat_s: float,
        now_s: Callable[[], float],
        chance: random.Random,
        most_events: int = cursors.MAX_EVENTS,
        changed: Callable[[], None] = lambda: None,
        conflict: Callable[[LogId, str], None] = lambda _log, _reason: None,
        step_aside: Callable[[], Awaitable[None]] = lambda: asyncio.sleep(0),
    ) -> None:
        self.name = name
        self._outgoing, self._transport, self._keeper = outgoing, transport, keeper
        self._store, self._beat_s, self._most = store, beat_s, most_events
        self._batches = Batches(store, outgoing, step_aside)
        self._now_s, self._chance = now_s, chance
        self._changed, self._conflict = changed, conflict
        self._wake = asyncio.Event()
        self._link = Link()
        self._cursors: dict[LogId, Cursor] = {}
        self._notes: dict[LogId, str] = {}
        self._lost: set[LogId] = set()
        self._started_s = now_s()
        self._last_ok_s: float | None = None
        self._last_failure_s: float | None = None
        self._error = self._trouble = self._hint = ""
        self._rate = 0.0
        self._heads()

    def notify(self) -> None:
        """There are new events."""
        self._wake.set()

    def poke(self) -> None:
        """Something says that the sink may be back: try at once instead of at the end of the backoff."""
        self._link = msgspec.structs.replace(self._link, failures=0, beat_at_s=0.0)
        for log, cursor in self._cursors.items():
            self._cursors[log] = msgspec.structs.replace(cursor, retry_at_s=0.0)
        self._wake.set()

    def acked(self, log: LogId) -> int:
        """Up to which seq the sink has answered for a log that it gets."""
        cursor = self._cursors.get(log)
        return cursor.acked if cursor is not None else 0

    def answers(self, within_s: float) -> bool:
        """Whether the last attempt went well, not longer ago than that."""
        return not self._trouble and self._last_ok_s is not None and self._now_s() - self._last_ok_s <= within_s

    async def run(self) -> None:
        """Until cancelled. Closes the transport."""
        try:
            while True:
                self._wake.clear()
                heads = self._heads()
                if self._outgoing.own not in heads:
                    await asyncio.sleep(UNREADABLE_S)
                    continue
                action = cursors.next_action(self._link, self._cursors, heads, self._outgoing.own, self._now_s())
                if isinstance(action, Wait):
                    await self._rest(action)
                else:
                    began_s = self._now_s()
                    action = msgspec.structs.replace(action, limit=min(action.limit, self._most))
                    await self._exchange(action, heads[action.log])
                    self._changed()
                    if action.limit and heads[action.log] - action.after_seq > action.limit:
                        await asyncio.sleep(min(MAX_REST_S, CATCH_UP_SHARE * (self._now_s() - began_s)))
        finally:
            await self._transport.aclose()

    async def _rest(self, wait: Wait) -> None:
        if math.isinf(wait.until_s):
            await self._wake.wait()
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, wait.until_s - self._now_s())):
                await self._wake.wait()

    async def _exchange(self, send: Send, head: int) -> None:
        batch = HqBatch(self._store, *send.log)
        sent_s = self._now_s()
        try:
            if send.proves:
                batch = self._batches.proof(send, self._cursors[send.log].acked)
                if not batch.events:  # nothing that it has is signed here: then it gets what comes next
                    self._cursors[send.log] = msgspec.structs.replace(self._cursors[send.log], branch="same")
                    return
            elif send.limit:
                batch = await self._batches.next(send)
                if not batch.events:
                    self._put_off(send, "no part of it can be sent now")
                    return
            answer = await self._transport.exchange(batch)
            self._last_ok_s = sent_s
            if send.log not in self._cursors:
                return  # it is not to be relayed any more
            progress = self._take(send, head, batch.events, answer)
            if progress.moved:
                await self._keeper.save(send.log, progress)
        except SinkTrouble as trouble:
            self._failed(send, len(batch.events), trouble)
        except TillkeeperError as error:
            # Our own trouble, not the sink's: the cursor stays where it was, and the events go out again later.
            if self._outgoing.is_others(send.log):
                self._put_off(send, str(error))
                return
            self._error, self._trouble, self._hint = str(error), error.code, ""
            self._link = cursors.failed(self._link, self._now_s(), self._chance.random())
        else:
            self._settle(send, progress, answer, sent_s)

    def _settle(self, send: Send, progress: Progress, answer: HqAnswer, sent_s: float) -> None:
        now_s = self._now_s()
        cursor = progress.cursor
        if progress.stuck:
            cursor = cursors.held_back(cursor, now_s, self._chance.random())
            self._notes[send.log] = next((v.reason[:300] for v in answer.verdicts if v.verdict == "retryable"), "")
        else:
            self._notes.pop(send.log, None)
        before = self._cursors.get(send.log)
        if before is None:
            return
        advanced = cursor.acked - before.acked
        if advanced > 0 and send.limit and not send.proves:
            self._rate += 0.2 * (advanced / max(now_s - sent_s, 0.001) - self._rate)
        self._cursors[send.log] = cursor
        self._error = self._trouble = self._hint = ""
        self._link = cursors.succeeded(self._link, now_s, self._beat_s, send.log, self._outgoing.own)

    def _take(self, send: Send, head: int, events: Sequence[Envelope], answer: HqAnswer) -> Progress:
        cursor = self._cursors[send.log]
        first, last = (events[0].seq, events[-1].seq) if events else (1, 0)
        own = self._outgoing.own
        if send.proves:
            progress = cursors.proved(cursor, last, answer)
        else:
            progress = cursors.answered(cursor, first, last, answer, others=self._outgoing.is_others(send.log))
        if progress.lost and cursor.acked:
            self._lost.add(send.log)
            for log in self._cursors.keys() - {send.log, own}:  # then, maybe, also of logs that are not written any more
                self._cursors[log] = cursors.asked_anew(self._cursors[log])
        elif not progress.stuck and progress.cursor.acked >= head:
            self._lost.discard(send.log)
        if send.log == own:
            if any(v.verdict == "rejected" and v.reason == FORKED for v in answer.verdicts):
                self._conflict(own, FORKED)
            elif progress.cursor.is_ahead(self._outgoing.heads().get(own, 0)):
                self._conflict(own, "restored_copy")
        return progress

    def _failed(self, send: Send, sent: int, trouble: SinkTrouble) -> None:
        now_s = self._now_s()
        if send.log not in self._cursors and trouble.code in _REFUSALS:
            return
        if self._outgoing.is_others(send.log) and trouble.code in _REFUSALS:
            # It answers, and will not take what is not written here: no reason to hold back what is.
            cursor = cursors.refused_batch(self._cursors[send.log], max(sent, 1))
            if send.proves and trouble.code == "batch_refused":
                cursor = msgspec.structs.replace(cursor, branch="other", limit=cursors.MAX_EVENTS)
            self._cursors[send.log] = cursor
            self._put_off(send, trouble.cause)
            return
        self._last_failure_s = now_s
        self._error, self._trouble, self._hint = trouble.cause, trouble.code, trouble.hint
        if trouble.code == "batch_refused":
            if sent == 1:
                self._error = f"{self.name} refuses event {send.after_seq + 1} of log {send.log.incarnation}: {trouble.cause}"
            self._cursors[send.log] = cursors.refused_batch(self._cursors[send.log], max(sent, 1))
        elif trouble.code == "timeout" and sent and send.log in self._cursors:
            self._cursors[send.log] = cursors.timed_out(self._cursors[send.log], sent)
        self._link = cursors.failed(self._link, now_s, self._chance.random())

    def _put_off(self, send: Send, why: str) -> None:
        """This log alone waits."""
        now_s = self._now_s()
        if send.log in self._cursors:
            self._notes[send.log] = why
            self._cursors[send.log] = cursors.held_back(self._cursors[send.log], now_s, self._chance.random())
        self._link = cursors.succeeded(self._link, now_s, self._beat_s, send.log, self._outgoing.own)

    def _heads(self) -> Mapping[LogId, int]:
        """Logs come (a renewal, one that is to be relayed) and go; the cursors of those that went are forgotten."""
        heads = self._outgoing.heads()
        if heads.keys() != self._cursors.keys():
            for gone in self._cursors.keys() - heads.keys():
                del self._cursors[gone]
                self._notes.pop(gone, None)
                self._lost.discard(gone)
            with contextlib.suppress(StorageRefused):
                self._cursors |= {log: self._keeper.load(log) for log in heads if log not in self._cursors}
        for log in self._cursors:
            self._fork(log)
        return {log: head for log, head in heads.items() if log in self._cursors}

    def _fork(self, log: LogId) -> None:
        """Of a log with two branches in it the sink gets all: that it has the end of it says nothing of what is before."""
        cursor = self._cursors[log]
        if cursor.branch != "other" and self._outgoing.is_others(log) and self._outgoing.is_forked(log):
            self._cursors[log] = msgspec.structs.replace(cursor, acked=0, branch="other")

    def status(self) -> LinkStatus:
        heads = self._heads()
        own = self._outgoing.own.register
        logs = tuple(
            LogStatus(
                log.incarnation, c.acked, c.held, heads[log], c.rejected, log.register, log.register != own,
                self._notes.get(log, ""),
            )
            for log, c in self._cursors.items()
        )  # fmt: skip
        return LinkStatus(
            uplink=Uplink(
                configured=True,
                started_s=self._started_s,
                last_ok_s=self._last_ok_s,
                last_failure_s=self._last_failure_s,
                error=self._error,
            ),
            unsynced=sum(max(0, log.head - log.acked) for log in logs if not log.relayed),
            behind=sum(max(0, log.head - log.acked) for log in logs),
            logs=logs,
            last_ok_s=self._last_ok_s,
            last_error=self._error,
            trouble=self._trouble,
            alarms=tuple(self._alarms(logs)),
            events_per_s=self._rate,
            hint=self._hint,
        )

    def _alarms(self, logs: Sequence[LogStatus]) -> list[str]:
        alarms = []
        for log in logs:
            which = f"log {log.incarnation}" + (f" of register {log.register}" if log.relayed else "")
            # Older ones may be shorter here: of a restored copy, or of a journal that was damaged.
            written = LogId(log.register, log.incarnation) == self._outgoing.own
            if log.held_seq is not None and log.held_seq > log.head and written:
                alarms.append(
                    f"{self.name} holds {log.held_seq} events of {which}, this register only {log.head}: it is a restored "
                    "copy, or another machine has its name"
                )
            if LogId(log.register, log.incarnation) in self._lost:
                alarms.append(f"{self.name} has lost events of {which} that it had confirmed; they are being sent again.")
        return alarms
