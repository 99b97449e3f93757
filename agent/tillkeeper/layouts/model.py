"""A layout as types: which elements there are, in which documents, with which options."""

from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta

from tillkeeper_drivers.api import Align, Colour

DocumentName = Literal[
    "receipt", "refund_receipt", "kitchen_ticket", "change_slip", "test_slip", "x_report", "z_report", "day_report"
]  # fmt: skip
DOCUMENTS: tuple[DocumentName, ...] = get_args(DocumentName)
RECEIPTS: frozenset[str] = frozenset({"receipt", "refund_receipt"})
TICKETS: frozenset[str] = frozenset({"kitchen_ticket", "change_slip"})
REPORTS: frozenset[str] = frozenset({"x_report", "z_report", "day_report"})

Kind = Literal[
    "marks", "training_banner", "text", "row", "rule", "feed", "qr", "logo", "header", "footer",
    "title", "order_type", "ticket_code", "change", "items", "lines", "totals", "taxes", "payments",
]  # fmt: skip
Times = Annotated[int, Meta(ge=1, le=8)]
Words = Annotated[str, Meta(max_length=500)]

MAX_ELEMENTS = 100


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One piece of a document. None: the default of its kind (`DEFAULTS`), else 1 and false.

    `text` and `right` may hold placeholders. `when` and `unless` name one: the element is printed only where that is not
    empty, or only where it is."""

    element: Kind
    text: Words = ""
    right: Words = ""
    when: str = ""
    unless: str = ""
    align: Align | None = None
    width: Times | None = None
    height: Times | None = None
    bold: bool | None = None
    invert: bool | None = None
    colour: Colour | None = None
    modifier_width: Times | None = None
    modifier_height: Times | None = None
    modifier_bold: bool | None = None
    lines: Annotated[int, Meta(ge=0, le=20)] = 1
    character: Annotated[str, Meta(min_length=1, max_length=1)] = "-"
    module_dots: Annotated[int, Meta(ge=1, le=16)] = 5


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`document`: what it sets; `elements` from top to bottom."""

    document: DocumentName
    elements: tuple[Element, ...]


_STYLE = frozenset({"align", "width", "height", "bold", "invert", "colour"})
_COLUMNS = frozenset({"width", "height", "bold"})
_CONDITION = frozenset({"when", "unless"})
_MODIFIERS = frozenset({"modifier_width", "modifier_height", "modifier_bold"})

OPTIONS: dict[Kind, frozenset[str]] = {
    "marks": frozenset({"width", "height"}),
    "training_banner": frozenset({"width", "height"}),
    "text": _STYLE | _CONDITION | {"text"},
    "row": _COLUMNS | _CONDITION | {"text", "right"},
    "rule": frozenset({"character"}) | _CONDITION,
    "feed": frozenset({"lines"}),
    "qr": frozenset({"text", "module_dots"}) | _CONDITION,
    "logo": _CONDITION,
    "header": _STYLE,
    "footer": _STYLE,
    "title": _STYLE,
    "order_type": _STYLE,
    "ticket_code": _STYLE,
    "change": _STYLE,
    "items": _COLUMNS | _MODIFIERS,
    "lines": _COLUMNS,
    "totals": _COLUMNS,
    "taxes": _COLUMNS,
    "payments": _COLUMNS,
}
"""Which options mean something, by kind of element."""

DEFAULTS: dict[Kind, dict[str, Any]] = {
    "marks": {"height": 2},
    "training_banner": {"width": 2, "height": 2},
    "items": {"height": 2, "bold": True, "modifier_height": 2},
    "totals": {"height": 2, "bold": True},
    "payments": {"height": 2, "bold": True},
    "change": {"height": 2, "bold": True},
}
"""For `totals` and `payments` size and weight are those of the rows that count (total, change, due)."""

_ANYWHERE: frozenset[str] = frozenset(DOCUMENTS)
BELONGS: dict[Kind, frozenset[str]] = {
    "qr": RECEIPTS,
    "logo": RECEIPTS,
    "title": RECEIPTS | REPORTS,
    "order_type": RECEIPTS | TICKETS,
    "ticket_code": RECEIPTS | TICKETS,
    "change": TICKETS,
    "items": TICKETS,
    "lines": RECEIPTS | REPORTS,
    "totals": RECEIPTS,
    "taxes": RECEIPTS,
    "payments": RECEIPTS,
}
"""The documents that a kind of element is for; all, where it is not listed."""


def belongs(kind: Kind) -> frozenset[str]:
    return BELONGS.get(kind, _ANYWHERE)


def option(element: Element, name: str) -> Any:
    """The option's value: as given, the default of the kind, or None."""
    given = getattr(element, name)
    return DEFAULTS.get(element.element, {}).get(name) if given is None else given


def times(element: Element, name: str) -> int:
    """A size: 1 where nobody says otherwise."""
    return int(option(element, name) or 1)


def area(element: Element) -> int:
    """How large the element's letters are: width x height."""
    return times(element, "width") * times(element, "height")
