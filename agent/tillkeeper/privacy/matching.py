"""When a text about a person is the one that is looked for. Pure."""

import unicodedata

LEAST_DIGITS = 5
"""Of what may be a phone number."""
_BETWEEN = frozenset(" +-/().\u2010\u2011\u2012\u2013\u00a0")


def plain(text: str) -> str:
    """Without capitals, forms of the same letter, and spaces that mean nothing."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def phone(text: str) -> str:
    """The digits of a phone number; empty where it is none."""
    digits = "".join(character for character in text if character.isdecimal())
    others = {character for character in text if not character.isdecimal()}
    return digits if len(digits) >= LEAST_DIGITS and others <= _BETWEEN else ""


def fits(text: str, wanted: str, *, exact: bool) -> bool:
    """Whether `text` is, or without `exact` holds, what is `wanted`."""
    here, asked = plain(text), plain(wanted)
    number, dialled = phone(text), phone(wanted)
    if exact:
        return here == asked or bool(dialled and number == dialled)
    return asked in here or bool(dialled and dialled in number)
