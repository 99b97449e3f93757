"""How agent and HQ read HTTP/1.1: h11 with the bounds that it leaves out (0.16). Anybody on the network may send what costs the
loop much and the sender nothing."""

from collections.abc import Iterator

from h11 import NEED_DATA, PAUSED, SERVER, Connection, Data, EndOfMessage, Event, RemoteProtocolError, Request

HEAD_BYTES = 16_384
HEADERS = 128
"""Of one head, and as many behind a body in chunks. Browsers send about 20, and proxies add some."""
PARTS = 256
"""Chunks of one body (RFC 9112, 7.1), and one more for each `PIECE_BYTES` of it: each takes the loop as long as a small
request, whoever sends it, and may be one byte."""
PIECE_BYTES = 4_096
"""So much is parsed at a time, so that what is over a bound is found before all that came with it is parsed too."""


class BoundedParser(Connection):
    """The server's side of one connection."""

    _parts = 0
    _body_bytes = 0

    def __init__(self) -> None:
        super().__init__(SERVER, HEAD_BYTES)

    def next_event(self) -> Event | type[NEED_DATA] | type[PAUSED]:
        """Raises: RemoteProtocolError."""
        event = super().next_event()
        if isinstance(event, Data):
            self._parts += event.chunk_start
            self._body_bytes += len(event.data)
            if self._parts > PARTS + self._body_bytes // PIECE_BYTES:
                raise RemoteProtocolError("too many chunks")
        elif isinstance(event, Request | EndOfMessage):
            self._parts = self._body_bytes = 0
            if len(event.headers) > HEADERS:
                raise RemoteProtocolError("too many headers")
        return event


def pieces(data: bytes) -> Iterator[bytes]:
    """What one packet brought, in the sizes that `PIECE_BYTES` allows."""
    for at in range(0, len(data), PIECE_BYTES):
        yield data[at : at + PIECE_BYTES]
