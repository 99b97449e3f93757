"""Items of a kitchen ticket or change slip: what to do about each, in the words of the cook.

A VOID repeats quantity, name and modifiers to the letter, as the ticket had them: whoever strikes it out compares.
"""

from collections.abc import Iterator

from tillkeeper.layouts.fields import Sheet
from tillkeeper.layouts.model import Element, option, times
from tillkeeper.spool.model import TicketData, TicketLine, WasBefore
from tillkeeper_drivers.api import Block, Rule, Text

_COURSE_RULE = "="
_INDENT = "   "
_HANG = 4
"""Where a long name goes on: in the next line, under the name and not under the quantity."""


def change(element: Element, sheet: Sheet, data: TicketData) -> list[Block]:
    """A later ticket says that it is one: only what is new, or changes to what the kitchen has."""
    altered = any(item.action != "add" for item in data.items)
    if not altered and data.revision <= 1:
        return []
    word = sheet.language.word("ticket.slip_change" if altered else "ticket.slip_addition")
    return [
        Text(
            f"*** {word} ***",
            align=option(element, "align") or "left",
            width=times(element, "width"),
            height=times(element, "height") if altered else 1,
            bold=bool(option(element, "bold")),
            invert=bool(option(element, "invert")),
            colour=option(element, "colour") or ("red" if altered else "black"),
        )
    ]


def items(element: Element, sheet: Sheet, data: TicketData) -> list[Block]:
    """All items, courses apart where there are several."""
    said: list[Block] = []
    many_courses = len({item.course for item in data.items}) > 1
    course = None
    # Stable: within a course the ticket's own order stays.
    for item in sorted(data.items, key=lambda item: item.course):
        if item.course != course and (many_courses or item.course > 1):
            heading = sheet.language.word("ticket.course", course=str(item.course))
            said += [Rule(_COURSE_RULE)] if course is not None else []
            said.append(Text(heading, align="centre", bold=True))
        course = item.course
        said += _item(element, sheet, item, addition=data.revision > 1)
    return said


def _item(element: Element, sheet: Sheet, item: TicketLine, *, addition: bool) -> Iterator[Block]:
    language = sheet.language
    action = {"void": "ticket.void", "modify": "ticket.changed"}.get(item.action, "ticket.add" if addition else "")
    word = f"{language.word(action)} " if action else ""
    seat = "  " + language.word("ticket.seat", seat=str(item.seat)) if item.seat is not None else ""
    yield Text(
        f"{word}{item.quantity} x {item.name}{seat}",
        width=times(element, "width"),
        height=times(element, "height"),
        bold=bool(option(element, "bold")),
        colour="red" if item.action in ("void", "modify") else "black",
        hang=_HANG,
    )
    if item.order_type:
        yield Text(f"{_INDENT}*** {language.order_type(item.order_type)} ***", bold=True)
    for modifier in item.modifiers:
        yield Text(
            f"{_INDENT}{modifier}",
            width=times(element, "modifier_width"),
            height=times(element, "modifier_height"),
            bold=bool(option(element, "modifier_bold")),
        )
    if item.note:
        yield Text(
            _INDENT + language.word("ticket.note", note=item.note),
            width=times(element, "modifier_width"),
            height=times(element, "modifier_height"),
            bold=True,
        )
    if item.previous_quantity is not None and item.previous_quantity != item.quantity:
        yield Text(_INDENT + language.word("ticket.was", was=f"{item.previous_quantity} x"))
    for was in item.was:
        yield Text(_INDENT + language.word("ticket.was", was=was_before(sheet, was)))


def was_before(sheet: Sheet, was: WasBefore | str) -> str:
    """What the kitchen was told before, in the sheet's words."""
    if isinstance(was, str):
        return was
    language, text = sheet.language, was.text
    match was.kind:
        case "modifiers":
            return text or language.word("ticket.plain")
        case "note":
            return text or language.word("ticket.no_note")
        case "seat":
            return language.word("ticket.seat", seat=text) if text else language.word("ticket.no_seat")
        case "course":
            return language.word("ticket.course", course=text)
        case "order_type":
            return language.order_type(text)
        case _:
            return text
