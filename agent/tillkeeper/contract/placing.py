"""Where a received event belongs: the one rule of all who hold logs, HQ and peers. Pure.

A verdict never depends on how often an event was sent before: sending again is always safe.
"""

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.books import postings
from tillkeeper.contract.chain import GENESIS, ChainBroken, verify
from tillkeeper.contract.envelope import MAX_NUMBER, Envelope
from tillkeeper.contract.events import EVENT_TYPES, CheckNumbered, decode_body
from tillkeeper.contract.values import MAX_NAME

FORKED = "forked_log"
BROKEN = "broken_chain"
POISON = "undecodable"
BAD_SEQ = "bad_seq"
AFTER_LEAVING = "after_leaving"

MAX_INT = 2**53
"""What every party can hold without loss (RFC 8259 section 6)."""

Keeps = Literal["log", "quarantine", "both", "nothing"]
_UNREADABLE = (msgspec.DecodeError, ValueError, RecursionError)
_MANY_DIGITS = re.compile(rb"[0-9]{16}").search
"""Only a body in which this is found can hold a number above `MAX_INT`; digests seldom have it."""


class Held(NamedTuple):
    """The end of a held log: without a gap up to `held_seq`, whose event says that it has `head_hash`."""

    held_seq: int = 0
    head_hash: str = GENESIS


class Kept(NamedTuple):
    """What has a place in a log. `rejected`: the reason, empty for a good event."""

    hash: str
    rejected: str = ""


class Placed(NamedTuple):
    """`keeps`: `both` takes the place in the log and is shown in quarantine as well. What is in quarantine already, byte for
    byte, is not put there again and counts once. `held`: the log's end afterwards. `event` where it can be read: its money
    counts, beside the books if it was rejected and kept."""

    verdict: Literal["stored", "retryable", "rejected"]
    reason: str
    detail: str
    keeps: Keeps
    held: Held
    event: Event | None = None


def place(
    held: Held, envelope: Envelope, kept_at: Callable[[int], Kept | None], last_accepted: int | None = None
) -> Placed:
    """`kept_at(seq)`: what has this place, asked for places up to `held.held_seq`. `last_accepted`: the final seq of a register
    that left the store; what comes behind it takes its place and is rejected."""
    seq = envelope.seq
    if seq > held.held_seq + 1:
        return Placed("retryable", f"gap: this log is held up to {held.held_seq}", "", "nothing", held)
    if seq < 1:
        return Placed("rejected", BAD_SEQ, "seq starts at 1", "quarantine", held)
    if seq <= held.held_seq:
        return _repeat(held, envelope, kept_at(seq))
    reason, detail, event = _judge(envelope, held.head_hash)
    if not reason and last_accepted is not None and seq > last_accepted:
        reason, detail = AFTER_LEAVING, f"this register left the store at event {last_accepted}"
    after = Held(seq, envelope.hash)
    if reason:
        return Placed("rejected", reason, detail, "both", after, event)
    return Placed("stored", "", "", "log", after, event)


def _repeat(held: Held, envelope: Envelope, kept: Kept | None) -> Placed:
    """Its place is taken: by itself (a repeat), or by another event (the log was forked, as by a cloned disk).

    Under the hash of a rejected event something else may come later: what was damaged here, or on its way, as it really was.
    So that goes to quarantine whatever it is; whoever keeps it sees whether it is there already."""
    if kept is None:
        return Placed("retryable", f"event {envelope.seq} can not be read here", "", "nothing", held)
    if kept.hash == envelope.hash and kept.rejected:
        return Placed("rejected", kept.rejected, "it came in this form too", "quarantine", held, read_event(envelope))
    if kept.hash == envelope.hash and not chain_fault(envelope, envelope.prev_hash):
        return Placed("stored", "", "", "nothing", held)
    return Placed("rejected", FORKED, f"this place holds {kept.hash[:64]}", "quarantine", held, read_event(envelope))


def _judge(envelope: Envelope, head_hash: str) -> tuple[str, str, Event | None]:
    """(reason for rejecting or "", detail, the event where it can be read)."""
    fault = chain_fault(envelope, head_hash)
    if fault:
        return BROKEN, fault, read_event(envelope)
    if not 0 <= envelope.at_ms <= MAX_INT or not 0 <= envelope.version <= MAX_INT:
        return POISON, "at_ms or version out of range", None
    try:
        return "", "", _read(envelope)
    except _UNREADABLE as error:
        return POISON, str(error), None


def chain_fault(envelope: Envelope, prev_hash: str) -> str:
    """Why the event does not continue the chain after `prev_hash`, or nothing."""
    try:
        verify([envelope], prev_hash)
    except ChainBroken as error:
        return error.cause
    return ""


def read_event(envelope: Envelope) -> Event | None:
    """The event, or None where its type or version is not known here or its body does not fit."""
    try:
        return _read(envelope)
    except _UNREADABLE:
        return None


def _read(envelope: Envelope) -> Event | None:
    """None for a type or version that is not known: such an event is kept byte for byte. Raises: as `_UNREADABLE` says."""
    known = EVENT_TYPES.get(envelope.type)
    if known is None or known[1] != envelope.version:
        return None
    body = envelope.body.encode()
    event = decode_body(envelope.type, body)
    if event is not None and _MANY_DIGITS(body) and not _fits(msgspec.json.decode(msgspec.json.encode(event))):
        raise ValueError(f"a number above {MAX_INT}")
    if event is not None:
        postings(event, envelope.business_day)
    if any(len(getattr(event, field, "")) > MAX_NAME for field in ("check_id", "ticket_code")):
        raise ValueError("an id that is too long to look anything up by")
    if isinstance(event, CheckNumbered) and not 0 < event.number <= MAX_NUMBER:
        raise ValueError(f"check number {event.number}")
    return event


def _fits(value: object) -> bool:
    """Whether all whole numbers in what was read of an event are within `MAX_INT`: others no follower could keep. What is in
    fields that this version does not know is nobody's to read."""
    match value:
        case int():
            return -MAX_INT <= value <= MAX_INT
        case list():
            return all(map(_fits, value))
        case dict():
            return all(map(_fits, value.values()))
    return True
