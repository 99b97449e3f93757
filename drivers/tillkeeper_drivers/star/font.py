"""The letters of models that have none: Source Code Pro, drawn to dots.

The font comes with the Python package `fontpkg-source-code-pro` (SIL Open Font License), a declared dependency: no font of the
system is used. It has Latin letters of all of Europe and Vietnam, Greek and Cyrillic.
"""

import threading
import unicodedata
from functools import cache, lru_cache
from importlib.resources import as_file, files

from PIL import Image, ImageDraw, ImageFont

CELL = (12, 24)
"""A normal character, in dots."""
_LETTER_OF_CELL = 0.6
"""How wide a letter of this font is, of its size."""
_BASELINE = 0.79
_REGULAR, _BOLD, _BOLD_NARROW = 600, 900, 700
"""Weights; letters that are higher than wide are squeezed, and the boldest would fill up."""
_INK = 120
"""From this grey on a dot is black, 0 to 255."""

_faces = threading.RLock()
"""FreeType faces are not safe to use from several threads at once."""


@lru_cache(maxsize=4096)
def drawable(character: str) -> bool:
    """Whether the font has `character` as one cell of its own; a combining mark is none."""
    if unicodedata.category(character)[0] in "MC" or unicodedata.east_asian_width(character) in "WF":
        return False
    with _faces:
        face = _face(20, _REGULAR)
        drawn, missing = face.getmask(character), face.getmask("\uffff")
        return (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))


@lru_cache(maxsize=4096)
def glyph(character: str, width: int, height: int, *, bold: bool) -> Image.Image:
    """The dots of `character` in a cell `width` x `height` times the normal one, as a one-bit image (1 is ink)."""
    scale = max(width, height)
    with _faces:
        cell = Image.new("L", (CELL[0] * scale, CELL[1] * scale), 0)
        weight = _REGULAR if not bold else _BOLD if width >= height else _BOLD_NARROW
        face = _face(round(CELL[0] * scale / _LETTER_OF_CELL), weight)
        ImageDraw.Draw(cell).text((0, round(CELL[1] * scale * _BASELINE)), character, fill=255, font=face, anchor="ls")
    if width != height:
        cell = cell.resize((CELL[0] * width, CELL[1] * height), Image.Resampling.BOX)
    return cell.point(lambda grey: 255 if grey >= _INK else 0).convert("1")


@cache
def _face(size: int, weight: int) -> ImageFont.FreeTypeFont:
    source = files("fontpkg_source_code_pro") / "files" / "SourceCodePro[wght].ttf"
    with as_file(source) as path:
        face = ImageFont.truetype(str(path), size)
    face.set_variation_by_axes([weight])
    return face
