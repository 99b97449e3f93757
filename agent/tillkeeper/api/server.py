"""The API as one task of the agent: binds, serves, and stops when it is cancelled."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from starlette.types import ASGIApp

from tillkeeper.api.lean import Config, Server
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.sockets import bind_tcp, bind_unix, file_identity
from tillkeeper.api.transport import bounded

Listener = socket.socket


class ApiListen(msgspec.Struct, frozen=True):
    """Where: a unix socket (and the group that may use it), "127.0.0.1:PORT", or both. `given`: sockets that listen already
    (`sockets.given_sockets`); what is among them is not bound once more, and their files are never touched."""

    socket: Path | None = None
    group: str = ""
    tcp: str = ""
    given: tuple[Listener, ...] = ()


class Bound(msgspec.Struct, frozen=True):
    """Where it listens in fact. `url` is empty without a port."""

    socket: Path | None
    tcp: tuple[str, int] | None

    @property
    def url(self) -> str:
        return "" if self.tcp is None else f"http://{self.tcp[0]}:{self.tcp[1]}"


class Uvicorn(Server):
    """uvicorn inside a program that has its own signals and its own end."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    def abort_connections(self) -> None:
        """What outlived the graceful end: clients that take nothing."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def config_of(app: ASGIApp, limits: ApiLimits) -> Config:
    """uvicorn's settings for `app`, with the bounds of `limits`."""
    http, websocket = bounded(limits)
    return Config(
        app,
        http=http,
        ws=websocket,
        loop="none",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        log_level=logging.ERROR,  # a line for each request that is none would be anybody's to write without end
        access_log=False,
        proxy_headers=False,  # a forwarded address is a claim, and nobody forwards here
        server_header=False,
        ws_max_size=limits.frame_bytes,
        ws_ping_interval=limits.ping_s,
        ws_ping_timeout=limits.ping_s,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=limits.shutdown_s,
        timeout_keep_alive=limits.kept_s,
        backlog=128,
    )


class ApiServer:
    """Serves `app`. One run at a time.

    Args:
        app: the application of `api.app.create_app`.
        listen: where.
        limits: the same as the application's.
    """

    def __init__(self, app: ASGIApp, listen: ApiListen, limits: ApiLimits | None = None) -> None:
        self._app = app
        self._listen = listen
        self._limits = limits or ApiLimits()

    async def run(self, started: Callable[[Bound], None] = lambda _bound: None) -> None:
        """Serve until cancelled; requests at work are finished first, for at most `limits.shutdown_s`.

        Args:
            started: called once connections are accepted.

        Raises:
            BindFailed: nothing was served, nothing is left behind.
        """
        listeners, bound = self._bind()
        own_file = None if bound.socket is None or self._is_given(bound.socket) else file_identity(bound.socket)
        server = Uvicorn(config_of(self._app, self._limits))
        serving = asyncio.create_task(server.serve(listeners), name="api.uvicorn")
        ready = asyncio.create_task(server.ready.wait(), name="api.ready")
        try:
            await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
            if ready.done():
                started(bound)
            await asyncio.wait({serving})
            serving.result()  # it never ends by itself, except by an error
        finally:
            ready.cancel()
            await self._stop(server, serving, listeners)
            if bound.socket is not None and own_file is not None and file_identity(bound.socket) == own_file:
                bound.socket.unlink(missing_ok=True)

    def _bind(self) -> tuple[list[socket.socket], Bound]:
        listeners = list(self._listen.given)
        tcp: tuple[str, int] | None = next((one.getsockname() for one in listeners if one.family == socket.AF_INET), None)
        try:
            if self._listen.tcp and tcp is None:
                listeners.append(bind_tcp(self._listen.tcp))
                tcp = listeners[-1].getsockname()
            if self._listen.socket is not None and not self._is_given(self._listen.socket):
                listeners.append(bind_unix(self._listen.socket, self._listen.group))
        except BaseException:  # whatever it is: let go of what is held, then pass it on
            for listener in listeners:
                listener.close()
            raise
        return listeners, Bound(self._listen.socket, tcp)

    def _is_given(self, path: Path) -> bool:
        return any(one.family == socket.AF_UNIX and one.getsockname() == str(path) for one in self._listen.given)

    async def _stop(self, server: Uvicorn, serving: asyncio.Task[None], listeners: list[socket.socket]) -> None:
        """uvicorn bounds its own graceful end; the second bound is for the case that it does not."""
        server.should_exit = True
        try:
            await asyncio.wait({serving}, timeout=self._limits.shutdown_s + 2)
        finally:
            serving.cancel()
            server.abort_connections()
            for listener in listeners:
                listener.close()
        await asyncio.wait({serving})
