"""Lines between registers: TLS 1.3 over TCP, both sides with the store's certificates. Every wait has a deadline."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable
from ssl import SSLContext, SSLError
from typing import Protocol

from tillkeeper.replication.peers.wire import HEADER, Malformed, Message, decode, frame_length
from tillkeeper.replication.trouble import SinkTrouble
from tillkeeper.trust.asking import refusal_words
from tillkeeper.trust.tls import is_for_desk, peer_key

log = logging.getLogger(__name__)

CONNECT_S = 2.0
HANDSHAKE_S = 3.0
SEND_S = 5.0
FRAME_S = 5.0
"""From the first byte of a frame to its last."""
POST_LIMIT = 256 * 1024
"""A beat is left out where so much waits to be sent already."""
MAX_CONNECTIONS = 64
MAX_STRANGERS = 16
"""Connections that have not shown who they are yet."""
MAX_STRANGERS_OF_ONE = 4
PENALTY_S = 1.0
"""So long a failed handshake keeps its place taken: strangers cost at most 4 of them a second for each address."""


class Keys(Protocol):
    """What a line needs of the store's keys."""

    @property
    def server(self) -> SSLContext: ...

    @property
    def client(self) -> SSLContext: ...


class Joining(Protocol):
    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None: ...


class StreamConnection:
    """See `session.Connection`."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, register: str, key: str, address: str
    ) -> None:
        self._reader, self._writer = reader, writer
        self.register, self.key, self.address = register, key, address

    async def send(self, frame: bytes) -> None:
        try:
            self._writer.write(frame)
            async with asyncio.timeout(SEND_S):
                await self._writer.drain()
        except TimeoutError:
            raise self._trouble(f"takes nothing for {SEND_S:g} s") from None
        except OSError as error:
            raise self._lost(error) from error

    def post(self, frame: bytes) -> None:
        transport = self._writer.transport
        if not transport.is_closing() and transport.get_write_buffer_size() < POST_LIMIT:
            self._writer.write(frame)

    async def receive(self, within_s: float) -> Message:
        while True:
            try:
                async with asyncio.timeout(within_s):
                    header = await self._reader.readexactly(HEADER.size)
                length, flag = frame_length(header)
                async with asyncio.timeout(FRAME_S):
                    payload = await self._reader.readexactly(length)
                message = decode(flag, payload)
            except TimeoutError:
                raise self._trouble(f"silent for {within_s:g} s") from None
            except asyncio.IncompleteReadError as error:
                raise SinkTrouble("unreachable", f"register {self.register}", "it closed the line") from error
            except OSError as error:
                raise self._lost(error) from error
            except Malformed as error:
                raise SinkTrouble("garbage", f"register {self.register}", str(error)) from error
            if message is not None:
                return message

    def abort(self) -> None:
        # No goodbye of TLS: the other side may be gone, and every message says by itself where it ends.
        self._writer.transport.abort()

    async def aclose(self) -> None:
        self.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def _trouble(self, cause: str) -> SinkTrouble:
        return SinkTrouble("timeout", f"register {self.register}", cause)

    def _lost(self, error: OSError) -> SinkTrouble:
        if isinstance(error, SSLError):  # TLS 1.3: what the other side thinks of our certificate comes with the first read
            return SinkTrouble("not_a_member", f"register {self.register}", error.reason or str(error))
        return SinkTrouble("unreachable", f"register {self.register}", error.strerror or str(error) or type(error).__name__)


async def dial(keys: Keys, register: str, host: str, port: int) -> StreamConnection:
    """A line to whoever answers there with a certificate of this store. Raises: SinkTrouble."""
    subject = f"register {register}"
    try:
        async with asyncio.timeout(CONNECT_S + HANDSHAKE_S):
            # The name is not checked: who it is, its key says.
            reader, writer = await asyncio.open_connection(host, port, ssl=keys.client, server_hostname="")
    except TimeoutError:
        raise SinkTrouble("unreachable", subject, f"no answer from {host} port {port}") from None
    except SSLError as error:
        raise SinkTrouble("not_a_member", subject, f"{host} port {port}: {error.reason or error}") from error
    except OSError as error:
        raise SinkTrouble("unreachable", subject, f"{host} port {port}: {refusal_words(error) or 'it hung up'}") from error
    key = peer_key(writer.get_extra_info("ssl_object"))
    return StreamConnection(reader, writer, register, key, f"{host}:{port}")


Serve = Callable[[StreamConnection], Awaitable[None]]


class Listener:
    """Takes calls. `serve` gets each that has shown a certificate of the store, in a task of its own, and returns when the line
    may be closed; whether that key is a member's is for `serve` to say."""

    def __init__(self, keys: Keys, host: str, port: int, joining: Joining | None = None) -> None:
        self._keys, self._host, self._port, self._joining = keys, host, port, joining
        self._open = 0
        self._strangers: dict[str, int] = {}
        self._fresh: set[socket.socket] = set()

    async def run(self, serve: Serve, bound: Callable[[int], None]) -> None:
        """Until cancelled. `bound` is told the port. Raises: OSError: it can not be bound."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host or None, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, proto, _, address = found[0]
        with socket.socket(family, kind, proto) as listening:
            listening.setblocking(False)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(MAX_STRANGERS)
            bound(listening.getsockname()[1])
            async with asyncio.TaskGroup() as tasks:
                # Not `sock_accept`: where that is cancelled at the wrong moment a caller is lost with its socket open.
                loop.add_reader(listening, self._accept, listening, tasks, serve)
                try:
                    await loop.create_future()
                finally:
                    loop.remove_reader(listening)

    def _accept(self, listening: socket.socket, tasks: asyncio.TaskGroup, serve: Serve) -> None:
        try:
            accepted, caller = listening.accept()
        except BlockingIOError:
            return
        except OSError:  # no file handles left, or the caller went away: a later one may be luckier
            loop = asyncio.get_running_loop()
            loop.remove_reader(listening)
            loop.call_later(PENALTY_S, self._listen_again, listening, tasks, serve)
            return
        host = str(caller[0])
        strangers = self._strangers.get(host, 0)
        full = self._open >= MAX_CONNECTIONS or sum(self._strangers.values()) >= MAX_STRANGERS
        if full or strangers >= MAX_STRANGERS_OF_ONE:
            accepted.close()
            return
        accepted.setblocking(False)
        self._open += 1
        self._strangers[host] = strangers + 1
        task = tasks.create_task(self._take(accepted, host, serve), name="replication.caller")
        self._fresh.add(accepted)
        task.add_done_callback(lambda _task: self._drop(accepted))

    def _drop(self, accepted: socket.socket) -> None:
        """A task that is cancelled before its first step runs no `finally`."""
        if accepted in self._fresh:
            self._fresh.discard(accepted)
            accepted.close()

    def _listen_again(self, listening: socket.socket, tasks: asyncio.TaskGroup, serve: Serve) -> None:
        if listening.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listening, self._accept, listening, tasks, serve)

    async def _take(self, accepted: socket.socket, host: str, serve: Serve) -> None:
        known = False
        self._fresh.discard(accepted)
        try:
            reader, writer = await _shaken(accepted, self._keys.server)
            shown = writer.get_extra_info("ssl_object")
            connection = StreamConnection(reader, writer, "", peer_key(shown), host)
            if not is_for_desk(shown):
                known = True
                self._forget(host)
                await serve(connection)
            elif self._joining is not None:
                await self._joining.serve(reader, writer)
            await connection.aclose()
        except (OSError, TimeoutError) as error:
            log.info("a caller from %s has shown no certificate of this store: %s", host, error)
        finally:
            self._open -= 1
            if not known:
                asyncio.get_running_loop().call_later(PENALTY_S, self._forget, host)

    def _forget(self, host: str) -> None:
        self._strangers[host] -= 1
        if not self._strangers[host]:
            del self._strangers[host]


async def _shaken(accepted: socket.socket, context: SSLContext) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Raises: OSError (`SSLError` is one), TimeoutError."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol, accepted, ssl=context, ssl_handshake_timeout=HANDSHAKE_S
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
