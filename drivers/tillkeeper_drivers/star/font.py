"""The letters of models that have none, drawn to dots, each in a cell of one size.

The fonts come with Python packages that are declared dependencies (SIL Open Font License): no font of the system is used.
Source Code Pro has the Latin letters of all of Europe and Vietnam, Greek and Cyrillic; Arimo Hebrew; Noto Sans Arabic the
Arabic presentation forms (U+FE80 to U+FEFC). In the last two every letter has a width of its own: it is squeezed into its cell,
or set into the middle, and then what joins an Arabic letter to its neighbours goes on to the edges.
"""

import threading
import unicodedata
from functools import cache, lru_cache
from importlib.resources import as_file, files
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

CELL = (12, 24)
"""A normal character, in dots."""
_INK = 120
"""From this grey on a dot is black, 0 to 255."""
_FINE = 4
"""Letters with widths of their own are drawn so many times larger and then made smaller."""

_faces = threading.RLock()
"""FreeType faces are not safe to use from several threads at once."""


class _Font(NamedTuple):
    """`size`: for a cell 24 dots high, with the `baseline` so far down. Weights: regular, bold, and of what is bold and
    squeezed, which would fill up. `axes`: further ones of a variable font. `fixed`: each letter is as wide as the cell;
    `joined`: letters reach over to their neighbours."""

    package: str
    file: str
    size: float
    baseline: float
    weights: tuple[int, int, int]
    axes: tuple[int, ...] = ()
    fixed: bool = False
    joined: bool = False


_LATIN = _Font("fontpkg_source_code_pro", "SourceCodePro[wght].ttf", 20, 0.79, (600, 900, 700), fixed=True)
_HEBREW = _Font("fontpkg_arimo", "Arimo[wght].ttf", 20, 0.79, (500, 700, 700))
_ARABIC = _Font(
    "fontpkg_noto_sans_arabic", "NotoSansArabic[wdth,wght].ttf", 20, 0.71, (600, 900, 700), axes=(100,), joined=True
)


def _font_of(character: str) -> _Font:
    if "\u05d0" <= character <= "\u05ea":
        return _HEBREW
    return _ARABIC if "\ufe80" <= character <= "\ufefc" else _LATIN


@lru_cache(maxsize=4096)
def drawable(character: str) -> bool:
    """Whether there is a letter for `character` that fills one cell of its own; a combining mark does not."""
    if unicodedata.category(character)[0] in "MC" or unicodedata.east_asian_width(character) in "WF":
        return False
    with _faces:
        face = _face(_font_of(character), 20, 0)
        drawn, missing = face.getmask(character), face.getmask("\uffff")
        return (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))


@lru_cache(maxsize=4096)
def glyph(character: str, width: int, height: int, *, bold: bool) -> Image.Image:
    """The dots of `character` in a cell `width` x `height` times the normal one, as a one-bit image (1 is ink)."""
    font = _font_of(character)
    weight = 0 if not bold else 1 if width >= height else 2
    scale = max(width, height) * (1 if font.fixed else _FINE)
    with _faces:
        cell = _drawn(character, font, scale, weight)
    size = (CELL[0] * width, CELL[1] * height)
    if cell.size != size:
        cell = cell.resize(size, Image.Resampling.BOX)
    return cell.point(lambda grey: 255 if grey >= _INK else 0).convert("1")


def _drawn(character: str, font: _Font, scale: int, weight: int) -> Image.Image:
    wide, high = CELL[0] * scale, CELL[1] * scale
    face = _face(font, round(font.size * scale), weight)
    own = wide if font.fixed else max(1, round(face.getlength(character)))
    letter = Image.new("L", (own, high), 0)
    ImageDraw.Draw(letter).text((0, round(high * font.baseline)), character, fill=255, font=face, anchor="ls")
    if own >= wide:
        return letter if own == wide else letter.resize((wide, high), Image.Resampling.BOX)
    left = (wide - own) // 2
    cell = Image.new("L", (wide, high), 0)
    if font.joined:
        cell.paste(letter.crop((0, 0, 1, high)).resize((left + 1, high)), (0, 0))
        cell.paste(letter.crop((own - 1, 0, own, high)).resize((wide - left - own + 1, high)), (left + own - 1, 0))
    cell.paste(letter, (left, 0))
    return cell


@cache
def _face(font: _Font, size: int, weight: int) -> ImageFont.FreeTypeFont:
    with as_file(files(font.package) / "files" / font.file) as path:
        # Each cell is one character: nothing is to be shaped.
        face = ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)
    face.set_variation_by_axes([font.weights[weight], *font.axes])
    return face
