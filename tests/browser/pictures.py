"""Take the screenshots of the pages by their tests, and copy the chosen ones to docs/pictures.

python -m tests.browser.pictures
"""

import io
import subprocess
import sys
from pathlib import Path

from PIL import Image
from tests.support.looks import PICTURES

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "pictures"
CHOSEN = {
    "page-order": "order-tablet-light",
    "page-pay": "pay-tablet-dark",
    "page-window": "window-tablet-light",
    "page-small": "pay-5-inch-light",
    "page-phone": "order-phone-dark",
    "page-kitchen": "kitchen-stop-tablet-dark",
    "page-replace": "replace-slip-tablet-light",
    "page-store": "store-tablet-light-trouble",
    "page-after": "after-tablet-light",
    "page-day": "day-phone-dark",
    "page-network": "diagnostics-network-phone-light",
    "page-waiting": "diagnostics-waiting-phone-light",
    "page-lost": "diagnostics-lost-phone-light",
    "hq-overview": "hq-overview-desktop-light",
    "hq-sales": "hq-sales-desktop-dark",
    "hq-rejected": "hq-rejected-desktop-light",
    "hq-phone": "hq-overview-phone-dark",
}
"""Name in docs/pictures -> name of the screenshot."""
TESTS = (
    "tests/browser/test_views.py", "tests/browser/test_store_page.py", "tests/browser/test_store_roles.py",
    "tests/browser/test_hq_pages.py", "tests/browser/test_diagnostics.py", "tests/browser/test_replace_printer.py",
)  # fmt: skip
"""The last needs root; where it is skipped its picture stays as it was."""
MOST_BYTES = 150_000
COLOURS = (256, 128, 64, 32)


def compressed(source: Path) -> bytes:
    """The picture as a PNG of at most `MOST_BYTES`, with as many colours as fit. ValueError where even few do not."""
    with Image.open(source) as picture:
        plain = picture.convert("RGB")
    for colours in COLOURS:
        kept = io.BytesIO()
        plain.quantize(colours, dither=Image.Dither.NONE).save(kept, "PNG", optimize=True)
        if kept.tell() <= MOST_BYTES:
            return kept.getvalue()
    raise ValueError(f"{source.name} does not fit into {MOST_BYTES} bytes")


def main() -> int:
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", *TESTS], cwd=ROOT, check=False)
    if done.returncode:
        return done.returncode
    DOCS.mkdir(parents=True, exist_ok=True)
    for name, shot in CHOSEN.items():
        if (taken := PICTURES / f"{shot}.png").is_file():
            (DOCS / f"{name}.png").write_bytes(compressed(taken))
    return 0


if __name__ == "__main__":
    sys.exit(main())
