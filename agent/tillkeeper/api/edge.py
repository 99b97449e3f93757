"""The outermost layer: bounds how much is at work, and answers the unexpected without telling anything of the inside."""

import asyncio
import logging
import secrets

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tillkeeper.api.headers import completed
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.problems import answer_problem, internal
from tillkeeper.errors import Overloaded, TillkeeperError

log = logging.getLogger(__name__)


_STARTS = frozenset({"http.response.start", "websocket.http.response.start"})


class _Watched:
    """`send`, and whether an answer has begun. Each one gets the headers that every answer has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False
        self.closed = False

    async def __call__(self, message: Message) -> None:
        self.begun = True
        self.closed = self.closed or message["type"] == "websocket.close"
        if message["type"] in _STARTS:
            message = {**message, "headers": completed(message.get("headers", ()))}
        await self._send(message)


class Edge:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, limits: ApiLimits) -> None:
        self._app = app
        self._limits = limits
        self._at_work = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watched = _Watched(send)
        if scope["type"] == "websocket":  # live clients and displays have bounds of their own
            await self._guarded(scope, receive, watched)
            return
        if self._at_work >= self._limits.requests:
            full = Overloaded("answer", "request", f"{self._at_work} requests are at work", "try again with the same key")
            await answer_problem(full, scope, receive, watched)
            return
        self._at_work += 1
        try:
            await self._guarded(scope, receive, watched)
        finally:
            self._at_work -= 1

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
