"""How long each Star command is, and where one ends and the next begins: the grammar alone, without meaning.

Source: Star Line Mode Command Specifications, "Command function list" and "Raster Graphics Command Details"; StarPRNT Command
Specifications for `ESC GS S` and `ESC GS )`. The table is wider than what the interpreter acts on.
"""

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

ESC, RS, GS = 0x1B, 0x1E, 0x1D
_LONGEST = 80_000
"""Bytes of a command that are collected; one that claims more is none."""

_ESC_FIXED: dict[int, int] = {
    0x06: 1, 0x07: 2, 0x0C: 1, 0x0E: 0, 0x14: 0, 0x20: 1, 0x24: 1, 0x25: 1, 0x2D: 1, 0x2F: 1, 0x30: 0, 0x31: 0, 0x32: 0,
    0x33: 1, 0x34: 0, 0x35: 0, 0x3A: 0, 0x40: 0, 0x41: 1, 0x45: 0, 0x46: 0, 0x49: 1, 0x4A: 1, 0x4D: 0, 0x4E: 1, 0x4F: 0,
    0x50: 0, 0x51: 1, 0x52: 1, 0x57: 1, 0x5F: 1, 0x61: 1, 0x64: 1, 0x67: 0, 0x68: 1, 0x69: 2, 0x6A: 1, 0x6C: 1, 0x70: 0,
    0x71: 0, 0x73: 2, 0x74: 2, 0x79: 1, 0x7A: 1,
}  # fmt: skip
"""Second byte -> bytes of parameters."""
_GS_FIXED: dict[int, int] = {0x03: 3, 0x07: 3, 0x19: 4, 0x41: 2, 0x52: 2, 0x61: 1, 0x63: 2, 0x74: 1}
"""Third byte after `ESC GS` -> bytes of parameters."""


class Token(NamedTuple):
    """`kind`: text (a run of bytes >= 20h), control (one byte), command (from ESC on), row (`b` or `k` with its data).
    `end`: how many bytes of the last portion there are up to its end."""

    kind: Literal["text", "control", "command", "row"]
    data: bytes
    end: int


class Splitter:
    """Splits a stream however it comes in portions; knows raster mode, where `b` and `k` begin a row of dots."""

    def __init__(self) -> None:
        self.raster = False
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[Token]:
        """The tokens that `data` completes; a run of text may come in parts."""
        before = len(self._pending)
        self._pending += data
        at = 0
        while at < len(self._pending):
            token = self._next(at, before)
            if token is None:
                break
            at += len(token.data)
            yield token
        del self._pending[:at]

    def clear(self) -> None:
        """An unfinished command is gone, and raster mode with it."""
        self._pending.clear()
        self.raster = False

    def _next(self, at: int, before: int) -> Token | None:
        pending = self._pending
        first = pending[at]
        if first == ESC:
            size = length(pending[at : at + _LONGEST])
            if size is None:
                return None
            size = min(size, len(pending) - at) if size > _LONGEST else size
            if at + size > len(pending):
                return None
            command = bytes(pending[at : at + size])
            if command[:3] == b"\x1b*r" and command[3:] in (b"A", b"B"):
                self.raster = command[3:] == b"A"
            return Token("command", command, at + size - before)
        if self.raster and first in b"bk":
            return self._row(at, before)
        end = at + 1
        if first >= 0x20:
            stop = b"bk" if self.raster else b""
            while end < len(pending) and pending[end] >= 0x20 and pending[end] not in stop:
                end += 1
        return Token("text" if first >= 0x20 else "control", bytes(pending[at:end]), end - before)

    def _row(self, at: int, before: int) -> Token | None:
        pending = self._pending
        if len(pending) < at + 3:
            return None
        end = at + 3 + pending[at + 1] + 256 * pending[at + 2]
        return Token("row", bytes(pending[at:end]), end - before) if end <= len(pending) else None


def length(command: bytes | bytearray) -> int | None:
    """The whole length of the command that `command` starts with (from ESC on); None where more is needed to tell."""
    if len(command) < 2:
        return None
    second = command[1]
    if second in _ESC_FIXED:
        return 2 + _ESC_FIXED[second]
    measure = _MEASURED.get(second)
    return measure(command) if measure else 2


def _to(start: int, stop: bytes, limit: int) -> Callable[[bytes | bytearray], int | None]:
    def measure(command: bytes | bytearray) -> int | None:
        end = command.find(stop, start, start + limit)
        if end >= 0:
            return end + len(stop)
        return None if len(command) < start + limit else start

    return measure


def _page_length(command: bytes | bytearray) -> int | None:
    """`ESC C n` in lines, `ESC C NUL n` in inches."""
    return None if len(command) < 3 else 3 if command[2] else 4


def _columns(each: int) -> Callable[[bytes | bytearray], int | None]:
    """`ESC K`, `ESC L`, `ESC X`: n1 n2 and so many columns of dots."""
    return lambda command: None if len(command) < 4 else 4 + each * (command[2] + 256 * command[3])


def _fine(command: bytes | bytearray) -> int | None:
    """`ESC k n1 n2`: n1 bytes across, 24 rows."""
    return None if len(command) < 4 else 4 + 24 * command[2]


def _raster(command: bytes | bytearray) -> int | None:
    """`ESC * r`: A, B, C and R alone, every other letter with decimal digits up to NUL (margins have two letters)."""
    if len(command) < 4:
        return None if len(command) < 3 or command[2] == 0x72 else 3
    if command[2] != 0x72:
        return 3
    return 4 if command[3] in b"ABCR" else _to(4, b"\0", 258)(command)


def _rs(command: bytes | bytearray) -> int | None:
    """`ESC RS x n`."""
    return 4


def _gs(command: bytes | bytearray) -> int | None:
    if len(command) < 3:
        return None
    third = command[2]
    if third in _GS_FIXED:
        return 3 + _GS_FIXED[third]
    measure = _GS_MEASURED.get(third)
    return measure(command) if measure else 3


def _gs_parenthesis(command: bytes | bytearray) -> int | None:
    """`ESC GS ) x pL pH d..` and `ESC GS ( x pL pH d..`."""
    return None if len(command) < 6 else 6 + command[4] + 256 * command[5]


def _gs_qr(command: bytes | bytearray) -> int | None:
    """`ESC GS y`: S and a digit and n, D 1 m nL nH d.., P, I."""
    if len(command) < 4:
        return None
    kind = command[3:4]
    if kind == b"S":
        return 6
    if kind != b"D":
        return 4
    if len(command) < 8:
        return None
    return 8 + command[6] + 256 * command[7] if command[4] == 0x31 else 5


def _gs_raster(command: bytes | bytearray) -> int | None:
    """`ESC GS S m xL xH yL yH n d..` (StarPRNT)."""
    return None if len(command) < 9 else 9 + (command[4] + 256 * command[5]) * (command[6] + 256 * command[7])


_MEASURED: dict[int, Callable[[bytes | bytearray], int | None]] = {
    0x1D: _gs,
    0x1E: _rs,
    0x23: _to(2, b"\n\0", 32),  # ESC # .. LF NUL
    0x2A: _raster,
    0x3F: lambda _: 4,  # ESC ? LF NUL
    0x42: _to(2, b"\0", 34),
    0x43: _page_length,
    0x44: _to(2, b"\0", 34),
    0x4B: _columns(1),
    0x4C: _columns(1),
    0x58: _columns(3),
    0x62: _to(6, b"\x1e", 256),  # ESC b n1 n2 n3 n4 d.. RS: a bar code
    0x6B: _fine,
}
_GS_MEASURED: dict[int, Callable[[bytes | bytearray], int | None]] = {
    0x23: _to(3, b"\n\0", 32),
    0x28: _gs_parenthesis,
    0x29: _gs_parenthesis,
    0x53: _gs_raster,
    0x79: _gs_qr,
}
