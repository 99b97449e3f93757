"""What each simulated model is: `models.toml`, typed."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model's behaviour. Lengths are dots unless the name says otherwise."""

    name: str
    maker: str
    language: Literal["escpos", "star_line", "starprnt", "star_raster"] = "escpos"
    dots: int
    """Printable width."""
    dots_per_mm: float
    speed_mm_s: float
    font_a: tuple[int, int]
    font_b: tuple[int, int]
    default_font: Literal["A", "B"] = "A"
    line_spacing: int
    max_scale: int = 8
    """Largest character multiple of `GS !`."""
    buffer_bytes: int
    """Receive buffer."""
    page_table: str
    utf8: bool = False
    """Knows `FS ( C` (select character encode system)."""
    double_byte: Literal["", "gb18030", "jis"] = ""
    """Which two-byte code `FS &` selects; none: the command means nothing here."""
    wide_fonts: tuple[Literal["japanese", "chinese"], ...] = ()
    """Which full-width fonts are built in; a character of none of them is a box."""
    kanji_default: bool = False
    """Starts in double-byte mode: bytes from 81h on swallow the byte after them until `FS .`."""
    red: bool = False
    raster: bool = True
    qr: bool = True
    cutter: bool = True
    process_id: bool = False
    """Answers `GS ( H` function 48."""
    document_counter: bool = False
    """Star: answers `ESC GS ETX`."""
    gs_r: bool = True
    gs_i: bool = True
    asb: bool = True
    asb_default: int = 0
    near_end_sensor: bool = True
    second_connection: Literal["rst", "silence"]
    idle_close_s: float
    pages: dict[int, str] = {}
    """`ESC t` number -> codec, filled in from the page table."""

    @property
    def columns(self) -> int:
        """Characters of the default font in a line."""
        return self.dots // (self.font_a if self.default_font == "A" else self.font_b)[0]


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tables: dict[str, dict[int, str]]
    models: dict[str, Model]


@cache
def models() -> dict[str, Model]:
    """Every model by its id, in the order of the files."""
    found: dict[str, Model] = {}
    for name in ("models.toml", "star/models.toml"):
        text = files(__package__).joinpath(name).read_text(encoding="utf-8")
        loaded = msgspec.convert(tomllib.loads(text), _File, strict=False)
        found |= {key: msgspec.structs.replace(m, pages=loaded.tables[m.page_table]) for key, m in loaded.models.items()}
    return found


def model(key: str) -> Model:
    """The model named `key` ("tm-t88vi"). Raises `ValueError` naming the ones there are."""
    try:
        return models()[key]
    except KeyError:
        raise ValueError(f"no simulated model {key!r}; there are: {', '.join(models())}") from None
