"""The ASGI application: routes made from the table, one way in, one way out."""

from collections.abc import Awaitable, Callable, Sequence

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import ASGIApp

from tillkeeper.api.acts import note
from tillkeeper.api.auth import Access, AccessControl
from tillkeeper.api.callers import SESSION_HEADER, caller_of
from tillkeeper.api.edge import Edge
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.live import Sockets
from tillkeeper.api.openapi import document
from tillkeeper.api.operations import OPERATIONS
from tillkeeper.api.pace import Pace
from tillkeeper.api.ports import Till
from tillkeeper.api.problems import RequestRefused, problem_response
from tillkeeper.api.requests import decode, idempotency_key, path_params, query, read_body
from tillkeeper.api.routes import JSON, Call, Operation
from tillkeeper.api.scopes import require_scope
from tillkeeper.api.web import Pages, static_folder
from tillkeeper.errors import NotFound, TillkeeperError

Endpoint = Callable[[Request], Awaitable[Response]]

_encoder = msgspec.json.Encoder()


def create_app(till: Till, access: Access, limits: ApiLimits | None = None, registers: Sequence[str] = ()) -> ASGIApp:
    """The whole API in front of `till`, and the pages. `registers`: addresses that the pages may call besides this one."""
    bounds = limits or ApiLimits()
    sockets = Sockets(till, bounds)
    by_path: dict[str, list[Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, []).append(operation)
    # Fixed paths first: /v1/jobs/release is no job, and its 405 names its own methods.
    fixed_first = sorted(by_path.items(), key=lambda row: "{" in row[0])
    routes: list[BaseRoute] = [_route(path, operations, till, bounds) for path, operations in fixed_first]
    routes.append(Route("/openapi.json", _openapi_endpoint(), methods=["GET"]))
    routes.extend(Pages(static_folder(), registers).routes())
    routes.append(WebSocketRoute("/v1/live", sockets.live))
    routes.append(WebSocketRoute("/v1/kitchen/{device}", sockets.kitchen))
    routes.append(WebSocketRoute("/{rest:path}", sockets.unknown))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Edge, limits=bounds), Middleware(AccessControl, access=access), Middleware(Pace, limits=bounds)],
        exception_handlers={TillkeeperError: _on_error, HTTPException: _on_http_error},
    )
    app.router.redirect_slashes = False  # a redirected POST would be sent twice
    return app


def _route(path: str, operations: list[Operation], till: Till, limits: ApiLimits) -> Route:
    endpoints = {operation.method: _endpoint(operation, till, limits) for operation in operations}

    async def dispatch(request: Request) -> Response:
        return await endpoints["GET" if request.method == "HEAD" else request.method](request)

    return Route(path, dispatch, methods=list(endpoints))


def _endpoint(operation: Operation, till: Till, limits: ApiLimits) -> Endpoint:
    decoder = None if operation.body is None else msgspec.json.Decoder(operation.body)

    async def answer(request: Request) -> Response:
        require_scope(request.scope, operation.id)
        params = path_params(request)
        key = idempotency_key(request) if operation.changes else ""
        asked = None if operation.query is None else query(request, operation.query)
        body = None if decoder is None else decode(decoder, await read_body(request, limits))
        caller = caller_of(request, till.people)
        session, address = request.headers.get(SESSION_HEADER, ""), request.client.host if request.client else ""
        call = Call(params, key, body, asked, caller, session, address)
        done = await operation.run(till, call)
        if not done.replayed:
            await note(till, operation.id, call)
        headers = {"idempotent-replayed": "true"} if done.replayed else None
        content = _encoder.encode(done.value) if operation.media == JSON else done.value
        return Response(content, headers=headers, media_type=operation.media)

    return answer


def _openapi_endpoint() -> Endpoint:
    made: list[bytes] = []  # on the first request: most registers never need it, and starting is faster

    async def openapi(request: Request) -> Response:
        require_scope(request.scope, "get_openapi")
        if not made:
            made.append(_encoder.encode(document()))
        return Response(made[0], media_type="application/json")

    return openapi


async def _on_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, TillkeeperError):
        raise error
    return problem_response(error)


async def _on_http_error(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such route, no such method, a client that went away."""
    if not isinstance(error, HTTPException):
        raise error
    path = request.scope["path"]
    if error.status_code == 404:
        return problem_response(NotFound("call", path, "there is no such route", "see /openapi.json"))
    headers = {"allow": ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))}
    refused = RequestRefused(
        "method_not_allowed", error.status_code, "call", path, f"{request.method} is not a method of it", headers=headers
    )
    return problem_response(refused)
