"""Markup by functions: whatever is not `Html` is text and comes out as text, whoever wrote it. Pure."""

import html
import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias
from urllib.parse import urlencode


class Html(str):
    """Markup, safe as it is."""

    __slots__ = ()


Child: TypeAlias = "str | int | Iterable[Child] | None"

_VOID = frozenset({"input", "link", "meta", "br", "hr"})
# Controls, and what turns the direction of text around: a name must not rearrange the page around it.
_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def text(value: str) -> Html:
    """Escaped; what cannot be seen is written out."""
    return Html(html.escape(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", value), quote=True))


def el(tag: str, *children: Child, **attributes: str | int | bool | None) -> Html:
    """`class_="x"` is `class`, `data_label` is `data-label`. An attribute that is True stands alone; None and False: none."""
    written = ""
    for name, value in attributes.items():
        if value is None or value is False:
            continue
        plain = name.rstrip("_").replace("_", "-")
        written += f" {plain}" if value is True else f' {plain}="{text(str(value))}"'
    if tag in _VOID:
        return Html(f"<{tag}{written}>")
    return Html(f"<{tag}{written}>{join(children)}</{tag}>")


def join(children: Iterable[Child]) -> Html:
    return Html("".join(_child(child) for child in children))


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    if isinstance(child, (str, int)):
        return text(str(child))
    return join(child)


def link(words: Child, path: str, class_: str | None = None, **query: str | int) -> Html:
    return el("a", words, href=url(path, **query), class_=class_)


def url(path: str, **query: str | int) -> str:
    """`path` is ours; what is in `query` may be anybody's. Empty values are left out."""
    kept = {name: value for name, value in query.items() if value != ""}
    return f"{path}?{urlencode(kept, errors='replace')}" if kept else path


class Column:
    """`numeric`: right-aligned. `lead`: the row's name, written large on a phone."""

    def __init__(self, words: str, *, numeric: bool = False, lead: bool = False) -> None:
        self.words, self.numeric, self.lead = words, numeric, lead


def table(
    caption: str, columns: Sequence[Column], rows: Iterable[Sequence[Child]], foot: Iterable[Sequence[Child]] = ()
) -> Html:
    """On a phone each row becomes a card, and each cell says its column. Roles keep it a table for a screen reader."""

    def cells(row: Sequence[Child]) -> Iterable[Html]:
        for column, cell in zip(columns, row, strict=True):
            kind = " ".join(name for name, on in (("num", column.numeric), ("lead", column.lead)) if on)
            yield el("td", cell, role="cell", class_=kind or None, data_label=column.words)

    heads = [el("th", one.words, role="columnheader", scope="col", class_="num" if one.numeric else None) for one in columns]
    body = [el("tr", *cells(row), role="row") for row in rows]
    last = [el("tr", *cells(row), role="row") for row in foot]
    return el(
        "table",
        el("caption", caption, class_="visually-hidden"),
        el("thead", el("tr", *heads, role="row"), role="rowgroup"),
        el("tbody", *body, role="rowgroup"),
        el("tfoot", *last, role="rowgroup") if last else None,
        role="table",
    )


def facts(*pairs: tuple[str, Child], narrow: bool = False) -> Html:
    """`narrow`: short values, which stand closer."""
    made = (el("div", el("dt", words), el("dd", value)) for words, value in pairs)
    return el("dl", *made, class_="facts figures" if narrow else "facts")


def badge(words: Child, kind: str) -> Html:
    """`kind`: good, warn, bad, info or plain."""
    return el("span", words, class_=f"badge {kind}")


def banner(kind: str, *words: Child) -> Html:
    return el("div", *words, class_=f"banner {kind}", role="status")


def field(words: str, name: str, value: str = "", *, hint: str = "", **attributes: str | int | bool | None) -> Html:
    attributes = {"type": "text", **attributes}
    small = el("span", hint, class_="hint") if hint else None
    return el("label", el("span", words), el("input", name=name, value=value or None, **attributes), small, class_="field")


def choice(words: str, name: str, options: Iterable[tuple[str, str]], chosen: str) -> Html:
    """`options`: (value, words)."""
    made = (el("option", label, value=value, selected=value == chosen) for value, label in options)
    return el("label", el("span", words), el("select", *made, name=name), class_="field")
