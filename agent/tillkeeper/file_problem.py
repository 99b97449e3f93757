"""What is wrong in a file that a person wrote, and the word that may have been meant."""

import difflib
from collections.abc import Iterable

import msgspec


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """One error. `line` counts from 1, 0 is the whole file, or one whose form has no lines to name; `where` is the dotted key;
    `nearest` the right word, or empty."""

    file: str
    line: int
    where: str
    what: str
    nearest: str = ""

    def __str__(self) -> str:
        place = (f"{self.file}:{self.line}: " if self.line else f"{self.file}: ") + (f"{self.where}: " if self.where else "")
        return place + self.what + (f" (did you mean {self.nearest!r}?)" if self.nearest else "")


def alike(wrong: str, known: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """Those of `known` that look like `wrong`, best first; capitals do not count."""
    by_lower = {name.lower(): name for name in known}
    return tuple(by_lower[match] for match in difflib.get_close_matches(wrong.lower(), by_lower, n=most, cutoff=0.6))


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The one of `known` that looks most like `wrong`, or an empty text where none comes near."""
    return next(iter(alike(wrong, known, 1)), "")
