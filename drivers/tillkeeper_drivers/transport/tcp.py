"""TCP 9100: one connection a job, on non-blocking sockets of our own.

Why not asyncio's streams: their `drain` tells that a buffer of this process is low, not that a byte left, and a failed
write does not say whether any did. Here every `send` that the kernel took counts as "left", and `drain` waits until
the peer's stack has acknowledged all (SIOCOUTQ, tcp(7): bytes not yet acknowledged).
"""

import array
import asyncio
import fcntl
import os
import socket
import struct
import termios
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from tillkeeper_drivers.api import Connection, TransportError

MAX_READ = 4096
DEFAULT_PORT = 9100
_DRAIN_POLL_S = (0.0005, 0.02)
"""First and longest pause between two looks at SIOCOUTQ; the kernel has no event for it."""
_TCP_CLOSE = 7  # tcpi_state, linux/tcp_states.h
_MAX_UNREAD = 64  # chunks of MAX_READ taken off before closing


class TcpTransport:
    """A device at `host`:`port`.

    Args:
        host: address or name, or what tells it at each connection (a device that moves).
        port: 1-65535; printers listen on 9100.
        whose: told the peer's address once it is connected and before any byte is written; raises
            `TransportError("wrong_device")` where that is another device, and the connection is closed without a byte.
        missed: told the host that could not be connected to, and whether somebody there refused.
    """

    def __init__(
        self,
        host: str | Callable[[], str],
        port: int = DEFAULT_PORT,
        *,
        whose: Callable[[str], Awaitable[None]] | None = None,
        missed: Callable[[str, bool], None] | None = None,
    ) -> None:
        self._host = host
        self.port = port
        self._whose = whose
        self._missed = missed

    @property
    def host(self) -> str:
        return self._host if isinstance(self._host, str) else self._host()

    @property
    def name(self) -> str:
        host = self.host
        return f"tcp://[{host}]:{self.port}" if ":" in host else f"tcp://{host}:{self.port}"

    def connect(self, deadline_s: float) -> AbstractAsyncContextManager[Connection]:
        """Open for one job. Raises `TransportError` with bytes_left=False: "unreachable", "busy" or "wrong_device"."""
        return self._connect(deadline_s)

    @asynccontextmanager
    async def _connect(self, deadline_s: float) -> AsyncIterator[Connection]:
        sock = await self._found(deadline_s)
        connection = TcpConnection(sock)
        try:
            if self._whose is not None:
                await self._whose(_peer(sock))
            yield connection
        finally:
            connection.close()

    async def _found(self, deadline_s: float) -> socket.socket:
        """Where it moved during the attempt, it is tried there too."""
        host = self.host
        try:
            return await self._open(host, deadline_s)
        except TransportError as error:
            if self._missed is not None and error.reason == "unreachable":
                self._missed(host, isinstance(error.__cause__, ConnectionRefusedError))
            if (now := self.host) == host:
                raise
        return await self._open(now, deadline_s)

    async def _open(self, host: str, deadline_s: float) -> socket.socket:
        loop = asyncio.get_running_loop()
        sock: socket.socket | None = None
        try:
            async with asyncio.timeout(deadline_s):
                family, kind, proto, _, address = await _resolved(host, self.port)
                sock = socket.socket(family, kind, proto)
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                await loop.sock_connect(sock, address)
        except TimeoutError as error:
            _dispose(sock)
            raise self._unreachable(f"no answer within {deadline_s:g} s") from error
        except ConnectionResetError as error:  # accepted, and then not wanted: a refusal has another number
            _dispose(sock)
            raise TransportError("busy", f"{self.name} ended the connection at once", bytes_left=False) from error
        except (OSError, OverflowError, UnicodeError) as error:  # the last two: a port or name that can not be one
            _dispose(sock)
            raise self._unreachable(_plain(error)) from error
        except asyncio.CancelledError:
            _dispose(sock)
            raise
        return sock

    def _unreachable(self, cause: str) -> TransportError:
        return TransportError("unreachable", f"{self.name} can not be reached: {cause}", bytes_left=False)


def _plain(error: Exception) -> str:
    """Why no connection came about, without the numbers and tuples of asyncio's own text."""
    if isinstance(error, OSError) and not isinstance(error, socket.gaierror) and error.errno:
        return os.strerror(error.errno).lower()
    return (error.strerror if isinstance(error, OSError) else "") or str(error) or type(error).__name__


async def _resolved(host: str, port: int) -> "tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]":
    """Where `host` is, as `socket.getaddrinfo` says it first. A number needs no resolver, and no thread that waits for one."""
    kind, proto = socket.SOCK_STREAM, socket.IPPROTO_TCP
    try:
        return socket.getaddrinfo(host, port, type=kind, proto=proto, flags=socket.AI_NUMERICHOST)[0]
    except socket.gaierror:
        return (await asyncio.get_running_loop().getaddrinfo(host, port, type=kind, proto=proto))[0]


def _peer(sock: socket.socket) -> str:
    """The address at the other end; empty where it is gone already."""
    try:
        return str(sock.getpeername()[0])
    except OSError:
        return ""


def _dispose(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.close()


class TcpConnection:
    """An open socket. `bytes_left` of an error of `write` is about the bytes of that call."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._any_left = False

    async def write(self, data: bytes, deadline_s: float) -> None:
        """Hand all of `data` to the kernel.

        Raises:
            TransportError: "busy" (closed by the peer before any byte left), "lost", or "stalled" at the deadline.
        """
        self._check_open()
        view = memoryview(data)
        try:
            async with asyncio.timeout(deadline_s):
                while view:
                    try:
                        sent = self._sock.send(view)
                    except BlockingIOError:
                        await self._ready(write=True)
                        continue
                    self._any_left = True
                    view = view[sent:]
        except TimeoutError as error:
            detail = f"{len(view)} of {len(data)} bytes not taken within {deadline_s:g} s"
            raise TransportError("stalled", detail, bytes_left=len(view) < len(data)) from error
        except OSError as error:
            raise self._broken(str(error), bytes_left=len(view) < len(data)) from error

    async def read(self, deadline_s: float) -> bytes:
        """1 to 4096 bytes; `b""` where the peer closed.

        Raises:
            TimeoutError: nothing came before the deadline.
            TransportError: "lost" (or "busy" where no byte had left): the peer reset the connection.
        """
        try:
            async with asyncio.timeout(deadline_s):
                while (data := self._received()) is None:
                    await self._ready(write=False)
        except TimeoutError:  # a busy machine looks late: what came in time is heard
            if (data := self._received()) is None:
                raise
        return data

    async def drain(self, deadline_s: float) -> None:
        """Wait until the peer's stack has acknowledged every byte.

        Raises:
            TransportError: "stalled" at the deadline, "lost" where the connection broke.
        """
        pause, longest = _DRAIN_POLL_S
        try:
            async with asyncio.timeout(deadline_s):
                while self._unacknowledged() and not self._over():
                    await asyncio.sleep(pause)
                    pause = min(longest, pause * 2)
        except TimeoutError as error:
            if left := self._unacknowledged():
                detail = f"{left} bytes not acknowledged within {deadline_s:g} s"
                raise TransportError("stalled", detail, bytes_left=self._any_left) from error
        # A reset may empty the queue as well.
        if self._over():
            raise TransportError("lost", "the device reset the connection", bytes_left=self._any_left)

    def perishable(self, on: bool) -> None:
        """See `Perishes`. The kernel would send it for about 100 s yet, whatever becomes of this process (tcp(7),
        tcp_orphan_retries); with SO_LINGER of 0 s it resets the connection instead (socket(7))."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", on, 0))

    def close(self) -> None:
        """Close in order. What is unread is taken off first: the kernel answers a close over unread bytes with a
        reset, and a printer may drop what it has not printed yet. What it does not take was given up: that would keep its one
        connection for as long, and everybody else, this register too, would find it busy."""
        try:
            if self._is_held_back():
                self.perishable(True)
            for _ in range(_MAX_UNREAD):
                if not self._sock.recv(MAX_READ):
                    break
        except OSError:  # nothing more to read, or broken already
            pass
        finally:
            self._sock.close()

    def _received(self) -> bytes | None:
        """In one step, so that a deadline can not lose bytes already taken. None: nothing has come."""
        try:
            return self._sock.recv(MAX_READ)
        except BlockingIOError:
            return None
        except OSError as error:
            raise self._broken(str(error), bytes_left=self._any_left) from error

    def _check_open(self) -> None:
        try:
            if self._sock.recv(1, socket.MSG_PEEK):
                return
        except BlockingIOError:
            return
        except OSError as error:
            raise self._broken(str(error), bytes_left=False) from error
        raise self._broken("the device closed the connection", bytes_left=False)

    def _over(self) -> bool:
        """Whether the peer reset the connection. What it had not acknowledged then counts as such for ever."""
        state: int = struct.unpack_from("B", self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8))[0]
        return state == _TCP_CLOSE

    def _is_held_back(self) -> bool:
        """Whether bytes wait for the peer to take any, and it is there: all that was sent is acknowledged (`tcpi_unacked` of
        linux/tcp.h). Where the cable is out it is not, and only the kernel's sending again can tell the peer of the end."""
        info = self._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
        return self._unacknowledged() > 0 and struct.unpack_from("=I", info, 24)[0] == 0

    def _unacknowledged(self) -> int:
        count = array.array("i", [0])
        fcntl.ioctl(self._sock.fileno(), termios.TIOCOUTQ, count)
        return count[0]

    async def _ready(self, *, write: bool) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        add: Callable[..., None] = loop.add_writer if write else loop.add_reader
        remove: Callable[..., bool] = loop.remove_writer if write else loop.remove_reader
        fd = self._sock.fileno()  # by its number: of an object that it does not know the selector makes a text first
        add(fd, _wake, ready)
        try:
            await ready
        finally:
            remove(fd)

    def _broken(self, detail: str, *, bytes_left: bool) -> TransportError:
        return TransportError("lost" if self._any_left else "busy", detail, bytes_left=bytes_left)


def _wake(ready: "asyncio.Future[None]") -> None:
    if not ready.done():
        ready.set_result(None)
