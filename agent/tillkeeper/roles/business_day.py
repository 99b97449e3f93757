"""Which business day an instant belongs to. Time zone and cutoff are the store's, never the host's."""

import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_UTC = datetime.UTC
_DAY = datetime.timedelta(days=1)


def business_day(now_ms: int, timezone: str, cutoff: str) -> str:
    """The business day (YYYY-MM-DD) of `now_ms` (milliseconds since the epoch).

    A business day begins at the first instant at which the store's clocks show its date and `cutoff` ("HH:MM") or later:
    where that hour is skipped, when the clocks jump over it; where it is repeated, the first time round. It never goes back.
    A day has 23, 24 or 25 hours.

    Raises:
        zoneinfo.ZoneInfoNotFoundError: no such time zone.
        ValueError: `cutoff` is not HH:MM.
    """
    zone = ZoneInfo(timezone)
    at = datetime.time.fromisoformat(cutoff)
    local = datetime.datetime.fromtimestamp(now_ms / 1000, zone).date()
    # Clocks set back over midnight show yesterday's date again after today has begun, hence the look at tomorrow's start.
    for day in (local + _DAY, local):
        if now_ms >= start_ms(day, zone, at):
            return day.isoformat()
    return (local - _DAY).isoformat()


@lru_cache(maxsize=64)
def start_ms(day: datetime.date, zone: ZoneInfo, cutoff: datetime.time) -> int:
    """When business day `day` begins, in milliseconds since the epoch."""
    naive = datetime.datetime.combine(day, cutoff)
    # PEP 495: in a skipped hour fold=1 lies before the jump and fold=0 after it; in a repeated hour fold=0 is the first.
    first, second = (_ms(naive.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    return first if first <= second else _jump_ms(second, first, zone)


def _jump_ms(before: int, after: int, zone: ZoneInfo) -> int:
    """The first millisecond in `(before, after]` with the UTC offset that holds at `after`."""
    target = _offset(after, zone)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(middle, zone) == target:
            after = middle
        else:
            before = middle
    return after


def _offset(at_ms: int, zone: ZoneInfo) -> datetime.timedelta | None:
    return datetime.datetime.fromtimestamp(at_ms / 1000, _UTC).astimezone(zone).utcoffset()


def _ms(at: datetime.datetime) -> int:
    return int(at.timestamp() * 1000)
