"""A document as lines of cells, for text and for raster alike. Pure.

Where a line breaks and how wide a word may be is the same whether the printer or this program draws the letters.
"""

from collections.abc import Iterator

import msgspec

from tillkeeper_drivers.api import Align, Block, Columns, Feed, Logo, Qr, Rule, Text
from tillkeeper_drivers.escpos.encoder import MAX_LINES, MAX_QR_BYTES, MAX_TEXT, EncodingError
from tillkeeper_drivers.escpos.logo import MOST_ROWS
from tillkeeper_drivers.escpos.text import Pages, clean, columns, fitting_width, wrap

WIDEST = 6
"""Largest multiple of a character (Line Mode specifications, ESC i n1 n2: n from 0 to 5)."""
_QR_LINES = 8
"""How many lines a QR code counts for."""
_LOGO_LINES = MOST_ROWS // 32 + 1


class Style(msgspec.Struct, frozen=True):
    align: Align = "left"
    width: int = 1
    height: int = 1
    bold: bool = False
    invert: bool = False


class Row(msgspec.Struct, frozen=True):
    """One printed line: each character is one cell."""

    text: str
    style: Style


class Gap(msgspec.Struct, frozen=True):
    lines: int


class Code(msgspec.Struct, frozen=True):
    """A QR code; `data` holds nothing that a printer could take for a command."""

    data: str
    module_dots: int


class Emblem(msgspec.Struct, frozen=True):
    """The store's logo, where the model has been given one."""


Item = Row | Gap | Code | Emblem


class Layout:
    """Lays blocks out.

    Args:
        cells: characters a line at normal width.
        pages: which characters can be printed as they are.
        qr, invert: whether the model has them; without, a code becomes its text and white on black becomes bold.
    """

    def __init__(self, cells: int, pages: Pages, *, qr: bool, invert: bool) -> None:
        self._cells, self._pages, self._qr, self._invert = cells, pages, qr, invert
        self._lines = 0

    def items(self, blocks: tuple[Block, ...]) -> Iterator[Item]:
        """Raises `EncodingError`: a size out of range, or longer than `MAX_LINES` / `MAX_TEXT`."""
        for block in blocks:
            match block:
                case Text():
                    yield from self._text(block)
                case Columns():
                    yield from self._columns(block)
                case Rule():
                    character = (self._pages.transliterate(block.character) or "-")[0]
                    yield self._row(character * self._cells, Style())
                case Feed():
                    yield self._feed(block.lines)
                case Qr():
                    yield from self._code(block)
                case Logo():
                    self._count(_LOGO_LINES)
                    yield Emblem()

    def _text(self, block: Text) -> Iterator[Item]:
        cells = self._plain(block.text)
        bold = block.bold or block.colour == "red" or (block.invert and not self._invert)
        style = self._style(cells, block.width, block.height, bold, block.align, invert=block.invert and self._invert)
        room = max(1, self._cells // style.width)
        lines = wrap(cells, room, block.hang)
        if style.invert and cells.endswith(" ") and len(lines[-1]) < room:
            lines[-1] += " "  # seen on paper only here: white letters want black on both sides
        for line in lines:
            yield self._row(line, style)

    def _columns(self, block: Columns) -> Iterator[Item]:
        left, right = self._plain(block.left), self._plain(block.right)
        style = self._style(f"{left} {right}", block.width, block.height, block.bold)
        for line in columns(left, right, max(1, self._cells // style.width), block.hang):
            yield self._row(line, style)

    def _code(self, block: Qr) -> Iterator[Item]:
        if not 1 <= block.module_dots <= 16:
            raise EncodingError(f"a QR module is 1 to 16 dots, not {block.module_dots}")
        data = clean(block.data)
        if not self._qr or len(data.encode()) > MAX_QR_BYTES:
            yield from self._text(Text(block.data))
        elif data:
            self._count(_QR_LINES)
            yield Code(data, block.module_dots)

    def _feed(self, lines: int) -> Gap:
        if not 0 <= lines <= 255:
            raise EncodingError(f"a feed is 0 to 255 lines, not {lines}")
        self._count(lines)
        return Gap(lines)

    def _plain(self, text: str) -> str:
        if len(text) > MAX_TEXT:
            raise EncodingError(f"a text of {len(text)} characters; the most is {MAX_TEXT}")
        return self._pages.transliterate(text)

    def _style(
        self, cells: str, width: int, height: int, bold: bool, align: Align = "left", *, invert: bool = False
    ) -> Style:
        if not (1 <= width <= 8 and 1 <= height <= 8):
            raise EncodingError(f"text is 1 to 8 times as wide and as high, not {(width, height)}")
        # No wider than leaves four characters a line; and a broken word reads worse than a narrow one.
        width = min(width, WIDEST, max(1, self._cells // 4))
        if width > 1:
            width = fitting_width(cells, width, self._cells)
        return Style(align, width, min(height, WIDEST), bold, invert)

    def _row(self, text: str, style: Style) -> Row:
        self._count(1)
        return Row(text, style)

    def _count(self, lines: int) -> None:
        self._lines += lines
        if self._lines > MAX_LINES:
            raise EncodingError(f"longer than {MAX_LINES} lines")
