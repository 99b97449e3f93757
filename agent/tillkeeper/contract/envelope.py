"""How an event travels and is hashed: identity, header, body, chain."""

import msgspec


class Envelope(msgspec.Struct, frozen=True):
    """One event of one log. `(store, register, incarnation, seq)` is its identity; `seq` starts at 1 and has no gaps.

    `body` is the JSON text as it was written (hashed and forwarded byte for byte, known type or not). `at_ms` is the wall
    clock in ms since the epoch: a stamp for people, never an order. `hash` and `prev_hash` are SHA-256 in hex; the first
    event's `prev_hash` is 64 zeros. `personal` travels beside the chain: digest -> [salt, text]; an erased one is absent.
    """

    store: str
    register: str
    incarnation: str
    seq: int
    type: str
    version: int
    business_day: str
    at_ms: int
    body: str
    prev_hash: str
    hash: str
    personal: dict[str, tuple[str, str]] = {}


class SignedHead(msgspec.Struct, frozen=True):
    """The author's signature over one place of its log (`signing.py`). `key`: its public key; all in hex."""

    store: str
    register: str
    incarnation: str
    seq: int
    hash: str
    key: str
    signature: str


class Author(msgspec.Struct, frozen=True):
    """What a register tells HQ of itself: `last_seq` is the last event of this log that it has, so that HQ knows how many it
    lacks; the rest is how the store's money and times are written (ISO 4217, IANA), empty where it is not said."""

    last_seq: int
    currency: str = ""
    minor_digits: int = 2
    timezone: str = ""


class HqBatch(msgspec.Struct, frozen=True):
    """What a register posts to HQ or to a peer: consecutive events of one log. May be empty: that is the beat. `head`: the
    author's signature over the last of them. `author`: for HQ alone; never in a log of somebody else's."""

    store: str
    register: str
    incarnation: str
    events: tuple[Envelope, ...] = ()
    head: SignedHead | None = None
    author: Author | None = None


class EventVerdict(msgspec.Struct, frozen=True):
    """HQ's answer for one event: `stored` (also for a repeat), `retryable` (send again later), `rejected` (never)."""

    seq: int
    verdict: str
    reason: str = ""


MAX_NUMBER = 999_999_999_999
"""Highest check number: people read it aloud, and 13 digits might be taken for a card number."""


class NumberAssigned(msgspec.Struct, frozen=True):
    """`number`: 1 to `MAX_NUMBER`."""

    check_id: str
    number: int


class HqAnswer(msgspec.Struct, frozen=True):
    """`held_seq`: up to where HQ holds this log without a gap. `numbers`: for checks opened in this batch, repeats
    included, the same number each time. `roster`: digest of the store's roster as HQ has it (`roster.py`), empty for none."""

    held_seq: int
    verdicts: tuple[EventVerdict, ...] = ()
    numbers: tuple[NumberAssigned, ...] = ()
    hq_time_ms: int = 0
    roster: str = ""
