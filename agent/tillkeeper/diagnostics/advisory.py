"""What an advisory is."""

from collections.abc import Callable, Iterator

import msgspec

from tillkeeper.contract.views import Severity
from tillkeeper.diagnostics.facts import Facts


class Found(msgspec.Struct, frozen=True):
    """One instance of an advisory: the words that fill its text, and what it is about. `hint` instead of the advisory's own."""

    words: dict[str, str | int] = {}
    subject: str = ""
    hint: str = ""


class Advisory(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is a template for the words of what `find` finds."""

    code: str
    severity: Severity
    title: str
    text: str
    hint: str
    find: Callable[[Facts], Iterator[Found]]
