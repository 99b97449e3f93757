"""The idempotency key of a command travels with its events, so that whoever has the events knows that the command is done.

The body of the first event that a command made has a member more, `idempotency_key`: its SHA-256 in hex, and how many
events of this log the command made. Nothing of what was asked can be told from it.
"""

import msgspec


class Mark(msgspec.Struct, frozen=True):
    """`events`: from this one on, in this log."""

    sha256: str
    events: int


class _Marked(msgspec.Struct, frozen=True):
    idempotency_key: Mark | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Marked).decode
MEMBER = "idempotency_key"
"""No event has a field of that name."""
_HINT = f'"{MEMBER}":{{"sha256":"'


def marked(body: bytes, mark: Mark) -> bytes:
    """`body`, a JSON object, with the mark as its last member."""
    start = body.rstrip()[:-1]
    return start + (b"" if start.endswith(b"{") else b",") + f'"{MEMBER}":'.encode() + _encode(mark) + b"}"


def mark_of(body: str) -> Mark | None:
    """None where the event is not the first of a command, or was written by an older agent."""
    if _HINT not in body:
        return None
    try:
        mark = _decode(body).idempotency_key
    except (msgspec.DecodeError, ValueError, RecursionError):
        return None
    sound = mark is not None and len(mark.sha256) == 64 and set(mark.sha256) <= set("0123456789abcdef") and mark.events > 0
    return mark if sound else None
