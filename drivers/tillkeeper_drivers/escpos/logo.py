"""A logo as dots that are safe to send: fitted to the paper, dithered, and free of real-time commands. Pure, with Pillow.

Printers look for real-time commands in all that they receive, in the data of other commands too. Read of DLE EOT (TM-T88III
series Specification Rev. B, whose example is a bit image) and of DLE EOT and DLE ENQ (Custom P80C). Taken to hold for DLE DC4
too, and whatever command brings the graphics; that `GS ( D` switches off DLE DC4 alone was not read. So the dots are changed:
one more after each such DLE. With that no command is safer than another, and `GS v 0` is the one that Epson's, Citizen's,
Bixolon's printers and the clones are commonly said to have.
"""

import io

import msgspec

from tillkeeper_drivers.api import LOGO_BYTES, LOGO_SIDE

MOST_ROWS = 240
"""Of the printed logo, 30 mm: 17 KB at 576 dots, 1.5 s at 115200 baud."""
_BAND = 24
"""Rows of one command: where the power fails in the middle, the rest of one band at most is taken for text."""
_DLE = 0x10
_AFTER_DLE = frozenset((0x04, 0x05, 0x14))  # EOT, ENQ, DC4


class LogoError(ValueError):
    """Not a PNG, or too large; the message says which."""


class Raster(msgspec.Struct, frozen=True):
    """One-bit dots: `rows` of `across` bytes each, most significant bit first, 1 is black."""

    across: int
    rows: tuple[bytes, ...]


def prepare(png: bytes, dots: int) -> Raster:
    """`png` no wider than `dots` and no higher than `MOST_ROWS`, never enlarged, in black on white. Blocking: a few ms.

    Raises:
        LogoError: see there.
    """
    if len(png) > LOGO_BYTES:
        raise LogoError(f"a logo has at most {LOGO_BYTES} bytes, not {len(png)}")
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            if max(picture.size) > LOGO_SIDE:
                raise LogoError(f"a logo has at most {LOGO_SIDE} pixels a side, not {picture.width} x {picture.height}")
            coloured = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise LogoError(f"not a PNG picture: {error}") from error
    flat = Image.new("RGBA", coloured.size, "white")
    flat.alpha_composite(coloured)  # what is transparent is paper
    scale = min(1.0, dots / flat.width, MOST_ROWS / flat.height)
    size = max(1, round(flat.width * scale)), max(1, round(flat.height * scale))
    black = flat.convert("L").resize(size, Image.Resampling.LANCZOS).point(lambda level: 255 - level).convert("1")
    across = (size[0] + 7) // 8
    packed = black.tobytes()
    return Raster(across, tuple(packed[at : at + across] for at in range(0, len(packed), across)))


def commands(logo: Raster) -> bytes:
    """`GS v 0` for each band of the logo (known of ESC/POS in general), without a real-time command in it."""
    out = bytearray()
    for start in range(0, len(logo.rows), _BAND):
        rows = logo.rows[start : start + _BAND]
        out += b"\x1dv0\x00" + logo.across.to_bytes(2, "little") + len(rows).to_bytes(2, "little")
        out += _without_real_time(b"".join(rows))
    return bytes(out)


def _without_real_time(data: bytes) -> bytes:
    """A dot is set in the byte after each DLE that would make it a command: 04h, 05h and 14h become 0Ch, 0Dh and 1Ch."""
    safe = bytearray(data)
    for at in range(1, len(safe)):
        if safe[at - 1] == _DLE and safe[at] in _AFTER_DLE:
            safe[at] |= 0x08
    return bytes(safe)
