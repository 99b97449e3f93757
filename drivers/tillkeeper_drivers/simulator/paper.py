"""What was printed: lines with their styles and the cut, as text and as a picture."""

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from tillkeeper_drivers.simulator.effects import Barcode, Cut, Effect, Picture, Printed, QrCode
from tillkeeper_drivers.simulator.models import Model, model


class Paper(msgspec.Struct):
    """A piece of paper. `lines` are in printing order; `cut` tells how it ended, None while it hangs in the printer."""

    model: str
    """Id of the model that printed it."""
    lines: list[Printed] = []
    cut: Cut | None = None

    @property
    def kind(self) -> Model:
        return model(self.model)

    @property
    def height(self) -> int:
        """Length of the paper in dots."""
        return sum(line.advance for line in self.lines)

    @property
    def blank(self) -> bool:
        """No ink at all."""
        return not any(line.runs or line.graphics for line in self.lines)

    def as_text(self) -> str:
        """The paper as plain text, one row a line, columns as on paper.

        Wide characters keep their place but not their width, so that words stay whole; graphics are named in brackets;
        the cut is a dashed row. Trailing spaces are dropped.
        """
        rows: list[str] = []
        for line in _one_picture(self.lines) if self.kind.language == "star_raster" else self.lines:
            rows += self._rows(line)
        text = "\n".join(row.rstrip() for row in rows)
        if self.cut is not None:
            word = "tear" if not self.kind.cutter else "partial cut" if self.cut.partial else "cut"
            text += "\n" + f" {word} ".center(self.kind.columns, "-")
        return text.strip("\n") + "\n"

    def as_png(self) -> bytes:
        """The paper as a PNG, one pixel a dot. Slow (milliseconds a line): not for an event loop."""
        from tillkeeper_drivers.simulator.draw import png  # Pillow is loaded where a picture is wanted

        return png(self)

    def _rows(self, line: Printed) -> list[str]:
        kind = self.kind
        if line.graphics is not None:
            return [_describe(line.graphics, kind)]
        if not line.runs:
            return [""] * (line.advance // kind.line_spacing)
        unit = (kind.font_a if line.runs[0].style.font == "A" else kind.font_b)[0]
        first = line.runs[0]
        row = " " * (first.x // unit) + first.text
        for before, run in pairwise(line.runs):
            row += " " * max(0, (run.x - before.end) // unit) + run.text
        return [row]


def _one_picture(lines: list[Printed]) -> list[Printed]:
    """What a raster printer was sent is one picture, whatever bands and gaps it came in."""
    inked = [at for at, line in enumerate(lines) if line.graphics]
    if not inked:
        return lines
    first, last = inked[0], inked[-1] + 1
    band, height = lines[first].graphics, sum(line.advance for line in lines[first:last])
    whole = Picture(0, band.width, height, b"") if isinstance(band, Picture) else band
    return [*lines[:first], Printed((), height, height, whole), *lines[last:]]


def _describe(graphics: Picture | QrCode | Barcode, kind: Model) -> str:
    if isinstance(graphics, QrCode):
        words = f"[QR: {graphics.data.decode('utf-8', 'replace')}]"
    elif isinstance(graphics, Barcode):
        words = f"[barcode {graphics.system}: {graphics.data.decode('ascii', 'replace')}]"
    else:
        words = f"[picture {graphics.width}x{graphics.height}]"
    return " " * min(graphics.x // kind.font_a[0], max(0, kind.columns - len(words))) + words


def lay_out(effects: Iterable[Effect], model_id: str) -> list[Paper]:
    """The pieces of paper that `effects` make: one for each cut, and what hangs out at the end."""
    papers = [Paper(model_id)]
    for effect in effects:
        if isinstance(effect, Printed):
            papers[-1].lines.append(effect)
        elif isinstance(effect, Cut):
            papers[-1].cut = effect
            papers.append(Paper(model_id))
    return [paper for paper in papers if paper.lines or paper.cut]
