"""What is said to an Epson KDS and what it answers: JSON over HTTP. Pure.

Read from Epson's "KDS API User Manual" (111-38-URM-009 R2.50, KD-IB01; "M" below) and "TrueOrder KDS API Specification"
(111-56-URM-010 R3.00; "T"). What neither shows in the part that could be read is in `Unverified` and nowhere else.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

import msgspec

from tillkeeper_drivers.api import Ticket
from tillkeeper_drivers.kds.cards import Card, Entry
from tillkeeper_drivers.kds.fields import details, heads, plain, title, wrap

PATH = "/cgi-bin/kdsapi/service.cgi"  # T 2
FIELD, SHORT = 35, 20  # T 4.1.1: ASCII characters; SHORT for "table" and "check"
HEAD_NUMBERS = 1_000
"""Fields above the items and labels among them take an `itemid` each (T 4.1.1): these, so that they never shift an item's."""
CALLBACKS: dict[str, int] = {"onbump": 1, "onenter": 2}  # M 6.1: ids of the callbacks that we set
MAX_ANSWER = 262_144
MAX_CALLBACK = 8_192
MAX_CARDS = 2_000


class Unverified:
    """Names that only a real display can confirm."""

    SEQ = "seq"
    """Of an answer: repeats the request's. Where it is absent the answer is taken for ours, another one never."""
    CODE = "errorcode"
    """M 4.3 has a list of codes by this name; 0 is taken for success."""
    RESULTS = ("result", "success", "response")
    """Instead of a code, should it only come with failures; one of `GOOD` or `WRONG`."""
    GOOD, WRONG = frozenset({"success", "ok", "true", "1"}), frozenset({"failure", "failed", "error", "false"})
    TEXTS = ("errormessage", "error", "message")
    ORDERS, CHECK, ITEMS, ITEMID, STATE = "orderlist", "check", "itemlist", "itemid", "status"
    """Of a "status" answer."""
    BUMPED = ("bumped", "done", "completed")


class BadAnswer(Exception):
    """Not what an Epson KDS answers."""


class Answered(NamedTuple):
    """`code` 0: taken."""

    code: int
    text: str = ""


class ListedCard(NamedTuple):
    bumped: bool
    numbers: frozenset[int]


class Callback(NamedTuple):
    """`number`: of the one item that is meant, or 0."""

    trigger: Literal["onbump", "onenter", "onpriority", "onrush"]
    check: str
    number: int


# --- what is said ---


def check_name(ticket: Ticket, n: int) -> str:
    """The card's name: what people call the check, told apart where there is more than one."""
    suffix = f"/{n}" if n > 1 else ""
    return plain(ticket.ticket_code)[: SHORT - len(suffix)] + suffix


def new(seq: int, check: str, ticket: Ticket, marks: tuple[str, ...], entries: Iterable[Entry]) -> bytes:
    """A "new" order (M 5.1) with its heads."""
    table = [f"Table {ticket.table}"] if len(plain(ticket.table)) > SHORT else []
    items = [*_lines("header", HEAD_NUMBERS, [*heads(ticket, marks), *table]), *map(_item, entries)]
    return _encode(_of("new", seq, check, ticket) | {"itemlist": items})


def append(seq: int, card: Card, ticket: Ticket, marks: tuple[str, ...], entries: Iterable[Entry]) -> bytes:
    """An "append" (M 5.3) with what the heads of `card` do not say yet, as labels."""
    said = heads(card.ticket, ())
    more = [line for line in heads(ticket, marks) if line not in said]
    items = [*_lines("label", HEAD_NUMBERS * (1 + card.next), more), *map(_item, entries)]
    return _encode(_of("append", seq, card.name, ticket) | {"itemlist": items})


def _lines(field: str, first: int, lines: Iterable[str]) -> list[dict[str, object]]:
    pieces = [piece for line in lines for piece in wrap(plain(line), FIELD)]
    return [{"itemid": first + at, field: piece} for at, piece in enumerate(pieces)]


def void(seq: int, check: str, ticket: Ticket, numbers: Iterable[int] | None) -> bytes:
    """A "void" (M 5.5) of these items, or with None of the whole order."""
    body = _of("void", seq, check, ticket)
    return _encode(body if numbers is None else body | {"itemlist": [{"itemid": number} for number in numbers]})


def status(seq: int) -> bytes:
    """A "status" request (M 5.7) for all orders."""
    return _encode({"seq": seq, "type": "status"})


def callback(seq: int, trigger: str, url: str) -> bytes:
    """Ask for a callback (M 6.1)."""
    number = CALLBACKS[trigger]
    return _encode({"seq": seq, "type": "callback", "callbackid": number, "action": "set", "url": url, "trigger": trigger})


def _of(kind: str, seq: int, check: str, ticket: Ticket) -> dict[str, object]:
    server = plain(ticket.server or ticket.terminal)[:FIELD]
    return {"seq": seq, "type": kind, "server": server, "table": plain(ticket.table)[:SHORT], "check": check}


def _item(entry: Entry) -> dict[str, object]:
    """A name that is too long goes on in the first modifiers; a modifier that is too long in the next."""
    name, *rest = wrap(plain(title(entry.item)), FIELD) or ["?"]
    modifiers = [*rest, *(piece for line in details(entry.item) for piece in wrap(plain(line), FIELD))]
    found: dict[str, object] = {"itemid": entry.number, "qty": entry.item.quantity, "item": name}
    return found | ({"modifierlist": [{"modifier": line} for line in modifiers]} if modifiers else {})


def _encode(body: Mapping[str, object]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode("ascii")


# --- what comes back ---


def answered(data: bytes, seq: int) -> tuple[Answered, dict[str, Any]]:
    """The verdict on request `seq`, and the whole answer. Raises BadAnswer on nonsense, or where it answers another request."""
    body = _object(data)
    theirs = body.get(Unverified.SEQ, seq)
    if _number(theirs) != seq:
        raise BadAnswer(f"answers request {str(theirs)[:20]!r}, not {seq}")
    code = _code(body)
    text = next((body[key] for key in Unverified.TEXTS if isinstance(body.get(key), str)), "")
    return Answered(code, plain(text[:400])[:200]), body


def _code(body: Mapping[str, Any]) -> int:
    if Unverified.CODE in body:
        code = _number(body[Unverified.CODE])
        if code is not None:
            return code
    said = {str(body.get(key)).lower() for key in Unverified.RESULTS if key in body}
    if said & Unverified.GOOD:
        return 0
    if said & Unverified.WRONG:
        return -1
    raise BadAnswer(f"neither {Unverified.CODE} nor a result in it")


def listed(body: Mapping[str, Any]) -> dict[str, ListedCard] | None:
    """The cards of a "status" answer by their names, or None where it lists none in a form that we know."""
    found = body.get(Unverified.ORDERS)
    if not isinstance(found, list) or len(found) > MAX_CARDS:
        return None
    cards = {}
    for one in found:
        if not isinstance(one, dict) or not isinstance(name := one.get(Unverified.CHECK), str):
            return None
        cards[name] = ListedCard(one.get(Unverified.STATE) in Unverified.BUMPED, _numbers(one.get(Unverified.ITEMS)))
    return cards


def _numbers(items: object) -> frozenset[int]:
    if not isinstance(items, list):
        return frozenset()
    found = (_number(item.get(Unverified.ITEMID)) for item in items if isinstance(item, dict))
    return frozenset(number for number in found if number is not None and number > 0)


def heard(data: bytes) -> Callback:
    """A callback (M 7). Raises BadAnswer on anything else."""
    body = _object(data)
    trigger, check = body.get("trigger"), body.get("check")
    if body.get("type") != "callback" or trigger not in ("onbump", "onenter", "onpriority", "onrush"):
        raise BadAnswer("not a callback that is known")
    if not isinstance(check, str) or not check or len(check) > SHORT:
        raise BadAnswer("a callback without a check")
    number = _number(body["itemid"]) if "itemid" in body else 0
    if number is None or number < 0:
        raise BadAnswer("an itemid that is no number")
    return Callback(trigger, check, number)


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise BadAnswer(str(error)[:200]) from error
    if not isinstance(body, dict):
        raise BadAnswer("not a JSON object")
    return body


def _number(value: object) -> int | None:
    """A whole number, as such or as text; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 15:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15 else None
