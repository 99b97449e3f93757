"""The one clock of the prober: CLOCK_BOOTTIME, which goes on while the machine sleeps."""

import struct
import time

_TIMESPEC = struct.Struct("@ll")


def boot_s() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def slept_s() -> float:
    """How long this machine has been suspended since it booted (clock_gettime(2): boot time minus monotonic). What passes
    between the two readings makes it less, never more."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


def behind_real_s() -> float:
    """What to add to a stamp of CLOCK_REALTIME to have it on the boot clock. Good for as long as nobody sets the wall clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_REALTIME)


def timespec_s(data: bytes) -> float | None:
    """The seconds in a `struct __kernel_old_timespec`, or None where `data` is none."""
    if len(data) < _TIMESPEC.size:
        return None
    seconds, nanoseconds = _TIMESPEC.unpack_from(data)
    return float(seconds + nanoseconds / 1e9)


def wall_s() -> float:
    """What this machine takes the time of day for, seconds since 1970."""
    return time.time()
