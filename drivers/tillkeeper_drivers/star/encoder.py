"""A `PrintDocument` as bytes for a Star printer. Pure, but that a raster model's letters are drawn (`raster`).

Names, notes and QR data never become commands: `text.clean` takes every control byte out before anything is encoded, and what
is encoded is one byte >= 20h a character.

Sources: Line Mode Command Specifications, by command name; StarPRNT has the same commands where it is not said otherwise.
"""

import functools

from tillkeeper_drivers.api import Align, PrintDocument
from tillkeeper_drivers.escpos.encoder import EncodingError, check_token, pages_of
from tillkeeper_drivers.escpos.logo import Raster
from tillkeeper_drivers.escpos.text import Pages
from tillkeeper_drivers.star import commands
from tillkeeper_drivers.star.layout import Code, Emblem, Gap, Layout, Row, Style
from tillkeeper_drivers.star.profile import Profile

__all__ = ["EncodingError", "encode"]

_ALIGN: dict[Align, int] = {"left": 0, "centre": 1, "right": 2}
_CUT = {"partial": b"\x1bd\x03", "full": b"\x1bd\x02"}  # ESC d n: feeds to the cutter's position first
_TEAR_OFF_LINES = 4
_MOST_FEED = 127
_LARGEST_MODULE = 8


def encode(document: PrintDocument, profile: Profile, token: bytes | None, picture: Raster | None = None) -> bytes:
    """The bytes that print `document` on a `profile`, ending in what tells that printing is complete.

    Args:
        token: the job's (`Device.deliver`). None: ask nothing.
        picture: what a `Logo` prints, prepared for this model's dots; without it, or in Line Mode, nothing.

    Blocking for a raster model (the first time 0.2 s, then about 1 ms a line): for a thread.

    Raises:
        EncodingError: a size out of range, or too long; nothing was encoded.
    """
    if token is not None:
        check_token(token)
    if profile.language == "raster":
        from tillkeeper_drivers.star import raster  # Pillow is loaded for the models that need it

        body = raster.encode(document, profile, picture)
    else:
        body = _encode_text(document, profile, picture, asks=token is not None and profile.print_end != "none")
    if token is None or profile.print_end == "none":
        return body
    return body + (commands.ETB if profile.print_end == "etb" else commands.print_end(commands.number_of(token)))


def _encode_text(document: PrintDocument, profile: Profile, picture: Raster | None, *, asks: bool) -> bytes:
    pages = pages_of(profile.codec_pages())
    layout = Layout(profile.columns, pages, qr=profile.features.qr, invert=profile.features.invert)
    writer = _Writer(profile, pages)
    if asks:
        writer.out += commands.AUTOMATIC_ON  # ESC @ is not said to switch it off, nor not to
    for item in layout.items(document.blocks):
        match item:
            case Row():
                writer.row(item)
            case Gap():
                writer.feed(item.lines)
            case Code():
                writer.qr(item)
            case Emblem():
                writer.logo(picture)
    writer.style(Style())
    if profile.cut == "none":
        writer.feed(_TEAR_OFF_LINES)
    elif document.cut:
        writer.out += _CUT[profile.cut]
    return bytes(writer.out)


def centred(picture: Raster, dots: int) -> tuple[bytes, ...]:
    """The rows of `picture` in the middle of a paper of `dots`, each as wide as that; what is too wide is cut off."""
    stride = (dots + 7) // 8
    left = bytes(max(0, stride - picture.across) // 2)
    return tuple((left + row)[:stride].ljust(stride, b"\0") for row in picture.rows)


@functools.cache
def _preamble(language: str) -> bytes:
    """Everything that a memory switch or an earlier document may have left otherwise."""
    reset = b"\x1b@"  # ESC @: initialise
    font = b"\x1b\x1eF\x00"  # ESC RS F 0: font A, 12 x 24 dots
    country = b"\x1bR\x00"  # ESC R 0: ASCII as it is
    spacing = b"\x1bz\x01"  # ESC z 1: lines of 4 mm
    # ESC GS ) U, function 48 with 0: code pages instead of UTF-8 (StarPRNT).
    single_byte = b"\x1b\x1d)U\x02\x000\x00" if language == "starprnt" else b""
    return reset + single_byte + font + country + spacing


class _Writer:
    """Writes style commands only where the style changes."""

    def __init__(self, profile: Profile, pages: Pages) -> None:
        self._profile = profile
        self._pages = pages
        self._style = Style()
        self._page: int | None = None
        self.out = bytearray(_preamble(profile.language))
        self._select(profile.codec_pages()[0][0])

    def row(self, row: Row) -> None:
        self.style(row.style)
        for page, run in self._pages.encode(row.text, self._page):
            if page is not None and page != self._page:
                self._select(page)
            self.out += run
        self.out += b"\n"

    def feed(self, lines: int) -> None:
        """`ESC a n`: n lines, 1 to 127."""
        while lines > 0:
            self.out += bytes((0x1B, 0x61, min(lines, _MOST_FEED)))
            lines -= _MOST_FEED

    def qr(self, code: Code) -> None:
        """`ESC GS y`: S 0 model 2, S 1 level M, S 2 cell size, D 1 data, P print."""
        data = code.data.encode()
        self.style(Style("centre"))
        self.out += b"\x1b\x1dyS0\x02\x1b\x1dyS1\x01\x1b\x1dyS2" + bytes((min(code.module_dots, _LARGEST_MODULE),))
        self.out += b"\x1b\x1dyD1\x00" + len(data).to_bytes(2, "little") + data + b"\x1b\x1dyP\n"

    def logo(self, picture: Raster | None) -> None:
        """`ESC GS S m xL xH yL yH n d..` (StarPRNT): one picture, here as wide as the paper."""
        if picture is not None and self._profile.language == "starprnt":
            self.style(Style())
            rows = centred(picture, self._profile.dots)
            size = len(rows[0]).to_bytes(2, "little") + len(rows).to_bytes(2, "little")
            self.out += b"\x1b\x1dS\x01" + size + b"\x00" + b"".join(rows)

    def style(self, style: Style) -> None:
        before, self._style = self._style, style
        if (style.width, style.height) != (before.width, before.height):
            self.out += bytes((0x1B, 0x69, style.height - 1, style.width - 1))  # ESC i n1 n2: height, width
        if style.bold != before.bold:
            self.out += b"\x1bE" if style.bold else b"\x1bF"
        if style.invert != before.invert:
            self.out += b"\x1b4" if style.invert else b"\x1b5"
        if style.align != before.align:
            self.out += bytes((0x1B, 0x1D, 0x61, _ALIGN[style.align]))  # ESC GS a n

    def _select(self, page: int) -> None:
        self.out += bytes((0x1B, 0x1D, 0x74, page))  # ESC GS t n
        self._page = page
