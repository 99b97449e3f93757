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

    # How much of the register one caller may have: `api/pace.py`, `api/edge.py`. More is answered with 429 and Retry-After.
    pace_per_s: float = 40.0
    pace_burst: float = 400.0
    """Of a page or paired device; in units of cost, mostly one. After an outage a page sends 200 commands at once."""
    integration_per_s: float = 400.0
    integration_burst: float = 4_000.0
    """Of all callers with the full token together."""
    wrong_pins: float = 10.0
    wrong_pin_s: float = 30.0
    """So many wrong PINs of one page or device, and one more in so many seconds, whatever terminals it names."""
    wrong_tokens: float = 20.0
    wrong_token_s: float = 1.0
    """So many refused callers of one address, and one more in so many seconds; a right token is never counted, nor kept out."""
    wrong_codes: float = 10.0
    wrong_code_s: float = 60.0
    """The same for wrong pairing codes; then no code of that address is looked at."""
    new_per_s: float = 64.0
    new_burst: float = 256.0
    """New connections of the network, each a handshake of a thousandth of a second of the processor; more wait to be taken."""
    new_of_one_per_s: float = 16.0
    new_of_one_burst: float = 96.0
    """Of one address of it; more are closed. A page takes up to nine, and two a second while it is refused."""
    requests_of_one: int = 16
    """So many of one address of the network at work at a time; one more is answered with 503."""
    requests_of_network: int = 96
    """So many of the network in all: the rest of `requests` is kept for this machine."""
    sockets_of_one: int = 8
    sockets_of_network: int = 24
    """WebSockets of one device; and of the network of each kind, out of 32 (`LiveHub.clients`, `displays`)."""
    frames_per_s: float = 40.0
    asides_burst: float = 100.0
    """Its pings, pongs and parts of messages, beyond `frames_per_s`; with more it is closed. Browsers send a pong in 5 s."""
    frames_burst: float = 2_000.0
    """What one WebSocket says; more is read later. A kitchen page that was away has 500 tickets and 500 touches to speak of."""
