"""Headers that every answer has: files, JSON, errors, refused WebSockets. An answer that sets one of them itself keeps its own.

No `Strict-Transport-Security`: browsers ignore it for addresses (RFC 6797 section 8.1.1), and for a name it would hold for
every port and every other service of that machine.
"""

from collections.abc import Iterable

DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Content Security Policy of what is no page: whoever opens an answer in a tab runs nothing of it."""
EVERY = {
    "cache-control": "no-store",
    "content-security-policy": DATA_POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""`cross-origin-resource-policy` is for requests without CORS (Fetch standard, 3.7): a listed origin reads on."""

_RAW = tuple((name.encode(), value.encode()) for name, value in EVERY.items())


def completed(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """`headers` of an ASGI answer, with those of `EVERY` that it lacks."""
    said = list(headers)
    names = {name.lower() for name, _ in said}
    return said + [pair for pair in _RAW if pair[0] not in names]
