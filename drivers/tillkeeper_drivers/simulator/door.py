"""The port of a device that can be switched off and on again.

A socket that is bound and does not listen holds a port: connections to it are refused, bind(0) and connect() pass over it, and
who sets SO_REUSEADDR, as the device's own server does, still binds it by its number (socket(7)). Without that the kernel may
hand the port of a device that is off to whoever asks for any.
"""

import socket


class Door:
    """Holds one TCP port of an IPv4 address, from `hold` to `let_go`."""

    def __init__(self) -> None:
        self._held: socket.socket | None = None

    def hold(self, host: str, port: int) -> int:
        """The port: a free one where `port` is 0, the same where one is held already. Raises `OSError` where it is taken."""
        if self._held is None:
            held = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                held.bind((host, port))
            except OSError:
                held.close()
                raise
            self._held = held
        own: int = self._held.getsockname()[1]
        return own

    def let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.close()
