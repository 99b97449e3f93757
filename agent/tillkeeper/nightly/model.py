"""What a night's work found, and what follows from it. Pure."""

import msgspec

DAY_MS = 86_400_000
NIGHTS_KEPT = 30
FEWEST_NIGHTS = 4
"""Fewer say nothing about how fast a disk fills."""


class Night(msgspec.Struct, frozen=True):
    """The disk after one night's work. `own_bytes`: of the data folder."""

    at_ms: int
    free_bytes: int
    own_bytes: int


class NightlyResult(msgspec.Struct, frozen=True, kw_only=True):
    """`at_ms`: wall clock at the end of the work. `problems`: what is wrong with the books, in words; empty where all of them
    were read and verify. `events`: how many those were. `removed`: leftovers that went. `nights`: oldest first."""

    at_ms: int
    problems: tuple[str, ...] = ()
    events: int = 0
    removed: int = 0
    nights: tuple[Night, ...] = ()


def with_night(before: tuple[Night, ...], tonight: Night) -> tuple[Night, ...]:
    """The newest `NIGHTS_KEPT`. What is stamped later than tonight was stamped by a wrong clock."""
    kept = [night for night in before if night.at_ms < tonight.at_ms]
    return (*kept[-(NIGHTS_KEPT - 1) :], tonight)


def days_left(nights: tuple[Night, ...]) -> float | None:
    """Days until nothing is free, at the pace of the nights that are known (a line of least squares through them). None where
    they are too few, or the disk does not fill."""
    if len(nights) < FEWEST_NIGHTS:
        return None
    days = [(night.at_ms - nights[-1].at_ms) / DAY_MS for night in nights]
    mean_day = sum(days) / len(days)
    mean_free = sum(night.free_bytes for night in nights) / len(nights)
    spread = sum((day - mean_day) ** 2 for day in days)
    if spread < 1:
        return None
    slope = sum((day - mean_day) * (night.free_bytes - mean_free) for day, night in zip(days, nights, strict=True)) / spread
    return nights[-1].free_bytes / -slope if slope < 0 else None
