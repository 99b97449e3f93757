"""The beacon of a Fresh KDS screen: UDP to port 28000, every two seconds. Pure.

From Fresh Technology's guide "Over Local Network Integration", "Local Network Discovery": always 102 bytes; text fields are
filled up with NUL: what it is (0, 12 bytes), version (12, 8), IPv4 address (20, 10 of which 4 count), identifier (30, 20),
name (50, 52 of which 20 count).
"""

import msgspec

PORT = 28_000
ORDER_PORT = 9104
BEACON_EVERY_S = 2.0
SIZE = 102


class Screen(msgspec.Struct, frozen=True):
    """`identifier`: twelve characters, its own; `name`: what people call it."""

    identifier: str
    name: str
    address: str
    version: str


def parse(data: bytes) -> Screen | None:
    """What a datagram says; None where it is no beacon."""
    if len(data) != SIZE or _text(data[:12]) != "FreshKDS":
        return None
    identifier = _text(data[30:50])
    address = ".".join(map(str, data[20:24]))
    return Screen(identifier, _text(data[50:70]), address, _text(data[12:20])) if identifier else None


def _text(data: bytes) -> str:
    text = data.partition(b"\0")[0].decode("utf-8", "replace")
    return "".join(character for character in text if character.isprintable()).strip()
