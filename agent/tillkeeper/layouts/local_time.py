"""Wall clock stamps as the people of the store read them: in the store's zone, never the host's."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local_text(at_ms: int, timezone: str, form: str) -> str:
    """`at_ms` (ms since the epoch) in `timezone`, formatted by `form` (strftime)."""
    return (_EPOCH + timedelta(milliseconds=at_ms)).astimezone(_zone(timezone)).strftime(form)
