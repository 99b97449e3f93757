"""Who is behind: what HQ holds of a register against what the register says it has. Pure.

What is not known is said not to be: a register that is silent, or does not say how many events it has, is never fine.
"""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from tillkeeper_hq.pages.words import ago, count
from tillkeeper_hq.queries import RegisterLog

SILENT_MS = 30_000
"""Registers beat about once a second; other processes of HQ know of it 5 s later."""
LONG_SILENT_MS = 10 * 60_000


class Kind(IntEnum):
    """The worst first."""

    GONE = 1
    SILENT = 2
    BEHIND = 3
    UNKNOWN = 4
    NEVER = 5
    FINE = 6


BADGES = {
    Kind.GONE: ("silent", "bad"),
    Kind.SILENT: ("silent", "warn"),
    Kind.BEHIND: ("behind", "warn"),
    Kind.UNKNOWN: ("unknown", "plain"),
    Kind.NEVER: ("never heard", "plain"),
    Kind.FINE: ("up to date", "good"),
}


class Standing(NamedTuple):
    """`held`, `claimed`: of the log that is written now. `behind`: over all logs of the register, None where it never said;
    a lower bound while it is silent. `heard_ms`: 0 for never."""

    store: str
    register: str
    kind: Kind
    words: str
    held: int = 0
    claimed: int | None = None
    behind: int | None = None
    heard_ms: int = 0
    rejected: int = 0
    logs: int = 0


def standing(store: str, register: str, logs: Sequence[RegisterLog], now_ms: int) -> Standing:
    """`logs`: all of that register, in the order in which HQ met them."""
    if not logs:
        return Standing(store, register, Kind.NEVER, "HQ has not heard from it yet")
    writing = max(enumerate(logs), key=lambda one: (one[1].last_seen_ms, one[0]))[1]
    told = [log.behind for log in logs if log.behind is not None]
    behind = sum(told) if told else None
    kind, words = _judged(writing, behind, now_ms)
    rejected = sum(log.rejected for log in logs)
    return Standing(
        store, register, kind, words, writing.held_seq, writing.claimed_seq, behind, writing.last_seen_ms, rejected, len(logs)
    )


def _judged(writing: RegisterLog, behind: int | None, now_ms: int) -> tuple[Kind, str]:
    if not writing.last_seen_ms:
        return Kind.UNKNOWN, "Only other registers spoke for it: how much it has is not known"
    silent_ms = now_ms - writing.last_seen_ms
    if silent_ms > SILENT_MS:
        kind = Kind.GONE if silent_ms > LONG_SILENT_MS else Kind.SILENT
        heard = f"Last heard {ago(writing.last_seen_ms, now_ms)}"
        if behind:
            return kind, f"{heard}; at least {count(behind, 'event')} behind"
        return kind, f"{heard}: what it did since is not known"
    if writing.claimed_seq is None:
        return Kind.UNKNOWN, "It does not say how many events it has"
    if behind:
        return Kind.BEHIND, f"{count(behind, 'event')} behind"
    return Kind.FINE, "HQ has everything"


def by_register(logs: Iterable[RegisterLog], known: Iterable[tuple[str, str]], now_ms: int) -> list[Standing]:
    """Of all registers that have logs or a token (`known`: store, register), by store and name."""
    grouped: dict[tuple[str, str], list[RegisterLog]] = {key: [] for key in known}
    for log in logs:
        grouped.setdefault((log.store, log.register), []).append(log)
    return [standing(*key, of_one, now_ms) for key, of_one in sorted(grouped.items())]
