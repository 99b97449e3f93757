"""Who may call. On the unix socket the file's owner, group and mode decide. On the loopback port three things must hold at
once, because any web page in the register's browser can reach it: the exact Host (a rebound DNS name carries its own), no
foreign Origin, and the token. On the network (`api/lan.py`) the same three with its own addresses and names, and the token of a
paired device: those of the token files open nothing there. Browsers can set no header on a WebSocket, so there the token may
come as the sub-protocol `bearer.<token>` (next to `tillkeeper.v1`, which is the one that gets selected).
"""

import asyncio
import contextlib
import hmac
from collections.abc import Iterable
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as AsgiScope

from tillkeeper.api.problems import RequestRefused, answer_problem
from tillkeeper.api.ways import DEVICE_KEY as DEVICE_KEY
from tillkeeper.api.ways import LAN_KEY as LAN_KEY
from tillkeeper.api.ways import SCOPE_KEY as SCOPE_KEY
from tillkeeper.api.ways import is_local_socket as is_local_socket
from tillkeeper.api.ways import own_hosts as own_hosts
from tillkeeper.api.web import is_page
from tillkeeper.contract.caller import Scope

SUBPROTOCOL = "tillkeeper.v1"
ALLOWED_HEADERS = (
    b"authorization, content-type, idempotency-key, "
    b"tillkeeper-terminal, tillkeeper-session, tillkeeper-approval, tillkeeper-training"
)
OPEN_PATHS = frozenset({"/v1/health", "/v1/pair", "/v1/authority.crt"})
UNPAIRED = 4401
"""Close code (RFC 6455, 7.4.2: 4000-4999 are private): this device is paired no more."""


class PairedDevice(Protocol):
    @property
    def device_id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def scope(self) -> Scope: ...

    @property
    def terminal(self) -> str: ...


class Devices(Protocol):
    """The paired devices (`access/keeper.py`)."""

    def device(self, token: bytes) -> PairedDevice | None:
        """Whose token it is, in a time that tells nothing of a token."""
        ...

    def connected(self, device_id: str) -> contextlib.AbstractContextManager[asyncio.Event]:
        """While a connection of the device is open; the event is set once the device is paired no more."""
        ...


class Access:
    """What a caller must know or be. `page_token` is that of our own pages on this machine: it opens less (see
    `contract.caller`). `origins` are further pages that may call ("http://host:port"); `devices`: those that are paired."""

    __slots__ = ("_page_token", "_token", "devices", "origins")

    def __init__(self, token: str, origins: Iterable[str] = (), page_token: str = "", devices: Devices | None = None) -> None:
        self._token = token.encode()
        self._page_token = page_token.encode()
        self.origins = frozenset(origins)
        self.devices = devices

    def opens(self, token: bytes, scope: AsgiScope) -> bool:
        """Whether this token opens anything the way that the request came, and notes what; in a time that does not depend on
        where two tokens differ."""
        full = hmac.compare_digest(token, self._token)
        page = hmac.compare_digest(token, self._page_token) and bool(self._page_token)
        device = self.devices.device(token) if self.devices is not None else None
        if device is not None:
            scope[SCOPE_KEY], scope[DEVICE_KEY] = device.scope, device
            return True
        if LAN_KEY in scope:
            return False
        if full or page:
            scope[SCOPE_KEY] = "full" if full else "page"
        return full or page


def _headers(scope: AsgiScope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _host_refusal(scope: AsgiScope, names: tuple[str, ...]) -> RequestRefused | None:
    hosts = _headers(scope, b"host")
    if len(hosts) == 1 and hosts[0].decode("latin-1").lower() in names:
        return None
    return RequestRefused(
        "host_refused",
        403,
        "call",
        scope["path"],
        "the Host header is not this register's own address",
        f"use {names[0]}",
    )


def _origin_refusal(scope: AsgiScope, names: tuple[str, ...], access: Access) -> RequestRefused | None:
    origins = _headers(scope, b"origin")
    if not origins:
        return None
    origin = origins[0].decode("latin-1")
    scheme = "https" if LAN_KEY in scope and scope[LAN_KEY].secure else "http"
    if len(origins) == 1 and (origin in access.origins or origin in {f"{scheme}://{name}" for name in names}):
        return None
    return RequestRefused(
        "origin_refused",
        403,
        "call",
        scope["path"],
        f"the page {origin} is not allowed to call this register",
        "add it to `origins` of [api] if it is yours",
    )


def _fetch_refusal(scope: AsgiScope) -> RequestRefused | None:
    """A picture, script or frame in the page of another site has no Origin. It would get nothing of the answer, but hundreds of
    them would use up what our own pages may ask for. Browsers say what they load (Fetch Metadata Request Headers, W3C)."""
    site, mode, kind = (b"".join(_headers(scope, b"sec-fetch-" + name)) for name in (b"site", b"mode", b"dest"))
    part = mode == b"no-cors" or (mode == b"navigate" and kind != b"document")
    if not part or site not in (b"cross-site", b"same-site"):
        return None
    cause, hint = "it is no part of another site's page", "open it by itself"
    return RequestRefused("origin_refused", 403, "call", scope["path"], cause, hint)


def _token_refusal(scope: AsgiScope, access: Access) -> RequestRefused | None:
    authorization = _headers(scope, b"authorization")
    if len(authorization) == 1:
        scheme, _, token = authorization[0].partition(b" ")
        if scheme.lower() == b"bearer" and access.opens(token.strip(), scope):
            return None
    elif not authorization and scope["type"] == "websocket":
        offered = [name for name in scope["subprotocols"] if name.startswith("bearer.")]
        token = offered[0].removeprefix("bearer.").encode("latin-1", "replace") if len(offered) == 1 else b""
        if access.opens(token, scope):
            return None
    where = (
        "pair this device (docs/access.md)"
        if LAN_KEY in scope
        else ("send `Authorization: Bearer <token>`; it is in the file `api.token_file`, or `api-token` in the data folder")
    )
    return RequestRefused(
        "unauthorized",
        401,
        "call",
        scope["path"],
        "the access token is missing or wrong",
        where,
        headers={"www-authenticate": 'Bearer realm="tillkeeper"'},
    )


def refusal(scope: AsgiScope, access: Access) -> RequestRefused | None:
    """Why this request may not pass, or None."""
    if is_local_socket(scope):
        return None
    names = own_hosts(scope)
    refused = _host_refusal(scope, names) or _origin_refusal(scope, names, access) or _fetch_refusal(scope)
    if refused is not None:
        return refused
    if scope["type"] == "http" and (scope["path"] in OPEN_PATHS or is_page(scope["path"]) or is_preflight(scope)):
        return None
    return _token_refusal(scope, access)


def is_preflight(scope: AsgiScope) -> bool:
    """A browser asks whether a page of a listed origin may call (Fetch standard, CORS-preflight request)."""
    return (
        scope["method"] == "OPTIONS"
        and bool(_headers(scope, b"origin"))
        and bool(_headers(scope, b"access-control-request-method"))
    )


def chosen_subprotocol(scope: AsgiScope) -> str | None:
    """What to select of the offered sub-protocols: browsers fail a connection where they offered some and none was taken."""
    offered: list[str] = scope["subprotocols"]
    if SUBPROTOCOL in offered:
        return SUBPROTOCOL
    return next((name for name in offered if name.startswith("bearer.")), None)


class AccessControl:
    """ASGI middleware: nothing behind it runs for a caller that may not call."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        refused = refusal(scope, self._access)
        allowed = self._listed_origin(scope)
        if refused is not None:  # a listed page may read why
            await answer_problem(refused, scope, receive, send if allowed is None else _with_cors(allowed, send))
            return
        if scope["type"] == "websocket" and DEVICE_KEY in scope:
            await self._while_paired(scope, receive, send)
        elif allowed is None:
            await self._app(scope, receive, send)
        elif is_preflight(scope):
            await _answer_preflight(allowed, send)
        else:
            await self._app(scope, receive, _with_cors(allowed, send))

    async def _while_paired(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        """The WebSocket of a paired device ends when the device is paired no more."""
        devices = self._access.devices
        if devices is None:
            raise RuntimeError("a device without a book of devices")
        with devices.connected(scope[DEVICE_KEY].device_id) as ended:
            end = asyncio.create_task(ended.wait(), name="api.unpaired")

            async def receiving() -> Message:
                asked = asyncio.ensure_future(receive())
                try:
                    await asyncio.wait({asked, end}, return_when=asyncio.FIRST_COMPLETED)
                    if asked.done():
                        return asked.result()
                finally:
                    asked.cancel()
                await send({"type": "websocket.close", "code": UNPAIRED, "reason": "unpaired"})
                return {"type": "websocket.disconnect", "code": UNPAIRED}

            try:
                await self._app(scope, receiving, send)
            finally:
                end.cancel()

    def _listed_origin(self, scope: AsgiScope) -> bytes | None:
        """Only a page that the config names gets CORS headers, and only with its own name, never `*`."""
        if scope["type"] != "http" or is_local_socket(scope):
            return None
        origins = _headers(scope, b"origin")
        return origins[0] if origins and origins[0].decode("latin-1") in self._access.origins else None


async def _answer_preflight(origin: bytes, send: Send) -> None:
    headers = [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", ALLOWED_HEADERS),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _with_cors(origin: bytes, send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [
                (b"access-control-allow-origin", origin),
                (b"access-control-expose-headers", b"idempotent-replayed"),
                (b"vary", b"origin"),
            ]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return sending
