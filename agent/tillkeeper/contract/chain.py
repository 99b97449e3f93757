"""The hash chain of a log, as registers write it and HQ checks it. Pure; every input is text, so that
`printf ... | sha256sum` can follow it by hand:

    hash = SHA-256(prev_hash "\\n" header body)         prev_hash and hash: 64 hex digits
    header = "tillkeeper-event-1\\n" store "\\n" register "\\n" incarnation "\\n" seq "\\n" type "\\n" version "\\n"
             business_day "\\n" at_ms "\\n"
"""

import hashlib
from collections.abc import Iterable

from tillkeeper.contract.envelope import Envelope

GENESIS = "0" * 64
"""`prev_hash` of the first event of an incarnation."""


class ChainBroken(Exception):
    """The event `seq` does not continue the chain; `cause` says in which way."""

    def __init__(self, seq: int, cause: str) -> None:
        super().__init__(f"event {seq}: {cause}")
        self.seq = seq
        self.cause = cause


def header(
    store: str, register: str, incarnation: str, seq: int, type_name: str, version: int, business_day: str, at_ms: int
) -> bytes:
    """The canonical bytes of everything but the body.

    Raises:
        ValueError: a field contains a line break, which would make two different events one.
    """
    fields = (store, register, incarnation, str(seq), type_name, str(version), business_day, str(at_ms))
    text = "\n".join(("tillkeeper-event-1", *fields, ""))
    if text.count("\n") != len(fields) + 1:
        raise ValueError("a header field contains a line break")
    return text.encode()


def link(prev_hash: str, header_bytes: bytes, body: bytes) -> str:
    """The hash of one event, in hex."""
    return hashlib.sha256(b"%b\n%b%b" % (prev_hash.encode(), header_bytes, body)).hexdigest()


def envelope_header(envelope: Envelope) -> bytes:
    """Raises: ValueError as `header`."""
    e = envelope
    return header(e.store, e.register, e.incarnation, e.seq, e.type, e.version, e.business_day, e.at_ms)


def verify(envelopes: Iterable[Envelope], prev_hash: str) -> None:
    """Check consecutive events of one log. `prev_hash` is the hash of the event before the first of them (`GENESIS` for
    seq 1).

    Raises:
        ChainBroken: at the first event that is altered, missing, out of order or of another log.
    """
    expected: tuple[str, str, str, int] | None = None
    for envelope in envelopes:
        identity = (envelope.store, envelope.register, envelope.incarnation, envelope.seq)
        if expected is not None and identity != expected:
            raise ChainBroken(envelope.seq, f"expected {expected}, got {identity}")
        if envelope.seq < 1 or (envelope.seq == 1) != (prev_hash == GENESIS):
            raise ChainBroken(envelope.seq, "seq and place in the chain do not agree")
        if envelope.prev_hash != prev_hash:
            raise ChainBroken(envelope.seq, f"prev_hash is {envelope.prev_hash}, the event before has {prev_hash}")
        try:
            found = link(prev_hash, envelope_header(envelope), envelope.body.encode())
        except ValueError as error:
            raise ChainBroken(envelope.seq, str(error)) from error
        if found != envelope.hash:
            raise ChainBroken(envelope.seq, "the content does not match its hash")
        prev_hash = found
        expected = (*identity[:3], envelope.seq + 1)


def personal_digest(salt: str, text: str) -> str:
    """What the chain holds instead of a personal text: SHA-256 of salt (32 hex digits) followed by the text, in hex."""
    return hashlib.sha256((salt + text).encode()).hexdigest()
