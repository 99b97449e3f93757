"""A `PrintDocument` as ESC/POS bytes. Pure: the same document, profile and token give the same bytes.

Names, notes and QR data never become commands: `text.clean` takes every control byte out before anything is encoded,
and what is encoded is bytes >= 20h, one a character, or several between the commands of a double-width mode. Command
bytes come from python-escpos where it has them; the few it lacks are written here with their source (Epson ESC/POS
reference, by command name).
"""

import functools

from tillkeeper_drivers.api import Align, Block, Colour, Columns, Feed, Logo, PrintDocument, Qr, Rule, Text
from tillkeeper_drivers.escpos import compiler, logo
from tillkeeper_drivers.escpos.profile import Profile
from tillkeeper_drivers.escpos.text import Pages, clean, columns, fitting_width, wrap
from tillkeeper_drivers.escpos.wide import Wide, cells

MAX_LINES = 1_000
"""Longest document, in printed lines (about four metres of paper)."""
MAX_TEXT = 10_000
"""Longest single text of a block, in characters."""
MAX_QR_BYTES = 1_000
"""Longer QR data is printed as text."""

_TEAR_OFF_LINES = 4
_ALIGN: dict[Align, str] = {"left": "left", "centre": "center", "right": "right"}


class EncodingError(ValueError):
    """A document that can not be laid out: a size out of range, or longer than `MAX_LINES` / `MAX_TEXT`."""


def warm() -> None:
    """Load the byte compiler now (`compiler.warm`)."""
    compiler.warm()


def is_warm() -> bool:
    """Whether `encode` runs without loading anything."""
    return compiler.is_warm()


@functools.cache
def pages_of(codec_pages: tuple[tuple[int, str], ...], wide: Wide | None = None) -> Pages:
    """The shared `Pages` of these code pages."""
    return Pages(codec_pages, wide=wide)


def encode(document: PrintDocument, profile: Profile, token: bytes | None, picture: logo.Raster | None = None) -> bytes:
    """The bytes that print `document` on a `profile`, ending in the question that confirms it.

    Args:
        token: four bytes, each 20h-7Eh, for `GS ( H` function 48 (`1D 28 48 06 00 30 30 d1 d2 d3 d4`); on models
            without it `GS r 1` follows where the profile does not exclude that. None: ask nothing.
        picture: what a `Logo` prints, prepared for this model's dots; without it, or on a model without `GS v 0`, nothing.

    Raises:
        EncodingError: see there; nothing was encoded.
    """
    if token is not None:
        check_token(token)
    writer = _Writer(profile, picture)
    for block in document.blocks:
        writer.block(block)
    if document.cut:
        writer.cut()
    if token is not None:
        writer.ask(token)
    return writer.output()


def check_token(token: bytes) -> None:
    """Raises `EncodingError` unless `token` is what `GS ( H` function 48 takes: four bytes, each 20h-7Eh."""
    if len(token) != 4 or not all(0x20 <= byte <= 0x7E for byte in token):
        raise EncodingError(f"a token is four bytes of 20h-7Eh, not {token!r}")


class _Writer:
    """Writes blocks, and style commands only where the style changes."""

    def __init__(self, profile: Profile, picture: logo.Raster | None = None) -> None:
        self._profile = profile
        self._picture = picture
        self._out = compiler.compiler()
        codec_pages = profile.codec_pages()
        self._pages = pages_of(codec_pages, profile.wide)
        self._lines = 0
        self._page: int | None = None
        self._align: Align = "left"
        self._bold = False
        self._invert = False
        self._colour: Colour = "black"
        self._size = (1, 1)
        self._raw = self._out._raw
        self._out.hw("INIT")  # ESC @
        if profile.wide is not None:
            self._raw(profile.wide.preamble())
        elif profile.kanji_at_power_on:
            self._raw(b"\x1c.")  # FS . : cancel Kanji mode
        if profile.automatic_status:
            self._raw(b"\x1da\x0f")  # GS a 0Fh: drawer, on/offline, error and paper; ESC @ can switch it off
        if profile.size_command == "esc":
            self._print_mode()
        if codec_pages:
            self._select(codec_pages[0][0])

    def output(self) -> bytes:
        return self._out.output

    def block(self, block: Block) -> None:
        match block:
            case Text():
                self._text(block)
            case Columns():
                self._columns(block)
            case Rule():
                self._style("left", block_bold=False)
                character = (self._pages.transliterate(block.character) or "-")[0]
                self._line(character * (self._profile.columns // cells(character)))
            case Feed():
                self._feed(block.lines)
            case Qr():
                self._qr(block)
            case Logo():
                self._logo()

    def cut(self) -> None:
        self._style("left", block_bold=False)
        if self._profile.cut == "none":
            self._out.print_and_feed(_TEAR_OFF_LINES)
        else:
            self._out.cut(feed=False)  # GS V 66 0: feeds to the cutter's position, then cuts

    def ask(self, token: bytes) -> None:
        if self._profile.process_id:
            self._raw(b"\x1d(H\x06\x0000" + token)  # GS ( H, fn = 48, m = 48
        elif self._profile.paper_query != "no":
            self._raw(b"\x1dr\x01")  # GS r 1

    def _text(self, block: Text) -> None:
        text = self._printable(block.text)
        size = self._fitting(text, (block.width, block.height))
        width = self._style(
            block.align, block_bold=block.bold, size=size, invert=block.invert, colour=block.colour,
        )  # fmt: skip
        lines = wrap(text, width, block.hang)
        if block.invert and text.endswith(" ") and cells(lines[-1]) < width:
            lines[-1] += " "  # seen on paper only here: white letters want black on both sides
        for line in lines:
            self._line(line)

    def _columns(self, block: Columns) -> None:
        left, right = self._printable(block.left), self._printable(block.right)
        size = self._fitting(f"{left} {right}", (block.width, block.height))
        width = self._style("left", block_bold=block.bold, size=size)
        for line in columns(left, right, width, block.hang):
            self._line(line)

    def _qr(self, block: Qr) -> None:
        if not 1 <= block.module_dots <= 16:
            raise EncodingError(f"a QR module is 1 to 16 dots, not {block.module_dots}")
        # Real-time commands act even inside the data of another command: these data are cleaned like text.
        data = clean(block.data)
        if not self._profile.features.qr or len(data.encode()) > MAX_QR_BYTES:
            self._text(Text(block.data))
        elif data:
            self._count(8)
            self._style("centre", block_bold=False)
            self._out.qr(data, ec=1, size=block.module_dots, native=True)
            self._raw(b"\n")

    def _logo(self) -> None:
        if self._picture is not None and self._profile.features.raster:
            self._count(1 + len(self._picture.rows) // 24)
            self._style("centre", block_bold=False)
            self._raw(logo.commands(self._picture))

    def _feed(self, lines: int) -> None:
        if not 0 <= lines <= 255:
            raise EncodingError(f"a feed is 0 to 255 lines, not {lines}")
        self._count(lines)
        if lines:
            self._out.print_and_feed(lines)  # ESC d n

    def _printable(self, text: str) -> str:
        if len(text) > MAX_TEXT:
            raise EncodingError(f"a text of {len(text)} characters; the most is {MAX_TEXT}")
        return self._pages.transliterate(text)

    def _count(self, lines: int) -> None:
        self._lines += lines
        if self._lines > MAX_LINES:
            raise EncodingError(f"longer than {MAX_LINES} lines")

    def _line(self, text: str) -> None:
        self._count(1)
        for page, run in self._pages.encode(text, self._page):
            if page is not None and page != self._page:
                self._select(page)
            self._raw(run)
            if page is None and run[0] == 0x1C:
                self._page = None  # no manual says that the page survives a double-width mode
        self._raw(b"\n")

    def _select(self, page: int) -> None:
        self._raw(bytes((0x1B, 0x74, page)))  # ESC t n
        self._page = page

    def _style(
        self,
        align: Align,
        *,
        block_bold: bool,
        size: tuple[int, int] = (1, 1),
        invert: bool = False,
        colour: Colour = "black",
    ) -> int:
        """Bring the printer to this style; what it lacks becomes bold. Returns the characters a line at this size."""
        features = self._profile.features
        bold = block_bold or (invert and not features.invert) or (colour == "red" and not features.red)
        self._resize(self._allowed(size), bold)
        if align != self._align:
            self._out.set(align=_ALIGN[align])
            self._align = align
        if features.invert and invert != self._invert:
            self._out.set(invert=invert)
            self._invert = invert
        if features.red and colour != self._colour:
            self._raw(b"\x1br\x01" if colour == "red" else b"\x1br\x00")  # ESC r n
            self._colour = colour
        return max(1, self._profile.columns // self._size[0])

    def _allowed(self, size: tuple[int, int]) -> tuple[int, int]:
        if not all(1 <= times <= 8 for times in size):
            raise EncodingError(f"text is 1 to 8 times as wide and as high, not {size}")
        most = {"gs": 8, "esc": 2, "none": 1}[self._profile.size_command]
        # No wider than leaves four characters a line.
        return min(size[0], most, max(1, self._profile.columns // 4)), min(size[1], most)

    def _fitting(self, text: str, size: tuple[int, int]) -> tuple[int, int]:
        """A broken word reads worse than a narrow one."""
        if size[0] <= 1:
            return size
        return fitting_width(text, self._allowed(size)[0], self._profile.columns), size[1]

    def _resize(self, size: tuple[int, int], bold: bool) -> None:
        if self._profile.size_command == "esc":
            if (size, bold) != (self._size, self._bold):
                self._size, self._bold = size, bold
                self._print_mode()
            return
        if size != self._size:
            self._out.set(custom_size=True, width=size[0], height=size[1])  # GS ! n
            self._size = size
        if bold != self._bold:
            self._out.set(bold=bold)  # ESC E n
            self._bold = bold

    def _print_mode(self) -> None:
        """`ESC !`: bit 3 emphasised, 4 double height, 5 double width; it sets all of them at once."""
        mode = self._profile.print_mode_base
        mode |= 0x08 if self._bold else 0
        mode |= 0x10 if self._size[1] > 1 else 0
        mode |= 0x20 if self._size[0] > 1 else 0
        self._raw(bytes((0x1B, 0x21, mode)))
