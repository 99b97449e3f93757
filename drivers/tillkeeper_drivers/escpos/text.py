"""Text on paper: what may be printed, which code page prints it, and where lines break. Pure.

Every printed character is one byte and one cell wide after `Pages.transliterate`, so widths are counted in cells that
the printer really uses, not in characters of the name (a wide character becomes several cells or one).
"""

import functools
import re
import unicodedata
from collections.abc import Callable, Iterator

from tillkeeper_drivers.escpos import romanise
from tillkeeper_drivers.escpos.romanise import Piece

REPLACEMENT = "?"
_SPACES = frozenset("\t\n\r\v\f\x85\u2028\u2029")
_MAX_CACHED = 4096
_WORD = re.compile(r"[^\W\d_]+")
_GREEK_OR_CYRILLIC = re.compile("[\u0370-\u03ff\u1f00-\u1fff\u0400-\u052f]")


def clean(text: str) -> str:
    """`text` without anything that a printer could take for a command.

    Tabs and line ends become spaces; every other control character (C0, DEL, C1, so also ESC, FS, GS, DLE and NUL),
    surrogate and unassigned code point becomes `?`; invisible format characters (bidi marks, joiners) are dropped.
    """
    out = []
    for character in unicodedata.normalize("NFC", text):
        if " " <= character <= "~":
            out.append(character)
        elif character in _SPACES:
            out.append(" ")
        else:
            category = unicodedata.category(character)
            if category in ("Zs", "Zl", "Zp"):
                out.append(" ")
            elif category in ("Cc", "Cs", "Cn"):
                out.append(REPLACEMENT)
            elif category != "Cf":
                out.append(character)
    return "".join(out)


@functools.cache
def _page_bytes(codec: str) -> dict[str, int]:
    """Printable non-ASCII characters of a single-byte codec, each with its byte (always 80h-FFh)."""
    table = {}
    for byte in range(0x80, 0x100):
        character = bytes([byte]).decode(codec, errors="ignore")
        if len(character) == 1 and unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Cn"):
            table[character] = byte
    return table


class Pages:
    """The code pages of one model. Instances only cache; what they answer depends on their pages alone.

    Args:
        pages: `(n of ESC t n, name of a single-byte codec)` in order of preference; empty means ASCII only.
        drawn: which characters can be printed besides, where lines are drawn and never encoded.
    """

    def __init__(self, pages: tuple[tuple[int, str], ...], drawn: Callable[[str], bool] | None = None) -> None:
        self._drawn = drawn
        self._tables = tuple((number, _page_bytes(codec)) for number, codec in pages)
        self._known: dict[str, Piece] = {}

    def transliterate(self, text: str) -> str:
        """`text` cleaned, with every character replaced by what these pages can print, one cell a character.

        A character that no page has loses its accents (NFKD), is romanised (`romanise`), or becomes `?`. A Greek or
        Cyrillic word of which a letter is missing is romanised as a whole: half of each alphabet is no word.
        """
        cleaned = clean(text)
        if cleaned.isascii():
            return cleaned
        return romanise.join(self._pieces(cleaned))

    def _pieces(self, text: str) -> Iterator[Piece]:
        at = 0
        for word in _WORD.finditer(text):
            letters = [self._piece(c) for c in word.group()]
            if not all(map(self._keeps_script, letters)):
                capitals = len(letters) > 1 and word.group().isupper()
                letters = [self._latin(piece, capitals=capitals) for piece in letters]
            yield from map(self._piece, text[at : word.start()])
            yield from letters
            at = word.end()
        yield from map(self._piece, text[at:])

    @staticmethod
    def _keeps_script(piece: Piece) -> bool:
        return not (_GREEK_OR_CYRILLIC.match(piece.source) and piece.text.isascii())

    @staticmethod
    def _latin(piece: Piece, *, capitals: bool) -> Piece:
        if not _GREEK_OR_CYRILLIC.match(piece.source):
            return piece
        text = romanise.spell(piece.source) or ""
        return piece._replace(text=text.upper() if capitals else text)

    def _piece(self, character: str) -> Piece:
        found = self._known.get(character)
        if found is None:
            if len(self._known) >= _MAX_CACHED:
                self._known.clear()
            found = self._known[character] = self._spell(character)
        return found

    def _has(self, character: str) -> bool:
        if " " <= character <= "~" or any(character in table for _, table in self._tables):
            return True
        return self._drawn is not None and self._drawn(character)

    def _spell(self, character: str) -> Piece:
        if self._has(character):
            return Piece(character, character, roman=False)
        parts = [c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c) != "Mn"]
        if parts and parts != [character] and all(map(self._has, parts)):
            return Piece(character, "".join(parts), roman=False)
        roman = romanise.spell(character)
        return Piece(character, REPLACEMENT if roman is None else roman, roman=romanise.has_no_case(character))

    def encode(self, text: str, page: int | None) -> Iterator[tuple[int | None, bytes]]:
        """Runs of bytes of a transliterated `text`, each with the page it needs (None: any page, it is ASCII).

        Args:
            page: the page now selected in the printer; it is kept as long as it has the character.
        """
        run = bytearray()
        run_page: int | None = None
        for character in text:
            if " " <= character <= "~":
                run.append(ord(character))
                continue
            byte, needed = self._place(character, page)
            if needed is not None and needed != page:
                if run:
                    yield run_page, bytes(run)
                    run = bytearray()
                page = needed
            if needed is not None:
                run_page = needed
            run.append(byte)
        if run:
            yield run_page, bytes(run)

    def _place(self, character: str, page: int | None) -> tuple[int, int | None]:
        chosen: tuple[int, int | None] | None = None
        for number, table in self._tables:
            byte = table.get(character)
            if byte is not None and number == page:
                return byte, number
            if byte is not None and chosen is None:
                chosen = byte, number
        return chosen or (ord(REPLACEMENT), None)


def wrap(text: str, width: int, hang: int = 0) -> list[str]:
    """Lines of at most `width` cells, broken at spaces, a longer word anywhere; at least one line.

    Indentation of the text, and `hang` cells more, begin each continuation line, as far as that leaves half of the width.
    """
    width = max(1, width)
    text = text.rstrip()
    indent = min(len(text) - len(text.lstrip()) + hang, width // 2)
    lines = []
    rest, lead = text, ""
    while len(lead) + len(rest) > width:
        room = width - len(lead)
        at = rest.rfind(" ", 0, room + 1)
        head = rest[:at].rstrip() if at > 0 else ""
        if not head.strip():
            at, head = room, rest[:room]
        lines.append(lead + head)
        rest, lead = rest[at:].lstrip(), " " * indent
    lines.append(lead + rest if rest else "")
    return lines if rest or len(lines) == 1 else lines[:-1]


def columns(left: str, right: str, width: int, hang: int = 0) -> list[str]:
    """`left` wrapped, `right` (a price) ending at the right edge of its last line; on lines of its own where `left` would
    have no room beside it, or where only that keeps a word whole."""
    right = right.strip()
    room = width - len(right) - 1
    if not right:
        return wrap(left, width, hang)
    longest = max(map(len, left.split()), default=0)
    if room < max(4, width // 4) or room < longest <= width:
        return [*wrap(left, width, hang), *(part.rjust(width) for part in wrap(right, width))]
    lines = wrap(left, room, hang)
    lines[-1] = lines[-1].ljust(width - len(right)) + right
    return lines


def fitting_width(text: str, most: int, cells: int) -> int:
    """The largest multiple up to `most` at which the longest word of `text` fits into a line of `cells` normal cells; 1 where
    it does not even fit then."""
    longest = max(map(len, text.split()), default=0)
    return next((times for times in range(most, 1, -1) if longest <= cells // times), 1)
