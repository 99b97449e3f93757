"""Hebrew and Arabic on a printer that sets one cell after the other from left to right. Pure.

Arabic letters take the form that their neighbours ask for (Unicode Standard, section 9.2, and the presentation forms of the
Unicode Character Database); each finished line is then put into the order in which it is seen (Unicode Standard Annex 9, by
python-bidi): digits, prices and Latin words inside keep theirs.
"""

import functools
import re
import unicodedata
from collections.abc import Callable

ARABIC = re.compile("[\u0620-\u064a\u066e-\u06d3\ufb50-\ufbff\ufe80-\ufefc]")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
_FRAME = re.compile(r"(?:[A-Za-z ]*\b\d+ x |[ +*-]*(?:\d+ )?)")

_Forms = dict[str, str]
_FALLBACK: dict[str, tuple[str, ...]] = {
    "isolated": ("isolated", "final"),
    "final": ("final", "isolated"),
    "initial": ("initial", "medial", "isolated"),
    "medial": ("medial", "initial", "isolated", "final"),
}
"""Which form stands in for one that a page does not have: pages of 128 characters give most letters two forms of the four."""
_PLAINER = {"\u0625": "\u0627", "\u0671": "\u0627", "\u06cc": "\u064a", "\u06a9": "\u0643"}
"""What a reader takes for the same letter: alef without its hamza below, and the Persian yeh and kaf."""
_LAM = "\u0644"


@functools.cache
def _forms() -> dict[str, _Forms]:
    """Letter, or lam and alef -> name of a form -> presentation form (U+FE80-FEFC, with their compatibility decompositions)."""
    found: dict[str, _Forms] = {}
    for code in range(0xFE80, 0xFEFD):
        kind, _, letters = unicodedata.decomposition(chr(code)).partition(" ")
        if letters:
            base = "".join(chr(int(part, 16)) for part in letters.split())
            found.setdefault(base, {})[kind.strip("<>")] = chr(code)
    return found


def shape(word: str, has: Callable[[str], bool]) -> str | None:
    """`word` in presentation forms, still in the order of reading; None where `has` knows no form of one of its letters.

    Vowel marks are left out, as in print; a tatweel is kept where it can be printed.
    """
    letters = [c for c in unicodedata.normalize("NFKC", word) if unicodedata.category(c) != "Mn"]
    letters = [_PLAINER.get(c, c) if not _first(c, "isolated", has) else c for c in letters]
    units = _ligatures(letters, has)
    out = []
    for at, unit in enumerate(units):
        before = at > 0 and _joins_on(units[at - 1]) and _joins_back(unit)
        after = at + 1 < len(units) and _joins_on(unit) and _joins_back(units[at + 1])
        wanted = ("medial" if after else "final") if before else ("initial" if after else "isolated")
        form = _first(unit, wanted, has)
        if form is None:
            return None
        out.append(form)
    return "".join(out)


def _ligatures(letters: list[str], has: Callable[[str], bool]) -> list[str]:
    """Lam before alef is one letter in every Arabic type; apart they would read as a mistake."""
    units: list[str] = []
    for letter in letters:
        pair = _LAM + letter
        if units and units[-1] == _LAM and pair in _forms() and _first(pair, "isolated", has):
            units[-1] = pair
        else:
            units.append(letter)
    return units


def _first(unit: str, wanted: str, has: Callable[[str], bool]) -> str | None:
    forms = _forms().get(unit)
    if forms is None:
        return unit if len(unit) == 1 and has(unit) else None
    return next((forms[name] for name in _FALLBACK[wanted] if name in forms and has(forms[name])), None)


def _joins_on(unit: str) -> bool:
    """Whether a letter is joined to the one after it: it has an initial form (alef, dal, reh, waw have none)."""
    return unit == "\u0640" or "initial" in _forms().get(unit, {})


def _joins_back(unit: str) -> bool:
    return unit == "\u0640" or "final" in _forms().get(unit, {})


def visual(line: str) -> str:
    """`line` in the order in which it is printed, cell after cell. Lines without such letters are returned as they are.

    What begins with one is read from the right, behind the frame that a ticket sets before a name (`2 x`, `VOID 1 x`, `+`); any
    other line is read from the left, its Hebrew or Arabic words from the right.
    """
    if line.isascii() or not _RIGHT_TO_LEFT.search(line):
        return line
    from bidi import get_display  # 31 ms and 2 MB, only where such a letter is printed

    frame = _FRAME.match(line)
    lead = frame.group() if frame and _RIGHT_TO_LEFT.match(line[frame.end() :]) else line[: len(line) - len(line.lstrip(" "))]
    body = line[len(lead) :].rstrip(" ")
    ordered: str = get_display(body, base_dir="R" if _RIGHT_TO_LEFT.match(body) else "L")
    return lead + _mirrored(ordered) + line[len(lead) + len(body) :]


_CLOSING = {")": "(", "]": "[", "}": "{"}
_OTHER = _CLOSING | {opening: closing for closing, opening in _CLOSING.items()}


def _mirrored(line: str) -> str:
    """Brackets of right-to-left words turned round (Annex 9, rule L4, which python-bidi leaves to whoever draws).

    Rule N0 gives both brackets of a pair one direction: a pair that closes before it opens is read from the right. A lone one
    is where all the letters next to it are.
    """
    out = list(line)
    lone: dict[str, list[int]] = {opening: [] for opening in _CLOSING.values()}
    opened: dict[str, list[int]] = {opening: [] for opening in _CLOSING.values()}
    for at, character in enumerate(line):
        if character in opened:
            if lone[character]:
                before = lone[character].pop()
                out[before], out[at] = character, _OTHER[character]
            else:
                opened[character].append(at)
        elif character in _CLOSING:
            kind = _CLOSING[character]
            if opened[kind]:
                opened[kind].pop()
            else:
                lone[kind].append(at)
    for at in [place for places in (*lone.values(), *opened.values()) for place in places]:
        letters = [c for c in (_letter(line[at::-1]), _letter(line[at:])) if c]
        if letters and all(map(_RIGHT_TO_LEFT.match, letters)):
            out[at] = _OTHER[line[at]]
    return "".join(out)


def _letter(text: str) -> str:
    """The first letter or digit of `text`; empty where there is none."""
    return next((c for c in text if c.isalnum()), "")
