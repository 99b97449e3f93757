"""What to send to one sink next. Pure: heads, answers, time and chance come in, the next action comes out.

A sink is HQ or another register of the store. Each log that a sink gets has its own cursor. Cursors of own logs move only by an
answer to events that were sent, never by `held_seq` alone: HQ may have stored a batch whose answer - with the check numbers
in it - was lost, and that batch goes out again. A cursor goes *back* where the sink holds less than it once said (it lost its
disk). Where it holds more than there is here, this may be a restored copy of an older state: nothing of that log is sent while
it is written, and an alarm stands. Once a new log was begun the rest of the old one goes out too, so that what differs there
is put aside where all can see it.

How far a sink holds a log says nothing of *which* log that is: two machines may have written it (a clone, a restored copy). So
before `held_seq` moves a cursor - of another's log, or after a loss - one event is sent that lies at or before it: `stored`
means that the sink has this branch up to there, for whoever sends an event of a branch has sent what is before it. Where the
sink has another branch all of this one goes there, and the sink puts it aside.
"""

import math
from collections.abc import Mapping
from typing import Literal

import msgspec

from tillkeeper.contract.envelope import EventVerdict, HqAnswer, NumberAssigned
from tillkeeper.contract.placing import AFTER_LEAVING, POISON
from tillkeeper.replication.model import LogId

MAX_EVENTS = 500
MAX_BYTES = 512 * 1024
LEAST_EVENTS = 16
"""That a batch shrinks to because no answer came in time: some 10 KB, which takes a line of 32 kbit/s three seconds."""
GROWTH = 1.5
"""A batch may be so much larger than the last one that was answered: on a slow line one in three is too large again."""
FIRST_BACKOFF_S = 0.25
MIN_BEAT_S = 0.01
"""A configured beat of 0 must not become a hot loop."""
MAX_BACKOFF_S = 5.0
"""Short, because selling by card waits for it; one small request every few seconds bothers nobody."""
MAX_STUCK_S = 30.0
"""A log that the sink will not take yet is offered again at least so often."""
_IN_PLACE = (POISON, AFTER_LEAVING)
"""Rejected for these reasons an event has its place in the log all the same, and continues what is before it."""

Branch = Literal["unknown", "same", "other"]


class Cursor(msgspec.Struct, frozen=True):
    """`acked`: up to here the sink has answered `stored` or `rejected`. `held`: what it last said it holds, None before that.
    `rejected`: how many it has put into quarantine. `limit`: how many events the next batch may hold. `failures`, `retry_at_s`:
    this log alone waits, because the sink wants to be asked again later. `branch`: whether what it holds beyond `acked` is the
    log as it is here; where it is another one nothing goes by `held` any more."""

    acked: int = 0
    held: int | None = None
    rejected: int = 0
    limit: int = MAX_EVENTS
    failures: int = 0
    retry_at_s: float = 0.0
    branch: Branch = "same"

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
    """Send up to `limit` events (0: an empty batch, which asks how much is held) of `log` after `after_seq`. `proves`: send the
    event behind `after_seq` alone, or the last one before it that is signed, to see which branch the sink holds."""

    log: LogId
    after_seq: int
    limit: int
    max_bytes: int = MAX_BYTES
    proves: bool = False


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
        if cursor.held is None and log != own:
            return Send(log, 0, 0)
        upto = min(cursor.held or 0, heads[log])
        if cursor.branch == "unknown" and upto > cursor.acked:
            return Send(log, upto - 1, 1, proves=True)
        return Send(log, cursor.acked, min(cursor.limit, heads[log] - cursor.acked))
    if now_s >= link.beat_at_s:
        return Send(own, cursors[own].acked, 0)
    return Wait(min([link.beat_at_s, *(cursor.retry_at_s for cursor in pending.values())]))


def _pending(log: LogId, cursor: Cursor, head: int, own: LogId) -> bool:
    if cursor.held is None and log != own:
        return head > 0
    return cursor.acked < head and not (log == own and cursor.is_ahead(head))


def _turn(waiting: list[LogId], own: LogId, link: Link) -> LogId:
    if own in waiting and (link.last_log != own or len(waiting) == 1):
        return own
    others = [log for log in waiting if log != own]
    return next((log for log in others if link.last_other is None or log > link.last_other), others[0])


def answered(cursor: Cursor, first: int, last: int, answer: HqAnswer, *, others: bool = False) -> Progress:
    """`answer` to the events `first..last` (an empty batch: `last` < `first`). A verdict that was left out counts as stored
    where `held_seq` covers it, else as retryable.

    Args:
        others: it is another register's log, of which the sink gets events from elsewhere too.
    """
    said = {v.seq: v for v in answer.verdicts}
    acked, rejected = cursor.acked, []
    # Where the cursor went back meanwhile this is no answer to what it needs next.
    for seq in range(first, last + 1 if first <= acked + 1 else first):
        verdict = said.get(seq, EventVerdict(seq, "stored" if seq <= answer.held_seq else "retryable"))
        if verdict.verdict == "rejected":
            rejected.append(verdict)
        elif verdict.verdict != "stored":
            break
        acked = max(acked, seq)
    # By contract `held_seq` counts rejected events too. A sink that says "stored" and holds less contradicts itself; it is
    # taken at its word about what it holds, and `stuck` keeps that from becoming a hot loop.
    lost = answer.held_seq < acked
    branch = cursor.branch
    if lost:
        acked = 0  # what is left there may be of another branch
    if branch != "other" and (lost or (others and answer.held_seq > acked)):
        branch = "unknown"
    elif branch == "unknown" and first <= last:
        branch = "same"  # an own log goes on by its answers: what it skips has its numbers
    fresh = tuple(v for v in rejected if v.seq > cursor.acked)
    stuck = lost or acked < last
    limit = cursor.limit if stuck else min(MAX_EVENTS, math.ceil(cursor.limit * GROWTH))
    failures = cursor.failures if stuck else 0
    counted = cursor.rejected if first > 1 or not answer.verdicts else 0  # a sink that lost everything gets it anew
    after = Cursor(acked, answer.held_seq, counted + len(fresh), limit, failures, branch=branch)
    return Progress(after, acked != cursor.acked or bool(answer.numbers), stuck, lost, fresh, answer.numbers)


def proved(cursor: Cursor, seq: int, answer: HqAnswer) -> Progress:
    """`answer` to the event `seq` alone, which the sink has if it has this branch."""
    found = next((v for v in answer.verdicts if v.seq == seq), EventVerdict(seq, "retryable"))
    same = found.verdict == "stored" or (found.verdict == "rejected" and found.reason in _IN_PLACE)
    stuck = not same and found.verdict != "rejected"
    if cursor.branch == "other":
        same, stuck = False, False  # that was learned meanwhile
    after = msgspec.structs.replace(
        cursor,
        acked=max(cursor.acked, seq) if same else cursor.acked,
        held=answer.held_seq,
        branch="same" if same else cursor.branch if stuck else "other",
        failures=cursor.failures if stuck else 0,
        retry_at_s=cursor.retry_at_s if stuck else 0.0,
    )
    return Progress(after, after.acked != cursor.acked, stuck, lost=False)


def asked_anew(cursor: Cursor) -> Cursor:
    """The sink has lost something: how much it holds of this log is to be asked again."""
    return msgspec.structs.replace(cursor, held=None)


def refused_batch(cursor: Cursor, sent: int) -> Cursor:
    """The sink would not take a batch of `sent` events as a whole (too large, malformed): try with half of it, down to one."""
    return msgspec.structs.replace(cursor, limit=max(1, sent // 2))


def timed_out(cursor: Cursor, sent: int) -> Cursor:
    """A batch of `sent` events had no answer in time. It may be more than the line carries by then, or than the sink stores:
    offered as it is for ever it would never get through."""
    return msgspec.structs.replace(cursor, limit=min(cursor.limit, max(LEAST_EVENTS, sent // 2)))


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
