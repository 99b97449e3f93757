"""A document drawn to dots, for models that know no text (TSP100): Star's raster commands.

Source: Line Mode and Graphic Mode Command Specifications, "Raster Graphics Command Details". `ESC * r A` enters raster mode,
`b n1 n2 d..` is one row of dots (most significant bit left) and moves on by one row, `ESC * r Y n NUL` moves on by n rows,
`ESC FF EOT` does what `ESC * r E n NUL` has set (13: feed to the cutter, cut partially), `ESC * r B` leaves raster mode.
Numbers after `ESC * r` are decimal digits up to NUL.
"""

from collections.abc import Iterator
from functools import cache

from PIL import Image

from tillkeeper_drivers.api import PrintDocument
from tillkeeper_drivers.escpos.encoder import EncodingError
from tillkeeper_drivers.escpos.logo import Raster
from tillkeeper_drivers.escpos.text import Pages
from tillkeeper_drivers.star import font
from tillkeeper_drivers.star.layout import Code, Emblem, Gap, Item, Layout, Row
from tillkeeper_drivers.star.profile import Profile

_LINE_GAP = 8
"""White between two lines, in dots; a line is 4 mm then, as on the models with text."""
_QR_BORDER = 8
_MOST_ROWS = 32_000
"""Rows of dots of a whole document (4 m)."""
_SKIP_FROM = 4
"""So many white rows are skipped rather than sent."""
_EOT_MODE = {"partial": 13, "full": 9, "none": 3}
_EOT_MODE_NO_CUT = 1


@cache
def pages() -> Pages:
    """Everything that the font has."""
    return Pages((), font.drawable)


def encode(document: PrintDocument, profile: Profile, logo: Raster | None = None) -> bytes:
    """The bytes that print `document`, without the question for the print end. Blocking (about 1 ms a line): for a thread.

    Raises:
        EncodingError: see `Layout.items`; or longer than `_MOST_ROWS` rows.
    """
    image = picture(document, profile, logo)
    mode = _EOT_MODE[profile.cut] if document.cut else _EOT_MODE_NO_CUT
    opened = b"\x1b*rR\x1b*rA" + _number(b"P", 0) + _number(b"E", mode)  # P 0: a page has no end
    return opened + b"".join(_rows(image)) + b"\x1b\x0c\x04\x1b*rB"


def picture(document: PrintDocument, profile: Profile, logo: Raster | None = None) -> Image.Image:
    """The document as a one-bit image, `profile.dots` wide (1 is ink). `logo`: what a `Logo` prints."""
    layout = Layout(profile.columns, pages(), qr=profile.features.qr, invert=profile.features.invert)
    drawn = [_draw(item, profile.dots, logo) for item in layout.items(document.blocks)]
    height = sum(part.height for part in drawn)
    if height > _MOST_ROWS:
        raise EncodingError(f"longer than {_MOST_ROWS} rows of dots")
    whole = Image.new("1", (profile.dots, height), 0)
    y = 0
    for part in drawn:
        whole.paste(part, (0, y))
        y += part.height
    return whole


def _number(letter: bytes, value: int) -> bytes:
    return b"\x1b*r" + letter + str(value).encode() + b"\0"


def _draw(item: Item, dots: int, logo: Raster | None) -> Image.Image:
    match item:
        case Row():
            return _line(item, dots)
        case Gap():
            return Image.new("1", (dots, item.lines * (font.CELL[1] + _LINE_GAP)), 0)
        case Code():
            return _code(item, dots)
        case Emblem():
            return _emblem(logo, dots)


def _emblem(logo: Raster | None, dots: int) -> Image.Image:
    if logo is None:
        return Image.new("1", (dots, 0))
    drawn = Image.new("1", (dots, len(logo.rows)), 0)
    bits = Image.frombytes("1", (8 * logo.across, len(logo.rows)), b"".join(logo.rows))
    drawn.paste(bits, ((dots - bits.width) // 2, 0))
    return drawn


def _line(row: Row, dots: int) -> Image.Image:
    style = row.style
    wide, high = font.CELL[0] * style.width, font.CELL[1] * style.height
    text = row.text if style.invert else row.text.rstrip()
    strip = Image.new("1", (wide * len(text), high), 1 if style.invert else 0)
    for at, character in enumerate(text):
        if character != " ":
            mask = font.glyph(character, style.width, style.height, bold=style.bold)
            strip.paste(0 if style.invert else 1, (wide * at, 0), mask)
    line = Image.new("1", (dots, high + _LINE_GAP), 0)
    free = max(0, dots - strip.width)
    line.paste(strip, ({"left": 0, "centre": free // 2, "right": free}[style.align], 0))
    return line


def _code(code: Code, dots: int) -> Image.Image:
    """As large as asked for, or as fits."""
    from qrcode.constants import ERROR_CORRECT_M
    from qrcode.exceptions import DataOverflowError
    from qrcode.main import QRCode

    symbol = QRCode(error_correction=ERROR_CORRECT_M, border=0)
    try:
        symbol.add_data(code.data.encode())
        matrix = symbol.get_matrix()
    except DataOverflowError as error:
        raise EncodingError("more than a QR code can hold") from error
    module = max(1, min(code.module_dots, dots // (len(matrix) + 2 * _QR_BORDER)))
    side = len(matrix) * module
    cells = Image.new("1", (len(matrix), len(matrix)), 0)
    cells.putdata([int(dark) for row in matrix for dark in row])
    drawn = Image.new("1", (dots, side + 2 * _QR_BORDER), 0)
    drawn.paste(cells.resize((side, side), Image.Resampling.NEAREST), ((dots - side) // 2, _QR_BORDER))
    return drawn


def _rows(image: Image.Image) -> Iterator[bytes]:
    data, stride = image.tobytes(), (image.width + 7) // 8
    white = 0
    for at in range(0, len(data), stride):
        row = data[at : at + stride].rstrip(b"\0")
        if not row:
            white += 1
            continue
        yield from _white(white)
        white = 0
        yield b"b" + len(row).to_bytes(2, "little") + row
    yield from _white(white)


def _white(rows: int) -> Iterator[bytes]:
    if rows >= _SKIP_FROM:
        yield _number(b"Y", rows)
    else:
        yield b"b\x01\x00\x00" * rows
