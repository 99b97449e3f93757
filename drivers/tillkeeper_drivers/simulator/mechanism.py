"""The mechanism of one printer: paper, cover, cutter, drawer pin, and the status bytes that tell of them. Pure.

Source of the bytes: Epson ESC/POS reference, DLE EOT (n = 1 to 4), GS a (basic ASB, four bytes), GS r.
"""

from typing import Literal

from tillkeeper_drivers.simulator.models import Model

ASB_DRAWER, ASB_ONLINE, ASB_ERROR, ASB_PAPER = 1, 2, 4, 8
ROLL_LINES = 20_000
"""Lines of normal height on a full roll (80 m at 3.75 mm are about 21,000)."""
NEAR_END_LINES = 100


class Mechanism:
    """What a technician's hands and the print head change. Paper is counted in dots.

    Args:
        model: decides which sensors there are.
        paper_lines: lines on the roll; None is a roll that never ends by itself.
        pin_high_when_open: the drawer's switch; its polarity varies between drawers.
    """

    def __init__(self, model: Model, *, paper_lines: int | None = None, pin_high_when_open: bool = True) -> None:
        self._model = model
        self._pin_high_when_open = pin_high_when_open
        self.endless = paper_lines is None
        self.paper_dots = (ROLL_LINES if paper_lines is None else paper_lines) * model.line_spacing
        self.cover_open = False
        self.cutter_error = False
        self.cutter_jammed = False
        """The cause, which stays until somebody removes it; `cutter_error` is the state it led to."""
        self.unrecoverable = False
        self.overheated = False
        """The head is too hot: it stops, and goes on by itself once it has cooled down."""
        self.drawer_open = False
        self.drawer_stuck = False
        self.lies = False
        """Says that all is well whatever is true (a sensor that is broken, a status that nobody implemented)."""

    # --- facts ---

    @property
    def paper_out(self) -> bool:
        return self.paper_dots <= 0

    @property
    def paper_near_end(self) -> bool:
        return self._model.near_end_sensor and self.paper_dots <= NEAR_END_LINES * self._model.line_spacing

    @property
    def online(self) -> bool:
        """Whether it works off its buffer. Paper out, an open cover and an error each take it offline."""
        return not (self.paper_out or self.cover_open or self._error)

    @property
    def _error(self) -> bool:
        return self.cutter_error or self.unrecoverable or self.overheated

    @property
    def pin_high(self) -> bool:
        return self.drawer_open == self._pin_high_when_open

    # --- what happens to it ---

    def load_paper(self, lines: int) -> None:
        """A roll with `lines` lines on it; 0 takes the roll out."""
        self.endless = False
        self.paper_dots = max(0, lines) * self._model.line_spacing

    def use_paper(self, dots: int) -> None:
        if not self.endless:
            self.paper_dots = max(0, self.paper_dots - dots)

    def cut(self) -> bool:
        """Try to cut. False where the cutter jams, which is an error until `recover`."""
        if self.cutter_jammed:
            self.cutter_error = True
        return not self.cutter_jammed

    def recover(self) -> bool:
        """`DLE ENQ`: leaves a recoverable error whose cause was removed (reference, DLE ENQ). True where that worked."""
        if not self.cutter_error or self.cutter_jammed:
            return False
        self.cutter_error = False
        return True

    def kick(self) -> bool:
        """A pulse on the drawer's pin. True where the drawer opened by it."""
        if self.drawer_stuck or self.drawer_open:
            return False
        self.drawer_open = True
        return True

    # --- what it says ---

    def real_time_status(self, what: Literal[1, 2, 3, 4]) -> int:
        """The byte that answers `DLE EOT what`."""
        fixed = 0x12
        if what == 1:
            return fixed | (0x04 if self.pin_high else 0) | (0x08 if self._offline_said else 0)
        if self.lies:
            return fixed
        if what == 2:
            cover, paper, error = self.cover_open, self.paper_out, self._error
            return fixed | (0x04 if cover else 0) | (0x20 if paper else 0) | (0x40 if error else 0)
        if what == 3:
            return fixed | self._error_bits()
        return fixed | (0x0C if self.paper_near_end else 0) | (0x60 if self.paper_out else 0)

    def automatic_status(self) -> bytes:
        """The four bytes of basic ASB."""
        first = 0x10 | (0x04 if self.pin_high else 0)
        if self.lies:
            return bytes((first, 0, 0, 0))
        first |= (0x08 if not self.online else 0) | (0x20 if self.cover_open else 0)
        return bytes((first, self._error_bits(), self._paper_bits(), 0))

    def buffered_status(self, what: Literal[1, 2]) -> int:
        """The byte that answers `GS r what`. A printer without paper does not come to the command at all."""
        return self._paper_bits() if what == 1 else int(self.pin_high)

    def asb_changed(self, mask: int, before: bytes) -> bool:
        """Whether something that `mask` enables differs from the report `before`."""
        now = self.automatic_status()
        drawer, online = (now[0] ^ before[0]) & 0x04, (now[0] ^ before[0]) & 0x28
        return bool(
            (mask & ASB_DRAWER and drawer)
            or (mask & ASB_ONLINE and online)
            or (mask & ASB_ERROR and now[1] != before[1])
            or (mask & ASB_PAPER and now[2] != before[2])
        )

    @property
    def _offline_said(self) -> bool:
        return not self.online and not self.lies

    def _error_bits(self) -> int:
        """Bit 3 autocutter, 5 unrecoverable, 6 automatically recoverable: alike in DLE EOT 3 and in the second byte of ASB."""
        cutter, broken, hot = self.cutter_error, self.unrecoverable, self.overheated
        return (0x08 if cutter else 0) | (0x20 if broken else 0) | (0x40 if hot else 0)

    def _paper_bits(self) -> int:
        if self.lies:
            return 0
        return (0x03 if self.paper_near_end else 0) | (0x0C if self.paper_out else 0)
