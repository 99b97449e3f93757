"""Nobody keeps the register from the others: how much of it one caller may have.

Who is counted: a paired device by its own name, a page of this machine by its terminal, an integration on the loopback port as
one, strangers of the network by their address. The unix socket is not counted: who may use it may stop the agent as well.
"""

import math
import time
from collections import Counter
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tillkeeper.api.auth import DEVICE_KEY, LAN_KEY, SCOPE_KEY, is_local_socket
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.problems import RequestRefused, answer_problem
from tillkeeper.api.rate import Rates
from tillkeeper.errors import Overloaded, TillkeeperError

PIN_PATHS = frozenset({"/v1/sign-in", "/v1/approvals"})
CODE_PATHS = frozenset({"/v1/pair"})
_MAX_TERMINAL = 64
_COSTS = (
    ("/v1/preview/", 10.0),
    ("/v1/devices/search", 20.0),
    ("/v1/privacy/", 20.0),
    ("/v1/network/diagnoses", 10.0),
    ("/v1/sign-in", 5.0),
    ("/v1/approvals", 5.0),
    ("/v1/books", 5.0),
    ("/v1/days", 5.0),
    ("/v1/green", 5.0),
    ("/v1/after", 5.0),
    ("/openapi.json", 5.0),
    ("/v1/", 1.0),
)
"""By how a path begins; the first that fits. What draws a picture or asks others costs more than what is in memory."""
_FILE_COST = 0.25
"""A file of the pages. One page loads about forty."""


def cost_of(path: str) -> float:
    """What a request costs, in units of which a page has `ApiLimits.pace_burst` at once."""
    return next((cost for start, cost in _COSTS if path.startswith(start)), _FILE_COST)


def too_often(wait_s: float, subject: str, cause: str, hint: str = "wait and send the same again") -> RequestRefused:
    """429, with when to come again."""
    return RequestRefused("too_often", 429, "answer", subject, cause, hint, retry_after_s=max(1, math.ceil(wait_s)))


def address_of(scope: Scope) -> str:
    """Whence it came, empty for the unix socket. Of IPv6 the address as well: the network is that of the whole store, and one
    stranger would use up what all of its tablets have."""
    client = scope.get("client")
    return "" if client is None or is_local_socket(scope) else str(client[0])


def _source(scope: Scope) -> str:
    if (device := scope.get(DEVICE_KEY)) is not None:
        return f"device {device.device_id}"
    if scope.get(SCOPE_KEY) == "full":
        return "integration"
    if SCOPE_KEY not in scope:  # what is open to all: files of the pages, a pairing code
        return f"address {address_of(scope)}"
    said = next((value for name, value in scope["headers"] if name == b"tillkeeper-terminal"), b"")
    return f"page {said[:_MAX_TERMINAL].decode('latin-1')}"


class Pace:
    """ASGI middleware behind `AccessControl`: whoever comes here may call."""

    def __init__(self, app: ASGIApp, limits: ApiLimits, now_s: Callable[[], float] = time.monotonic) -> None:
        self._app, self._limits, self._now_s = app, limits, now_s
        self._pages = Rates(limits.pace_per_s, limits.pace_burst)
        self._integrations = Rates(limits.integration_per_s, limits.integration_burst)
        self._wrong = {path: Rates(1 / limits.wrong_code_s, limits.wrong_codes) for path in CODE_PATHS}
        self._wrong |= dict.fromkeys(PIN_PATHS, Rates(1 / limits.wrong_pin_s, limits.wrong_pins))
        self._sockets: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if is_local_socket(scope):
            await self._app(scope, receive, send)
            return
        source = _source(scope)
        refused = self._refusal(scope, source)
        if refused is not None:
            await answer_problem(refused, scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send, source)
        elif (wrong := self._wrong.get(scope["path"])) is not None:
            await self._app(scope, receive, self._counting(scope["path"], wrong, source, send))
        else:
            await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, source: str) -> TillkeeperError | None:
        now_s = self._now_s()
        wrong = self._wrong.get(scope["path"])
        if wrong is not None and (wait_s := wrong.wait_s(source, now_s)):
            return too_often(wait_s, "PIN" if scope["path"] in PIN_PATHS else "code", "too many wrong ones came from here")
        rates = self._integrations if source == "integration" else self._pages
        if wait_s := rates.take(source, now_s, cost_of(scope["path"])):
            return too_often(wait_s, "request", f"{source} asks more than a page needs")
        return None

    def _counting(self, path: str, wrong: Rates, source: str, send: Send) -> Send:
        """A wrong PIN is one wherever it was typed: the lock of a terminal is no bound for who can name another one."""

        status = 401 if path in PIN_PATHS else 403  # a right PIN of somebody who may not approve is 403 as well

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == status:
                wrong.take(source, self._now_s())
            await send(message)

        return sending

    async def _socket(self, scope: Scope, receive: Receive, send: Send, source: str) -> None:
        """Places for WebSockets are few: no device has many, and some are kept for this machine's own pages."""
        kind = "/".join(scope["path"].split("/", 3)[:3])
        counted = [source, f"network {kind}"] if LAN_KEY in scope else []
        bounds = (self._limits.sockets_of_one, self._limits.sockets_of_network)
        if any(self._sockets[name] >= bound for name, bound in zip(counted, bounds, strict=False)):
            full = Overloaded("connect", "WebSocket", "so many of this device, or of the network, are open", "close one")
            await answer_problem(full, scope, receive, send)
            return
        self._sockets.update(counted)
        try:
            await self._app(scope, receive, send)
        finally:
            self._sockets.subtract(counted)
            for name in counted:
                if self._sockets[name] <= 0:
                    del self._sockets[name]
