"""Whether the file of the store's logo can be printed: looked at when the configuration is loaded, not at the first receipt."""

import io
from pathlib import Path

from tillkeeper_drivers.api import LOGO_BYTES, LOGO_SIDE


def trouble(path: Path) -> str:
    """What is wrong with the PNG at `path`, in words; empty where it can be printed. Blocking."""
    try:
        with path.open("rb") as file:
            data = file.read(LOGO_BYTES + 1)
    except OSError as error:
        return f"the logo {path} can not be read: {error.strerror}"
    if len(data) > LOGO_BYTES:
        return f"the logo has more than {LOGO_BYTES // 1024} KB"
    from PIL import Image, UnidentifiedImageError  # loaded where there is a logo

    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            if max(picture.size) > LOGO_SIDE:
                return f"the logo has {picture.width} x {picture.height} pixels; the most is {LOGO_SIDE} a side"
            picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        return "the logo is not a PNG picture, or a broken one"
    return ""
