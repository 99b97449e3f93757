"""The OpenAPI 3.1 document, made from the route table: it can not say anything else than what the server does."""

from importlib.metadata import version
from typing import Any

import msgspec

from tillkeeper.api.auth import OPEN_PATHS, SUBPROTOCOL
from tillkeeper.api.headers import EVERY
from tillkeeper.api.operations import OPERATIONS
from tillkeeper.api.problems import CONTENT_TYPE, Problem
from tillkeeper.api.requests import KEY_PATTERN
from tillkeeper.api.routes import JSON, Operation, path_names
from tillkeeper.contract.base import Day, Id
from tillkeeper.contract.live import LiveMessage

TERMINAL_PATTERN = r"^[A-Za-z0-9._:-]{0,64}$(?!\n)"
"""As `api.callers` takes it."""
_REF = "#/components/schemas/{name}"
_PATH_WORDS = {
    "check_id": "The long id, the ticket code of today, or the check number",
    "device": "The device's name in the config",
    "drawer": "The drawer's name in the config",
    "day": "A business day, YYYY-MM-DD",
    "diagnosis_id": "What the start of the diagnosis answered",
    "document": "One of the documents that `/v1/preview` lists",
}
PROBLEMS = {
    400: "The request does not have the form that it should have",
    401: "No token, no session, or a wrong PIN",
    403: "This caller may not do it",
    404: "There is no such thing here",
    408: "The body took too long",
    409: "The key came before with another command, or the thing is in another state",
    413: "The body is too large",
    415: "The body is not JSON",
    422: "A field does not fit, or a rule of the store says no",
    429: "Too often: see Retry-After",
    500: "A defect; the log has it under the `error_id`",
    503: "A bound is reached, or the agent is stopping",
    507: "The disk refuses",
}
"""Every status that is no success, in the words of the document."""
_OF_THE_DISK = ("/v1/days", "/v1/day", "/v1/books", "/v1/checks", "/v1/privacy", "/v1/store")
"""What reads files at the moment of asking, and says so where the disk does not answer."""
_OF_A_LINE = frozenset({"change_line", "void_line"})
_ON_A_CHECK = (
    "get_check",
    "add_lines",
    "send_order",
    "hold_lines",
    "fire_lines",
    "record_tender",
    "apply_discount",
    "void_check",
)
_NEXT: dict[str, tuple[str, ...]] = {
    "open_check": _ON_A_CHECK,
    "place_order": ("get_check", "refund_check", "reprint_receipt", "reprint_ticket"),
    "add_lines": ("change_line", "void_line", "send_order", "record_tender"),
    "record_tender": ("close_check", "refund_check", "reprint_receipt", "get_check"),
}
"""Operation -> what its answer leads to (OpenAPI links; the fuzzer follows them)."""
CALLER_HEADERS = {
    "Tillkeeper-Terminal": "The page's place, one of the configured terminals",
    "Tillkeeper-Session": "What sign-in gave; with the token of pages each change needs it",
    "Tillkeeper-Approval": "What an approval gave, for one command that the signed-in person may not do",
    "Tillkeeper-Training": "Whether it was entered in training; without it, as the session is now",
}
_HEADER_VALUES: dict[str, dict[str, Any]] = {
    "Tillkeeper-Terminal": {"pattern": TERMINAL_PATTERN},
    "Tillkeeper-Training": {"enum": ["on", "off"]},
}
WEBSOCKETS = {
    "/v1/live": "The state as it is, then every change; messages are `LiveMessage`. Close code 4008: too slow, connect again",
    "/v1/kitchen/{device}": "A kitchen display's own connection; its messages are those of its display protocol",
}


def document() -> dict[str, Any]:
    """The whole document; `msgspec.json` can encode it."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    paths["/openapi.json"] = {"get": _own_route()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tillkeeper register",
            "version": version("tillkeeper"),
            "description": "One register's agent. Money is in minor units; times are ms since the epoch.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "the unix socket, or the loopback port"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in ("checks", "cash", "people", "devices", "network", "register")],
        "paths": paths,
        "components": {
            "schemas": _components(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {_problem_name(status): _problem_response(status) for status in PROBLEMS},
            "headers": {name: _const_header(name, value) for name, value in EVERY.items()},
            "parameters": {name: _header(name, words) for name, words in CALLER_HEADERS.items()},
        },
        "x-tillkeeper-websockets": {
            path: {"summary": words, "subprotocols": [SUBPROTOCOL, "bearer.<token>"]} for path, words in WEBSOCKETS.items()
        },
    }


def _types() -> list[Any]:
    bodies = [operation.body for operation in OPERATIONS if operation.body is not None]
    answers = [operation.answer for operation in OPERATIONS if operation.media == JSON]
    return [Problem, *bodies, *answers, LiveMessage]


def _components() -> dict[str, Any]:
    schemas, components = msgspec.json.schema_components(_types(), ref_template=_REF)
    return components | {"LiveMessage": schemas[-1]}


def _ref(kind: type) -> dict[str, str]:
    return {"$ref": _REF.format(name=kind.__name__)}


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": _parameters(operation),
        "responses": {"200": _ok(operation)} | _problems(operation),
    }
    if operation.body is not None:
        required = any(field.required for field in msgspec.structs.fields(operation.body))
        described["requestBody"] = {"required": required, "content": {"application/json": {"schema": _ref(operation.body)}}}
    if operation.path in OPEN_PATHS:
        described["security"] = []
    return described


def _ok(operation: Operation) -> dict[str, Any]:
    schema: dict[str, Any] = _ref(operation.answer) if operation.media == JSON else {"type": "string", "format": "binary"}
    headers = _every_header()
    if operation.changes:
        headers["Idempotent-Replayed"] = {
            "description": "`true` where this is the answer that the same key got the first time",
            "schema": {"const": "true"},
        }
    done = {"description": "Done", "headers": headers, "content": {operation.media: {"schema": schema}}}
    return done | ({"links": links} if (links := _links(operation)) else {})


def _links(operation: Operation) -> dict[str, Any]:
    """What mostly comes next: the ids of an answer in the paths of other operations."""
    found: dict[str, Any] = {}
    check = "$request.path.check_id" if "check_id" in path_names(operation.path) else "$response.body#/check_id"
    for name in _NEXT.get(operation.id, ()):
        found[name] = {"operationId": name, "parameters": {"check_id": check}}
        if name in _OF_A_LINE:
            found[name]["parameters"]["line_id"] = "$response.body#/line_ids/0"
    return found


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": msgspec.json.schema(Day if name == "day" else Id),
            "description": _PATH_WORDS.get(name, "Its id"),
        }
        for name in path_names(operation.path)
    ]
    if operation.query is not None:
        _, components = msgspec.json.schema_components([operation.query], ref_template=_REF)
        for name, schema in components[operation.query.__name__]["properties"].items():
            found.append({"name": name, "in": "query", "required": False, "schema": schema})
    if operation.tag == "people" or operation.changes:
        found.extend({"$ref": f"#/components/parameters/{name}"} for name in CALLER_HEADERS)
    if operation.changes:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "One new random key per intention; the same key with the same body gets the same answer",
                "schema": {"type": "string", "pattern": KEY_PATTERN},
            }
        )
    return found


def _header(name: str, words: str) -> dict[str, Any]:
    schema = {"type": "string"} | _HEADER_VALUES.get(name, {})
    return {"name": name, "in": "header", "required": False, "description": words, "schema": schema}


def statuses(operation: Operation) -> set[int]:
    """What it may answer besides 200. A bound, a defect or a refused caller may meet any of them."""
    found = {400, 401, 403, 429, 500, 503}
    if operation.path in OPEN_PATHS:
        found = found - {401} | {404}
    if path_names(operation.path):
        found |= {404}
    if operation.query is not None:
        found |= {404, 422}
    if operation.body is not None or operation.method == "POST":
        found |= {404, 408, 409, 413, 415, 422, 507}
    if operation.tag == "cash" or operation.path.startswith(_OF_THE_DISK):
        found |= {507}
    return found


def _problem_name(status: int) -> str:
    return f"Problem{status}"


def _problems(operation: Operation) -> dict[str, Any]:
    return {str(status): {"$ref": f"#/components/responses/{_problem_name(status)}"} for status in sorted(statuses(operation))}


def _problem_response(status: int) -> dict[str, Any]:
    own = {"Retry-After": {"required": True, "description": "Seconds", "schema": {"type": "integer", "minimum": 1}}}
    who = {
        "WWW-Authenticate": {
            "required": False,
            "description": "Where the token is missing or wrong",
            "schema": {"type": "string"},
        }
    }
    extra = own if status in (429, 503) else who if status == 401 else {}
    form = {"allOf": [_ref(Problem), {"properties": {"status": {"const": status}}}]}
    return {
        "description": PROBLEMS[status],
        "headers": _every_header() | extra,
        "content": {CONTENT_TYPE: {"schema": form}},
    }


def _every_header() -> dict[str, Any]:
    return {name.title(): {"$ref": f"#/components/headers/{name}"} for name in EVERY}


def _const_header(name: str, value: str) -> dict[str, Any]:
    return {"required": True, "description": f"See docs/security.md, {name}", "schema": {"type": "string", "const": value}}


def _own_route() -> dict[str, Any]:
    schema = {"type": "object", "description": "OpenAPI 3.1"}
    return {
        "operationId": "get_openapi",
        "summary": "This document",
        "tags": ["register"],
        "responses": {
            "200": {"description": "Done", "headers": _every_header(), "content": {"application/json": {"schema": schema}}},
            **{
                str(status): {"$ref": f"#/components/responses/{_problem_name(status)}"} for status in (401, 403, 429, 500, 503)
            },
        },
    }
