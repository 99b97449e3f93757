"""HQ as something that runs: socket, uvicorn, database, and a clean end."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import uvicorn

from tillkeeper_hq.app import create_app
from tillkeeper_hq.connections import HANDSHAKE_S, KEPT_S, Door, Hurried
from tillkeeper_hq.credentials import Credentials
from tillkeeper_hq.database import Database
from tillkeeper_hq.sql import Backend
from tillkeeper_hq.watchdog import watch

MAX_CONNECTIONS = 512
SHUTDOWN_S = 5


class ListenInvalid(Exception):
    """The address to listen on is malformed or taken, or its certificate can not be used."""


class Tls(NamedTuple):
    """Files in PEM form."""

    certificate: Path
    key: Path


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, door: Door) -> None:
        super().__init__(config)
        self._door = door

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, which has no setting for a handshake's deadline."""
        await super().startup(sockets=[])
        tls = self.config.ssl
        server = await asyncio.get_running_loop().create_server(
            lambda: Hurried(self.config, self.server_state, self.lifespan.state, self._door),
            sock=self._door,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE_S if tls else None,
            backlog=self.config.backlog,
        )
        self.servers.append(server)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the process that hosts the server."""
        yield


@contextlib.asynccontextmanager
async def serving(
    backend: Backend,
    credentials: Credentials,
    listen: str = "127.0.0.1:0",
    first_number: int = 1,
    *,
    tls: Tls | None = None,
    https: bool = False,
    given: socket.socket | None = None,
) -> AsyncIterator[str]:
    """HQ inside this event loop; yields its URL once it answers. `https`: whoever comes from another machine has a TLS
    connection, to here or to a proxy. `given`: a socket that listens already, instead of `listen`. On leaving, requests under
    way are finished (within `SHUTDOWN_S`), the queue is committed and the database closed.

    Raises:
        ListenInvalid, sql.DatabaseUnusable.
    """
    if tls is not None:
        _check(tls)
    with _door(listen, given, tls=tls is not None) as door, Database(backend, first_number) as database:
        config = uvicorn.Config(
            create_app(database, credentials, https=https),
            http="h11",
            ssl_certfile=tls.certificate if tls else None,
            ssl_keyfile=tls.key if tls else None,
            ws="none",
            lifespan="on",
            log_config=None,
            log_level=logging.ERROR,  # a line for each request that is none would be anybody's to write without end
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=SHUTDOWN_S,
            timeout_keep_alive=KEPT_S,
        )
        config.load()
        server = _Server(config, door)
        host, port = door.getsockname()[:2]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[door]), name="hq-http")
            # The socket listens already: a request that comes before uvicorn is up waits in the backlog.
            url = f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"
            watching = tasks.create_task(watch(database, url), name="hq-watchdog")
            try:
                yield url
            finally:
                watching.cancel()
                server.should_exit = True


def _check(tls: Tls) -> None:
    """A start waits for nobody: not for a pipe's writer, nor for a key's password. Raises: ListenInvalid."""
    named = f"--tls-cert {tls.certificate}, --tls-key {tls.key}"
    try:
        if any(path.exists() and not path.is_file() for path in tls):
            raise OSError("a pipe or a folder is no certificate")
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*tls, password="")
    except OSError as error:  # an SSLError is one
        hint = "a certificate and its key in PEM form are needed, the key without a password"
        raise ListenInvalid(f"{named}: {error} ({hint})") from error


def _door(listen: str, given: socket.socket | None, *, tls: bool) -> Door:
    if given is None:
        return _bound(listen, tls=tls)
    if given.family not in (socket.AF_INET, socket.AF_INET6):
        given.close()
        raise ListenInvalid("the socket unit has to listen on a TCP port")
    door = Door(given.family, tls=tls, handle=given.detach())
    door.setblocking(False)
    return door


def _bound(listen: str, *, tls: bool) -> Door:
    host, _, port = listen.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 65_536):
        raise ListenInvalid(f"{listen!r} is not HOST:PORT")
    host = host.strip("[]")
    door = Door(socket.AF_INET6 if ":" in host else socket.AF_INET, tls=tls)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((host, int(port)))
        door.listen(128)
    except OSError as error:
        door.close()
        raise ListenInvalid(f"{listen}: {error}") from error
    door.setblocking(False)
    return door
