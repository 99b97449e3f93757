"""A very small HTTP/1.1 server on h11, one bounded request a connection: for displays that call the agent, and virtual ones.

Nothing here knows what is asked or answered, so that a driver and its simulator may both stand on it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NamedTuple

import h11

from tillkeeper_drivers.connections import connections

MAX_HEAD = 8_192
_CHUNK = 4_096


class Asked(NamedTuple):
    """`peer` is the address that it came from, as text. `authorization`: the header of this name, empty without."""

    method: str
    path: str
    body: bytes
    peer: str
    authorization: str = ""


class Answer(NamedTuple):
    """`chunks`: instead of `body`, as they come; `length` is then what is announced. What breaks off is a lost connection."""

    status: int
    body: bytes = b""
    length: int = 0
    chunks: AsyncIterator[bytes] | None = None
    media: str = "application/json"


Handler = Callable[[Asked], Awaitable[Answer]]


@contextlib.asynccontextmanager
async def serving(
    host: str,
    port: int,
    handler: Handler,
    *,
    admits: Callable[[str], bool] = lambda _peer: True,
    max_body: int = 65_536,
    deadline_s: float = 5.0,
    most: int = 8,
) -> AsyncIterator[int]:
    """Serve until left.

    Args:
        admits: whether a peer may speak at all; others are closed without a word.
        max_body: of a request, in bytes; a longer one is answered by 413.
        deadline_s: from accepting a connection to the end of its request; the answer has its own time.
        most: connections at once; further ones are closed.

    Yields:
        The port. Raises `OSError` where it can not listen.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _serve(reader, writer, handler, max_body, deadline_s)

    async with connections(serve, (host, port), name="httpd", most=most, admits=admits) as server:
        yield int(server.sockets[0].getsockname()[1])


class _Bad(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(str(status))
        self.status = status


async def _serve(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    handler: Handler,
    max_body: int,
    deadline_s: float,
) -> None:
    peer = str(writer.get_extra_info("peername")[0])
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)
    try:
        try:
            async with asyncio.timeout(deadline_s):
                asked = await _request(connection, reader, peer, max_body)
        except _Bad as error:
            answer = Answer(error.status)
        else:
            answer = await handler(asked)
        await _answer(connection, writer, answer)
        writer.close()
        await writer.wait_closed()
    except (ConnectionError, TimeoutError, h11.ProtocolError):
        writer.transport.abort()


async def _request(connection: h11.Connection, reader: asyncio.StreamReader, peer: str, max_body: int) -> Asked:
    head: h11.Request | None = None
    body = bytearray()
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError as error:
            raise _Bad(error.error_status_hint) from error
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > max_body:
                raise _Bad(413)
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            secret = next((value for name, value in head.headers if name == b"authorization"), b"").decode("latin-1")
            return Asked(head.method.decode("ascii"), head.target.decode("ascii", "replace"), bytes(body), peer, secret)
        else:
            raise ConnectionError("closed before the request was through")


async def _answer(connection: h11.Connection, writer: asyncio.StreamWriter, answer: Answer) -> None:
    length = len(answer.body) if answer.chunks is None else answer.length
    headers = [("content-length", str(length)), ("content-type", answer.media), ("connection", "close")]
    if connection.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        raise ConnectionError("nothing can be answered")
    writer.write(connection.send(h11.Response(status_code=answer.status, headers=headers)) or b"")
    if answer.chunks is None:
        writer.write(connection.send(h11.Data(data=answer.body)) or b"")
    else:
        async for chunk in answer.chunks:
            writer.write(connection.send(h11.Data(data=chunk)) or b"")
            await writer.drain()
    writer.write(connection.send(h11.EndOfMessage()) or b"")
    await writer.drain()
