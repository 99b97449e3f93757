"""Paper as a picture: one pixel a dot, in a monospaced font that comes with the project's environment.

The font is Source Code Pro (SIL Open Font License), from the package `fontpkg-source-code-pro`: Latin, Greek, Cyrillic and
box drawing. Arabic, Hebrew and double-width characters are drawn with fonts of Debian (`fonts-dejavu-core`, `fonts-noto-core`,
`fonts-noto-cjk`) where they are installed. What no font has is drawn as an empty box, never dropped.
"""

import io
from functools import cache, lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from tillkeeper_drivers.simulator.charset import UNDEFINED
from tillkeeper_drivers.simulator.effects import Barcode, Picture, Printed, QrCode, Run
from tillkeeper_drivers.simulator.models import Model

if TYPE_CHECKING:
    from tillkeeper_drivers.simulator.paper import Paper

MARGIN = 24
"""White at each edge, in pixels."""
_TEAR = 14
_MAX_HEIGHT = 20_000
_PAPER, _INK, _RED = (255, 255, 255), (24, 24, 28), (190, 20, 20)
_ELSEWHERE = tuple(
    Path("/usr/share/fonts", name)
    for name in (
        "truetype/dejavu/DejaVuSansMono.ttf",
        "truetype/noto/NotoSansHebrew-Regular.ttf",
        "opentype/noto/NotoSansCJK-Regular.ttc",
    )
)
"""Where Debian keeps the fonts of other scripts."""
DRAWING = Lock()
"""FreeType faces are not safe to use from several threads at once."""


def png(paper: "Paper") -> bytes:
    """`paper` drawn. A roll longer than 20,000 dots (2.5 m) is cut off there."""
    kind = paper.kind
    width = kind.dots + 2 * MARGIN
    height = min(_MAX_HEIGHT, paper.height + 2 * MARGIN + _TEAR)
    with DRAWING:
        image = Image.new("RGB", (width, height), _PAPER)
        pen = ImageDraw.Draw(image)
        y = MARGIN
        for line in paper.lines:
            if y >= height - MARGIN:
                break
            _line(image, pen, line, y, kind)
            y += line.advance
        _edge(pen, width, height, paper)
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _edge(pen: ImageDraw.ImageDraw, width: int, height: int, paper: "Paper") -> None:
    """A dashed row with teeth where the paper was cut; nothing where it still hangs in the printer."""
    if paper.cut is None:
        return
    y = height - _TEAR
    for x in range(0, width, 12):
        pen.line((x, y, x + 7, y), fill=(120, 120, 120), width=1)
        pen.polygon(((x, height), (x + 6, height - 7), (x + 12, height)), fill=(205, 205, 205))
    if paper.cut.partial:
        pen.rectangle((width // 2 - 10, y - 1, width // 2 + 10, y + 1), fill=_PAPER)


def _line(image: Image.Image, pen: ImageDraw.ImageDraw, line: Printed, y: int, kind: Model) -> None:
    for run in line.runs:
        _run(image, pen, run, y + line.height, kind)
    if isinstance(line.graphics, Picture):
        picture = line.graphics
        mask = Image.frombytes("1", (picture.width, picture.height), picture.rows)
        image.paste(_RED if picture.red else _INK, (MARGIN + picture.x, y), mask)
    elif isinstance(line.graphics, QrCode):
        _qr(pen, line.graphics, y)
    elif isinstance(line.graphics, Barcode):
        code = line.graphics
        box = (MARGIN + code.x, y, MARGIN + code.x + code.width - 1, y + code.height - 1)
        pen.rectangle(box, outline=_INK, width=2)
        pen.text((box[0] + 8, box[1] + 8), f"barcode {code.system}", fill=_INK, font=mono_font(16, False))
        pen.text((box[0] + 8, box[1] + 32), code.data.decode("ascii", "replace"), fill=_INK, font=mono_font(16, False))


def _run(image: Image.Image, pen: ImageDraw.ImageDraw, run: Run, bottom: int, kind: Model) -> None:
    """Characters of different heights on a line stand on the same base (reference, GS !)."""
    style = run.style
    wide, high = kind.font_a if style.font == "A" else kind.font_b
    top, left = bottom - high * style.height, MARGIN + run.x
    ink = _RED if style.red else _INK
    if style.invert:
        pen.rectangle((left, top, MARGIN + run.end - 1, bottom - 1), fill=ink)
    colour = _PAPER if style.invert else ink
    for at, char in enumerate(run.text):
        if char != " ":
            full = run.dots >= 2 * wide * style.width
            mask = _glyph(char, wide * (2 if full else 1), high, style.width, style.height, style.bold)
            image.paste(colour, (left + at * run.dots, top), mask)
    if style.underline and not style.invert:
        thick = style.underline
        pen.rectangle((left, bottom - thick, MARGIN + run.end - 1, bottom - 1), fill=colour)


@lru_cache(maxsize=4096)
def _glyph(char: str, wide: int, high: int, across: int, down: int, bold: bool) -> Image.Image:
    """The ink of one character in its cell; a character that the font lacks is an empty box."""
    scale = max(across, down)
    cell = Image.new("L", (wide * scale, high * scale), 0)
    pen = ImageDraw.Draw(cell)
    if char == UNDEFINED or not (drawable(char) or _elsewhere(char)):
        pen.rectangle((scale, 3 * scale, (wide - 2) * scale, (high - 4) * scale), outline=255, width=scale)
    elif drawable(char):
        font = mono_font(round(wide * scale / 0.6), bold)
        pen.text((0, round(high * scale * 0.79)), char, fill=255, font=font, anchor="ls")
    else:
        _borrowed(pen, char, wide * scale, high * scale, bold)
    return cell if across == down else cell.resize((wide * across, high * down), Image.Resampling.BOX)


@lru_cache(maxsize=4096)
def drawable(char: str) -> bool:
    """Whether the font has more than its own "missing" sign for `char`."""
    return _has(mono_font(20, False), char)


def _has(font: ImageFont.FreeTypeFont, char: str) -> bool:
    drawn, missing = font.getmask(char), font.getmask("\uffff")
    return (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))


@lru_cache(maxsize=4096)
def _elsewhere(char: str) -> Path | None:
    return next((path for path in _ELSEWHERE if path.exists() and _has(_other_font(path, 20), char)), None)


@lru_cache(maxsize=64)
def _other_font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _borrowed(pen: ImageDraw.ImageDraw, char: str, wide: int, high: int, bold: bool) -> None:
    """A character of another font, in the middle of its cell and no wider than it."""
    path = _elsewhere(char)
    if path is None:
        return
    size = wide if path.suffix == ".ttc" else round(wide / 0.602)
    font = _other_font(path, size)
    while font.getlength(char) > wide + 1 and size > 8:
        size -= 1
        font = _other_font(path, size)
    left = max(0, round((wide - font.getlength(char)) / 2))
    stroke = max(1, wide // 48) if bold else 0
    pen.text(
        (left, round(high * (0.84 if path.suffix == ".ttc" else 0.79))),
        char,
        fill=255,
        font=font,
        anchor="ls",
        stroke_width=stroke,
    )


@cache
def mono_font(size: int, bold: bool) -> ImageFont.FreeTypeFont:
    source = files("fontpkg_source_code_pro") / "files" / "SourceCodePro[wght].ttf"
    with as_file(source) as path:
        font = ImageFont.truetype(str(path), size)
    font.set_variation_by_axes([800 if bold else 500])
    return font


def _qr(pen: ImageDraw.ImageDraw, code: QrCode, y: int) -> None:
    for row, cells in enumerate(qr_matrix(code)):
        for column, dark in enumerate(cells):
            if dark:
                x0, y0 = MARGIN + code.x + column * code.module_dots, y + row * code.module_dots
                pen.rectangle((x0, y0, x0 + code.module_dots - 1, y0 + code.module_dots - 1), fill=_INK)


def qr_matrix(code: QrCode) -> list[list[bool]]:
    """The modules of `code`, True where dark, without quiet zone."""
    from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q
    from qrcode.main import QRCode
    from qrcode.util import MODE_8BIT_BYTE, QRData

    levels = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
    symbol = QRCode(version=(code.modules - 17) // 4, error_correction=levels[code.level], border=0)
    symbol.add_data(QRData(code.data, mode=MODE_8BIT_BYTE), optimize=0)
    symbol.make(fit=False)
    return [[bool(cell) for cell in row] for row in symbol.get_matrix()]
