"""The drawer's coil and its switch. Pure: time and levels are arguments.

Facts: Epson ESC/POS reference, `ESC p m t1 t2` (m: 0 for pin 2, 1 for pin 5; t1, t2 in units of 2 ms); the coil's duty
(on at most a fifth of the time) is the printers' own limit for the drawer circuit, stated in their specifications.
"""

from typing import Literal

import msgspec

from tillkeeper_drivers.api import Tri

MIN_ON_MS = 2
MAX_ON_MS = 510
"""t1 is one byte of 2 ms units."""
SPACING = 5
"""Start to start, in multiples of the on-time."""
_SURE = 1_000_000


class PulseError(ValueError):
    """The pin or the on-time is out of range."""


def pulse_bytes(pin: int, on_ms: int) -> bytes:
    """`ESC p m t1 t2` for one kick. t2 is 4 x t1 where a byte can say that, else FFh.

    Raises:
        PulseError: `pin` is neither 2 nor 5, or `on_ms` not within `MIN_ON_MS` and `MAX_ON_MS`.
    """
    if pin not in (2, 5):
        raise PulseError(f"a drawer connector has pins 2 and 5, not {pin}")
    if not MIN_ON_MS <= on_ms <= MAX_ON_MS:
        raise PulseError(f"a pulse is {MIN_ON_MS} to {MAX_ON_MS} ms, not {on_ms}")
    on = on_ms // 2
    return bytes((0x1B, 0x70, 0 if pin == 2 else 1, on, min(255, 4 * on)))


class KickGate:
    """Keeps the kicks of one printer apart, whatever pin and whoever asks: its pins share one driver.

    Times are milliseconds of any one monotonic clock.
    """

    def __init__(self) -> None:
        self._free_at_ms: float | None = None

    def wait_ms(self, now_ms: float) -> float:
        """How long the next kick has to wait; 0 where it may go."""
        return 0.0 if self._free_at_ms is None else max(0.0, self._free_at_ms - now_ms)

    def kicked(self, now_ms: float, on_ms: int) -> None:
        """A kick of `on_ms` left, or may have left, at `now_ms`."""
        free = now_ms + SPACING * on_ms
        self._free_at_ms = free if self._free_at_ms is None else max(free, self._free_at_ms)


class PinPolarity(msgspec.Struct, frozen=True):
    """Which level of the switch means "open", learned from what kicks did to it."""

    opened_high: int = 0
    opened_low: int = 0

    @property
    def open_level(self) -> Literal["high", "low", "unknown"]:
        """The level seen after most kicks that moved the pin; unknown while they do not agree on one."""
        if self.opened_high == self.opened_low:
            return "unknown"
        return "high" if self.opened_high > self.opened_low else "low"

    @classmethod
    def told(cls, open_level: Literal["high", "low"]) -> "PinPolarity":
        """As somebody has set it; kicks that seem to show the other thing do not unsay it."""
        return cls(opened_high=_SURE) if open_level == "high" else cls(opened_low=_SURE)

    def after_kick(self, before_high: Tri, after_high: Tri) -> "PinPolarity":
        """What a kick taught: a pin that changed moved to "open". No change teaches nothing (open already, stuck)."""
        if "unknown" in (before_high, after_high) or before_high == after_high:
            return self
        if after_high == "yes":
            return PinPolarity(self.opened_high + 1, self.opened_low)
        return PinPolarity(self.opened_high, self.opened_low + 1)

    def is_open(self, pin_high: Tri) -> Tri:
        """Whether the drawer is open at this level."""
        if pin_high == "unknown" or self.open_level == "unknown":
            return "unknown"
        return "yes" if (pin_high == "yes") == (self.open_level == "high") else "no"
