"""Time and ids for the shells. Pure modules take them as arguments instead."""

import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import uuid_utils

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def wall_ms() -> int:
    """Wall clock in milliseconds since the epoch: for stamps that people read, never for order or durations."""
    return time.time_ns() // 1_000_000


def boot_s() -> float:
    """Seconds since boot, suspend included (CLOCK_BOOTTIME): for durations and leases."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@cache
def boot_id() -> str:
    """Names this boot of the machine (random(4)); empty where nobody says. A service that sees no more of /proc than processes
    is told by its unit (%b of systemd.unit(5))."""
    try:
        said = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
    except OSError:
        said = os.environ.get("TILLKEEPER_BOOT_ID", "")
    return said.strip().replace("-", "")


def new_id() -> str:
    """26 characters of Crockford base 32, sortable by time (a UUIDv7, RFC 9562)."""
    number = uuid_utils.uuid7().int
    digits = []
    for _ in range(26):
        number, digit = divmod(number, 32)
        digits.append(_CROCKFORD[digit])
    return "".join(reversed(digits))


WallClock = Callable[[], int]
IdSource = Callable[[], str]
