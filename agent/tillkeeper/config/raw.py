"""Reading the raw tables of a configuration whose form may be broken: what has the wrong type counts as missing here, `load`
reports it. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

Table = dict[str, Any]


class Report(Protocol):
    def __call__(self, path: tuple[str | int, ...], what: str, wrong: str = "", right: Iterable[str] = ()) -> None:
        """Note an error at `path`. `wrong` is the word that is wrong, `right` are the words that would be right."""


def table(document: Table, *path: str) -> Table:
    value: Any = document
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def tables(document: Table, *path: str) -> Iterator[tuple[str, Table]]:
    for name, value in table(document, *path).items():
        if isinstance(value, dict):
            yield name, value


def text(found: Table, key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""


def texts(found: Table, key: str) -> list[tuple[int, str]]:
    value = found.get(key)
    return [(at, item) for at, item in enumerate(value) if isinstance(item, str)] if isinstance(value, list) else []
