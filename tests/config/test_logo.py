"""The store's logo: looked at by who checks the configuration, printed on receipts, on nothing else."""

import io
from pathlib import Path

import pytest
from PIL import Image

from tillkeeper.beside import problems
from tillkeeper.config.embedded import example_toml
from tillkeeper.config.load import parse
from tillkeeper.config.model import Config
from tillkeeper.devices.registry import preview
from tillkeeper.layouts.model import DOCUMENTS
from tillkeeper.layouts.previews import Asked

GRAPHICS = b"\x1dv0"  # GS v 0


def text(more: str = 'logo = "logo.png"') -> str:
    footer = 'receipt_footer = ["Thank you!"]\n'
    assert footer in example_toml()
    return example_toml().replace(footer, f"{footer}{more}\n", 1)


def loaded(folder: Path, more: str = 'logo = "logo.png"') -> Config:
    return parse(text(more), file="store.toml", folder=folder)


def png(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("L", size, 90).save(out, "PNG")
    return out.getvalue()


def test_it_stands_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(png((300, 90)))
    assert loaded(tmp_path).store.logo == str(tmp_path / "logo.png")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "can not be read: No such file"),
        (b"GIF89a", "is not a PNG picture"),
        (png((300, 90))[:-30], "is not a PNG picture"),
        (png((300, 90)) + bytes(64 * 1024), "more than 64 KB"),
        (png((2001, 2)), "2001 x 2 pixels"),
    ],
    ids=["none", "a GIF", "broken", "too many bytes", "too wide"],
)
def test_what_can_not_be_printed_is_named_with_its_line(tmp_path: Path, data: bytes | None, says: str) -> None:
    if data is not None:
        (tmp_path / "logo.png").write_bytes(data)
    config = loaded(tmp_path)
    (tmp_path / "store.toml").write_text(text(), "utf-8")
    (problem,) = problems(tmp_path / "store.toml", config)
    assert problem.where == "store.logo"
    assert problem.line == text().splitlines().index('logo = "logo.png"') + 1
    assert says in problem.what


@pytest.mark.parametrize("document", DOCUMENTS)
def test_receipts_begin_with_it_and_no_ticket_has_graphics(document: str, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(png((300, 90)))
    data = preview(Asked(document=document, columns=48), loaded(tmp_path)).data
    assert (GRAPHICS in data) == (document in ("receipt", "refund_receipt"))
    assert GRAPHICS not in preview(Asked(document=document, columns=48), loaded(tmp_path, "")).data
    if GRAPHICS in data:
        assert data.index(GRAPHICS) < data.index(b"Tillkeeper Grill")


def test_a_file_that_is_not_there_leaves_the_receipt_without(tmp_path: Path) -> None:
    data = preview(Asked(document="receipt", columns=48), loaded(tmp_path)).data
    assert GRAPHICS not in data
    assert b"Tillkeeper Grill" in data
