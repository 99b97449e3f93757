"""How long each ESC/POS command is: the grammar alone, without meaning.

An interpreter that does not know a command's length prints its parameters as text, as real printers do with commands
newer than they are. So this table is wider than what the interpreter acts on.

Source: Epson ESC/POS reference, "Commands in code order". Where models differ the commoner form is taken.
"""

from collections.abc import Callable

ESC, FS, GS, DLE = 0x1B, 0x1C, 0x1D, 0x10

MAX_COMMAND = 3 + 2 + 0xFFFF
"""Bytes of the longest command that is collected whole; graphics are streamed, see `graphics_length`."""

NEED_MORE = None

_ESC_FIXED = {
    0x0C: 0, 0x20: 1, 0x21: 1, 0x24: 2, 0x25: 1, 0x2D: 1, 0x32: 0, 0x33: 1, 0x34: 1, 0x35: 1, 0x3C: 0, 0x3D: 1,
    0x3F: 1, 0x40: 0, 0x42: 2, 0x45: 1, 0x47: 1, 0x4A: 1, 0x4B: 1, 0x4C: 0, 0x4D: 1, 0x52: 1, 0x53: 0, 0x54: 1, 0x55: 1,
    0x56: 1, 0x57: 8, 0x5C: 2, 0x61: 1, 0x63: 2, 0x64: 1, 0x65: 1, 0x66: 2, 0x69: 0, 0x6D: 0, 0x70: 3, 0x72: 1,
    0x74: 1, 0x75: 1, 0x76: 0, 0x7B: 1,
}  # fmt: skip
_FS_FIXED = {
    0x21: 1, 0x26: 0, 0x2D: 1, 0x2E: 0, 0x32: 74, 0x3F: 2, 0x43: 1, 0x53: 2, 0x57: 1, 0x70: 2,
}  # fmt: skip
_GS_FIXED = {
    0x21: 1, 0x24: 2, 0x2F: 1, 0x3A: 0, 0x42: 1, 0x45: 1, 0x48: 1, 0x49: 1, 0x4C: 2, 0x50: 2, 0x54: 1, 0x57: 2,
    0x5C: 2, 0x5E: 3, 0x61: 1, 0x62: 1, 0x63: 0, 0x66: 1, 0x68: 1, 0x6A: 1, 0x72: 1, 0x77: 1,
}  # fmt: skip


def length(command: bytes | bytearray) -> int | None:
    """The whole length of the command that `command` starts with, or `NEED_MORE`.

    Args:
        command: from ESC, FS or GS on, at least one byte; may hold more than the command.

    Returns:
        The number of bytes, 2 for a command that is not known (only its two bytes are taken).
    """
    if len(command) < 2:
        return NEED_MORE
    fixed, variable = _TABLES[command[0]]
    if command[1] in fixed:
        return 2 + fixed[command[1]]
    measure = variable.get(command[1])
    return measure(command) if measure else 2


def graphics_length(command: bytes | bytearray) -> tuple[int, int] | None:
    """(header bytes, data bytes) where `command` is a graphics command whose data is streamed, else None.

    Complete headers only: `length` answers with the header's length for these commands.
    """
    kind = bytes(command[:2])
    if len(command) < 5:
        return None
    if kind == b"\x1b*":
        columns = command[3] + 256 * command[4]
        return 5, columns * (3 if command[2] in (32, 33) else 1)
    if kind == b"\x1dv" and len(command) >= 8:
        return 8, (command[4] + 256 * command[5]) * (command[6] + 256 * command[7])
    if kind == b"\x1d8" and command[2:3] == b"L" and len(command) >= 7:
        return 7, int.from_bytes(command[3:7], "little")
    return None


def _parenthesis(command: bytes | bytearray) -> int | None:
    """`ESC ( x pL pH ...`, `FS ( x ...`, `GS ( x ...`."""
    return NEED_MORE if len(command) < 5 else 5 + command[3] + 256 * command[4]


def _to_nul(start: int, limit: int) -> Callable[[bytes | bytearray], int | None]:
    def measure(command: bytes | bytearray) -> int | None:
        end = command.find(0, start, start + limit + 1)
        if end >= 0:
            return end + 1
        return NEED_MORE if len(command) <= start + limit else start + limit

    return measure


def _cut(command: bytes | bytearray) -> int | None:
    """`GS V m` or `GS V m n` (reference, GS V: functions A to D)."""
    if len(command) < 3:
        return NEED_MORE
    return 4 if command[2] in (65, 66, 97, 98, 103, 104) else 3


def _barcode(command: bytes | bytearray) -> int | None:
    """`GS k m d1..dk NUL` (m 0 to 6) or `GS k m n d1..dn` (m 65 on)."""
    if len(command) < 3:
        return NEED_MORE
    if command[2] <= 6:
        return _to_nul(3, 255)(command)
    if command[2] < 65:
        return 3
    return NEED_MORE if len(command) < 4 else 4 + command[3]


def _downloaded_image(command: bytes | bytearray) -> int | None:
    return NEED_MORE if len(command) < 4 else 4 + command[2] * command[3] * 8


def _raster(command: bytes | bytearray) -> int | None:
    """`GS v 0 m xL xH yL yH`: the header; anything else after `GS v` is not a command."""
    if len(command) < 3:
        return NEED_MORE
    return 8 if command[2] == 0x30 else 2


def _large(command: bytes | bytearray) -> int | None:
    """`GS 8 L p1 p2 p3 p4`: the header of a long graphics command."""
    if len(command) < 3:
        return NEED_MORE
    return 7 if command[2] == 0x4C else 2


def _user_characters(command: bytes | bytearray) -> int | None:
    """`ESC & y c1 c2 [x d1..d(y*x)]...`."""
    if len(command) < 5:
        return NEED_MORE
    at = 5
    for _ in range(max(0, command[4] - command[3] + 1)):
        if len(command) <= at:
            return NEED_MORE
        at += 1 + command[2] * command[at]
    return at


def _maintenance(command: bytes | bytearray) -> int | None:
    """`GS g 0 m nL nH` and `GS g 2 m nL nH`."""
    return 6


_TABLES: dict[int, tuple[dict[int, int], dict[int, Callable[[bytes | bytearray], int | None]]]] = {
    ESC: (
        _ESC_FIXED,
        {0x26: _user_characters, 0x28: _parenthesis, 0x2A: lambda _: 5, 0x44: _to_nul(2, 32)},
    ),
    FS: (_FS_FIXED, {0x28: _parenthesis}),
    GS: (
        _GS_FIXED,
        {
            0x28: _parenthesis, 0x2A: _downloaded_image, 0x38: _large, 0x56: _cut, 0x67: _maintenance, 0x6B: _barcode,
            0x76: _raster,
        },
    ),
}  # fmt: skip
