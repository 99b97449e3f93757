"""Wrong passwords. Five in a row lock a name for 30 s, the next five for a minute, and so on to 15 min. Pure.

All names, those that nobody has as well, share `PLACES` places: so what is kept is bounded, and a lock tells nobody whether a
name exists. A try counts before the password is looked at: many at once are no way round.
"""

import hashlib
from typing import NamedTuple

PLACES = 65_536
IN_A_ROW = 5
FIRST_S, LONGEST_S = 30, 900
FORGET_S = 86_400
"""After so long without a try all is forgotten."""


class Tries(NamedTuple):
    """`wrong`: since a right one or the last lock; `locks`: since a right one; nobody comes in before `until_ms`; `at_ms`: the
    last try. Wall clock: a lock of one process holds for the others."""

    wrong: int = 0
    locks: int = 0
    until_ms: int = 0
    at_ms: int = 0


def place(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()[:8], "big") % PLACES


def remaining_s(tries: Tries, now_ms: int) -> int:
    """How long nobody can sign in, 0 where one can; a clock that was wrong once locks nobody for longer than the longest."""
    return min(LONGEST_S, max(0, -(-(tries.until_ms - now_ms) // 1000)))


def tried(tries: Tries, now_ms: int) -> Tries:
    """After one try more, wrong as far as is known. No wait is left."""
    if abs(now_ms - tries.at_ms) > FORGET_S * 1000:
        tries = Tries()
    wrong = tries.wrong + 1
    if wrong < IN_A_ROW:
        return Tries(wrong, tries.locks, 0, now_ms)
    wait_s = min(LONGEST_S, FIRST_S * 2 ** min(tries.locks, 10))
    return Tries(0, tries.locks + 1, now_ms + wait_s * 1000, now_ms)
