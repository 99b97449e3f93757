"""Real-time commands: found in the stream as it arrives, wherever they stand, even inside graphics.

Source: TM-T88III series Specification Rev. B, DLE EOT: its bytes are obeyed inside the data of another command. That DLE ENQ
and DLE DC4 (fn = 1, 8) are found in the same way, and their forms, is known of ESC/POS in general (docs/printing-text.md).
"""

from typing import Literal, cast

from tillkeeper_drivers.simulator.effects import ClearBuffers, RealTime, RealTimePulse, RealTimeStatus, Recover

_DLE = 0x10
_CLEAR = b"\x10\x14\x08\x01\x03\x14\x01\x06\x02\x08"


class RealTimeScanner:
    """Finds real-time commands in bytes however they are split. The bytes themselves stay in the stream."""

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, data: bytes) -> list[tuple[int, RealTime]]:
        """The real-time commands that end within `data`, each with how many bytes of `data` there are up to its end."""
        before = len(self._tail)
        stream = self._tail + data
        found: list[tuple[int, RealTime]] = []
        at = stream.find(_DLE)
        while at >= 0:
            size, command = _read(stream, at)
            if size == 0:
                break
            if command is not None:
                found.append((at + size - before, command))
            at = stream.find(_DLE, at + size)
        self._tail = stream[at:] if at >= 0 else b""
        return found


def _read(stream: bytes, at: int) -> tuple[int, RealTime | None]:
    """(bytes taken, command); 0 bytes where more are needed."""
    kind = stream[at + 1 : at + 2]
    if not kind:
        return 0, None
    if kind == b"\x14":
        return _read_dc4(stream[at : at + len(_CLEAR)])
    if kind not in (b"\x04", b"\x05"):
        return 1, None
    if len(stream) < at + 3:
        return 0, None
    n = stream[at + 2]
    if kind == b"\x04" and 1 <= n <= 4:
        return 3, RealTimeStatus(cast(Literal[1, 2, 3, 4], n))
    if kind == b"\x05" and n in (1, 2):
        return 3, Recover(clear=n == 2)
    return 1, None


def _read_dc4(command: bytes) -> tuple[int, RealTime | None]:
    if command == _CLEAR:
        return len(_CLEAR), ClearBuffers()
    if _CLEAR.startswith(command):
        return 0, None
    if command[2] != 1:
        return 1, None
    if len(command) < 5:
        # A parameter already out of range can be told before the rest arrives.
        return (1, None) if len(command) == 4 and command[3] > 1 else (0, None)
    if command[3] <= 1 and 1 <= command[4] <= 8:
        return 5, RealTimePulse(2 if command[3] == 0 else 5, command[4] * 100)
    return 1, None


def top_level_length(command: bytes | bytearray) -> int | None:
    """How much of a DLE sequence the buffered stream skips (it was acted on already); None where more is needed."""
    if len(command) < 2:
        return None
    if command[1] in (0x04, 0x05):
        return 3
    if command[1] != 0x14:
        return 1
    if len(command) < 3:
        return None
    return {1: 5, 2: 5, 8: len(_CLEAR)}.get(command[2], 3)
