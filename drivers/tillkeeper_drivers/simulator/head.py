"""The print head: composes lines out of text and graphics, as wide as the paper.

Source: Epson ESC/POS reference, "Print commands", "Character commands", "Print position commands". All lengths are dots.
"""

from typing import Literal

from tillkeeper_drivers.simulator.effects import Barcode, Effect, Picture, Printed, QrCode, Run, Style, Unknown
from tillkeeper_drivers.simulator.models import Model

TextMode = Literal["single", "double", "utf8"]
_KEPT_UNKNOWN = 32


class Head:
    """Everything that commands change, and the line being composed. `out` collects effects in order."""

    def __init__(self, model: Model, serial: str) -> None:
        self.model = model
        self.serial = serial
        self.out: list[Effect] = []
        self._x = 0
        self.reset()

    def reset(self) -> None:
        """The state after power-on and `ESC @`: the line being composed is dropped."""
        self.style = Style(font=self.model.default_font)
        self.spacing = self.model.line_spacing
        self.gap = 0
        self.align = 0
        self.margin = 0
        self.area: int | None = None
        self.page = 0
        self.country = 0
        self.mode: TextMode = "double" if self.model.kanji_default else "single"
        self.tabs: tuple[int, ...] | None = None
        self.qr_module, self.qr_level, self.qr_data = 3, "L", b""
        self.barcode_height, self.barcode_module = 162, 3
        self.stored: Picture | None = None
        self._runs: list[Run] = []
        self.drop_line()

    # --- the line being composed ---

    def drop_line(self) -> None:
        """Forget the line being composed."""
        self._runs, self._x = [], 0

    @property
    def at_line_start(self) -> bool:
        return not self._runs and self._x == 0

    @property
    def width(self) -> int:
        """Of the print area."""
        room = self.model.dots - self.margin
        return max(1, room if self.area is None else min(self.area, room))

    def _cell(self) -> tuple[int, int]:
        wide, high = self.model.font_a if self.style.font == "A" else self.model.font_b
        return wide * self.style.width + self.gap, high * self.style.height

    def text(self, text: str, *, full_width: bool = False) -> None:
        """Put characters; a line that is full is printed and the rest goes on the next one."""
        dots = self._cell()[0] * (2 if full_width else 1)
        while text:
            fits = (self.width - self._x) // dots
            if fits <= 0 and self._x > 0:
                self.feed(self.spacing)
                continue
            now, text = text[: max(1, fits)], text[max(1, fits) :]
            self._append(Run(self._x, dots, now, self.style))

    def _append(self, run: Run) -> None:
        last = self._runs[-1] if self._runs else None
        if last and last.end == run.x and last.dots == run.dots and last.style == run.style:
            run = Run(last.x, last.dots, last.text + run.text, last.style)
            self._runs.pop()
        self._runs.append(run)
        self._x = run.end

    def tab(self) -> None:
        """`HT`: to the next tab position, or nothing where there is none (reference, HT)."""
        one = self._cell()[0]
        stops = (8 * one * n for n in range(1, 64)) if self.tabs is None else iter(self.tabs)
        for stop in stops:
            if self._x < stop < self.width:
                self._x = stop
                return

    def move(self, x: int) -> None:
        """`ESC $`, `ESC \\`: a position outside the print area is ignored (reference, ESC $)."""
        if 0 <= x <= self.width:
            self._x = x

    @property
    def x(self) -> int:
        return self._x

    def feed(self, dots: int) -> None:
        """Print the line and move the paper on by `dots`, or by the line's height where that is more."""
        height = max((self._height(run.style) for run in self._runs), default=0)
        shift = self._shift(max((run.end for run in self._runs), default=0))
        runs = tuple(Run(run.x + shift, run.dots, run.text, run.style) for run in self._runs)
        self._runs, self._x = [], 0
        self.out.append(Printed(runs, max(dots, height), height))

    def _height(self, style: Style) -> int:
        return (self.model.font_a if style.font == "A" else self.model.font_b)[1] * style.height

    def _shift(self, used: int) -> int:
        free = max(0, self.width - used)
        return self.margin + (0, free // 2, free)[self.align]

    def graphics(self, what: Picture | QrCode | Barcode, width: int, height: int) -> None:
        """Print graphics as a line of their own, aligned; only with nothing else on the line (reference, GS v 0)."""
        if not self.at_line_start:
            self.unknown(b"", "graphics are ignored with text on the line")
            return
        placed = type(what)(**{**{f: getattr(what, f) for f in what.__struct_fields__}, "x": self._shift(width)})
        self.out.append(Printed((), height, height, placed))

    def unknown(self, data: bytes | bytearray, why: str = "") -> None:
        self.out.append(Unknown(bytes(data[:_KEPT_UNKNOWN]), why))
