"""Code pages as tables from a character to its byte: Python's codecs, and the few pages that Python does not have. Pure."""

import codecs
import functools
import unicodedata

_TONED = {
    0xB5: "àảãáạ", 0xBB: "ằẳẵắ", 0xC6: "ặầẩẫấậè", 0xCE: "ẻẽéẹềểễếệìỉ", 0xDC: "ĩíịò",
    0xE1: "ỏõóọồổỗốộờởỡớợù", 0xF1: "ủũúụừửữứựỳỷỹýỵ",
}  # fmt: skip
"""TCVN 5712:1993 (VN3), letters with a tone mark: from which byte on they stand in a row."""
_BASE = {"ă": 0xA8, "â": 0xA9, "ê": 0xAA, "ô": 0xAB, "ơ": 0xAC, "ư": 0xAD, "đ": 0xAE}
_BASE_CAPITALS = {"Ă": 0xA1, "Â": 0xA2, "Đ": 0xA7}
"""Where the public printer databases and the standard agree. Ê, Ô, Ơ and Ư without a tone come from other pages."""


def _tcvn3(*, capitals: bool) -> dict[str, int]:
    """Epson's "TCVN-3": the standard's one alphabet on two pages, capitals at the bytes of their small letters."""
    table = dict(_BASE_CAPITALS if capitals else _BASE)
    for start, letters in _TONED.items():
        for at, letter in enumerate(letters.upper() if capitals else letters):
            table[letter] = start + at
    return table


def exists(codec: str) -> bool:
    """Whether `codec` is one of ours or of Python's."""
    try:
        return codec in _OWN or bool(codecs.lookup(codec))
    except LookupError:
        return False


@functools.cache
def table(codec: str) -> dict[str, int]:
    """Printable non-ASCII characters of a single-byte codec, each with its byte (always 80h-FFh).

    Combining marks are left out: a printer gives each byte a cell of its own, so a mark would stand beside its letter.
    """
    if codec in _OWN:
        return _OWN[codec]
    found = {}
    for byte in range(0x80, 0x100):
        character = bytes([byte]).decode(codec, errors="ignore")
        if len(character) == 1 and unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn", "Mn"):
            found[character] = byte
    return found


def encode(text: str, codec: str) -> bytes:
    """One byte a character. Raises `ValueError` where the page lacks one."""
    known = table(codec)
    try:
        return bytes(ord(c) if " " <= c <= "~" else known[c] for c in text)
    except KeyError as error:
        raise ValueError(f"{codec} has no {error.args[0]!r}") from error


_OWN = {"tcvn3": _tcvn3(capitals=False), "tcvn3-capitals": _tcvn3(capitals=True)}
