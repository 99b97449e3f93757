"""A ticket in words, for displays that other makers built: plain fields of a bounded width, nothing left out. Pure."""

import textwrap

from tillkeeper_drivers.api import Ticket, TicketItem
from tillkeeper_drivers.escpos.text import Pages, clean

_ASCII = Pages(())
INDENT = "  "
"""Begins what goes on from the field before it."""


def plain(text: str) -> str:
    """`text` in printable ASCII (20h-7Eh), foreign letters spelled in Latin ones, single spaces between its words."""
    return " ".join(_ASCII.transliterate(text).split())


def readable(text: str) -> str:
    """`text` in its own letters, without control characters, single spaces between its words."""
    return " ".join(clean(text).split())


def wrap(text: str, width: int) -> list[str]:
    """`text` in pieces of at most `width` characters, parted between words; only a word that is wider than a field is broken.
    All but the first piece are indented. Empty for an empty text."""
    return textwrap.wrap(text, width, subsequent_indent=INDENT, break_on_hyphens=False)


def title(item: TicketItem) -> str:
    """The item's name, with the word that says what is to be done where it is not simply to be made."""
    return {"void": "VOID ", "modify": "CHANGED "}.get(item.action, "") + item.name


def details(item: TicketItem) -> list[str]:
    """All else about an item, a line each: modifiers as they are, then place, note and what a change replaces."""
    place = [f"seat {item.seat}"] if item.seat is not None else []
    place += [f"course {item.course}"] if item.course != 1 else []
    place += [item.order_type] if item.order_type else []
    before = [f"was {item.previous_quantity}"] if item.previous_quantity not in (None, item.quantity) else []
    note = [f"* {item.note}"] if item.note else []
    return [*item.modifiers, *([", ".join(place)] if place else []), *note, *before, *item.was]


def heads(ticket: Ticket, marks: tuple[str, ...]) -> list[str]:
    """What stands above the items: the order type first, then marks, rush, name, car, covers and note."""
    return [
        line
        for line in (
            ticket.order_type,
            *(f"*** {mark} ***" for mark in marks),
            "*** RUSH ***" if ticket.rush else "",
            f"For {ticket.name}" if ticket.name else "",
            f"Car {ticket.car}" if ticket.car else "",
            f"{ticket.covers} covers" if ticket.covers else "",
            f"* {ticket.note}" if ticket.note else "",
        )
        if line
    ]
