"""As much of DER (ITU-T X.690) as a certificate takes: tag, length, content. Pure."""

from collections.abc import Iterator

INTEGER, BITS, OCTETS, OID, UTF8, SEQUENCE, SET = 0x02, 0x03, 0x04, 0x06, 0x0C, 0x30, 0x31
TRUE = b"\x01\x01\xff"


def value(tag: int, content: bytes) -> bytes:
    """One value; content of at most 65,535 bytes."""
    size = len(content)
    if size < 0x80:
        head = bytes((tag, size))
    elif size < 0x100:
        head = bytes((tag, 0x81, size))
    else:
        head = bytes((tag, 0x82)) + size.to_bytes(2, "big")
    return head + content


def sequence(*parts: bytes) -> bytes:
    return value(SEQUENCE, b"".join(parts))


def parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, content) of each value in `data`. Raises ValueError where it is cut short or has a form that is not DER's."""
    at = 0
    while at < len(data):
        tag, size, begin = data[at], -1, at + 2
        first = data[at + 1] if at + 1 < len(data) else 0x80
        if first < 0x80:
            size = first
        elif first in (0x81, 0x82):
            begin += first - 0x80
            size = int.from_bytes(data[at + 2 : begin], "big")
            if size < (0x80 if first == 0x81 else 0x100):
                size = -1
        if size < 0 or begin + size > len(data):
            raise ValueError("not DER")
        yield tag, data[begin : begin + size]
        at = begin + size
