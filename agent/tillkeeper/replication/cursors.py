"""What to send to HQ next. Pure: heads, answers, time and chance come in, the next action comes out.

Each log (incarnation) has its own cursor. A cursor moves only by an answer to events that were sent, never by `held_seq`
alone: HQ may have stored a batch whose answer - with the check numbers in it - was lost, and that batch goes out again. It goes
*back* where HQ holds less than it once said (HQ lost its disk). Where HQ holds more than the register itself has, the register
may be a restored copy of an older state: nothing of that log is sent any more, and an alarm stands.
"""

from collections.abc import Mapping

import msgspec

from tillkeeper.contract.envelope import EventVerdict, HqAnswer, NumberAssigned

MAX_EVENTS = 500
MAX_BYTES = 512 * 1024
FIRST_BACKOFF_S = 0.25
MIN_BEAT_S = 0.01
"""A configured beat of 0 must not become a hot loop."""
MAX_BACKOFF_S = 5.0
"""Short, because selling by card waits for it; one small request every few seconds bothers nobody."""


class Cursor(msgspec.Struct, frozen=True):
    """`acked`: up to here HQ has answered `stored` or `rejected`. `held`: what HQ last said it holds, None before that.
    `rejected`: how many it has put into quarantine. `limit`: how many events the next batch may hold."""

    acked: int = 0
    held: int | None = None
    rejected: int = 0
    limit: int = MAX_EVENTS

    def is_ahead(self, head: int) -> bool:
        """HQ holds more than the register's own log."""
        return self.held is not None and self.held > head


class Link(msgspec.Struct, frozen=True):
    """The state of the link as a whole. `beat_at_s`: when to send even if there is nothing to say."""

    failures: int = 0
    retry_at_s: float = 0.0
    beat_at_s: float = 0.0
    last_log: str = ""


class Send(msgspec.Struct, frozen=True):
    """Send up to `limit` events (0: an empty batch, the beat) of log `incarnation` after `after_seq`."""

    incarnation: str
    after_seq: int
    limit: int
    max_bytes: int = MAX_BYTES


class Wait(msgspec.Struct, frozen=True):
    """Nothing to do until `until_s`, unless something changes before."""

    until_s: float


class Progress(msgspec.Struct, frozen=True):
    """What an answer means. `moved`: the cursor is to be saved, with `numbers` in the same transaction. `stuck`: HQ
    wants to be asked again later. `rejected`: newly put into quarantine. `lost`: HQ holds less than it had confirmed."""

    cursor: Cursor
    moved: bool
    stuck: bool
    lost: bool
    rejected: tuple[EventVerdict, ...] = ()
    numbers: tuple[NumberAssigned, ...] = ()


def next_action(link: Link, cursors: Mapping[str, Cursor], heads: Mapping[str, int], own: str, now_s: float) -> Send | Wait:
    """`heads`: last seq of every log that this register has; `own`: the incarnation it writes now.

    Logs take turns, so that an old one that HQ will not take yet cannot hold up the current one.
    """
    if link.failures and now_s < link.retry_at_s:
        return Wait(link.retry_at_s)
    if own not in cursors or cursors[own].held is None:
        return Send(own, 0, 0)  # first learn how much HQ holds: this register may be a restored copy
    waiting = sorted(name for name, head in heads.items() if _sendable(cursors.get(name, Cursor()), head))
    if waiting:
        name = next((n for n in waiting if n > link.last_log), waiting[0])
        cursor = cursors.get(name, Cursor())
        return Send(name, cursor.acked, min(cursor.limit, heads[name] - cursor.acked))
    if now_s >= link.beat_at_s:
        return Send(own, cursors.get(own, Cursor()).acked, 0)
    return Wait(link.beat_at_s)


def _sendable(cursor: Cursor, head: int) -> bool:
    return cursor.acked < head and not cursor.is_ahead(head)


def answered(cursor: Cursor, first: int, last: int, answer: HqAnswer) -> Progress:
    """`answer` to the events `first..last` (an empty batch: `last` < `first`). A verdict that HQ left out counts as stored
    where `held_seq` covers it, else as retryable."""
    said = {v.seq: v for v in answer.verdicts}
    acked, rejected = cursor.acked, []
    for seq in range(first, last + 1):
        verdict = said.get(seq, EventVerdict(seq, "stored" if seq <= answer.held_seq else "retryable"))
        if verdict.verdict == "rejected":
            rejected.append(verdict)
        elif verdict.verdict != "stored":
            break
        acked = max(acked, seq)
    # By contract `held_seq` counts rejected events too. An HQ that says "stored" and holds less contradicts itself; it is
    # taken at its word about what it holds, and `stuck` keeps that from becoming a hot loop.
    lost = answer.held_seq < acked
    if lost:
        acked = answer.held_seq
    fresh = tuple(v for v in rejected if v.seq > cursor.acked)
    stuck = lost or acked < last
    limit = cursor.limit if stuck else min(MAX_EVENTS, cursor.limit * 2)
    after = Cursor(acked, answer.held_seq, cursor.rejected + len(fresh), limit)
    return Progress(after, acked != cursor.acked or bool(answer.numbers), stuck, lost, fresh, answer.numbers)


def refused_batch(cursor: Cursor, sent: int) -> Cursor:
    """HQ would not take a batch of `sent` events as a whole (too large, malformed): try with half of it, down to one."""
    return msgspec.structs.replace(cursor, limit=max(1, sent // 2))


def succeeded(link: Link, now_s: float, beat_s: float, log: str, stuck: bool, chance: float) -> Link:
    """After an exchange that HQ answered. `stuck`: it wants some of it later, so hold back as after a failure."""
    if stuck:
        return failed(msgspec.structs.replace(link, last_log=log), now_s, chance)
    return Link(0, 0.0, now_s + max(beat_s, MIN_BEAT_S), log)


def failed(link: Link, now_s: float, chance: float) -> Link:
    """After an attempt that failed: wait twice as long as the last time, within bounds. `chance` in [0, 1) spreads the
    registers of a store by half of the time, so that they do not all come at once when HQ is back."""
    failures = min(link.failures + 1, 1000)
    delay_s = min(MAX_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(failures - 1, 20)) * (0.5 + chance / 2)
    return msgspec.structs.replace(link, failures=failures, retry_at_s=now_s + delay_s)
