"""Where an Epson KDS calls when a cook bumps: on the one address that the config names, from the display's own address alone,
under a path that only the display was told."""

import asyncio
import contextlib
import hmac
import ipaddress
import logging
import secrets
import socket
from collections.abc import Callable

from tillkeeper_drivers.httpd import Answer, Asked, serving
from tillkeeper_drivers.kds import epson_messages as messages
from tillkeeper_drivers.kds.epson_messages import BadAnswer, Callback

CONNECTIONS = 4
MAX_STRANGERS = 16
"""Addresses that called and are not the display, named in the log once each."""

log = logging.getLogger(__name__)


class Listener:
    """Open from the first `open` that succeeds until `close`.

    Args:
        device_id: the device's id in the config.
        host, port: address of this machine; port 0 takes a free one.
        heard: told each callback; must not block.
    """

    def __init__(self, device_id: str, host: str, port: int, heard: Callable[[Callback], None]) -> None:
        self._id, self._host, self._heard = device_id, host, heard
        self.wanted = f"{bracketed(host)}:{port}"
        self.port = 0
        """Where it listens; 0 while it does not."""
        self._asked_port = port
        self._secret = secrets.token_urlsafe(12)
        self._peers: frozenset[str] = frozenset()
        self._strangers: set[str] = set()
        self._up: contextlib.AsyncExitStack | None = None

    @property
    def url(self) -> str:
        """What the display is told."""
        return f"http://{bracketed(self._host)}:{self.port}/{self._secret}"

    async def open(self, display: str) -> bool:
        """Listen, for the addresses that `display` (a name or an address) has now. Whether it does."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(display, None, type=socket.SOCK_STREAM)
            self._peers = frozenset(str(ipaddress.ip_address(str(entry[4][0]).partition("%")[0])) for entry in found)
            if self._up is None:
                stack = contextlib.AsyncExitStack()
                served = serving(
                    self._host,
                    self._asked_port,
                    self._called,
                    admits=self._admits,
                    max_body=messages.MAX_CALLBACK,
                    most=CONNECTIONS,
                )
                self.port = await stack.enter_async_context(served)
                self._up = stack
        except OSError as error:
            log.warning("display %s: no callbacks: %s", self._id, error)
        return self._up is not None

    def _admits(self, peer: str) -> bool:
        address = ipaddress.ip_address(peer.partition("%")[0])
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        admitted = str(mapped or address) in self._peers
        if not admitted and peer not in self._strangers and len(self._strangers) < MAX_STRANGERS:
            self._strangers.add(peer)
            log.warning("display %s: a callback from %s, which is not the display", self._id, peer)
        return admitted

    async def _called(self, asked: Asked) -> Answer:
        if asked.method != "POST" or not hmac.compare_digest(asked.path.encode(), f"/{self._secret}".encode()):
            return Answer(404)
        try:
            callback = messages.heard(asked.body)
        except BadAnswer as error:
            log.warning("display %s: a strange callback: %s", self._id, error)
            return Answer(400)
        self._heard(callback)
        return Answer(200, b"{}")

    async def close(self) -> None:
        if self._up is not None:
            await self._up.aclose()


def bracketed(host: str) -> str:
    """`host` as it stands in a URL."""
    return f"[{host}]" if ":" in host else host
