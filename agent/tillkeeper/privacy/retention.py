"""How long texts about persons are kept, and whether the clock is good enough to tell. Pure."""

from typing import NamedTuple

DAY_MS = 86_400_000
GRACE_MS = 7 * DAY_MS
"""So much longer texts that are held for another register are kept: it erases its own, unless it is gone."""
AGREES_MS = 3_600_000
"""HQ's clock and this one are the same to within that; nor has this one been set by more since the start."""
MAX_PAUSE_MS = 35 * DAY_MS
"""A register that was off for longer, or whose clock leapt so far while it was off: only HQ can tell which."""


class Clocks(NamedTuple):
    """All in ms. `wall_ms`: since the epoch. `hq_ahead_ms`: HQ's clock less this one, None where HQ has not been heard.
    `newest_ms`: the newest stamp in the journal when the agent started, 0 for none. `stepped_ms`: by how much the wall clock
    was set since the start."""

    wall_ms: int
    hq_ahead_ms: int | None
    newest_ms: int
    stepped_ms: int


def is_believed(clocks: Clocks) -> bool:
    """A clock that runs ahead must not erase what is wanted still."""
    if clocks.hq_ahead_ms is not None:
        return abs(clocks.hq_ahead_ms) <= AGREES_MS
    pause_ms = clocks.wall_ms - clocks.newest_ms
    return abs(clocks.stepped_ms) <= AGREES_MS and pause_ms >= -AGREES_MS and (pause_ms <= MAX_PAUSE_MS or not clocks.newest_ms)


def erased_before(clocks: Clocks, keep_days: int, *, held: bool) -> int | None:
    """Texts of events that were stamped before this go; None: none go. `held`: for others."""
    if not keep_days or not is_believed(clocks):
        return None
    return clocks.wall_ms - keep_days * DAY_MS - (GRACE_MS if held else 0)
