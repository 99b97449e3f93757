"""HQ's OpenAPI 3.1 document, made from the types that are sent and read. `python -m tillkeeper_hq.openapi` prints it; a test
holds it against the routes, and against `docs/hq-openapi.json`."""

import sys
from importlib.metadata import version
from typing import Any, NamedTuple

import msgspec

from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.online import OnlineOrder, OnlineOrdersTaken, OnlineOrderState, TakeOnlineOrders
from tillkeeper.contract.roles import WitnessAsked, WitnessSaid
from tillkeeper_hq.problems import TYPE_PREFIX
from tillkeeper_hq.queries import CheckRecord, RegisterLog, StoreBooks
from tillkeeper_hq.rosters import RosterAnswer, RosterBody
from tillkeeper_hq.shield import EVERY

_REF = "#/components/schemas/{name}"
PROBLEM_KIND = "application/problem+json"
MAX_NUMBER = 10**15 - 1
"""Of a number in a query: fifteen digits."""


class HqProblem(msgspec.Struct, frozen=True):
    """A problem (RFC 9457). `type` ends in a code that never changes its meaning."""

    type: str
    title: str
    status: int
    detail: str = ""


class RegisterLogs(msgspec.Struct, frozen=True):
    registers: tuple[RegisterLog, ...]


class QuarantinedEvent(msgspec.Struct, frozen=True):
    """An event that was rejected, as it came. `sent_by`: the register whose token brought it, empty where that was not kept.
    `looked_at_ms`: when somebody last noted to have looked at it."""

    store: str
    register: str
    incarnation: str
    seq: int
    reason: str
    detail: str
    received_ms: int
    envelope: Envelope
    sent_by: str = ""
    looked_at_ms: int | None = None


class Quarantine(msgspec.Struct, frozen=True):
    """`next_after`: null where there is nothing after this page."""

    events: tuple[QuarantinedEvent, ...]
    next_after: int | None


class LogEvents(msgspec.Struct, frozen=True):
    events: tuple[Envelope, ...]


class Health(msgspec.Struct, frozen=True):
    status: str
    hq_time_ms: int


class Described(NamedTuple):
    """One route. `query`: name and what it means. `answer` None: not one of these types. `also`: good statuses besides 200."""

    method: str
    path: str
    id: str
    summary: str
    answer: type | None
    statuses: tuple[int, ...]
    body: type | None = None
    query: tuple[tuple[str, str], ...] = ()
    open: bool = False
    also: tuple[int, ...] = ()


_STORE = ("store", "Which store; the token's own where it is left out")
_IN_PATHS = (
    ("reference", "The long id, the number or the ticket code"),
    ("store", "The store's id"),
    ("order", "The shop's id of the order"),
)
_AFTER = ("after", "Only what comes behind this")
_READING = (400, 401, 403, 500, 503)
_WRITING = (400, 401, 403, 408, 413, 415, 422, 500, 503, 507)

PROBLEMS = {
    400: "The request does not have the form that it should have",
    401: "No token, or one that nobody has",
    403: "The token does not open this",
    404: "There is no such thing",
    408: "The body took too long",
    409: "The id came before with another order",
    413: "The body is too large",
    415: "The body is packed in a way that HQ does not know",
    422: "What was sent can not be taken as it is",
    429: "More wait than can be kept",
    500: "A defect; the log has it under the id in `detail`",
    503: "HQ or its database is busy or away: later again",
    507: "The database refuses to store",
}

ROUTES = (
    Described(
        "POST", "/v1/events", "post_events", "Take consecutive events of one log; none: the beat", HqAnswer, _WRITING, HqBatch
    ),
    Described(
        "POST", "/v1/roster", "post_roster", "Hear which registers belong to a store", RosterAnswer, _WRITING, RosterBody
    ),
    Described(
        "GET", "/v1/books", "get_books", "What a store took per business day", StoreBooks, _READING,
        query=(_STORE, ("day", "YYYY-MM-DD; without it the newest 400")),
    ),
    Described(
        "GET", "/v1/registers", "get_registers", "Every log, and how far it is held", RegisterLogs, _READING, query=(_STORE,)
    ),
    Described(
        "GET", "/v1/quarantine", "get_quarantine", "Rejected events, oldest first", Quarantine, _READING,
        query=(_STORE, _AFTER),
    ),
    Described(
        "GET", "/v1/checks/{reference}", "get_check", "A check by its long id, number or ticket code", CheckRecord,
        (*_READING, 404), query=(_STORE,),
    ),
    Described(
        "GET", "/v1/events", "get_events", "A log as it was received", LogEvents, _READING,
        query=(_STORE, ("register", "Whose log"), ("incarnation", "Which log of it"), _AFTER, ("limit", "At most so many")),
    ),
    Described(
        "POST", "/v1/stores/{store}/online-orders", "post_online_order", "Give a store an order of a web shop",
        OnlineOrderState, (*_WRITING, 409, 429), OnlineOrder, also=(201,),
    ),
    Described(
        "POST", "/v1/stores/{store}/online-orders/take", "take_online_orders",
        "A register says what became of orders, and gets those that wait", OnlineOrdersTaken,
        _WRITING, TakeOnlineOrders,
    ),
    Described(
        "GET", "/v1/stores/{store}/online-orders/{order}", "get_online_order", "What became of an order of a web shop",
        OnlineOrderState, (*_READING, 404),
    ),
    Described(
        "POST", "/v1/stores/{store}/roles/witness", "post_witness",
        "Whether a register that its primary or backup takes for away was heard", WitnessSaid,
        _WRITING, WitnessAsked,
    ),
    Described("GET", "/healthz", "get_health", "Whether HQ can store", Health, (500, 503), open=True),
    Described("GET", "/openapi.json", "get_openapi", "This document", None, (500,), open=True),
)  # fmt: skip


def document() -> dict[str, Any]:
    """The whole document; `msgspec.json` can encode it."""
    types = [HqProblem, *(kind for route in ROUTES for kind in (route.body, route.answer) if kind is not None)]
    _, components = msgspec.json.schema_components(types, ref_template=_REF)
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tillkeeper HQ",
            "version": version("tillkeeper"),
            "description": "What registers need of an HQ is POST /v1/events alone; docs/hq-contract.md says what it must do.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {f"Problem{status}": _problem(status) for status in PROBLEMS},
            "headers": {name: _const(name, value) for name, value in EVERY.items()},
        },
    }


def _operation(route: Described) -> dict[str, Any]:
    schema = _ref(route.answer) if route.answer is not None else {"type": "object"}
    described: dict[str, Any] = {
        "operationId": route.id,
        "summary": route.summary,
        "parameters": [_parameter("query", name, words) for name, words in route.query],
        "responses": {str(status): _done(schema) for status in (200, *route.also)}
        | {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(route.statuses)},
    }
    for name, words in _IN_PATHS:
        if f"{{{name}}}" in route.path:
            described["parameters"].append(_parameter("path", name, words))
    if route.body is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.body)}}}
    if route.open:
        described["security"] = []
    return described


def _parameter(place: str, name: str, words: str) -> dict[str, Any]:
    number = {"type": "integer", "minimum": 0, "maximum": MAX_NUMBER}
    kind: dict[str, Any] = number if name in ("after", "limit") else {"type": "string"}
    return {"name": name, "in": place, "required": place == "path", "description": words, "schema": kind}


def _done(schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": "Done", "headers": _every(), "content": {"application/json": {"schema": schema}}}


def _problem(status: int) -> dict[str, Any]:
    words = f"{PROBLEMS[status]}. A problem (RFC 9457); its type is {TYPE_PREFIX}CODE"
    wait = {"description": "Seconds", "schema": {"type": "integer", "minimum": 1}}
    who = {"required": True, "description": "Bearer", "schema": {"type": "string"}}
    extra = {"Retry-After": wait} if status in (429, 503, 507) else {"WWW-Authenticate": who} if status == 401 else {}
    form = {"allOf": [_ref(HqProblem), {"properties": {"status": {"const": status}}}]}
    return {"description": words, "headers": _every() | extra, "content": {PROBLEM_KIND: {"schema": form}}}


def _every() -> dict[str, Any]:
    return {name.title(): {"$ref": f"#/components/headers/{name}"} for name in EVERY}


def _const(name: str, value: str) -> dict[str, Any]:
    return {"required": True, "description": f"Always: {name}", "schema": {"type": "string", "const": value}}


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}


if __name__ == "__main__":
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document()), indent=1).decode() + "\n")
