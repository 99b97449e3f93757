"""Commands about characters, positions and feeding. Each handler takes the head and the parameter bytes.

Source: Epson ESC/POS reference, the page of the command named in each line of `TEXT_COMMANDS`.
"""

from collections.abc import Callable

import msgspec

from tillkeeper_drivers.simulator.charset import COUNTRIES
from tillkeeper_drivers.simulator.head import Head

Handler = Callable[[Head, bytes], None]


def _style(head: Head, **changes: object) -> None:
    head.style = msgspec.structs.replace(head.style, **changes)


def _print_mode(head: Head, p: bytes) -> None:
    n = p[0]
    _style(
        head,
        font="B" if n & 0x01 else "A",
        bold=bool(n & 0x08),
        height=2 if n & 0x10 else 1,
        width=2 if n & 0x20 else 1,
        underline=1 if n & 0x80 else 0,
    )


def _size(head: Head, p: bytes) -> None:
    width, height = (p[0] >> 4) + 1, (p[0] & 0x0F) + 1
    if max(width, height) > head.model.max_scale:
        head.unknown(b"\x1d!" + p, "size out of range")
        return
    _style(head, width=width, height=height)


def _font(head: Head, p: bytes) -> None:
    if p[0] in (0, 1, 48, 49):
        _style(head, font="B" if p[0] & 1 else "A")
    else:
        head.unknown(b"\x1bM" + p, "no such font")


def _underline(head: Head, p: bytes) -> None:
    if p[0] in (0, 1, 2, 48, 49, 50):
        _style(head, underline=p[0] & 3)


def _colour(head: Head, p: bytes) -> None:
    if not head.model.red or p[0] not in (0, 1, 48, 49):
        head.unknown(b"\x1br" + p, "no second colour")
        return
    _style(head, red=bool(p[0] & 1))


def _align(head: Head, p: bytes) -> None:
    if p[0] not in (0, 1, 2, 48, 49, 50):
        head.unknown(b"\x1ba" + p, "no such alignment")
    elif head.at_line_start:
        head.align = p[0] & 3
    else:
        head.unknown(b"\x1ba" + p, "only at the beginning of a line")


def _page(head: Head, p: bytes) -> None:
    if p[0] in head.model.pages:
        head.page = p[0]
    else:
        head.unknown(b"\x1bt" + p, "no such code page")


def _country(head: Head, p: bytes) -> None:
    if p[0] < COUNTRIES:
        head.country = p[0]
    else:
        head.unknown(b"\x1bR" + p, "no such international set")


def _kanji(head: Head, on: bool) -> None:
    """FS &, FS . : without effect while UTF-8 is selected, and unknown to a model without a two-byte font, which prints on."""
    if head.mode == "utf8":
        return
    if on and not head.model.double_byte:
        head.unknown(b"\x1c&", "no double-byte characters on this model")
        return
    head.mode = "double" if on else "single"


def _fs_parenthesis(head: Head, p: bytes) -> None:
    """`FS ( C` function 48: character encode system, 1 single byte, 2 UTF-8. `p` starts with the letter."""
    if head.model.utf8 and p[:1] == b"C" and p[3:4] == b"0" and p[4:5] in (b"\x01", b"\x02", b"1", b"2"):
        head.mode = "utf8" if p[4] & 2 else "single"
    elif not (head.model.utf8 and p[:1] == b"C" and p[3:4] == b"<" and p[5:6] in _FONTS):
        head.unknown(b"\x1c(" + p, "not on this model")


_FONTS = (b"\x00", b"\x0b", b"\x14", b"\x1e", b"\x29")
"""Function 60, font priority: ANK, Japanese, Simplified Chinese, Traditional Chinese, Korean."""


def _kanji_code(head: Head, p: bytes) -> None:
    """FS C: 0 JIS, 1 Shift JIS; of Japanese models. Shift JIS is not simulated."""
    if head.model.double_byte != "jis" or p[0] not in (0, 48):
        head.unknown(b"\x1cC" + p, "no such Kanji code on this model")


def _feed_lines(head: Head, p: bytes) -> None:
    if p[0] == 0:
        if not head.at_line_start:
            head.feed(0)
        return
    for _ in range(p[0]):
        head.feed(head.spacing)


def _tabs(head: Head, p: bytes) -> None:
    stops = p.rstrip(b"\0")
    ascending = [n for at, n in enumerate(stops) if at == 0 or n > stops[at - 1]]
    one = head.model.font_a[0] * head.style.width
    head.tabs = tuple(n * one for n in ascending)


def _relative(head: Head, p: bytes) -> None:
    head.move(head.x + int.from_bytes(p, "little", signed=True))


def _margin(head: Head, p: bytes) -> None:
    if head.at_line_start:
        head.margin = min(int.from_bytes(p, "little"), head.model.dots - 1)


def _area(head: Head, p: bytes) -> None:
    if head.at_line_start:
        head.area = max(1, int.from_bytes(p, "little"))


def _set(name: str, value: object) -> Handler:
    return lambda head, p: setattr(head, name, value)


def _flag(name: str) -> Handler:
    """The lowest bit switches the style `name` (ESC E, ESC G, GS B)."""
    return lambda head, p: _style(head, **{name: bool(p[0] & 1)})


def _nothing(head: Head, p: bytes) -> None:
    """Accepted and without effect on paper as drawn here (direction, smoothing, key switches, motion units ...)."""


TEXT_COMMANDS: dict[bytes, Handler] = {
    b"\x1b ": lambda head, p: setattr(head, "gap", p[0]),
    b"\x1b!": _print_mode,
    b"\x1b$": lambda head, p: head.move(int.from_bytes(p, "little")),
    b"\x1b-": _underline,
    b"\x1b2": lambda head, p: setattr(head, "spacing", head.model.line_spacing),
    b"\x1b3": lambda head, p: setattr(head, "spacing", p[0]),
    b"\x1bD": _tabs,
    b"\x1bE": _flag("bold"),
    b"\x1bG": _flag("bold"),
    b"\x1bJ": lambda head, p: head.feed(p[0]),
    b"\x1bM": _font,
    b"\x1bR": _country,
    b"\x1b\\": _relative,
    b"\x1ba": _align,
    b"\x1bd": _feed_lines,
    b"\x1br": _colour,
    b"\x1bt": _page,
    b"\x1c&": lambda head, p: _kanji(head, True),
    b"\x1c.": lambda head, p: _kanji(head, False),
    b"\x1c(": _fs_parenthesis,
    b"\x1cC": _kanji_code,
    b"\x1d!": _size,
    b"\x1dB": _flag("invert"),
    b"\x1dL": _margin,
    b"\x1dW": _area,
    b"\x1dh": lambda head, p: setattr(head, "barcode_height", max(1, p[0])),
    b"\x1dw": lambda head, p: setattr(head, "barcode_module", min(6, max(1, p[0]))),
    **dict.fromkeys(
        (b"\x1b=", b"\x1bS", b"\x1bT", b"\x1bU", b"\x1bc", b"\x1b{", b"\x1c!", b"\x1c-", b"\x1cS", b"\x1cW",
         b"\x1dH", b"\x1dP", b"\x1db", b"\x1df"), _nothing,
    ),
}  # fmt: skip
