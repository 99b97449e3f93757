"""One JSON object a line on standard error, at changes only."""

import contextlib
import sys

import msgspec

_encoder = msgspec.json.Encoder()


def log(event: str, **facts: object) -> None:
    """Write `event` (in the past tense) with `facts` that JSON can hold. A full or closed pipe loses the line."""
    line = _encoder.encode({"event": event, **facts}).decode() + "\n"
    with contextlib.suppress(OSError):
        sys.stderr.write(line)
        sys.stderr.flush()
