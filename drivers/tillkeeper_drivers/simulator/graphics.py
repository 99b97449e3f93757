"""Bit images: `GS v 0`, `ESC *`, `GS ( L` / `GS 8 L` (functions 112 and 50). Data is streamed in and bounded.

Source: Epson ESC/POS reference, the page of each command.
"""

from tillkeeper_drivers.simulator.effects import Picture
from tillkeeper_drivers.simulator.head import Head

MAX_DATA = 1 << 20
"""Bytes of one image that are kept; what comes after is read and dropped, as a printer without memory would."""


class Incoming:
    """An image whose data is arriving. `header` is the command with its parameters."""

    def __init__(self, header: bytes, size: int) -> None:
        self.header = header
        self.left = size
        self._data = bytearray()

    def take(self, data: memoryview) -> int:
        """Absorb from `data`; returns how many bytes belonged to the image."""
        used = min(self.left, len(data))
        self.left -= used
        self._data += data[: min(used, MAX_DATA - len(self._data))]
        return used

    def finish(self, head: Head) -> None:
        """All data is there: put the image on paper or into the store."""
        data, kind = bytes(self._data), self.header[:2]
        if not head.model.raster and kind != b"\x1b*":
            head.unknown(self.header, "no raster graphics on this model")
        elif kind == b"\x1dv":
            _raster(head, self.header, data)
        elif kind == b"\x1b*":
            _column_image(head, self.header, data)
        else:
            stored_graphics(head, data)


def _raster(head: Head, header: bytes, data: bytes) -> None:
    """`GS v 0 m xL xH yL yH`: m bit 0 doubles the width, bit 1 the height."""
    across, rows = header[4] + 256 * header[5], header[6] + 256 * header[7]
    if not across or not rows or len(data) < across * rows:
        head.unknown(header, "image empty or too large")
        return
    _place(head, 8 * across, rows, data, 2 if header[3] & 1 else 1, 2 if header[3] & 2 else 1)


def stored_graphics(head: Head, body: bytes) -> None:
    """`GS ( L` functions 112 (store, `30 70 30 bx by c xL xH yL yH d..`) and 50 (print)."""
    if body[:2] in (b"0\x02", b"02"):
        if head.stored is not None:
            head.graphics(head.stored, head.stored.width, head.stored.height)
        head.stored = None
        return
    if body[:2] != b"0p" or len(body) < 11 or body[2] != 0x30:
        head.unknown(b"\x1d(L" + body, "not simulated")
        return
    width, rows = body[6] + 256 * body[7], body[8] + 256 * body[9]
    across = (width + 7) // 8
    if not across or not rows or len(body) - 10 < across * rows:
        head.unknown(b"\x1d(L" + body, "image empty or too large")
        return
    head.stored = _scaled(head, 8 * across, rows, body[10:], max(1, body[3] & 3), max(1, body[4] & 3))


def _column_image(head: Head, header: bytes, data: bytes) -> None:
    """`ESC * m nL nH`: columns of 8 or 24 dots from the top; 8-dot density is stretched to the same height."""
    columns, tall = header[3] + 256 * header[4], header[2] in (32, 33)
    if not columns:
        return
    each, rows = (3, 24) if tall else (1, 8)
    across = (columns + 7) // 8
    packed = bytearray(across * rows)
    for column in range(columns):
        for part in range(each):
            byte = data[column * each + part]
            for bit in range(8):
                if byte & (0x80 >> bit):
                    packed[(part * 8 + bit) * across + column // 8] |= 0x80 >> (column % 8)
    _place(head, 8 * across, rows, bytes(packed), 1 if header[2] & 1 else 2, 1 if tall else 3)


def _place(head: Head, width: int, rows: int, data: bytes, across: int, down: int) -> None:
    picture = _scaled(head, width, rows, data, across, down)
    head.graphics(picture, picture.width, picture.height)


def _scaled(head: Head, width: int, rows: int, data: bytes, across: int, down: int) -> Picture:
    """One row of bytes is cut at the paper's edge: a printer loses what does not fit."""
    stride = width // 8
    kept = min(stride, (head.model.dots + 8 * across - 1) // (8 * across))
    lines = [data[row * stride : row * stride + kept] for row in range(rows)]
    if across == 2:
        lines = [b"".join(_DOUBLED[byte] for byte in line) for line in lines]
    return Picture(0, 8 * kept * across, rows * down, b"".join(line for line in lines for _ in range(down)), head.style.red)


_DOUBLED = [
    sum((0b11 << (2 * bit)) for bit in range(8) if byte >> bit & 1).to_bytes(2, "big") for byte in range(256)
]
