"""Text on paper: what may be printed, which code page prints it, and where lines break. Pure.

After `Pages.transliterate` a character is one cell wide, or two where the model has a font for it (`wide`); widths are counted
in the cells that the printer really uses, not in characters of the name. docs/printing-text.md says what comes out.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from itertools import groupby

from tillkeeper_drivers.escpos import codepages, romanise, rtl
from tillkeeper_drivers.escpos.romanise import Piece
from tillkeeper_drivers.escpos.wide import Wide, cells, is_wide

_SPACES = frozenset("\t\n\r\v\f\x85\u2028\u2029")
_MAX_CACHED = 4096
_MARKS = "\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
_WORD = re.compile(rf"(?:[^\W\d_][{_MARKS}]*)+")
_WHOLE = re.compile("[\u0370-\u03ff\u1f00-\u1fff\u0400-\u052f\u05d0-\u05ea\ufb1d-\ufb4f]")
"""Greek, Cyrillic and Hebrew: a word of which a letter is missing is spelled in Latin letters as a whole."""
_LIKE = {"ș": "ş", "ț": "ţ", "Ș": "Ş", "Ț": "Ţ"}
"""Romanian letters, and those that pages older than them print in their place."""
_VIETNAMESE = re.compile("[ƠơƯư\u1ea0-\u1ef9]")
"""Letters that only Vietnamese has."""


_NOT_FIRST = frozenset("、。，．・：；？！ー々）」』】〉》〕］｝ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;!?)")
_NOT_LAST = frozenset("（「『【〈《〔［｛(")
"""Characters that do not begin, or end, a line (JIS X 4051)."""


def clean(text: str) -> str:
    """`text` without anything that a printer could take for a command.

    Tabs and line ends become spaces; every other control character (C0, DEL, C1, so also ESC, FS, GS, DLE and NUL),
    surrogate, noncharacter and invisible format character (bidi marks, joiners) is dropped.
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
            elif category not in ("Cc", "Cs", "Cf") and not _is_noncharacter(ord(character)):
                out.append(character)
    return "".join(out)


def _is_noncharacter(code: int) -> bool:
    """Unicode Standard, section 23.7."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


class Pages:
    """The code pages of one model. Instances only cache; what they answer depends on their arguments alone.

    Args:
        pages: `(n of ESC t n, name of a single-byte codec)` in order of preference; empty means ASCII only.
        drawn: which characters can be printed besides, where lines are drawn and never encoded.
        wide: the double-width characters of a variant of the model.
    """

    def __init__(
        self,
        pages: tuple[tuple[int, str], ...],
        drawn: Callable[[str], bool] | None = None,
        wide: Wide | None = None,
    ) -> None:
        self._drawn = drawn
        self._wide = wide
        self._tables = tuple((number, codepages.table(codec)) for number, codec in pages)
        self._all = frozenset(character for _, table in self._tables for character in table)
        self._known: dict[str, Piece] = {}

    def transliterate(self, text: str) -> str:
        """`text` cleaned, with every character replaced by what these pages can print, in the order of reading (`wrap` puts it
        into that of printing).

        A character that no page has loses its accents (NFKD) or is romanised (`romanise`). A Greek, Cyrillic, Hebrew or Arabic
        word of which a letter is missing is romanised as a whole, a text in Han or kana too, and a Vietnamese word loses all
        its marks: half of each alphabet is no word. What nobody can spell is named by its code point, `[E000]`.
        """
        cleaned = clean(text)
        if cleaned.isascii():
            return cleaned
        return romanise.join(self._pieces(cleaned))

    def _pieces(self, text: str) -> Iterator[Piece]:
        # Han and kana of one name are in Latin letters all of them, or none: they stand for one another.
        broken = self._wide is not None and not all(self._has(c) for c in text if is_wide(c) and c.isalpha())
        at = 0
        for word in _WORD.finditer(text):
            yield from map(self._piece, text[at : word.start()])
            yield from self._word(word.group(), no_wide=broken)
            at = word.end()
        yield from map(self._piece, text[at:])

    def _word(self, word: str, *, no_wide: bool) -> list[Piece]:
        if no_wide and any(map(is_wide, word)):
            return [self._latin(c, capitals=False) if is_wide(c) else self._piece(c) for c in word]
        if rtl.ARABIC.search(word):
            shaped = rtl.shape(word, self._has)
            return [Piece(word, shaped, roman=False)] if shaped else self._consonants(word)
        capitals = len(word) > 1 and word.isupper()
        if _WHOLE.search(word):
            letters = [c for c in word if unicodedata.category(c) != "Mn"]
            if all(map(self._has, letters)):
                return [Piece(c, c, roman=False) for c in letters]
            if romanise.HEBREW.search(word):
                return self._consonants(word)
            return [self._latin(c, capitals=capitals) if _WHOLE.match(c) else self._piece(c) for c in word]
        if _VIETNAMESE.search(word) and not all(map(self._has, word)):
            return [self._latin(c, capitals=capitals) for c in word]
        return [self._piece(c) for c in word]

    def _consonants(self, word: str) -> list[Piece]:
        """A Hebrew or Arabic word in Latin letters."""
        vowels = romanise.vowels(word)
        latin = [self._latin(c, capitals=False) for c in word]
        return [piece._replace(text=vowels.get(at, piece.text)) for at, piece in enumerate(latin)]

    def _latin(self, character: str, *, capitals: bool) -> Piece:
        """Romanised although a page may have it."""
        text = self._plain(character)
        return Piece(character, text.upper() if capitals else text, roman=romanise.has_no_case(character))

    def _piece(self, character: str) -> Piece:
        found = self._known.get(character)
        if found is None:
            if len(self._known) >= _MAX_CACHED:
                self._known.clear()
            found = self._known[character] = self._spell(character)
        return found

    def _has(self, character: str) -> bool:
        if " " <= character <= "~" or character in self._all:
            return True
        if self._wide is not None and self._wide.has(character):
            return True
        return self._drawn is not None and self._drawn(character)

    def _spell(self, character: str) -> Piece:
        if self._has(character):
            return Piece(character, character, roman=False)
        if character in _LIKE and self._has(_LIKE[character]):
            return Piece(character, _LIKE[character], roman=False)
        parts = [c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c) != "Mn"]
        if parts and parts != [character] and all(map(self._has, parts)):
            return Piece(character, "".join(parts), roman=False)
        whole = unicodedata.normalize("NFKC", character)  # halfwidth kana, where only the full width can be printed
        if whole != character and all(map(self._has, whole)):
            return Piece(character, whole, roman=False)
        return Piece(character, self._plain(character), roman=romanise.has_no_case(character))

    @staticmethod
    def _plain(character: str) -> str:
        if " " <= character <= "~":
            return character
        roman = romanise.spell(character)
        return f"[{ord(character):04X}]" if roman is None else roman

    def encode(self, text: str, page: int | None) -> Iterator[tuple[int | None, bytes]]:
        """Runs of bytes of a transliterated `text`, each with the page it needs (None: any page, it is ASCII or a run of wide
        characters that brings its own commands).

        Args:
            page: the page now selected in the printer; it is kept as long as it has the character.

        Raises:
            ValueError: a character that `transliterate` would have replaced.
        """
        for is_double, part in self._parts(text):
            if is_double and self._wide is not None:
                yield None, self._wide.encode(part)
                continue
            for needed, run in self._runs(part, page):
                page = page if needed is None else needed
                yield needed, run

    def _parts(self, text: str) -> Iterator[tuple[bool, str]]:
        if self._wide is None or text.isascii():
            if text:
                yield False, text
            return
        for double, characters in groupby(text, is_wide):
            yield double, "".join(characters)

    def _runs(self, text: str, page: int | None) -> Iterator[tuple[int | None, bytes]]:
        if text.isascii() and text.isprintable():  # most lines
            yield None, text.encode("ascii")
            return
        run = bytearray()
        run_page: int | None = None
        for character in text:
            if " " <= character <= "~":
                run.append(ord(character))
                continue
            byte, needed = self._place(character, page)
            if needed != page:
                if run:
                    yield run_page, bytes(run)
                    run = bytearray()
                page = needed
            run_page = needed
            run.append(byte)
        if run:
            yield run_page, bytes(run)

    def _place(self, character: str, page: int | None) -> tuple[int, int]:
        chosen: tuple[int, int] | None = None
        for number, table in self._tables:
            byte = table.get(character)
            if byte is not None and number == page:
                return byte, number
            if byte is not None and chosen is None:
                chosen = byte, number
        if chosen is None:
            raise ValueError(f"no page has {character!r}: the text was not transliterated for this model")
        return chosen


def wrap(text: str, width: int, hang: int = 0) -> list[str]:
    """Lines of at most `width` cells in the order of printing, broken at spaces and between wide characters, a longer word
    anywhere; at least one line.

    Indentation of the text, and `hang` cells more, begin each continuation line, as far as that leaves half of the width.
    """
    width = max(1, width)
    text = text.rstrip()
    indent = min(len(text) - len(text.lstrip()) + hang, width // 2)
    lines = []
    rest, lead = text, ""
    while len(lead) + cells(rest) > width:
        most = _fits(rest, width - len(lead))
        at = _break(rest, most)
        head = rest[:at].rstrip() if at > 0 else ""
        if not head.strip():
            at, head = most, rest[:most]
        lines.append(rtl.visual(lead + head))
        rest, lead = rest[at:].lstrip(), " " * indent
    lines.append(rtl.visual(lead + rest) if rest else "")
    return lines if rest or len(lines) == 1 else lines[:-1]


def _fits(text: str, room: int) -> int:
    """How many characters of `text` fit into `room` cells; at least one."""
    if cells(text[:room]) <= room:
        return min(len(text), max(1, room))
    used = 0
    for at, character in enumerate(text):
        used += 2 if is_wide(character) else 1
        if used > room:
            return max(1, at)
    return len(text)


def _break(text: str, most: int) -> int:
    """The last place up to `most` where a line may end: at a space, or beside a wide character that may stand there."""
    space = text.rfind(" ", 0, most + 1)
    for at in range(min(most, len(text) - 1), max(space, 0), -1):
        if (is_wide(text[at]) or is_wide(text[at - 1])) and text[at] not in _NOT_FIRST and text[at - 1] not in _NOT_LAST:
            return at
    return space


def columns(left: str, right: str, width: int, hang: int = 0) -> list[str]:
    """`left` wrapped, `right` (a price) ending at the right edge of its last line; on lines of its own where `left` would
    have no room beside it, or where only that keeps a word whole."""
    right = right.strip()
    room = width - cells(right) - 1
    if not right:
        return wrap(left, width, hang)
    longest = _longest(left)
    if room < max(4, width // 4) or room < longest <= width:
        return [*wrap(left, width, hang), *(" " * (width - cells(part)) + part for part in wrap(right, width))]
    lines = wrap(left, room, hang)
    lines[-1] += " " * (width - cells(lines[-1]) - cells(right)) + rtl.visual(right)
    return lines


def fitting_width(text: str, most: int, cells: int) -> int:
    """The largest multiple up to `most` at which the longest word of `text` fits into a line of `cells` normal cells; 1 where
    it does not even fit then."""
    longest = _longest(text)
    return next((times for times in range(most, 1, -1) if longest <= cells // times), 1)


def _longest(text: str) -> int:
    """Cells of the longest piece that a line can not be broken in: a word, or one wide character."""
    if text.isascii():
        return max(map(len, text.split()), default=0)
    pieces = (group for word in text.split() for group in groupby(word, is_wide))
    return max((2 if double else len(list(letters)) for double, letters in pieces), default=0)
