"""Every bound of the API in one place. What happens at a bound is written next to it."""

import msgspec


class ApiLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in seconds."""

    body_bytes: int = 65_536
    """A larger body is refused with 413 and not read on."""
    discard_bytes: int = 2_097_152
    discard_s: float = 1.0
    """So much of a refused body is thrown away before the answer, so that a client which sends first and reads later gets to
    see the answer instead of a reset."""
    body_s: float = 10.0
    """A body that takes longer is answered with 408."""
    head_s: float = 10.0
    """A request head that takes longer: the connection is closed."""
    kept_s: int = 120
    """A connection on which nothing more is asked is closed. Later than clients let go of it (httpx 5 s, Go 90 s, curl 118 s):
    who closes first loses nothing, and a request that is under way while the other end closes is lost."""
    idle_s: float = 5.0
    """Where all places are taken, of the connections with nothing asked on them for so long the longest makes room."""
    stall_s: float = 10.0
    """A client that takes nothing for so long while data waits for it: the connection is aborted."""
    connections: int = 256
    """On the port, and as many on the socket; one more, where none is idle, is answered with 503 and closed."""
    requests: int = 128
    """So many at work at a time; one more is answered with 503."""
    displays: int = 32
    frame_bytes: int = 65_536
    """A larger WebSocket message closes its connection with 1009."""
    ping_s: float = 5.0
    """WebSocket ping interval, and how long a pong may take."""
    shutdown_s: int = 5
    """Requests at work get so long to finish at shutdown; then they are answered with 503."""
