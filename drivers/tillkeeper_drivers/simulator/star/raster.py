"""Raster mode: rows of dots become bands on paper, the end of a document becomes a feed and a cut.

Source: Line Mode and Graphic Mode Command Specifications, "Raster Graphics Command Details".
"""

from tillkeeper_drivers.simulator.effects import Cut, Picture, Printed
from tillkeeper_drivers.simulator.head import Head

_BAND = 24
"""Rows that leave the head together: as high as a line of text, so that a fault after so many lines means the same."""
_DEFAULT_EOT = 13
_PARTIAL, _FULL = (12, 13), (8, 9)


class Raster:
    """The image buffer of raster mode. Effects go to `head.out`."""

    def __init__(self, head: Head) -> None:
        self._head = head
        self._rows: list[bytes] = []
        self._eot = _DEFAULT_EOT
        self._since_end = False

    def command(self, p: bytes) -> None:
        """`ESC * r`: `p` starts with the letter."""
        letter, digits = p[:1], p[1:].rstrip(b"\0")
        if letter == b"A":
            self._eot, self._since_end = _DEFAULT_EOT, False
        elif letter == b"B":
            if self._since_end:
                self.end_of_document()
        elif letter == b"C":
            self._rows.clear()
        elif letter == b"E" and digits.isdigit():
            self._eot = int(digits) or _DEFAULT_EOT
        elif letter == b"Y" and digits.isdigit():
            self.flush()
            self._head.out.append(Printed((), int(digits)))
            self._since_end = True
        elif letter not in (b"R", b"P", b"F", b"Q", b"m", b"T", b"K"):
            self._head.unknown(b"\x1b*r" + p, "unknown raster command")

    def row(self, command: bytes) -> None:
        """`b n1 n2 d..`: one row, and the next begins below; `k`: the next one is put upon it. What is too wide is lost."""
        stride = (self._head.model.dots + 7) // 8
        row = command[3 : 3 + stride].ljust(stride, b"\0")
        if command[:1] == b"k":
            self._head.unknown(command[:3], "not simulated")
            return
        self._rows.append(row)
        self._since_end = True
        if len(self._rows) >= _BAND:
            self.flush()

    def flush(self) -> None:
        """What is in the image buffer goes to paper."""
        if not self._rows:
            return
        count, data = len(self._rows), b"".join(self._rows)
        self._rows.clear()
        ink = Picture(0, 8 * (len(data) // count), count, data) if any(data) else None
        self._head.out.append(Printed((), count, count, ink))

    def end_of_document(self) -> None:
        """`ESC FF EOT`, by the EOT mode: 8, 9 full cut, 12, 13 partial cut, others none."""
        self.flush()
        self._since_end = False
        if self._eot in _PARTIAL or self._eot in _FULL:
            self._head.out.append(Cut(partial=self._eot in _PARTIAL))
