"""Letters of any script in ASCII, for what no code page of a printer has. Pure.

`anyascii` spells character by character; what it can not know is put right here: letters that it leaves out as silent,
kana that are read together with their neighbours, and spaces between the syllables of Han characters.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

from anyascii import anyascii

_LETTERS = {"ا": "a", "أ": "a", "إ": "i", "ٱ": "a", "ב": "b", "כ": "k", "ך": "k", "פ": "p", "ף": "p", "ש": "sh"}
"""In anyascii alef is silent or an apostrophe, and bet, kaf, pe and shin are v, kh, f and s: not what a reader expects."""
_MATRES = {"ו": "o", "י": "i", "و": "u", "ي": "i"}
"""Letters that are a consonant beside a vowel or at the beginning of a word, and a vowel between consonants."""
_ALEFS = tuple("اأإآٱא")
_FINAL_A = tuple("הةى")
HEBREW = re.compile("[\u05d0-\u05ea\ufb1d-\ufb4f]")
_UNKNOWN = ("CJK ", "CUNEIFORM ")
"""Scripts of which anyascii has only a part: there, an empty answer means that it does not know the character."""
_DOUBLING = frozenset("っッｯ")
_SMALL_Y = frozenset("ゃゅょャュョｬｭｮ")
_SMALL_VOWELS = frozenset("ぁぃぅぇぉァィゥェォｧｨｩｪｫ")


class Piece(NamedTuple):
    """One character as printed. `roman`: it was romanised from a script without cases (Han, kana, Arabic, Thai ...)."""

    source: str
    text: str
    roman: bool

    @property
    def syllable(self) -> bool:
        """Whether it stands for a Han character, a word or half of one."""
        return self.roman and self.text[:1].isupper()


def spell(character: str) -> str | None:
    """`character` in ASCII, "" where it is silent (a long vowel mark, a tone mark), None where nobody knows it."""
    if character in _LETTERS:
        return _LETTERS[character]
    roman = "".join(c for c in anyascii(character).replace("`", "'") if " " <= c <= "~")
    if "HANGUL" in (name := unicodedata.name(character, "")):
        return roman.lower()
    if roman or (unicodedata.category(character)[0] in "LM" and not name.startswith(_UNKNOWN)):
        return roman
    return None


def vowels(word: str) -> dict[int, str]:
    """Where in a Hebrew or Arabic `word` a letter stands for a vowel, and which: `חומוס` is homos and not hvmvs."""
    last = len(word) - 1
    found: dict[int, str] = {}
    for at in range(1, len(word)):
        after = word[at + 1 : at + 2]
        beside = word[at - 1] in _ALEFS or at - 1 in found or after in _ALEFS or (after in _FINAL_A and at + 1 == last)
        if word[at] in _MATRES and not beside:
            found[at] = _MATRES[word[at]]
        elif word[at] in _FINAL_A and at == last:
            found[at] = "a"
    return found


def has_no_case(character: str) -> bool:
    """Whether `character` belongs to a script without capitals (Unicode categories Lo, Lm and marks)."""
    return unicodedata.category(character) in ("Lo", "Lm", "Mn", "Mc")


def join(pieces: Iterable[Piece]) -> str:
    """The pieces as one text: `samon Wo ri`-like runs get their spaces, kana are read together."""
    out: list[str] = []
    last = Piece("", "", roman=False)
    for piece in pieces:
        text = _after_kana(out, last, piece) if piece.roman else piece.text
        if not text:
            if piece.source in _DOUBLING:
                last = piece
            continue
        if _apart(last, piece) and out[-1][-1:].isalnum() and text[0].isalnum():
            out.append(" ")
        out.append(text)
        last = piece
    return "".join(out)


def _apart(last: Piece, piece: Piece) -> bool:
    """Whether words part between the two: before a Han character, and between a caseless script and another one."""
    return bool(last.text) and (piece.syllable or last.roman != piece.roman)


def _after_kana(out: list[str], last: Piece, piece: Piece) -> str:
    """`piece` as read after `last`: small kana change the sound before them, a small tsu doubles the one after it."""
    text = piece.text
    if last.source in _DOUBLING and text[:1].isalpha() and text[0] not in "aeiou":
        out[-1] = "t" if text.startswith("ch") else text[0]
    before = out[-1] if out and last.roman else ""
    if piece.source in _SMALL_Y and len(before) > 1 and before.endswith("i"):
        out[-1] = before[:-1]
        return text[1:] if before in ("shi", "chi", "ji") else text
    if piece.source in _SMALL_VOWELS and len(before) > 1 and before[-1] in "aeiou":
        out[-1] = before[:-1]
    return text
