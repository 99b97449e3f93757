"""uvicorn's HTTP connection with the bounds that uvicorn leaves out (0.54; for WebSockets: `api/frames.py`): how long a request
head may take, how many parts a body may have, how long a client may take nothing, how many connections may be open; typed
answers where uvicorn writes plain text; and no connection is closed for its silence while a request waits on it."""

import asyncio
import pwd
import select
import socket
import struct
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar

from h11 import Request
from starlette.datastructures import MutableHeaders

from tillkeeper.api.frames import BoundedWebSocket
from tillkeeper.api.lean import H11Protocol
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.problems import CONTENT_TYPE, RequestRefused, encode_problem, problem_headers
from tillkeeper.contract.http_parser import BoundedParser, pieces
from tillkeeper.errors import BadRequest, Overloaded, TillkeeperError

PEER_KEY = "tillkeeper.peer"
"""Where in the state of an ASGI scope the user stands who called over the unix socket."""
_REASONS = {400: b"Bad Request", 426: b"Upgrade Required", 503: b"Service Unavailable"}
_VERSION = b"13"
"""Of the WebSocket protocol (RFC 6455, 4.1)."""


def peer_of(connection: socket.socket | None) -> str | None:
    """The user at the other end of a unix socket ("user root"), as the kernel says (unix(7), SO_PEERCRED); None elsewhere."""
    if connection is None or connection.family != socket.AF_UNIX:
        return None
    _pid, uid, _gid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return _user(uid)


@lru_cache(maxsize=64)
def _user(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def _raw_problem(error: TillkeeperError) -> bytes:
    """A whole HTTP/1.1 answer, for where there is no request that a normal one could belong to."""
    body = encode_problem(error)
    headers = MutableHeaders(problem_headers(error))
    headers["content-type"] = CONTENT_TYPE
    headers["content-length"] = str(len(body))
    headers["connection"] = "close"
    lines = [b"HTTP/1.1 %d %s" % (error.status, _REASONS[error.status]), *(b"%s: %s" % pair for pair in headers.raw)]
    return b"\r\n".join([*lines, b"", body])


def _handshake_refusal(method: bytes, headers: Iterable[tuple[bytes, bytes]]) -> TillkeeperError | None:
    """Why this is no opening handshake (RFC 6455, 4.2.1), or None."""
    said = list(headers)
    if [value.strip() for name, value in said if name == b"sec-websocket-version"] != [_VERSION]:
        cause, accepted = "only version 13 is spoken", {"sec-websocket-version": _VERSION.decode()}
        return RequestRefused("upgrade_required", 426, "read", "WebSocket handshake", cause, headers=accepted)
    keys = [value for name, value in said if name == b"sec-websocket-key"]
    if method != b"GET" or len(keys) != 1:
        return BadRequest("read", "WebSocket handshake", "it is no GET with one Sec-WebSocket-Key", "see RFC 6455, 4.2.1")
    return None


class BoundedHttp(H11Protocol):
    """One HTTP connection. A subclass made by `bounded` carries the limits."""

    limits: ClassVar[ApiLimits]
    _head_timer: asyncio.TimerHandle | None = None
    _stall_timer: asyncio.TimerHandle | None = None
    _idle_since_s: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn narrows it
        self.conn = BoundedParser()
        super().connection_made(transport)
        if (peer := peer_of(transport.get_extra_info("socket"))) is not None:
            self.app_state = {**self.app_state, PEER_KEY: peer}
        if len(self._of_the_same_way()) > self.limits.connections and not self._room_is_made():
            full = Overloaded("connect", "register", f"{self.limits.connections} connections are open", "close idle ones")
            self._end(_raw_problem(full))
        else:
            self._watch_head()

    def _of_the_same_way(self) -> "list[BoundedHttp | BoundedWebSocket]":
        """Port and socket are counted apart: a page that takes every place on the port does not lock the CLI out."""
        ours = [one for one in self.connections if isinstance(one, BoundedHttp | BoundedWebSocket)]
        return [one for one in ours if (one.client is None) == (self.client is None)]

    def _room_is_made(self) -> bool:
        idle = [(one._idle_since_s, one) for one in self._of_the_same_way() if isinstance(one, BoundedHttp) and one._is_idle()]
        since_s, longest = min(idle, key=lambda pair: pair[0] or 0.0, default=(None, self))
        if since_s is None or self.loop.time() - since_s < self.limits.idle_s:
            return self._busiest_makes_room()
        longest.timeout_keep_alive_handler()
        return longest.transport.is_closing()

    def _busiest_makes_room(self) -> bool:
        """Of the address that has the most connections, more than ours, one ends on which nothing is asked, or only half: who
        has many addresses and says little on them keeps nobody out."""
        ours = self._of_the_same_way()
        count = Counter(one.client[0] for one in ours if one.client is not None)
        if self.client is None or count[self.client[0]] >= max(count.values()):
            return False
        busiest = max(count, key=count.__getitem__)
        theirs = (one for one in ours if isinstance(one, BoundedHttp) and one.client is not None and one.client[0] == busiest)
        quiet = next((one for one in theirs if one._is_idle() or (one._head_timer and not one.transport.is_closing())), None)
        if quiet is None:
            return False
        quiet.transport.abort()
        return True

    def _is_idle(self) -> bool:
        return self._idle_since_s is not None and not self.transport.is_closing()

    def data_received(self, data: bytes) -> None:
        self._idle_since_s = None
        for piece in pieces(data):
            if self.transport.is_closing() or self._is_upgraded():
                break
            super().data_received(piece)
        self._watch_head()

    def _is_upgraded(self) -> bool:
        return self.transport.get_protocol() is not self

    def _watch_head(self) -> None:
        """A timer runs whenever a client is in the middle of a head, or still sends what nobody reads any more."""
        answering = self.cycle is not None and not self.cycle.response_complete
        if self._is_upgraded() or answering or self.transport.is_closing():
            self._stop("_head_timer")
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.head_s, self.transport.abort)

    def on_response_complete(self) -> None:
        self._idle_since_s = self.loop.time()
        super().on_response_complete()
        if self.cycle is not None and not self.cycle.response_complete:  # it had been sent behind the one before
            self._idle_since_s = None
        self._watch_end()

    def timeout_keep_alive_handler(self) -> None:
        """Unless the next request is here already, unread: a loop that is late would close in its client's face."""
        if not self._is_readable():
            super().timeout_keep_alive_handler()
            self._watch_end()

    def _is_readable(self) -> bool:
        number = -1 if self.transport.is_closing() else self.transport.get_extra_info("socket").fileno()
        if number < 0:
            return False
        waiting = select.poll()
        waiting.register(number, select.POLLIN)
        return bool(waiting.poll(0))

    def _watch_end(self) -> None:
        """Closing waits for the client to take the rest of an answer: not for ever."""
        if self.transport.is_closing() and self._stall_timer is None:
            self._stall_timer = self.loop.call_later(self.limits.stall_s, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stall_timer is None:
            self._stall_timer = self.loop.call_later(self.limits.stall_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._stop("_stall_timer")

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop("_head_timer")
        self._stop("_stall_timer")
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Request) -> None:
        """wsproto raises where a header is no text; uvicorn would then keep a connection in its list that never ends, and count
        it. What wsproto refuses by itself has none of our headers."""
        refused = _handshake_refusal(event.method, self.headers)
        if refused is None:
            try:
                super().handle_websocket_upgrade(event)
            except ValueError:  # UnicodeError among them
                refused = BadRequest("read", "WebSocket handshake", "a header is no text", "see RFC 6455, 4.2.1")
                ours = [one for one in self.connections if getattr(one, "transport", None) is self.transport]
                self.connections.difference_update(ours)
        if refused is not None:
            self._end(_raw_problem(refused))

    def send_400_response(self, msg: str) -> None:
        """Also in the middle of a body, where an answer may be under way already: then only the connection ends."""
        begun = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._end(b"" if begun else _raw_problem(BadRequest("read", "request", msg, "send HTTP/1.1 (RFC 9112)")))

    def _end(self, last_words: bytes) -> None:
        if last_words:
            self.transport.write(last_words)
        self.transport.close()
        self._watch_end()

    def _stop(self, name: str) -> None:
        timer: asyncio.TimerHandle | None = getattr(self, name)
        if timer is not None:
            timer.cancel()
            setattr(self, name, None)


def bounded(limits: ApiLimits) -> tuple[type[BoundedHttp], type[BoundedWebSocket]]:
    """The two classes with these limits; uvicorn makes the instances."""

    class Http(BoundedHttp):
        pass

    class Socket(BoundedWebSocket):
        pass

    Http.limits = limits
    Socket.limits = limits
    return Http, Socket
