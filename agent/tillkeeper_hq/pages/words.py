"""Money, times and counts as people read them. Pure."""

import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

REASONS = {
    "forked_log": "Another event has this place: the register's disk was cloned or put back to an older state",
    "broken_chain": "Its hash does not fit its content or the event before it: it was changed or damaged on the way",
    "undecodable": "Its content can not be read as what it says to be",
    "bad_seq": "Its place in the log is not a possible one",
    "after_leaving": "The register wrote it after it had left the store",
    "number_taken": "It claims a check number that another check has; the event itself is stored",
}


class Facts(NamedTuple):
    """How a store writes money and times; the currency or time zone is empty where its registers did not say."""

    currency: str = ""
    minor_digits: int = 2
    timezone: str = ""


def money(minor: int, facts: Facts) -> str:
    """To the last minor unit."""
    sign, units = "\u2212" if minor < 0 else "", abs(minor)
    whole, part = divmod(units, 10**facts.minor_digits)
    shown = f"{sign}{whole:,}" + (f".{part:0{facts.minor_digits}}" if facts.minor_digits else "")
    return f"{shown} {facts.currency}" if facts.currency else shown


def count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def when(at_ms: int, facts: Facts) -> str:
    """In the store's own time, else in UTC; both say which."""
    try:
        moment = datetime.datetime.fromtimestamp(at_ms / 1000, _zone(facts.timezone))
    except (ValueError, OverflowError, OSError):
        return f"at {at_ms} ms"
    return f"{moment:%Y-%m-%d %H:%M:%S} {moment.tzname() or 'UTC'}"


def _zone(name: str) -> datetime.tzinfo:
    """A name that nobody knows, or that is a path, is UTC."""
    if not name:
        return datetime.UTC
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):  # ZoneInfoNotFoundError is a KeyError
        return datetime.UTC


def ago(then_ms: int, now_ms: int) -> str:
    seconds = max(0, (now_ms - then_ms) // 1000)
    if seconds < 10:
        return "now"
    if seconds < 60:
        return f"{seconds} s ago"
    if seconds < 3_600:
        return f"{seconds // 60} min ago"
    if seconds < 172_800:
        return f"{seconds // 3_600} h ago"
    return f"{seconds // 86_400:,} days ago"
