"""Connections to HQ. Who says nothing keeps no place: uvicorn alone waits for a request's head for ever, and asyncio for a TLS
handshake a minute."""

import asyncio
import socket
import sys
from typing import Any

import h11
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from tillkeeper.contract.http_parser import BoundedParser, pieces
from tillkeeper_hq.problems import Problem, respond
from tillkeeper_hq.shield import EVERY

HEAD_S = 10.0
"""From the connection, or from the last answer, to the end of the next request's head, however slowly that drips."""
KEPT_S = 9
"""A connection on which nothing more is asked is closed: later than many clients let go of theirs (5 s), so that none is closed
while a request is on its way; in good order, so before `HEAD_S`."""
HANDSHAKE_S = 5.0
"""From the connection to the end of its TLS handshake."""
HANDSHAKES_OF_ONE = 64
"""In work for one address; one more is closed at once, and comes again: a handshake takes some milliseconds."""
_MAPPED = bytes(10) + b"\xff\xff"
"""How an IPv4 address begins as an IPv6 one (RFC 4291 section 2.5.5.2)."""


class Door(socket.socket):
    """The listening socket. `tls`: connections begin with a handshake, and nobody has more than his part of those. `handle`: of
    one that listens already."""

    def __init__(self, family: int, *, tls: bool, handle: int | None = None) -> None:
        # The protocol is named: with 0 asyncio leaves TCP_NODELAY off, and each small answer takes 40 ms.
        super().__init__(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, handle)
        self._tls = tls
        self._shaking: dict[int, tuple[socket.socket, bytes]] = {}
        """Whose handshake is in work, by file descriptor. asyncio closes what comes to no end."""

    def accept(self) -> tuple[socket.socket, Any]:
        """Raises ConnectionAbortedError, which asyncio passes over: too many of this address."""
        connection, address = super().accept()
        if self._tls:
            self._shaking = {number: one for number, one in self._shaking.items() if one[0].fileno() == number}
            place = _place(self.family, address[0])
            if sum(other == place for _, other in self._shaking.values()) >= HANDSHAKES_OF_ONE:
                connection.close()
                raise ConnectionAbortedError
            self._shaking[connection.fileno()] = connection, place
        return connection, address

    def is_through(self, transport: asyncio.Transport) -> None:
        self._shaking.pop(transport.get_extra_info("socket").fileno(), None)


def _place(family: int, host: str) -> bytes:
    """An address; of IPv6 its network, of which one machine may have all addresses."""
    if family != socket.AF_INET6:
        return host.encode()
    packed = socket.inet_pton(family, host.partition("%")[0])
    return packed if packed.startswith(_MAPPED) else packed[:8]


class Hurried(H11Protocol):
    """Where all places are taken, the connection that has asked nothing for longest makes room; where all have asked, the one
    whose request has not come to its end for longest."""

    _since_s = 0.0
    _unsent = 0
    _deadline: asyncio.TimerHandle | None = None

    def __init__(self, config: Config, server_state: ServerState, app_state: dict[str, Any], door: Door) -> None:
        super().__init__(config, server_state, app_state)
        self._door = door
        self.conn = BoundedParser()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        self._door.is_through(transport)
        while self.limit_concurrency is not None and len(self.connections) + 1 >= self.limit_concurrency:
            others = [one for one in self.connections if isinstance(one, Hurried)]
            idle = [one for one in others if not one._is_asked()] or [one for one in others if one._is_sending()]
            if not idle:
                break
            longest = min(idle, key=lambda one: one._since_s)
            self.connections.discard(longest)
            longest.transport.abort()
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        for piece in pieces(data):
            if self.transport.is_closing():
                break
            super().data_received(piece)
        if self._is_asked():
            self._cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._is_asked():
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """As a problem, with the headers that every answer has; where an answer is under way only the connection ends."""
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            answer = respond(Problem(400, "bad_request", "That is no HTTP/1.1", msg))
            answer.headers.update(EVERY | {"connection": "close"})
            head = [b"HTTP/1.1 400 Bad Request", *(b"%s: %s" % pair for pair in answer.raw_headers)]
            self.transport.write(b"\r\n".join([*head, b"", bytes(answer.body)]))
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel()
        super().connection_lost(exc)

    def _is_asked(self) -> bool:
        """A request's head is here, and its answer is not all out."""
        return self.cycle is not None and not self.cycle.response_complete

    def _is_sending(self) -> bool:
        """The request's body is not all here. It may never be: the app waits some seconds, and strangers come again."""
        return self.conn.their_state is h11.SEND_BODY

    def _wait(self) -> None:
        self._cancel()
        self._since_s = self.loop.time()
        self._unsent = sys.maxsize
        self._deadline = self.loop.call_later(HEAD_S, self._end)

    def _end(self) -> None:
        """Unless the last answer is still on its way to somebody who reads slowly."""
        unsent = self.transport.get_write_buffer_size()
        if 0 < unsent < self._unsent:
            self._unsent = unsent
            self._deadline = self.loop.call_later(HEAD_S, self._end)
        else:
            self.transport.abort()

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
