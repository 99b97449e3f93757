"""Ports of loopback that nobody else gets until they are bound by their number.

The kernel hands a port that nobody holds to whoever asks for any. So the port of a register that is still to start, or of a
line that is cut, may be another test's a moment later, and its registers call ours. A socket that is bound and does not listen
holds the port: bind(0) and connect() pass over it, and whoever sets SO_REUSEADDR (socket(7); each server here does) still binds
it by its number.
"""

import atexit
import errno
import socket
from collections import deque

MOST_HELD = 256
"""Of one process; the oldest are let go of first."""
_held: deque[socket.socket] = deque()


def held_port(address: str = "127.0.0.1") -> socket.socket:
    """Holds a TCP port of this address until it is closed."""
    holding = socket.socket()
    holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holding.bind((address, 0))
    return holding


def port_of(holding: socket.socket) -> int:
    port: int = holding.getsockname()[1]
    return port


def free_port(address: str = "127.0.0.1") -> int:
    """A TCP port for a server that is still to start, once or again and again. Held as long as this process lives, or until it
    has asked for `MOST_HELD` others. `address`: where it will listen; one that is free at loopback may be somebody's elsewhere,
    who keeps it from 0.0.0.0 for the minute of TIME_WAIT too (RFC 9293, 3.6)."""
    holding = held_port(address)
    _held.append(holding)
    if len(_held) > MOST_HELD:
        _held.popleft().close()
    return port_of(holding)


def is_given_to_others(port: int) -> bool:
    """Whether the kernel might: it hands out what could be bound without SO_REUSEADDR (socket(7))."""
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
        return True


@atexit.register
def _let_go() -> None:
    while _held:
        _held.pop().close()
