"""An agent that answers the CLI over a unix socket and misbehaves on request: it decides orders with the real rules, keeps
idempotency keys, and holds every body against the API's own route table."""

import hashlib
import itertools
import json
import re
import socketserver
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from tillkeeper.api.operations import OPERATIONS
from tillkeeper.api.routes import Operation, path_names
from tillkeeper.config.embedded import example
from tillkeeper.config.model import Config
from tillkeeper.contract.commands import CommandResult, PlaceOrder
from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.records import PersonalText
from tillkeeper.sales.catalogue import Catalogue, parse_catalogue
from tillkeeper.sales.context import Context, Decision
from tillkeeper.sales.decide import decide

NOON = 1_900_000_000_000
MAX_REQUESTS = 10_000


class Store:
    """Decides orders as a register would, without a journal."""

    def __init__(self, folder: Path, menu: Path | None = None) -> None:
        self.config: Config = example(folder)
        path = menu or Path(self.config.catalogue.file)
        self.catalogue: Catalogue = parse_catalogue(path.read_bytes(), path.name, list(self.config.taxes.categories))
        self._count = itertools.count(1)
        self._lock = threading.Lock()

    def place(self, order: PlaceOrder) -> Decision:
        with self._lock:
            code = f"B-{next(self._count):03d}"
            context = Context(
                config=self.config,
                catalogue=self.catalogue,
                mode="online",
                now_ms=NOON,
                business_day="2030-03-17",
                new_id=lambda: f"id{next(self._count):08d}",
                make_personal=personal,
                ticket_code=code,
            )
            return decide(order, None, context)

    def result(self, order: PlaceOrder) -> CommandResult:
        done = self.place(order)
        assert done.check is not None
        return CommandResult(
            events=len(done.events),
            check_id=done.check.check_id,
            ticket_code=done.check.ticket_code,
            state=done.check.state,
            totals=done.totals,
            line_ids=done.line_ids,
            change_minor=done.change_minor,
        )


def personal(text: str) -> PersonalText:
    return PersonalText(digest=hashlib.sha256(text.encode()).hexdigest(), salt="", text=text)


class Request(msgspec.Struct):
    method: str
    path: str
    query: dict[str, str]
    key: str
    body: Any
    token: str


Fault = Callable[[BaseHTTPRequestHandler], bool]
"""Does something bad to a request; True where nothing more is to be done with it."""


def drop(handler: BaseHTTPRequestHandler) -> bool:
    """The connection breaks before anything was done."""
    handler.close_connection = True
    return True


def overloaded(handler: BaseHTTPRequestHandler) -> bool:
    problem(handler, 503, code="overloaded", cause="too much at once", retry_safe=True)
    return True


def problem(handler: BaseHTTPRequestHandler, status: int, **members: Any) -> None:
    send(handler, status, json.dumps(members | {"status": status}).encode(), "application/problem+json")


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, kind: str = "application/json", **headers: str) -> None:
    handler.send_response(status)
    handler.send_header("content-type", kind)
    handler.send_header("content-length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


class FakeAgent:
    """`answers`: "METHOD /path" -> JSON; orders are decided by `store`. `faults` are used up one a request, before the
    request is done; `after` likewise, once it is done and not yet answered."""

    def __init__(self, socket: Path, store: Store) -> None:
        self.socket = socket
        self.store = store
        self.answers: dict[str, Any] = {"GET /v1/catalogue": catalogue_view(store)}
        self.faults: list[Fault] = []
        self.after: list[Fault] = []
        self.requests: list[Request] = []
        self.orders: dict[str, bytes] = {}
        self.changed = threading.Condition()

    def __enter__(self) -> Self:
        agent = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                agent.answer(self, "GET")

            def do_POST(self) -> None:
                agent.answer(self, "POST")

            def log_message(self, *_: object) -> None:
                pass

            def address_string(self) -> str:
                return "unix"

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 64

        self._server = Server(str(self.socket), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self.socket.unlink(missing_ok=True)

    def answer(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        parts = urlsplit(handler.path)
        raw = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        key = handler.headers.get("idempotency-key") or ""
        request = Request(
            method=method,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            key=key,
            body=json.loads(raw) if raw else None,
            token=handler.headers.get("authorization") or "",
        )
        assert len(self.requests) < MAX_REQUESTS
        with self.changed:
            self.requests.append(request)
            fault = self.faults.pop(0) if self.faults else None
            self.changed.notify_all()
        if fault is not None and fault(handler):
            return
        operation, names = find(method, parts.path)
        if method == "POST":
            assert operation.body is not None or not operation.changes
            assert key, "a changing request without a key"
            msgspec.json.decode(raw or b"{}", type=operation.body or dict)  # what does not fit fails the test
        if operation.id == "place_order":
            self._order(handler, key, raw)
            return
        fixed = self.answers.get(f"{method} {parts.path}")
        if fixed is None:
            problem(
                handler, 404, code="not_found", operation="find", subject=str(names), cause="there is none", hint="look again"
            )
            return
        send(handler, 200, json.dumps(fixed).encode())

    def _order(self, handler: BaseHTTPRequestHandler, key: str, raw: bytes) -> None:
        replayed = key in self.orders
        if not replayed:
            try:
                self.orders[key] = msgspec.json.encode(self.store.result(msgspec.json.decode(raw, type=PlaceOrder)))
            except TillkeeperError as error:
                members = {"operation": error.operation, "subject": error.subject, "cause": error.cause, "hint": error.hint}
                problem(handler, error.status, code=error.code, **members, **error.extra)
                return
        if self.after and self.after.pop(0)(handler):
            return
        send(handler, 200, self.orders[key], **({"idempotent_replayed": "true"} if replayed else {}))

    def last(self, method: str = "POST") -> Request:
        return [request for request in self.requests if request.method == method][-1]


def find(method: str, path: str) -> tuple[Operation, dict[str, str]]:
    for operation in OPERATIONS:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", operation.path)
        found = re.fullmatch(pattern, path)
        if operation.method == method and found:
            assert set(found.groupdict()) == set(path_names(operation.path))
            return operation, {name: unquote(value) for name, value in found.groupdict().items()}
    raise AssertionError(f"the API has no {method} {path}")


def catalogue_view(store: Store) -> dict[str, Any]:
    """As `GET /v1/catalogue` answers, with what the CLI reads of it."""
    tenders = [
        {
            "tender": name,
            "title": tender.title,
            "kind": tender.kind,
            "currency": tender.currency or store.config.store.currency,
            "available": True,
            "unavailable_words": "",
        }
        for name, tender in store.config.tenders.items()
    ]
    items = [
        {
            "item_id": item.id,
            "name": item.name,
            "price_minor": item.price_minor,
            "category": item.category,
            "modifier_groups": list(item.modifier_groups),
        }
        for item in store.catalogue.items.values()
    ]
    facts = {"version": store.catalogue.version, "currency": "USD", "minor_digits": 2, "age_s": 5.0}
    groups = [
        {
            "group_id": group.id,
            "name": group.name,
            "minimum": group.min,
            "maximum": group.max,
            "modifiers": [
                {"modifier_id": modifier.id, "name": modifier.name, "price_minor": modifier.price_minor}
                for modifier in group.modifiers
            ],
        }
        for group in store.catalogue.groups.values()
    ]
    discounts = [
        {
            "code": offer.id,
            "name": offer.name,
            "scope": offer.scope,
            "rate_ppm": None if offer.percent is None else offer.rate_ppm,
            "amount_minor": offer.amount_minor,
        }
        for offer in store.catalogue.discounts.values()
    ]
    return facts | {"items": items, "modifier_groups": groups, "discounts": discounts, "tenders": tenders}
