"""PINs: their digest, and which of them are too easy. A PIN is never stored, logged or put into an error."""

import hashlib
import hmac
from itertools import pairwise

_N, _R, _P = 16_384, 8, 1
"""Costs of scrypt (RFC 7914, 2): 16 MiB and about 45 ms on the build machine."""
_MEMORY = 64 * 1024 * 1024


def digest(pin: str, secret: str, store: str) -> str:
    """The PIN's digest in hex. Keyed with the store's secret and without a salt of its own: one scrypt tells whose PIN it is,
    and without the secret a roster that leaks can not be tried out. See `docs/decisions/0009-pins-and-sessions.md`."""
    keyed = hmac.digest(secret.encode(), b"tillkeeper pin 1:" + pin.encode(), "sha256")
    return hashlib.scrypt(keyed, salt=b"tillkeeper pin 1:" + store.encode(), n=_N, r=_R, p=_P, maxmem=_MEMORY, dklen=32).hex()


def secret_id(secret: str) -> str:
    """Tells two secrets apart and says nothing about either."""
    return hmac.digest(secret.encode(), b"tillkeeper secret id", "sha256").hex()[:16]


def weakness(pin: str) -> str:
    """Why this PIN is among the first that a thief tries, in words; empty where it is not."""
    if not (pin.isascii() and pin.isdigit()):
        return "it is not made of digits"
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if len(set(pin)) < 3:
        return "it has fewer than three different digits"
    if steps in ({1}, {9}):
        return "it counts up or down"
    if any(pin == pin[:length] * (len(pin) // length) for length in range(2, len(pin) // 2 + 1)):
        return "it repeats itself"
    if len(pin) == 4 and pin.startswith(("19", "20")):
        return "it looks like a year"
    if pin in _KEYPAD:
        return "it is a pattern on the keypad"
    return ""


_KEYPAD = frozenset({"2580", "0852", "1470", "0741", "147258", "258147", "147852", "159753", "753159", "159357", "357159"})
