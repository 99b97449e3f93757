"""Two tables of the kernel, asked for over NETLINK_ROUTE, which needs no privilege: neighbours (which MAC an address of the LAN
has) and this machine's own IPv4 addresses. Pure; numbers are in the machine's own byte order. Facts: rtnetlink(7) and the
kernel's linux/rtnetlink.h, neighbour.h, if_addr.h.
"""

import ipaddress
import math
import struct
import sys
from collections.abc import Iterator

import msgspec

_REQUEST_DUMP = 0x301
_ERROR, _DONE = 2, 3
_NEWADDR, _GETADDR, _NEWNEIGH, _GETNEIGH = 20, 22, 28, 30
_MESSAGE = struct.Struct("=IHHII")
_ADDRESS = struct.Struct("=BBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_ATTRIBUTE = struct.Struct("=HH")
_TYPE = 0x3FFF
_INET, _INET6 = 2, 10
_VALID = 0x02 | 0x04 | 0x08 | 0x10 | 0x80
"""NUD_REACHABLE, _STALE, _DELAY, _PROBE, _PERMANENT: the MAC is one that the kernel would send to."""
_UNIVERSE_SCOPE = 0


class Neighbour(msgspec.Struct, frozen=True):
    """`index`: of the interface. `confirmed_s`: seconds since it last answered (NDA_CACHEINFO; an entry that is good for half a
    minute more may be of a host that has gone), infinity where that is not told."""

    address: str
    mac: str
    index: int
    confirmed_s: float


class Own(msgspec.Struct, frozen=True):
    """An address of this machine that other hosts can reach, and how to reach all hosts of its network."""

    address: str
    prefix: int
    broadcast: str
    index: int


Row = Neighbour | Own


def ask_neighbours(sequence: int) -> bytes:
    return _dump(_GETNEIGH, sequence, _NEIGHBOUR.pack(0, 0, 0, 0, 0))


def ask_addresses(sequence: int) -> bytes:
    """IPv4 only: there is no broadcast in IPv6."""
    return _dump(_GETADDR, sequence, _ADDRESS.pack(_INET, 0, 0, 0, 0))


def _dump(kind: int, sequence: int, body: bytes) -> bytes:
    return _MESSAGE.pack(_MESSAGE.size + len(body), kind, _REQUEST_DUMP, sequence, 0) + body


def parse(datagram: bytes, sequence: int) -> tuple[list[Row], bool]:
    """The rows of a datagram of the dump `sequence`, and whether that was its end (an error is one too)."""
    data, rows, at = memoryview(datagram), list[Row](), 0
    while len(data) - at >= _MESSAGE.size:
        size, kind, _flags, number, _ = _MESSAGE.unpack_from(data, at)
        if not _MESSAGE.size <= size <= len(data) - at:
            break
        if number == sequence:
            if kind in (_DONE, _ERROR):
                return rows, True
            rows.extend(_rows(kind, data[at + _MESSAGE.size : at + size]))
        at += (size + 3) & ~3
    return rows, False


def _rows(kind: int, body: memoryview) -> Iterator[Row]:
    if kind == _NEWNEIGH and len(body) >= _NEIGHBOUR.size:
        family, index, state, _flags, _kind = _NEIGHBOUR.unpack_from(body)
        found = _attributes(body[_NEIGHBOUR.size :])
        address, mac = _text(family, found.get(1)), found.get(2, b"")
        if address and len(mac) == 6 and any(mac) and state & _VALID:
            yield Neighbour(address, ":".join(f"{byte:02x}" for byte in mac), index, _confirmed_s(found.get(3, b"")))
    elif kind == _NEWADDR and len(body) >= _ADDRESS.size:
        family, prefix, _flags, scope, index = _ADDRESS.unpack_from(body)
        found = _attributes(body[_ADDRESS.size :])
        # On a point-to-point link IFA_ADDRESS (1) is the other end's and IFA_LOCAL (2) is ours.
        address, broadcast = _text(family, found.get(2, found.get(1))), _text(family, found.get(4))
        if address and broadcast and scope == _UNIVERSE_SCOPE and prefix <= 32:
            yield Own(address, prefix, broadcast, index)


def _confirmed_s(cache: bytes) -> float:
    """struct nda_cacheinfo begins with the age of the last confirmation, in hundredths of a second (USER_HZ)."""
    return int.from_bytes(cache[:4], sys.byteorder) / 100 if len(cache) == 16 else math.inf


def _attributes(data: memoryview) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while len(data) - at >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= size <= len(data) - at:
            break
        found[kind & _TYPE] = bytes(data[at + _ATTRIBUTE.size : at + size])
        at += (size + 3) & ~3
    return found


def _text(family: int, data: bytes | None) -> str:
    if data is None or len(data) != {_INET: 4, _INET6: 16}.get(family):
        return ""
    return str(ipaddress.ip_address(data))
