"""All scripts on all models as pictures, to be looked at: a ticket and a receipt of each model beside each other.

python -m tests.support.contact_sheets [MODEL...]

writes build/papers/MODEL.png; without names of all models, and the chosen ones to docs/pictures too.
"""

import io
import sys
from pathlib import Path

from PIL import Image, ImageDraw
from tests.support.paper_of import PRINTERS, paper
from tests.support.scripts import ORDERS

from tillkeeper_drivers.api import Block, Columns, Feed, Logo, Qr, Rule, Text
from tillkeeper_drivers.escpos.logo import prepare
from tillkeeper_drivers.escpos.profile import load_profiles

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "build" / "papers"
DOCS = ROOT / "docs" / "pictures"
CHOSEN = ("tm-t88vi", "tm-u220", "generic-58-zh")
"""Kept in docs/pictures."""


def logo() -> bytes:
    """A PNG with an area of grey, thin lines, and transparency around."""
    picture = Image.new("RGBA", (360, 120), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    pen.ellipse((10, 10, 110, 110), fill=(90, 90, 90, 255), outline=(0, 0, 0, 255), width=4)
    for at in range(130, 350, 12):
        pen.line((at, 20, at + 30, 100), fill=(0, 0, 0, 255), width=2)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def ticket() -> tuple[Block, ...]:
    """As a kitchen reads it: double height, a void, a mark."""
    blocks: list[Block] = [
        Text(" POSSIBLE DUPLICATE ", align="centre", bold=True, invert=True, height=2),
        Text("TAKEOUT", align="centre", width=2, height=2, bold=True),
        Rule(),
    ]
    for order in ORDERS:
        blocks += [Text(f"2 x {order.name}", height=2, bold=True, hang=4), Text(f"   + {order.extra}", height=2, hang=2)]
    blocks += [Text(f"VOID 1 x {ORDERS[11].name}", height=2, colour="red"), Text("安全 Note [sic] 100 % {ok}")]
    return tuple(blocks)


def receipt() -> tuple[Block, ...]:
    """As a guest reads it: the logo, prices at the right edge, a QR code."""
    blocks: list[Block] = [Logo(), Text("Kafé Österreich 東京", align="centre", width=2, height=2, bold=True), Rule("═")]
    for order in ORDERS:
        blocks += [Columns(f"2 {order.name}", order.price, hang=2), Columns(f"  {order.extra}", "")]
    blocks += [Rule(), Columns("TOTAL", "€ 1 234,50", bold=True, height=2), Feed(1), Qr("https://example.org/r/1")]
    return tuple(blocks)


def sheet(name: str) -> Image.Image:
    """Both papers of the model `name`, side by side on grey."""
    picture = prepare(logo(), load_profiles()[name].dots)
    parts = [Image.open(io.BytesIO(paper(name, blocks, picture).as_png())) for blocks in (ticket(), receipt())]
    whole = Image.new("RGB", (sum(part.width for part in parts) + 24, max(part.height for part in parts)), (150, 150, 150))
    left = 0
    for part in parts:
        whole.paste(part, (left, 0))
        left += part.width + 24
    return whole


def main(names: list[str]) -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in names or PRINTERS:
        drawn = sheet(name)
        drawn.save(FOLDER / f"{name}.png")
        if name in CHOSEN and not names:
            drawn.quantize(8, dither=Image.Dither.NONE).save(DOCS / f"scripts-{name}.png", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
