"""What is said to a Logic Controls (Bematech, KitchenGo) display, and how its answer is read: XML. Pure.

**Not verified against a real display.** `TAGS` holds every tag with where it was read: "V" the vendor's "XML template and tag
descriptions" (support.logiccontrols.com), "P" a reseller's "XML Description.xml", "?" the design notes alone.
"""

from collections.abc import Iterable
from typing import Literal
from xml.etree.ElementTree import Element, ParseError, SubElement, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from tillkeeper_drivers.api import Ticket
from tillkeeper_drivers.kds.cards import Entry
from tillkeeper_drivers.kds.fields import details, heads, readable, title

ADD, DELETE, MODIFY, QUERY = "1", "2", "3", "5"  # V, P: TransType of an order; ADD, DELETE, MODIFY of an item too (V)
RUSH = "RUSH"  # V, P: OrderType

TAGS: dict[str, Literal["V", "P", "?"]] = {
    "Transaction": "V",
    "Order": "V",
    "ID": "V",
    "PosTerminal": "V",
    "TransType": "V",
    "OrderStatus": "V",
    "OrderType": "V",
    "ServerName": "V",
    "Destination": "V",
    "GuestTable": "P",
    "UserInfo": "P",
    "Item": "V",
    "Name": "?",
    "Quantity": "?",
    "KDSStation": "?",
    "Condiment": "?",
}
MAX_ANSWER = 65_536
END = b"</Transaction>"


class BadXml(Exception):
    """Not an answer of such a display, or one that is dangerous to read."""


def order_name(ticket: Ticket, n: int) -> str:
    """ID of an order: what people call the check, told apart where there is more than one."""
    return readable(ticket.ticket_code) + (f"/{n}" if n > 1 else "")


def order(
    trans_type: str,
    name: str,
    ticket: Ticket,
    marks: tuple[str, ...],
    kds_station: int,
    *,
    adds: Iterable[Entry] = (),
    deletes: Iterable[Entry] = (),
) -> bytes:
    """A transaction that adds or modifies an order."""
    root, head = _head(trans_type, name, ticket)
    SubElement(head, "OrderStatus").text = "0"
    SubElement(head, "OrderType").text = RUSH if ticket.rush else ""
    SubElement(head, "ServerName").text = readable(ticket.server)
    SubElement(head, "Destination").text = readable(ticket.order_type)
    SubElement(head, "GuestTable").text = readable(ticket.table)
    SubElement(head, "UserInfo").text = " / ".join(readable(line) for line in heads(ticket, marks)[1:])
    for entry in deletes:
        item = SubElement(head, "Item")
        SubElement(item, "ID").text = str(entry.number)
        SubElement(item, "TransType").text = DELETE
    for entry in adds:
        _item(head, entry, kds_station)
    return _encode(root)


def short(trans_type: str, name: str, ticket: Ticket) -> bytes:
    """A transaction that deletes an order or asks for it: V says that the ID is enough."""
    return _encode(_head(trans_type, name, ticket)[0])


def _head(trans_type: str, name: str, ticket: Ticket) -> tuple[Element, Element]:
    root = Element("Transaction")
    head = SubElement(root, "Order")
    SubElement(head, "ID").text = name
    SubElement(head, "PosTerminal").text = readable(ticket.terminal)
    SubElement(head, "TransType").text = trans_type
    return root, head


def _item(head: Element, entry: Entry, kds_station: int) -> None:
    item = SubElement(head, "Item")
    SubElement(item, "ID").text = str(entry.number)
    SubElement(item, "TransType").text = ADD
    SubElement(item, "Name").text = readable(title(entry.item))
    SubElement(item, "Quantity").text = str(entry.item.quantity)
    SubElement(item, "KDSStation").text = str(kds_station)
    for number, line in enumerate(details(entry.item), 1):
        condiment = SubElement(item, "Condiment")
        SubElement(condiment, "ID").text = str(number)
        SubElement(condiment, "TransType").text = ADD
        SubElement(condiment, "Name").text = readable(line)


def _encode(root: Element) -> bytes:
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def known_orders(data: bytes) -> frozenset[str]:
    """IDs of the orders that an answer to a query speaks of.

    Raises:
        BadXml: too long, not XML, with a document type or entities, or another document.
    """
    if len(data) > MAX_ANSWER:
        raise BadXml(f"over {MAX_ANSWER} bytes")
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise BadXml(str(error)[:200] or type(error).__name__) from error
    if root.tag != "Transaction":
        raise BadXml(f"a <{str(root.tag)[:40]}>")
    return frozenset((one.findtext("ID") or "").strip() for one in root.iterfind("Order"))
