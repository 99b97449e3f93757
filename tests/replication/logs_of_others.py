"""Logs of other registers as they come over the line: chained, signed by a toy scheme, forked and damaged on purpose."""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
from tests.hq.world import DAY, Log

from tillkeeper.contract.books import Books, post
from tillkeeper.contract.chain import GENESIS, envelope_header, link
from tillkeeper.contract.envelope import Envelope, HqBatch, SignedHead
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.signing import sign_head
from tillkeeper.replication.model import Holdings, LogId

STORE = "corner"


class ToyKey:
    """No cryptography: whoever knows the name of the key can forge. Enough where only the way of signatures matters."""

    def __init__(self, name: str = "till-1") -> None:
        self.key = hashlib.sha256(name.encode()).hexdigest()

    def sign(self, data: bytes) -> str:
        return hashlib.sha256(self.key.encode() + data).hexdigest()


def toy_verify(key: str, data: bytes, signature: str) -> bool:
    return hashlib.sha256(key.encode() + data).hexdigest() == signature


def head_of(event: Envelope, key: ToyKey) -> SignedHead:
    return sign_head(event.store, event.register, event.incarnation, event.seq, event.hash, key.key, key.sign)


def batch(events: Sequence[Envelope], key: ToyKey | None = None) -> HqBatch:
    first = events[0]
    head = head_of(events[-1], key) if key is not None else None
    return HqBatch(first.store, first.register, first.incarnation, tuple(events), head)


def log_id(log: Log) -> LogId:
    return LogId(log.register, log.incarnation)


def sales(count: int, register: str = "till-1", incarnation: str = "inc-1") -> Log:
    """Three events a sale."""
    log = Log(register, incarnation)
    for n in range(count):
        log.sale(f"{register}-{incarnation}-{n}", 100 + n)
    return log


def fork(log: Log, after: int, name: str, count: int) -> Log:
    """The same up to `after`, then sales of its own."""
    other = Log(log.register, log.incarnation)
    other.events = log.events[:after]
    for n in range(count):
        other.sale(f"{name}-{n}", 1_000 + n)
    return other


def altered(event: Envelope, **fields: Any) -> Envelope:
    return msgspec.structs.replace(event, **fields)


def rehashed(event: Envelope, **fields: Any) -> Envelope:
    """Altered, and its hash made to fit."""
    bare = msgspec.structs.replace(event, **fields)
    return msgspec.structs.replace(bare, hash=link(bare.prev_hash, envelope_header(bare), bare.body.encode()))


def good(holdings: Holdings, log: LogId) -> list[Envelope]:
    """Events of the log that are in no quarantine."""
    bad = {(a.envelope.seq, a.envelope.hash) for a in asides(holdings) if a.in_log and _is_of(a.envelope, log)}
    return [e for e in everything(holdings, log) if (e.seq, e.hash) not in bad]


def everything(holdings: Holdings, log: LogId) -> list[Envelope]:
    found: list[Envelope] = []
    while page := holdings.events(log, len(found), 7):
        found += page
    return found


def asides(holdings: Holdings) -> list[Any]:
    found: list[Any] = []
    while page := holdings.quarantined(found[-1].n if found else 0, 5):
        found += page
    return found


def _is_of(envelope: Envelope, log: LogId) -> bool:
    return (envelope.register, envelope.incarnation) == log


def money(events: Sequence[Envelope]) -> Books:
    books: Books = {}
    for envelope in events:
        if (event := read_event(envelope)) is not None:
            post(books, event, envelope.business_day)
    return {account: amount for account, amount in books.items() if amount}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = ["DAY", "GENESIS", "Log"]
