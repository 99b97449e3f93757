"""What an ESC/POS byte stream makes a printer do, in order. Everything here is a value."""

from typing import Literal

import msgspec


class Style(msgspec.Struct, frozen=True):
    """How a character is printed. `width` and `height` are multiples."""

    width: int = 1
    height: int = 1
    bold: bool = False
    underline: int = 0
    invert: bool = False
    red: bool = False
    font: Literal["A", "B"] = "A"


class Run(msgspec.Struct, frozen=True):
    """Characters of one style side by side; `x` and `dots` (the width of each) in dots from the left edge."""

    x: int
    dots: int
    text: str
    style: Style

    @property
    def end(self) -> int:
        return self.x + self.dots * len(self.text)


class Picture(msgspec.Struct, frozen=True):
    """One-bit graphics, rows packed to bytes from the left, most significant bit first, 1 is ink."""

    x: int
    width: int
    height: int
    rows: bytes
    red: bool = False


class QrCode(msgspec.Struct, frozen=True):
    """A QR code as the printer would draw it. `level` is L, M, Q or H; `modules` is its side without quiet zone."""

    x: int
    data: bytes
    module_dots: int
    level: str
    modules: int


class Barcode(msgspec.Struct, frozen=True):
    """A one-dimensional code: drawn as its number in a frame, which no scanner reads."""

    x: int
    system: int
    data: bytes
    width: int
    height: int


class Printed(msgspec.Struct, frozen=True, tag=True):
    """One line left the head and the paper moved on by `advance` dots; `height` is that of the ink."""

    runs: tuple[Run, ...] = ()
    advance: int = 0
    height: int = 0
    graphics: Picture | QrCode | Barcode | None = None


class Cut(msgspec.Struct, frozen=True, tag=True):
    partial: bool


class Pulse(msgspec.Struct, frozen=True, tag=True):
    """A kick on `pin` (2 or 5) of the drawer connector; times in milliseconds."""

    pin: Literal[2, 5]
    on_ms: int
    off_ms: int


class Reply(msgspec.Struct, frozen=True, tag=True):
    """Bytes that the printer sends when it comes to this point of the buffer (`GS I`)."""

    data: bytes


class ProcessId(msgspec.Struct, frozen=True, tag=True):
    """`GS ( H` function 48: answered when everything before it is on paper."""

    id: bytes


class StatusAsked(msgspec.Struct, frozen=True, tag=True):
    """`GS r n`: 1 paper sensor, 2 drawer connector."""

    what: Literal[1, 2]


class AsbSet(msgspec.Struct, frozen=True, tag=True):
    """`GS a n`: which changes are reported from now on."""

    mask: int


class Initialised(msgspec.Struct, frozen=True, tag=True):
    """`ESC @`."""


class Unknown(msgspec.Struct, frozen=True, tag=True):
    """Bytes that are no command of this model, or carry a parameter out of range. At most 32 of them are kept."""

    data: bytes
    why: str = ""


class Asked(msgspec.Struct, frozen=True, tag=True):
    """What another command language asks of its own engine when its turn comes (`star.engine`)."""

    what: str
    numbers: tuple[int, ...] = ()


Effect = Printed | Cut | Pulse | Reply | ProcessId | StatusAsked | AsbSet | Initialised | Unknown | Asked


class RealTimeStatus(msgspec.Struct, frozen=True, tag=True):
    """`DLE EOT n`, n from 1 to 4."""

    what: Literal[1, 2, 3, 4]


class Recover(msgspec.Struct, frozen=True, tag=True):
    """`DLE ENQ 1` (go on at the failed line) or `DLE ENQ 2` (`clear`: empty the buffers first)."""

    clear: bool


class RealTimePulse(msgspec.Struct, frozen=True, tag=True):
    """`DLE DC4 1 m t`."""

    pin: Literal[2, 5]
    on_ms: int


class ClearBuffers(msgspec.Struct, frozen=True, tag=True):
    """`DLE DC4 8` with its seven fixed bytes; answered by `37 25 00`."""


RealTime = RealTimeStatus | Recover | RealTimePulse | ClearBuffers
