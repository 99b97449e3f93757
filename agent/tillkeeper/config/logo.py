"""The store's logo, and whether it can be printed: read once at the start, not at the first receipt."""

import io
from pathlib import Path
from typing import NamedTuple

from tillkeeper.plain_file import open_plain
from tillkeeper_drivers.api import LOGO_BYTES, LOGO_SIDE


class Picture(NamedTuple):
    """`data`: a PNG that can be printed, empty where there is none; then `trouble` says why, in words."""

    data: bytes = b""
    trouble: str = ""


def read(place: str) -> Picture:
    """The file that `Store.logo` names, empty for none. Blocking."""
    if not place:
        return Picture()
    try:
        with open_plain(Path(place)) as file:
            data = file.read(LOGO_BYTES + 1)
    except OSError as error:
        return Picture(trouble=f"{place} can not be read: {error.strerror}")
    wrong = _wrong(data)
    return Picture(trouble=f"{place} {wrong}") if wrong else Picture(data)


def _wrong(data: bytes) -> str:
    if len(data) > LOGO_BYTES:
        return f"has more than {LOGO_BYTES // 1024} KB"
    from PIL import Image, UnidentifiedImageError  # loaded where there is a logo

    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            if max(picture.size) > LOGO_SIDE:
                return f"has {picture.width} x {picture.height} pixels; the most is {LOGO_SIDE} a side"
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return "is not a PNG picture, or a broken one"
    return ""
