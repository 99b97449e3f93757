"""The outermost layer: bounds how much is at work, and answers the unexpected without telling anything of the inside."""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Callable

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tillkeeper.api.auth import LAN_KEY, SCOPE_KEY
from tillkeeper.api.headers import completed
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.pace import address_of, too_often
from tillkeeper.api.problems import answer_problem, internal, send_problem
from tillkeeper.api.rate import Rates
from tillkeeper.errors import Overloaded, TillkeeperError

log = logging.getLogger(__name__)


_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})


class _Watched:
    """`send`, and whether an answer has begun. Each one gets the headers that every answer has. `instead`: what is answered in
    the place of an answer of this status."""

    def __init__(self, send: Send, instead: Callable[[int], TillkeeperError | None]) -> None:
        self._send = send
        self._instead = instead
        self._swallowed = False
        self.begun = False
        self.closed = False

    async def __call__(self, message: Message) -> None:
        if self._swallowed:
            return
        self.closed = self.closed or message["type"] == "websocket.close"
        if not self.begun and message["type"] in _STARTS:
            refused = self._instead(message["status"])
            if refused is not None:
                self.begun = self._swallowed = True
                await send_problem(refused, message["type"], self._sealed, _cors_of(message))
                return
        self.begun = True
        await self._sealed(message)

    async def _sealed(self, message: Message) -> None:
        if message["type"] in _STARTS:
            message = {**message, "headers": completed(message.get("headers", ()))}
        await self._send(message)


def _cors_of(message: Message) -> list[tuple[bytes, bytes]]:
    return [pair for pair in message.get("headers", ()) if pair[0].startswith(b"access-control-") or pair[0] == b"vary"]


def _in_one_line(path: str) -> str:
    """With its line feeds as they were sent. Starlette's expressions end in `$`, which one may follow: each route would have a
    second path, that `api/pace.py` does not count. Its `.*` ends at one: not every path would be somebody's."""
    return path.replace("\n", "%0A")


class Edge:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, limits: ApiLimits, now_s: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._limits = limits
        self._now_s = now_s
        self._at_work: Counter[str] = Counter()
        self._strangers = Rates(1 / limits.wrong_token_s, limits.wrong_tokens)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "\n" in scope["path"]:
            scope = {**scope, "path": _in_one_line(scope["path"])}
        address = address_of(scope)
        watched = _Watched(send, lambda status: self._too_often(status, scope, address))
        if scope["type"] == "websocket":  # live clients and displays have bounds of their own
            await self._guarded(scope, receive, watched)
            return
        counted = ["all", "network", address] if LAN_KEY in scope else ["all"]
        bounds = (self._limits.requests, self._limits.requests_of_network, self._limits.requests_of_one)
        if any(self._at_work[name] >= bound for name, bound in zip(counted, bounds, strict=False)):
            full = Overloaded("answer", "request", "as many as may be are at work", "try again with the same key")
            await answer_problem(full, scope, receive, watched)
            return
        self._at_work.update(counted)
        try:
            await self._guarded(scope, receive, watched)
        finally:
            self._at_work.subtract(counted)
            for name in counted:
                if self._at_work[name] <= 0:
                    del self._at_work[name]

    def _too_often(self, status: int, scope: Scope, address: str) -> TillkeeperError | None:
        """429 in the place of one more refusal of a stranger. Whoever was let in has a scope, and is not counted here."""
        if not address or SCOPE_KEY in scope:
            return None
        if status in (401, 403) and (wait_s := self._strangers.take(address, self._now_s())):
            return too_often(wait_s, "caller", "too many refused calls came from here", "see why they were refused")
        return None

    async def _guarded(self, scope: Scope, receive: Receive, watched: _Watched) -> None:
        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            stopping = Overloaded("answer", "request", "the agent is stopping", "ask again with the same key once it is back")
            await _answer(stopping, scope, receive, watched, close_code=1012)
            raise
        except Exception:  # the one place where anything may arrive: logged in full, answered with an id
            error_id = secrets.token_hex(6)
            log.exception("unexpected error %s in %s", error_id, scope["path"])
            await _answer(internal(error_id), scope, receive, watched, close_code=1011)


async def _answer(error: TillkeeperError, scope: Scope, receive: Receive, watched: _Watched, close_code: int) -> None:
    if not watched.begun:
        await answer_problem(error, scope, receive, watched)
    elif scope["type"] == "websocket" and not watched.closed:
        await watched({"type": "websocket.close", "code": close_code})
