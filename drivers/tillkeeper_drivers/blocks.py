"""What is printed: layout that depends on no device. Drivers and the agent take these from `tillkeeper_drivers.api`."""

from typing import Literal

import msgspec

Align = Literal["left", "centre", "right"]
Colour = Literal["black", "red"]


class Text(msgspec.Struct, frozen=True, tag="text"):
    """One logical line; a driver wraps it at the paper's width, and makes it narrower where a word would be broken. `width` and
    `height` are multiples, 1 to 8; `hang`: how many cells further in it goes on in the next line."""

    text: str
    align: Align = "left"
    width: int = 1
    height: int = 1
    bold: bool = False
    invert: bool = False
    colour: Colour = "black"
    hang: int = 0


class Columns(msgspec.Struct, frozen=True, tag="columns"):
    """`left` starts at the margin and wraps, `right` ends at the right edge of its last line (a price)."""

    left: str
    right: str
    bold: bool = False
    width: int = 1
    height: int = 1
    hang: int = 0


class Rule(msgspec.Struct, frozen=True, tag="rule"):
    """A line of `character` over the whole width."""

    character: str = "-"


class Feed(msgspec.Struct, frozen=True, tag="feed"):
    lines: int = 1


class Qr(msgspec.Struct, frozen=True, tag="qr"):
    """A QR code; a model without one prints `data` as text. `module_dots` is the size of a module, 1 to 16."""

    data: str
    module_dots: int = 5


class Logo(msgspec.Struct, frozen=True, tag="logo"):
    """The store's logo, that the device was given; a model without graphics leaves it out."""


Block = Text | Columns | Rule | Feed | Qr | Logo

LOGO_BYTES = 64 * 1024
"""Largest logo file, a PNG."""
LOGO_SIDE = 2_000
"""Its largest width and height in pixels: a PNG of a few bytes can hold a picture that fills the memory."""
