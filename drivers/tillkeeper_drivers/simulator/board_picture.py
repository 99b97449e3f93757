"""A kitchen display's screen as a picture: cards side by side, oldest first, nothing clipped.

The font has Latin, Greek and Cyrillic letters. Words in others are drawn as their spelling in Latin letters, in brackets, so
that nobody takes it for what the display was sent; the screen as text (`Cards.as_text`) has the true ones.
"""

import io
import re
import textwrap
from typing import TYPE_CHECKING, NamedTuple

from anyascii import anyascii
from PIL import Image, ImageDraw

from tillkeeper_drivers.simulator.draw import DRAWING, drawable, mono_font

if TYPE_CHECKING:
    from tillkeeper_drivers.simulator.board import Line

MOST = 40
"""Cards on the picture; older ones are counted only."""
ACROSS = 4
_WIDE, _GAP, _PAD, _TOP = 300, 12, 8, 40
_SIZES = {"order_type": 32, "head": 20, "loud": 18, "item": 18, "plain": 17}
_BACK, _CARD, _INK, _RED, _GREY = (32, 34, 40), (250, 250, 245), (20, 20, 24), (190, 20, 20), (200, 200, 200)


class _Row(NamedTuple):
    text: str
    size: int
    bold: bool
    ink: tuple[int, int, int]

    @property
    def height(self) -> int:
        return self.size + 8


def draw(cards: list[list["Line"]], *, agent_lost: bool) -> bytes:
    """A PNG of the newest `MOST` of `cards` (oldest first), `ACROSS` in a row.

    Args:
        cards: the lines of each card.
        agent_lost: says so on top, in red.
    """
    shown = cards[-MOST:]
    older = f", +{len(cards) - len(shown)} older" if len(cards) > len(shown) else ""
    sign = "NO CONNECTION TO THE REGISTER - " if agent_lost else ""
    with DRAWING:
        laid_out = [[row for line in card for row in _rows(line)] for card in shown]
        grid = [laid_out[at : at + ACROSS] for at in range(0, len(laid_out), ACROSS)]
        heights = [max(sum(row.height for row in card) for card in cards) + 2 * _PAD for cards in grid]
        size = (ACROSS * (_WIDE + _GAP) + _GAP, _TOP + sum(heights) + _GAP * (len(heights) + 1))
        image = Image.new("RGB", size, _BACK)
        pen = ImageDraw.Draw(image)
        title = f"{sign}{len(cards)} tickets{older}"
        pen.text((_GAP, 8), title, fill=(255, 90, 80) if agent_lost else _GREY, font=mono_font(20, True))
        y = _TOP
        for cards_of_row, height in zip(grid, heights, strict=True):
            for column, card in enumerate(cards_of_row):
                _card(pen, card, _GAP + column * (_WIDE + _GAP), y, height)
            y += height + _GAP
        out = io.BytesIO()
        image.save(out, "PNG", compress_level=1)
    return out.getvalue()


def _card(pen: ImageDraw.ImageDraw, rows: list[_Row], x: int, y: int, height: int) -> None:
    pen.rectangle((x, y, x + _WIDE, y + height), fill=_CARD)
    y += _PAD
    for row in rows:
        pen.text((x + _PAD, y), row.text, fill=row.ink, font=mono_font(row.size, row.bold))
        y += row.height


def _rows(line: "Line") -> list[_Row]:
    size = _SIZES[line.kind]
    room = int((_WIDE - 2 * _PAD) / (0.6 * size))  # a letter of the font is 0.6 of its size wide
    ink = _RED if line.kind == "loud" else _INK
    text = legible(line.text)
    indent = " " * (len(text) - len(text.lstrip()))
    parts = textwrap.wrap(text, room, subsequent_indent=indent, break_on_hyphens=False)
    return [_Row(part, size, line.kind != "plain", ink) for part in parts]


def legible(text: str) -> str:
    """`text` with what the font lacks spelled in Latin letters, in brackets."""
    foreign = "".join(re.escape(c) for c in sorted(set(text)) if not c.isspace() and not drawable(c))
    if not foreign:
        return text
    return re.sub(f"[{foreign}]+(?: [{foreign}]+)*", _spelled, text)


def _spelled(run: re.Match[str]) -> str:
    """Han syllables, which anyascii writes with a capital, stand apart."""
    return f"[{re.sub('(?<=[a-z])(?=[A-Z])', ' ', anyascii(run.group()))}]"
