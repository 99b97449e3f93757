"""Around everything that HQ answers: headers that every answer has, and words for what nothing else answered. An answer that
sets one of the headers itself keeps its own, as pages do."""

import ipaddress
import logging
import secrets

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tillkeeper_hq.pages.frame import refused
from tillkeeper_hq.pages.visit import PageRefused
from tillkeeper_hq.problems import Problem, respond

log = logging.getLogger(__name__)

EVERY = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
TRANSPORT = "max-age=31536000"
"""Strict-Transport-Security (RFC 6797): this name alone, for a year; what else runs below it is not HQ's to decide."""
_DATA = ("/v1/", "/healthz", "/openapi.json")


class Shield:
    """ASGI middleware. `https`: whoever comes from another machine has a TLS connection."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app, self._https = app, https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        every = [(name.encode(), value.encode()) for name, value in EVERY.items()]
        if self._https and _is_name(_host(scope)):
            every.append((b"strict-transport-security", TRANSPORT.encode()))
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                said = message.get("headers", [])
                names = {name.lower() for name, _ in said}
                message = {**message, "headers": [*said, *(pair for pair in every if pair[0] not in names)]}
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientDisconnect:
            return
        except Exception:  # the one place where anything may arrive: logged in full, answered with an id
            error_id = secrets.token_hex(6)
            log.exception("unexpected error %s in %s", error_id, scope["path"])
            if not begun:
                words = f"HQ's log has it under {error_id}"
                await respond(Problem(500, "internal", "An unexpected error", words))(scope, receive, sending)


def _host(scope: Scope) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")


def _is_name(host: str) -> bool:
    """Whether it is a name that browsers remember it for: no address (RFC 6797 section 8.1.1), and not this machine, whose
    other ports are others'."""
    name = host.partition(":")[0].lower().rstrip(".")
    if not name or host.startswith("[") or name == "localhost" or name.endswith(".localhost"):
        return False
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return True
    return False


async def on_no_route(request: Request, error: Exception) -> Response:
    """Starlette's own refusals: no such route, no such method. For programs a problem, for people a page."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    path = request.scope["path"]
    is_data = path.startswith(_DATA)
    if error.status_code != 405:
        return (
            respond(Problem(404, "not_found", "No such route"))
            if is_data
            else refused(PageRefused(404, "There is no such page"))
        )
    problem = Problem(405, "method_not_allowed", f"{request.method[:20]} can not be done here")
    made = respond(problem) if is_data else refused(PageRefused(405, "That can not be done here"))
    made.headers["allow"] = ", ".join(sorted(_methods(request.app.routes, request.scope)))
    return made


def _methods(routes: list[BaseRoute], scope: Scope) -> set[str]:
    """Of the path that stands first: it is the one that is meant."""
    found = [one for one in routes if isinstance(one, Route) and one.matches(scope)[0] is not Match.NONE]
    return {method for one in found if one.path == found[0].path for method in one.methods or ()}
