"""Wrong PINs. Five in a row lock a terminal for 30 s, the next five for a minute, and so on to 15 min.

A right PIN clears the row, so somebody with a PIN of their own could try four, sign in, try four more: a second count, which
only time brings down, locks a terminal for 15 min after 20 wrong ones within about an hour. Waits are counted on the boot
clock: a stepped wall clock releases nobody. A wait that a reboot interrupts begins anew.
"""

from typing import NamedTuple

import msgspec

from tillkeeper.people.sessions import Now

IN_A_ROW = 5
FIRST_S, LONGEST_S = 30, 900
RECENT = 20
FORGET_S = 180.0
"""The long count forgets one wrong PIN in so many seconds."""


class Tries(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Of one terminal. `row`: wrong ones since a right one or the last lock; `locks`: locks since a right one; `wait_s` from
    `since_s` on boot `boot`; `recent`: the long count as of `recent_s`."""

    row: int = 0
    locks: int = 0
    wait_s: int = 0
    since_s: float = 0.0
    boot: str = ""
    recent: float = 0.0
    recent_s: float = 0.0


class Failed(NamedTuple):
    """`left`: how many tries are left; 0 where `tries` has a wait."""

    tries: Tries
    left: int


def settled(tries: Tries, now: Now) -> Tries:
    """The same on this boot's clock: after a reboot waits begin anew."""
    if tries.boot == now.boot:
        return tries
    return msgspec.structs.replace(tries, boot=now.boot, since_s=now.boot_s, recent_s=now.boot_s)


def remaining_s(tries: Tries, now: Now) -> float:
    """How long nobody can sign in; 0 where one can. `tries` is `settled`."""
    return max(0.0, tries.wait_s - (now.boot_s - tries.since_s)) if tries.wait_s else 0.0


def wrong(tries: Tries, now: Now) -> Failed:
    """After a wrong PIN. `tries` is `settled`, and no wait is left."""
    recent = max(0.0, tries.recent - (now.boot_s - tries.recent_s) / FORGET_S) + 1
    row, locks, locked_s = tries.row + 1, tries.locks, 0
    if row >= IN_A_ROW:
        locked_s = min(LONGEST_S, FIRST_S * 2 ** min(locks, 10))
        row, locks = 0, locks + 1
    if recent >= RECENT:
        locked_s = LONGEST_S
    after = Tries(row=row, locks=locks, wait_s=locked_s, since_s=now.boot_s, boot=now.boot, recent=recent, recent_s=now.boot_s)
    left = 0 if locked_s else min(IN_A_ROW - row, max(1, int(RECENT - recent)))
    return Failed(after, left)


def right(tries: Tries) -> Tries:
    """After a right PIN: the row is over, the long count stays."""
    return msgspec.structs.replace(tries, row=0, locks=0, wait_s=0)
