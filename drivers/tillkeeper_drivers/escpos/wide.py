"""Characters two cells wide (Han, kana, hangul): which of them a model's font has, and how they are sent. Pure.

Sources: FS ( C functions 48 and 60, with the numbers of the fonts, as the library EscPosUtils (github.com/kunif/EscPosUtils)
decodes them; Epson's own page of FS ( C was not read. FS &, FS . and FS C are known of ESC/POS in general. That clones take the
two-byte part of GB 18030 between FS & and FS . is commonly said, and unverified.
"""

import functools
import unicodedata
from typing import Literal

import msgspec

Mode = Literal["utf8", "jis", "gb18030"]

_UTF8_ON, _UTF8_OFF = b"\x1c(C\x02\x000\x02", b"\x1c(C\x02\x000\x01"  # FS ( C, function 48: 2 UTF-8, 1 code pages
_KANJI_ON, _KANJI_OFF = b"\x1c&", b"\x1c."  # FS &, FS .


class Wide(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a variant of a model prints wide characters.

    `mode`: UTF-8 (`FS ( C`), JIS X 0208 or GB 18030 (`FS &`). `charset`: the Python codec whose characters the font has.
    `font`: with UTF-8, which of the fonts comes first (`FS ( C` function 60: 11 Japanese, 20 Simplified Chinese,
    30 Traditional Chinese, 41 Korean): one code point may be drawn differently in each.
    """

    mode: Mode
    charset: str
    font: int = 0

    def preamble(self) -> bytes:
        """What is sent once after `ESC @`. FS . ends a double-byte mode that a board starts in."""
        if self.mode == "utf8":
            return b"\x1c(C\x03\x00<\x00" + bytes((self.font,))  # FS ( C, function 60, m = 0: first priority
        return _KANJI_OFF + (b"\x1cC\x00" if self.mode == "jis" else b"")  # FS C 0: JIS code, not Shift JIS

    def has(self, character: str) -> bool:
        """Whether `character` takes two cells and the font has it."""
        return is_wide(character) and _known(self.charset, self.mode, character)

    def encode(self, text: str) -> bytes:
        """The commands that print `text`, all of it characters that `has` knows, and that end the mode."""
        if self.mode == "utf8":
            return _UTF8_ON + text.encode("utf-8") + _UTF8_OFF
        return _KANJI_ON + b"".join(_double(self.mode, character) for character in text) + _KANJI_OFF


def is_wide(character: str) -> bool:
    """Whether `character` takes two cells (Unicode Standard Annex 11: W and F)."""
    return character >= "\u1100" and unicodedata.east_asian_width(character) in ("W", "F")


def cells(text: str) -> int:
    """How many cells `text` is wide on paper."""
    return len(text) if text.isascii() else len(text) + sum(map(is_wide, text))


@functools.lru_cache(maxsize=8192)
def _known(charset: str, mode: Mode, character: str) -> bool:
    try:
        return len(character.encode(charset)) == 2 and (mode == "utf8" or len(_double(mode, character)) == 2)
    except UnicodeEncodeError:
        return False


def _double(mode: Mode, character: str) -> bytes:
    """Two bytes, none of them a control character: JIS X 0208 is EUC-JP without its high bits."""
    if mode == "jis":
        return bytes(byte & 0x7F for byte in character.encode("euc_jp"))
    return character.encode("gb18030")
