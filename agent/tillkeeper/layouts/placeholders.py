"""Texts with placeholders: `{table}` is a field of the document, `{word.ticket.table}` a phrase of the reader's language.

A phrase or text of which every field is empty is empty: nobody reads "Table" without a table. What a field holds is never
read as a placeholder again, so that a guest called `{note}` stays one.
"""

import re
from collections.abc import Iterator, Mapping

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
WORD = "word."


def names(text: str) -> Iterator[str]:
    """The placeholders of `text`, words included. A brace that belongs to none is yielded as it is ("{")."""
    for piece in _PIECE.finditer(text):
        if piece[0] not in ("{{", "}}"):
            yield piece[1] if piece[1] is not None else piece[0]


def fill(text: str, fields: Mapping[str, str], words: Mapping[str, str] | None = None) -> str:
    """`text` with its placeholders replaced; empty where all of them are. An unknown one is empty.

    Args:
        fields: the document's, by name.
        words: phrases by key (`ticket.table`), with placeholders of their own; None: `text` is itself a phrase.
    """
    asked = filled = False

    def put(piece: re.Match[str]) -> str:
        nonlocal asked, filled
        if piece[1] is None:
            return piece[0][0]
        name = piece[1]
        if words is not None and name.startswith(WORD):
            value = fill(words.get(name.removeprefix(WORD), ""), fields)
        else:
            value = fields.get(name, "")
        asked = True
        filled = filled or bool(value)
        return value

    done = _PIECE.sub(put, text)
    return done if filled or not asked else ""
