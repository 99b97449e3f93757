"""What must hold in a layout, and what no layout may leave out.

A mark, the training banner, the order type of a kitchen ticket, an item, a total or an allergy note that does not come
out of the printer costs more than a pretty page is worth: a layout without them is refused.
"""

from collections.abc import Iterable, Iterator

from tillkeeper.config.raw import Report
from tillkeeper.layouts import placeholders
from tillkeeper.layouts.fields import known
from tillkeeper.layouts.model import (
    DOCUMENTS,
    MAX_ELEMENTS,
    OPTIONS,
    RECEIPTS,
    REPORTS,
    TICKETS,
    Element,
    Kind,
    Layout,
    area,
    belongs,
    times,
)
from tillkeeper.layouts.placeholders import WORD

_CONDITIONS = ("when", "unless")
_TEXTS = ("text", "right")
_UNSEEN: frozenset[Kind] = frozenset({"feed", "rule"})
"""Elements without a word: they may stand before what has to be read first."""
_ONCE: dict[str, tuple[Kind, ...]] = {
    **dict.fromkeys(RECEIPTS, ("title", "lines", "totals", "taxes", "payments")),
    **dict.fromkeys(TICKETS, ("order_type", "change", "items")),
    **dict.fromkeys(REPORTS, ("title", "lines")),
}
_FIELDS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(RECEIPTS, ("check_id", "date", "time")),
    **dict.fromkeys(TICKETS, ("note",)),
    **dict.fromkeys(REPORTS, ("drawer", "date", "time")),
    "day_report": ("business_day", "date", "time"),
    "test_slip": ("device",),
}
"""Fields that have to stand in a text that is always printed; `ticket_code` may be an element of its own."""


def check(layout: Layout, words: dict[str, str], report: Report) -> None:
    """Report each rule that `layout` breaks.

    Args:
        layout: of the right form.
        words: all keys of the language files, with the English phrases.
    """
    if not 1 <= len(layout.elements) <= MAX_ELEMENTS:
        report(("elements",), f"a layout has 1 to {MAX_ELEMENTS} elements, not {len(layout.elements)}")
    for at, element in enumerate(layout.elements):
        _element(layout, at, element, words, report)
    _marks(layout, report)
    _banners(layout, report)
    _required(layout, words, report)
    if layout.document in TICKETS:
        _order_type(layout, report)


def _element(layout: Layout, at: int, element: Element, words: dict[str, str], report: Report) -> None:
    path, kind = ("elements", at), element.element
    if layout.document not in belongs(kind):
        right = ", ".join(sorted(belongs(kind), key=DOCUMENTS.index))
        report((*path, "element"), f"{kind!r} means nothing in a {layout.document}; it belongs to {right}")
        return
    for name in _given(element) - OPTIONS[kind] - {"element"}:
        report((*path, name), f"{name!r} means nothing for {kind!r}", name, OPTIONS[kind])
    if kind in ("text", "qr") and not element.text:
        report(path, f"{kind!r} needs a 'text'")
    if kind == "row" and not element.text and not element.right:
        report(path, "'row' needs a 'text' or a 'right'")
    fields = known(layout.document)
    for name in _CONDITIONS:
        field = getattr(element, name)
        if field and field not in fields:
            report((*path, name), f"a {layout.document} has no field {field!r}", field, fields)
    for name in _TEXTS:
        _text((*path, name), getattr(element, name), layout, words, report)
    if not element.character.isprintable():
        report((*path, "character"), "a rule is drawn with a character that can be seen")


def _given(element: Element) -> set[str]:
    plain = Element(element=element.element)
    return {name for name in element.__struct_fields__ if getattr(element, name) != getattr(plain, name)}


def _text(path: tuple[str | int, ...], text: str, layout: Layout, words: dict[str, str], report: Report) -> None:
    fields = known(layout.document)
    if any(not character.isprintable() for character in text):
        report(path, "a text is one line without control characters")
    for name in placeholders.names(text):
        if name in ("{", "}"):
            report(path, f"a lone {name!r}: write it twice to print one")
        elif name.startswith(WORD):
            _word(path, name.removeprefix(WORD), layout, words, report)
        elif name not in fields:
            report(path, f"a {layout.document} has no field {{{name}}}", name, [*fields, *(WORD + key for key in words)])


def _word(path: tuple[str | int, ...], key: str, layout: Layout, words: dict[str, str], report: Report) -> None:
    if key not in words:
        report(path, f"no word {{{WORD}{key}}}", WORD + key, [WORD + other for other in words])
    elif foreign := [name for name in placeholders.names(words[key]) if name not in known(layout.document)]:
        report(path, f"{{{WORD}{key}}} speaks of {foreign[0]!r}, which a {layout.document} does not have")


def _marks(layout: Layout, report: Report) -> None:
    places = _places(layout, "marks")
    if len(places) != 1 or _first_seen(layout) != places[0]:
        report(
            ("elements", places[-1] if places else 0) if layout.elements else ("elements",),
            "'marks' has to be the first element, once: POSSIBLE DUPLICATE, COPY and REROUTED are read before anything else",
        )
    for at in places:
        if times(layout.elements[at], "height") < 2:
            report(("elements", at, "height"), "'marks' are at least twice as high as normal letters")


def _first_seen(layout: Layout) -> int:
    return next((at for at, element in enumerate(layout.elements) if element.element not in _UNSEEN), -1)


def _banners(layout: Layout, report: Report) -> None:
    """At the top, below the marks, and at the end: a piece torn off at either end still says what it is."""
    places = _places(layout, "training_banner")
    seen = [at for at, element in enumerate(layout.elements) if element.element not in _UNSEEN]
    if len(places) < 2 or len(seen) < 2 or places[0] != seen[1] or places[-1] != seen[-1]:
        path = ("elements", places[0]) if places else ("elements",)
        report(path, "'training_banner' has to stand twice: right after 'marks', and as the last that is printed")
    for at in places:
        if times(layout.elements[at], "height") < 2:
            report(("elements", at, "height"), "'training_banner' is at least twice as high as normal letters")


def _required(layout: Layout, words: dict[str, str], report: Report) -> None:
    for kind in _ONCE.get(layout.document, ()):
        places = _places(layout, kind)
        if len(places) != 1:
            what = "has to be there" if not places else "stands here a second time"
            report(("elements", places[-1]) if places else ("elements",), f"{kind!r} {what} in a {layout.document}")
    always = [*_FIELDS[layout.document], *(("ticket_code",) if layout.document in RECEIPTS | TICKETS else ())]
    for field in always:
        if not _fields_at(layout, field, words) and not any(e.element == field for e in layout.elements):
            report(("elements",), f"a {layout.document} has to have {{{field}}} in a text that is always printed")


def _fields_at(layout: Layout, field: str, words: dict[str, str]) -> list[int]:
    """Elements without a condition that print `field`, themselves or in a phrase. A condition on the field itself is none."""
    return [
        at
        for at, element in enumerate(layout.elements)
        if field in _all_names(element, words) and not element.unless and element.when in ("", field)
    ]


def _all_names(element: Element, words: dict[str, str]) -> Iterator[str]:
    if element.element not in ("text", "row", "qr"):
        return
    for name in placeholders.names(element.text + element.right):
        yield name
        if name.startswith(WORD):
            yield from placeholders.names(words.get(name.removeprefix(WORD), ""))


def _order_type(layout: Layout, report: Report) -> None:
    places = _places(layout, "order_type")
    if not places:
        return
    at, own = places[0], area(layout.elements[places[0]])
    before = [e for e in layout.elements[:at] if e.element not in ("marks", "training_banner", *_UNSEEN)]
    if before:
        report(("elements", at), f"'order_type' comes first, before {before[0].element!r}: a cook packs or plates by it")
    for other, element in _sizes(layout):
        if other != at and element >= own:
            what = f"'order_type' has to be the largest: {layout.elements[other].element!r} has {element} times, it has {own}"
            report(("elements", other), what)


def _sizes(layout: Layout) -> Iterator[tuple[int, int]]:
    for at, element in enumerate(layout.elements):
        modifier = times(element, "modifier_width") * times(element, "modifier_height")
        yield at, max(area(element), modifier)


def _places(layout: Layout, kind: Kind) -> list[int]:
    return [at for at, element in enumerate(layout.elements) if element.element == kind]


def fields_always_printed(layout: Layout, wanted: Iterable[str], words: dict[str, str]) -> list[str]:
    """Those of `wanted` that no text of the layout prints without a condition of another field."""
    return [
        field
        for field in wanted
        if not any(field in _all_names(element, words) for element in layout.elements if element.when in ("", field, "copy"))
    ]
