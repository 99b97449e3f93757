"""Who is signed in where. A session lasts `session_h`, over restarts of the agent and reboots of the machine.

Its age is counted on the boot clock while the machine stays up, so no step of the wall clock ends it. After a reboot only the
wall clock knows: one that stands before the sign-in (a dead battery) ends nothing, one far ahead ends the session, and then the
same PIN opens the next one.
"""

from typing import NamedTuple

import msgspec


class Now(NamedTuple):
    """One moment on the clocks: `wall_ms` since the epoch; `boot_s` since boot, suspend included; `boot` names that boot."""

    wall_ms: int
    boot_s: float
    boot: str


class Session(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`digest`: SHA-256 of the token in hex; the token itself was given out once and is kept nowhere."""

    digest: str
    employee: str
    terminal: str
    training: bool = False
    at_ms: int
    boot_s: float
    boot: str
    pin: str = ""
    """The PIN's digest at sign-in: another PIN since then ends the session."""


def age_s(session: Session, now: Now) -> float:
    """How long the session has lasted, never less than what is known for sure."""
    if session.boot == now.boot:
        return max(0.0, now.boot_s - session.boot_s)
    return max(now.boot_s, (now.wall_ms - session.at_ms) / 1000)


def is_over(session: Session, now: Now, session_h: float) -> bool:
    return age_s(session, now) >= session_h * 3600
