"""What to send to one sink next. Pure: heads, answers, time and chance come in, the next action comes out.

A sink is HQ or another register of the store. Each log that a sink gets has its own cursor. Cursors of own logs move only by an
answer to events that were sent, never by `held_seq` alone: HQ may have stored a batch whose answer - with the check numbers
in it - was lost, and that batch goes out again. Those of others' logs go by what the sink says it holds. A cursor goes *back*
where the sink holds less than it once said (it lost its disk). Where it holds more than there is here, this may be a restored
copy of an older state: nothing of that log is sent while it is written, and an alarm stands. Once a new log was begun the
rest of the old one goes out too, so that what differs there is put aside where all can see it.
"""

from collections.abc import Mapping

import msgspec

from tillkeeper.contract.envelope import EventVerdict, HqAnswer, NumberAssigned
from tillkeeper.replication.model import LogId

MAX_EVENTS = 500
MAX_BYTES = 512 * 1024
FIRST_BACKOFF_S = 0.25
MIN_BEAT_S = 0.01
"""A configured beat of 0 must not become a hot loop."""
MAX_BACKOFF_S = 5.0
"""Short, because selling by card waits for it; one small request every few seconds bothers nobody."""
MAX_STUCK_S = 30.0
"""A log that the sink will not take yet is offered again at least so often."""


class Cursor(msgspec.Struct, frozen=True):
    """`acked`: up to here the sink has answered `stored` or `rejected`. `held`: what it last said it holds, None before that.
    `rejected`: how many it has put into quarantine. `limit`: how many events the next batch may hold. `failures`, `retry_at_s`:
    this log alone waits, because the sink wants to be asked again later."""

    acked: int = 0
    held: int | None = None
    rejected: int = 0
    limit: int = MAX_EVENTS
    failures: int = 0
    retry_at_s: float = 0.0

    def is_ahead(self, head: int) -> bool:
        """The sink holds more than there is here."""
        return self.held is not None and self.held > head


class Link(msgspec.Struct, frozen=True):
    """The state of the link as a whole. `beat_at_s`: when to send even if there is nothing to say."""

    failures: int = 0
    retry_at_s: float = 0.0
    beat_at_s: float = 0.0
    last_log: LogId | None = None
    last_other: LogId | None = None
    """The last one but the own: where its turn stands."""


class Send(msgspec.Struct, frozen=True):
    """Send up to `limit` events (0: an empty batch, which asks how much is held) of `log` after `after_seq`."""

    log: LogId
    after_seq: int
    limit: int
    max_bytes: int = MAX_BYTES


class Wait(msgspec.Struct, frozen=True):
    """Nothing to do until `until_s` (infinity: for ever), unless something changes before."""

    until_s: float


class Progress(msgspec.Struct, frozen=True):
    """What an answer means. `moved`: the cursor is to be saved, with `numbers` in the same transaction. `stuck`: the sink
    wants to be asked again later. `rejected`: newly put into quarantine. `lost`: it holds less than it had confirmed."""

    cursor: Cursor
    moved: bool
    stuck: bool
    lost: bool
    rejected: tuple[EventVerdict, ...] = ()
    numbers: tuple[NumberAssigned, ...] = ()


def next_action(
    link: Link, cursors: Mapping[LogId, Cursor], heads: Mapping[LogId, int], own: LogId, now_s: float
) -> Send | Wait:
    """`heads`: last seq of every log that this sink gets; `own`: the log that is written now.

    The own log comes first, at least every second time; the others take turns, so that none holds up another.
    """
    if link.failures and now_s < link.retry_at_s:
        return Wait(link.retry_at_s)
    if own not in cursors or cursors[own].held is None:
        return Send(own, 0, 0)  # first learn how much the sink holds: this register may be a restored copy
    pending = {log: cursors.get(log, Cursor()) for log in heads if _pending(log, cursors.get(log, Cursor()), heads[log], own)}
    waiting = sorted(log for log, cursor in pending.items() if now_s >= cursor.retry_at_s)
    if waiting:
        log = _turn(waiting, own, link)
        cursor = pending[log]
        if cursor.held is None and log.register != own.register:
            return Send(log, 0, 0)
        return Send(log, cursor.acked, min(cursor.limit, heads[log] - cursor.acked))
    if now_s >= link.beat_at_s:
        return Send(own, cursors[own].acked, 0)
    return Wait(min([link.beat_at_s, *(cursor.retry_at_s for cursor in pending.values())]))


def _pending(log: LogId, cursor: Cursor, head: int, own: LogId) -> bool:
    if cursor.held is None and log.register != own.register:
        return head > 0
    return cursor.acked < head and not (log == own and cursor.is_ahead(head))


def _turn(waiting: list[LogId], own: LogId, link: Link) -> LogId:
    if own in waiting and (link.last_log != own or len(waiting) == 1):
        return own
    others = [log for log in waiting if log != own]
    return next((log for log in others if link.last_other is None or log > link.last_other), others[0])


def answered(cursor: Cursor, first: int, last: int, answer: HqAnswer, *, by_held: bool = False) -> Progress:
    """`answer` to the events `first..last` (an empty batch: `last` < `first`). A verdict that was left out counts as stored
    where `held_seq` covers it, else as retryable.

    Args:
        by_held: what the sink says it holds moves the cursor too.
    """
    said = {v.seq: v for v in answer.verdicts}
    acked, rejected = cursor.acked, []
    for seq in range(first, last + 1):
        verdict = said.get(seq, EventVerdict(seq, "stored" if seq <= answer.held_seq else "retryable"))
        if verdict.verdict == "rejected":
            rejected.append(verdict)
        elif verdict.verdict != "stored":
            break
        acked = max(acked, seq)
    # By contract `held_seq` counts rejected events too. A sink that says "stored" and holds less contradicts itself; it is
    # taken at its word about what it holds, and `stuck` keeps that from becoming a hot loop.
    lost = answer.held_seq < acked
    if lost or by_held:
        acked = answer.held_seq
    fresh = tuple(v for v in rejected if v.seq > cursor.acked)
    stuck = lost or acked < last
    limit = cursor.limit if stuck else min(MAX_EVENTS, cursor.limit * 2)
    after = Cursor(acked, answer.held_seq, cursor.rejected + len(fresh), limit, cursor.failures if stuck else 0)
    return Progress(after, acked != cursor.acked or bool(answer.numbers), stuck, lost, fresh, answer.numbers)


def refused_batch(cursor: Cursor, sent: int) -> Cursor:
    """The sink would not take a batch of `sent` events as a whole (too large, malformed): try with half of it, down to one."""
    return msgspec.structs.replace(cursor, limit=max(1, sent // 2))


def held_back(cursor: Cursor, now_s: float, chance: float) -> Cursor:
    """The sink will not take this log yet: it waits, twice as long as the last time, and no other log with it."""
    failures = min(cursor.failures + 1, 1000)
    return msgspec.structs.replace(cursor, failures=failures, retry_at_s=now_s + _backoff_s(failures, MAX_STUCK_S, chance))


def succeeded(link: Link, now_s: float, beat_s: float, log: LogId, own: LogId) -> Link:
    """After an exchange about `log` that the sink answered."""
    return Link(0, 0.0, now_s + max(beat_s, MIN_BEAT_S), log, link.last_other if log == own else log)


def failed(link: Link, now_s: float, chance: float) -> Link:
    """After an attempt that failed: wait twice as long as the last time, within bounds. `chance` in [0, 1) spreads the
    registers of a store by half of the time, so that they do not all come at once when the sink is back."""
    failures = min(link.failures + 1, 1000)
    delay_s = _backoff_s(failures, MAX_BACKOFF_S, chance)
    return msgspec.structs.replace(link, failures=failures, retry_at_s=now_s + delay_s)


def _backoff_s(failures: int, longest_s: float, chance: float) -> float:
    return min(longest_s, FIRST_BACKOFF_S * 2.0 ** min(failures - 1, 20)) * (0.5 + chance / 2)
