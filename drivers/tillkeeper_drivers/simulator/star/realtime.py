"""Star's real-time commands, found as bytes arrive: `ESC ACK SOH`, `FS`, `EM`.

Source: Line Mode Command Specifications, "Status" (executed when it is received, not when it is taken from the buffer) and
"External device drive" (FS: real time). They are looked for where a command may begin, not inside the data of another.
"""

from typing import NamedTuple

from tillkeeper_drivers.simulator.effects import RealTimePulse
from tillkeeper_drivers.simulator.star.grammar import Splitter

SECOND_DEVICE_MS = 200


class StatusAskedNow(NamedTuple):
    """`ESC ACK SOH`."""


class RealTimeScanner:
    """Finds real-time commands in bytes however they are split. The bytes themselves stay in the stream."""

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._on_ms = SECOND_DEVICE_MS

    def feed(self, data: bytes) -> list[tuple[int, StatusAskedNow | RealTimePulse]]:
        """The commands that end within `data`, each with how many bytes of `data` there are up to its end."""
        found: list[tuple[int, StatusAskedNow | RealTimePulse]] = []
        for token in self._splitter.feed(data):
            if token.data == b"\x1b\x06\x01":
                found.append((token.end, StatusAskedNow()))
            elif token.data[:2] == b"\x1b\x07" and token.data[2]:
                self._on_ms = 10 * token.data[2]
            elif token.data == b"\x1c":
                found.append((token.end, RealTimePulse(2, self._on_ms)))
            elif token.data == b"\x19":
                found.append((token.end, RealTimePulse(5, SECOND_DEVICE_MS)))
        return found
