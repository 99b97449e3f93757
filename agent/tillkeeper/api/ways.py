"""How a request came to the register: over the unix socket, the loopback port, or the network."""

from typing import Protocol

from starlette.types import Scope as AsgiScope

from tillkeeper.contract.caller import Scope

SCOPE_KEY, DEVICE_KEY, LAN_KEY = "tillkeeper.scope", "tillkeeper.device", "tillkeeper.lan"
"""Where in an ASGI scope the caller's own scope is put, its device where it is a paired one, and how it came where that was by
the network (`LanWay`)."""


class LanWay(Protocol):
    """How a request came by the network."""

    @property
    def secure(self) -> bool: ...

    def hosts(self, address: str) -> frozenset[str]:
        """What the Host header may be, where the connection was made to `address` of this machine."""
        ...


def is_local_socket(scope: AsgiScope) -> bool:
    """Whether the request came over the unix socket: uvicorn gives its address without a port."""
    server = scope.get("server")
    return server is not None and server[1] is None


def scope_of(scope: AsgiScope) -> Scope:
    """What the caller's token is good for: everything on the unix socket; where it has shown none, what is open to all."""
    known: Scope | None = scope.get(SCOPE_KEY)
    return known or ("full" if is_local_socket(scope) else "page")


def own_hosts(scope: AsgiScope) -> tuple[str, ...]:
    """What the Host header of this request may be."""
    server = scope.get("server")
    if LAN_KEY in scope:
        return tuple(sorted(scope[LAN_KEY].hosts(server[0] if server is not None else "")))
    port = server[1] if server is not None else 0
    return f"127.0.0.1:{port}", f"localhost:{port}"
