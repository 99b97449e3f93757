"""A printed sheet by which a person tells which code pages a printer has, and a profile of what was learned, as TOML. Pure.

Every line is made of plain bytes and `ESC t n`: it does not go through the encoder, which would choose another page for what
one has not. Source: Epson ESC/POS reference, ESC t, FS ., GS V.
"""

import json
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from tillkeeper_drivers.api import Tri
from tillkeeper_drivers.escpos import codepages
from tillkeeper_drivers.escpos.profile import Profile

SAMPLE = (
    "\u00c4\u00d6\u00fc\u00df \u00e9\u00e8\u00ea\u00e7\u00f1 \u00e5\u00f8 \u20ac\u00a3"
    " \u0105\u0142\u0159\u0151 \u0416\u044f \u03a9\u03b1 \u011f\u015f \u1edf\u1ec7 \u05e9 \ufe91"
)
"""A few letters of each script that one page may have; those that it has not are left out."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_COMMON = {0: "cp437", 2: "cp850", 16: "cp1252", 19: "cp858", 18: "cp852", 17: "cp866"}


class Line(msgspec.Struct, frozen=True):
    """`text` is how the line reads where the printer has page `page` as `codec`."""

    letter: str
    page: int
    codec: str
    text: str


def lines(profile: Profile) -> tuple[Line, ...]:
    """One for each page of `profile`, of the common ones where it names none; 26 at most. A page without any of the letters
    can not be told apart."""
    pages = [(page, codec, _readable(codec)) for page, codec in profile.codec_pages() or tuple(_COMMON.items())]
    telling = [row for row in pages if row[2]]
    return tuple(Line(letter, *row) for letter, row in zip(_LETTERS, telling, strict=False))


def _readable(codec: str) -> str:
    kept = "".join(character for character in SAMPLE if character == " " or _has(codec, character))
    return " ".join(kept.split())


def _has(codec: str, character: str) -> bool:
    return character.isascii() or character in codepages.table(codec)


def sheet(profile: Profile) -> bytes:
    """The bytes of the whole sheet, cut where the model can."""
    parts = [b"\x1b@\x1c.", b"WHICH LINES READ RIGHT?\n\n"]
    for line in lines(profile):
        text = codepages.encode(line.text, line.codec)
        parts += [b"\x1bt", bytes((line.page,)), f"{line.letter}  ".encode("ascii"), text, b"\n"]
    parts.append(b"\x1bt\x00\n\n")
    parts.append(b"\x1dVB\x00" if profile.cut == "feed_to_cutter" else b"\n\n\n")
    return b"".join(parts)


def learned(
    base: Profile,
    name: str,
    title: str,
    *,
    pages: dict[int, str] | None = None,
    process_id: Tri = "unknown",
    automatic_status: Tri = "unknown",
    paper_query: Tri = "unknown",
    real_time_status: Tri = "unknown",
    cutter: Tri = "unknown",
) -> Profile:
    """A profile of a model that is not known: `base` with what a printer told. No manual of the base speaks for it."""
    return replace(
        base,
        name=name,
        title=title,
        code_pages=pages or base.code_pages,
        process_id=process_id == "yes",
        automatic_status=automatic_status == "yes",
        paper_query=paper_query,
        real_time_status=real_time_status,
        cut="none" if cutter == "no" else base.cut,
        read={},
        copied={},
    )


def as_toml(profile: Profile) -> str:
    """The table as it stands in profiles.toml."""
    fields = {key: value for key, value in asdict(profile).items() if key != "name" and value is not None}
    body = [f"{key} = {_value(value)}" for key, value in fields.items()]
    return "\n".join((f"[{profile.name}]", *body, ""))


def _value(value: Any) -> str:
    if isinstance(value, msgspec.Struct):
        value = {key: one for key, one in asdict(value).items() if one is not None}
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)
