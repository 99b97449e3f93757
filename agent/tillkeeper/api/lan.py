"""The API on the store's network: a second server beside socket and loopback, by HTTPS, for paired devices alone.

It accepts by itself, for asyncio's own server counts no connection before its handshake is through: somebody who opens
thousands and says nothing would take the agent's last file descriptor, and with it the journal's.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable

from starlette.types import ASGIApp, Receive, Scope, Send

from tillkeeper.api.auth import LAN_KEY
from tillkeeper.api.limits import ApiLimits
from tillkeeper.api.rate import Rates
from tillkeeper.api.server import Uvicorn, config_of

log = logging.getLogger(__name__)

HANDSHAKES = 64
"""Under way at a time; one more takes the place of the oldest one of the address that has the most."""
OF_ONE_ADDRESS = 48
"""Connections of one device; a kitchen page has three and up to six for its files."""
SHUTDOWN_S = 5.0
AGAIN_S = 1.0
"""After an address that the machine has not (yet): a register starts before its network."""


class Way:
    """How a request came: over which port, and under which names that register is called there."""

    def __init__(self, port: int, names: tuple[str, ...], *, secure: bool) -> None:
        self._port, self._names, self.secure = port, names, secure

    def hosts(self, address: str) -> frozenset[str]:
        """The configured names, and the very address that was called. A browser leaves its scheme's own port out."""
        bare = f"[{address}]" if ":" in address else address
        known = [name for name in (bare, *self._names) if name]
        usual = 443 if self.secure else 80
        return frozenset([f"{name}:{self._port}" for name in known] + (known if self._port == usual else []))


class ByLan:
    """ASGI middleware around the whole application: notes how a request came."""

    def __init__(self, app: ASGIApp, way: Way) -> None:
        self._app, self._way = app, way

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[LAN_KEY] = self._way
        await self._app(scope, receive, send)


class LanServer:
    """Serves `app` on one address of the network.

    Args:
        place: address and port.
        names: further names in the Host header.
        context: whose certificate is served; None: without TLS.
        said: called with why it does not listen, empty once it does.
    """

    def __init__(
        self,
        app: ASGIApp,
        limits: ApiLimits,
        place: tuple[str, int],
        names: tuple[str, ...],
        context: ssl.SSLContext | None,
        said: Callable[[str], None],
    ) -> None:
        self._limits, self._place, self._context, self._said = limits, place, context, said
        self._server = Uvicorn(config_of(ByLan(app, Way(place[1], names, secure=context is not None)), limits))
        self._handshakes: dict[asyncio.Task[None], str] = {}
        self._new = Rates(limits.new_per_s, limits.new_burst)
        self._new_of_one = Rates(limits.new_of_one_per_s, limits.new_of_one_burst)

    async def run(self) -> None:
        """Until cancelled. Never ends the agent: an address that can not be had is tried again and again."""
        listener = await self._bound()
        serving = asyncio.create_task(self._server.serve([]), name="api.lan.uvicorn")
        ready = asyncio.create_task(self._server.ready.wait(), name="api.lan.ready")
        try:
            await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            self._said("")
            await self._accept(listener)
        finally:
            ready.cancel()
            listener.close()
            for task in self._handshakes:
                task.cancel()
            self._server.should_exit = True
            try:
                await asyncio.wait({serving}, timeout=self._limits.shutdown_s + 2)
            finally:
                serving.cancel()
                self._server.abort_connections()
            await asyncio.wait({serving})

    async def _bound(self) -> socket.socket:
        host, port = self._place
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        while True:
            listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind((host, port))
                listener.listen(128)
                listener.setblocking(False)
            except OSError as error:
                listener.close()
                self._said(f"{host}:{port} can not be listened on: {error.strerror or error}")
            else:
                return listener
            await asyncio.sleep(AGAIN_S)

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            # Also where it is 0: what waits to be taken is taken without a pause, and what has just been begun is to begin.
            await asyncio.sleep(self._new.wait_s("", time.monotonic()))
            try:
                connection, peer = await loop.sock_accept(listener)
            except OSError as error:  # no descriptor is left, or it was reset before it was taken
                log.warning("a connection from the network was not taken: %s", error)
                await asyncio.sleep(AGAIN_S)
                continue
            address, now_s = str(peer[0]), time.monotonic()
            if self._new_of_one.take(address, now_s) or not self._room_is_made(address):
                connection.close()
                continue
            self._new.take("", now_s)
            task = loop.create_task(self._greet(connection), name="api.lan.handshake")
            self._handshakes[task] = address
            task.add_done_callback(lambda done: self._handshakes.pop(done, None))

    def _room_is_made(self, address: str) -> bool:
        """False where this device has as many as it may. Where all handshakes are taken, one more gets in by ending another: an
        honest one is through in a tenth of a second, and addresses cost somebody who says nothing nothing either."""
        clients = [getattr(one, "client", None) for one in self._server.server_state.connections]
        open_now = sum(1 for client in clients if client and client[0] == address)
        begun = Counter(self._handshakes.values())
        if open_now + begun[address] >= OF_ONE_ADDRESS:
            return False
        if len(self._handshakes) >= HANDSHAKES:
            busiest, _ = begun.most_common(1)[0]
            oldest = next(task for task, of in self._handshakes.items() if of == busiest)
            del self._handshakes[oldest]
            oldest.cancel()
        return True

    async def _greet(self, connection: socket.socket) -> None:
        """The handshake; from then on it is a connection as any other."""
        secure = {"ssl_handshake_timeout": self._limits.head_s, "ssl_shutdown_timeout": SHUTDOWN_S} if self._context else {}
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection, ssl=self._context, **secure)
        except (OSError, TimeoutError):  # a scanner, plain HTTP, a device that does not trust us yet
            with contextlib.suppress(OSError):
                connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise

    def _protocol(self) -> asyncio.Protocol:
        config = self._server.config
        return config.http_protocol_class(  # type: ignore[call-arg]  # as uvicorn's own `startup` makes it
            config=config, server_state=self._server.server_state, app_state=self._server.lifespan.state
        )
