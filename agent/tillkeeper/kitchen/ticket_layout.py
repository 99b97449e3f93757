"""A kitchen ticket or change slip on paper.

Read from two metres, in a hurry: marks first, then the order type, largest of all, the code, and the items with what to
do about each.
"""

from collections.abc import Mapping

from tillkeeper.config.model import Config
from tillkeeper.kitchen.local_time import local_text
from tillkeeper.kitchen.words import order_type_words
from tillkeeper.spool.model import TicketData, TicketLine
from tillkeeper_drivers.api import Block, Columns, Feed, Rule, Text

_COURSE_RULE = "="


def blocks(data: TicketData, marks: tuple[str, ...], config: Config, personal: Mapping[str, str]) -> tuple[Block, ...]:
    """See `layout.print_document`."""
    return (
        *mark_blocks(marks),
        Text(order_type_words(data.order_type), align="centre", width=3, height=3, bold=True),
        *_head(data, config, personal),
        Rule(),
        *_items(data),
        Rule(),
        Feed(1),
    )


def mark_blocks(marks: tuple[str, ...]) -> tuple[Block, ...]:
    """Marks stand above everything, in double height, white on black."""
    return tuple(Text(f" {mark} ", align="centre", height=2, bold=True, invert=True) for mark in marks)


def _head(data: TicketData, config: Config, personal: Mapping[str, str]) -> list[Block]:
    station = config.stations.get(data.station)
    title = station.title if station is not None else data.station
    head: list[Block] = [Text(data.ticket_code, align="centre", width=2, height=2, bold=True)]
    if any(item.action != "add" for item in data.items):
        head.append(Text("*** CHANGE ***", align="centre", height=2, bold=True, colour="red"))
    elif data.revision > 1:
        head.append(Text("*** ADDITION ***", align="centre", bold=True))
    if data.table:
        head.append(Text(f"TABLE {data.table}", align="centre", width=2, height=2))
    if personal.get("name"):
        head.append(Text(personal["name"], align="centre", width=2, height=1, bold=True))
    head.append(Columns(title, local_text(data.fired_at_ms, config.store.timezone, "%H:%M:%S")))
    people = f"SERVER {data.server}" if data.server else ""
    covers = f"COVERS {data.covers}" if data.covers else ""
    if people or covers:
        head.append(Columns(people, covers))
    number = f"CHECK {data.check_number}" if data.check_number is not None else ""
    head.append(Columns(number or data.terminal, f"REV {data.revision}" if data.revision > 1 else ""))
    if personal.get("note"):
        head.append(Text(f"NOTE: {personal['note']}", bold=True))
    return head


def _items(data: TicketData) -> list[Block]:
    said: list[Block] = []
    many_courses = len({item.course for item in data.items}) > 1
    # Stable: within a course the ticket's own order stays.
    ordered = sorted(data.items, key=lambda item: item.course)
    course = None
    for item in ordered:
        if item.course != course and (many_courses or item.course > 1):
            said += [Rule(_COURSE_RULE), Text(f"COURSE {item.course}", align="centre", bold=True)]
        course = item.course
        said += _item(item, addition=data.revision > 1)
    return said


def _item(item: TicketLine, *, addition: bool) -> list[Block]:
    word = {"void": "VOID ", "modify": "CHANGED "}.get(item.action, "ADD " if addition else "")
    seat = f"  SEAT {item.seat}" if item.seat is not None else ""
    colour = item.action in ("void", "modify")
    said: list[Block] = [
        Text(f"{word}{item.quantity} x {item.name}{seat}", height=2, bold=True, colour="red" if colour else "black")
    ]
    if item.order_type:
        said.append(Text(f"   *** {order_type_words(item.order_type)} ***", bold=True))
    said += [Text(f"   {modifier}", height=2) for modifier in item.modifiers]
    if item.note:
        said.append(Text(f"   NOTE: {item.note}", bold=True))
    if item.previous_quantity is not None and item.previous_quantity != item.quantity:
        said.append(Text(f"   WAS {item.previous_quantity} x"))
    said += [Text(f"   WAS {was}") for was in item.was]
    return said
