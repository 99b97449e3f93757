"""What is said to a Fresh KDS screen and what it answers: JSON over TCP. Pure.

Read from "Fresh KDS Local Network Integration" (fresh-technology.github.io, KDS Orders; "F" below) and the older "Fresh KDS
SDK" (kds-sdk.ftservices.cloud; "S": the form of `items` and `mods`). Not said there, so ours: a line feed after the request,
and that an order id or an error text needs no end of its own.
"""

import json
import re
from collections.abc import Iterable

from tillkeeper_drivers.api import Ticket, TicketItem
from tillkeeper_drivers.kds.cards import Entry
from tillkeeper_drivers.kds.fields import details, heads, readable, title
from tillkeeper_drivers.kds.wire import Refused

PORT = 9104  # F, "Port"
MAX_REPLY = 4_096
SENT_BEFORE = "(SENT BEFORE) "
MODES = {"dine_in": "For Here", "takeout": "ToGo", "drive_through": "DriveThru", "delivery": "Delivery"}  # F, Order.mode

_ID = re.compile(r"[A-Za-z0-9._:-]{1,160}")


class BadReply(Exception):
    """Neither the order's id nor an error text."""


def order_id(ticket: Ticket, n: int) -> str:
    """Unique for good: the check's own id is."""
    return re.sub(r"[^A-Za-z0-9._:-]", "_", f"{ticket.check_id}.{ticket.station}") + (f".{n}" if n > 1 else "")


def order(
    command: str,
    name: str,
    ticket: Ticket,
    marks: tuple[str, ...],
    entries: Iterable[Entry],
    voided: Iterable[Entry] = (),
    before: frozenset[int] = frozenset(),
) -> bytes:
    """A "create-order" or an "update-order" (F): always the whole order.

    Args:
        voided: lines that the screen has lost; each is named in words, beside being left out.
        before: numbers of lines that the kitchen was told before, said where the screen gets the order anew.
    """
    items = [_item(entry.item, _line_id(entry), SENT_BEFORE if entry.number in before else "") for entry in entries]
    items += [_void(entry) for entry in voided]
    body: dict[str, object] = {
        "id": name,
        "name": " ".join(part for part in (readable(ticket.ticket_code), readable(ticket.name)) if part),
        "time": ticket.fired_at_ms,
        "mode": MODES.get(ticket.order_kind, MODES["dine_in"]),
        "server": readable(ticket.server),
        "terminal": readable(ticket.terminal),
        "specialInstructions": " / ".join(
            readable(line) for line in (*heads(ticket, marks), f"Table {ticket.table}" if ticket.table else "") if line
        ),
        "priority": ticket.rush,
        "items": items,
    }
    if ticket.covers:
        body["covers"] = ticket.covers
    if ticket.check_number is not None:
        body["checkNumber"] = str(ticket.check_number)
    return _encode(command, body)


def cancel(name: str) -> bytes:
    """A "cancel-order" (F)."""
    return _encode("cancel-order", {"id": name})


def _item(item: TicketItem, line_id: str, before: str = "") -> dict[str, object]:
    mods = [{"qty": 1, "name": readable(line)} for line in details(item)]
    return {"lineId": line_id, "qty": item.quantity, "name": before + readable(title(item)), "mods": mods}


def _line_id(entry: Entry) -> str:
    """A changed line keeps its id; one that only says VOID has its own."""
    return f"{entry.item.line_id}.void" if entry.item.action == "void" else entry.item.line_id


def _void(entry: Entry) -> dict[str, object]:
    line = _item(entry.item, f"{entry.item.line_id}.void")
    return line | {"name": f"VOID {readable(entry.item.name)}"}


def _encode(command: str, body: dict[str, object]) -> bytes:
    return json.dumps({"command": command, "order": body}, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def is_whole(data: bytes, name: str) -> bool:
    """Whether nothing more can follow."""
    return data.endswith(b"\n") or data.strip().strip(b'"') == name.encode()


def may_go_on(data: bytes, name: str) -> bool:
    """Whether it may become the order's id yet."""
    return name.encode().startswith(data.strip().lstrip(b'"'))


def verdict(data: bytes, name: str) -> None:
    """Return where the screen took the order: it says its id.

    Raises:
        Refused: an error text (F: "the reply is the order id or an error").
        BadReply: nothing, half of the id, another id, our own request, or no text at all.
    """
    try:
        text = data.decode("utf-8").strip().strip('"')
    except UnicodeDecodeError as error:
        raise BadReply("not a text") from error
    if text == name:
        return
    if not text or not text.isprintable():
        raise BadReply("no text" if text else "closed without a word")
    if name.startswith(text):
        raise BadReply("half an order id")
    if '"command"' in text:  # whoever says it back may have taken it: no error text
        raise BadReply("our own request")
    if _ID.fullmatch(text) and any(character.isdigit() for character in text):
        raise BadReply(f"the id of another order, {text[:80]}")
    raise Refused(readable(text)[:200])
