"""What the kernel tells of interfaces, addresses, default routes and neighbours (NETLINK_ROUTE; linux/netlink.h, rtnetlink.h,
if_link.h, if_addr.h, neighbour.h). Pure; numbers are in the machine's own byte order.

Linux sends no RTM_DELROUTE for IPv4 routes that vanish with their link or address: ask for the routes again after either.
"""

import struct
import sys
from collections.abc import Iterator

import msgspec

from tillkeeper.network.addresses import Packet, ipv4_text, ipv6_text, mac_text
from tillkeeper.network.model import Family, Tri

GROUPS = 0x1 | 0x4 | 0x10 | 0x40 | 0x100 | 0x400
"""What to bind to: RTMGRP_LINK, _NEIGH, _IPV4_IFADDR, _IPV4_ROUTE, _IPV6_IFADDR, _IPV6_ROUTE."""

_REQUEST, _DUMP, _DUMP_INTERRUPTED = 0x001, 0x300, 0x010
_ERROR, _DONE, _OVERRUN = 2, 3, 4
_NEWLINK, _DELLINK, _GETLINK = 16, 17, 18
_NEWADDR, _DELADDR, _GETADDR = 20, 21, 22
_NEWROUTE, _DELROUTE, _GETROUTE = 24, 25, 26
_NEWNEIGH, _DELNEIGH, _GETNEIGH = 28, 29, 30
_FAMILIES: dict[int, tuple[Family, int]] = {2: ("ipv4", 4), 10: ("ipv6", 16)}
"""AF_INET, AF_INET6: the name, and how many bytes an address has."""

_MESSAGE = struct.Struct("=IHHII")
_INFO = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBI")
_ROUTE = struct.Struct("=BBBBBBBBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_ATTRIBUTE = struct.Struct("=HH")
_HOP = struct.Struct("=HBBi")
_TYPE = 0x3FFF
"""The two upper bits of an attribute's type say that it is nested, or in network order."""
_MOST_HOPS = 32

_UP, _LOOPBACK, _LOWER_UP = 0x1, 0x8, 0x1_0000
_STATES = ("UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP")
_SCOPES = {0: "global", 200: "site", 253: "link", 254: "host", 255: "nowhere"}
_NEIGHBOUR_STATES = {
    0x00: "NONE", 0x01: "INCOMPLETE", 0x02: "REACHABLE", 0x04: "STALE", 0x08: "DELAY", 0x10: "PROBE", 0x20: "FAILED",
    0x40: "NOARP", 0x80: "PERMANENT",
}  # fmt: skip
_DADFAILED, _TENTATIVE = 0x08, 0x40
_UNICAST, _MAIN = 1, 254
_DEAD = 0x01 | 0x10
"""RTNH_F_DEAD, RTNH_F_LINKDOWN."""


class Link(msgspec.Struct, frozen=True):
    """`carrier`: IFF_LOWER_UP, unknown while the interface is disabled (the kernel does not know either). `kind`: of a made
    interface ("veth", "bridge"), empty for hardware."""

    index: int
    name: str
    mac: str
    admin_up: bool
    carrier: Tri
    operstate: str
    loopback: bool
    kind: str
    gone: bool


class LinkAddress(msgspec.Struct, frozen=True):
    """`tentative`: still being checked for a duplicate; `duplicate`: the check found one (IPv6 only)."""

    index: int
    family: Family
    address: str
    prefix: int
    scope: str
    tentative: bool
    duplicate: bool
    gone: bool


class DefaultRoute(msgspec.Struct, frozen=True):
    """Of the main table. `gateway` is empty where all is said to be on the link. A smaller `metric` is preferred. `dead`: its
    link is down or has no carrier."""

    family: Family
    gateway: str
    index: int
    metric: int
    dead: bool
    gone: bool


class Neighbour(msgspec.Struct, frozen=True):
    index: int
    family: Family
    address: str
    mac: str
    state: str
    is_router: bool
    gone: bool


class Done(msgspec.Struct, frozen=True):
    """A dump ended. `interrupted`: something changed meanwhile (NLM_F_DUMP_INTR), ask again."""

    sequence: int
    interrupted: bool


class Failed(msgspec.Struct, frozen=True):
    """`error`: an errno; 0 is the acknowledgement of a request."""

    sequence: int
    error: int


class Overrun(msgspec.Struct, frozen=True):
    """Messages were lost: everything has to be asked again."""


Message = Link | LinkAddress | DefaultRoute | Neighbour | Done | Failed | Overrun


def dump_links(sequence: int) -> bytes:
    return _dump(_GETLINK, sequence, _INFO.pack(0, 0, 0, 0, 0))


def dump_addresses(sequence: int) -> bytes:
    return _dump(_GETADDR, sequence, _ADDRESS.pack(0, 0, 0, 0, 0))


def dump_routes(sequence: int) -> bytes:
    return _dump(_GETROUTE, sequence, _ROUTE.pack(0, 0, 0, 0, 0, 0, 0, 0, 0))


def dump_neighbours(sequence: int) -> bytes:
    return _dump(_GETNEIGH, sequence, _NEIGHBOUR.pack(0, 0, 0, 0, 0))


def _dump(kind: int, sequence: int, body: bytes) -> bytes:
    return _MESSAGE.pack(_MESSAGE.size + len(body), kind, _REQUEST | _DUMP, sequence, 0) + body


def parse(datagram: Packet) -> tuple[Message, ...]:
    """All messages of a datagram that are of these kinds, up to the first whose length lies. There are at most
    `len(datagram) / 16`, and `_MOST_HOPS` routes of each."""
    data = memoryview(datagram)
    found: list[Message] = []
    at = 0
    while len(data) - at >= _MESSAGE.size:
        size, kind, flags, sequence, _ = _MESSAGE.unpack_from(data, at)
        if not _MESSAGE.size <= size <= len(data) - at:
            break
        found += _message(kind, flags, sequence, data[at + _MESSAGE.size : at + size])
        at += (size + 3) & ~3
    return tuple(found)


def _message(kind: int, flags: int, sequence: int, body: memoryview) -> Iterator[Message]:
    if kind == _DONE:
        yield Done(sequence, bool(flags & _DUMP_INTERRUPTED))
    elif kind == _OVERRUN:
        yield Overrun()
    elif kind == _ERROR:
        if len(body) >= 4:
            yield Failed(sequence, abs(int.from_bytes(body[:4], sys.byteorder, signed=True)))
    elif kind in (_NEWLINK, _DELLINK):
        yield from _link(body, kind == _DELLINK)
    elif kind in (_NEWADDR, _DELADDR):
        yield from _address(body, kind == _DELADDR)
    elif kind in (_NEWROUTE, _DELROUTE):
        yield from _route(body, kind == _DELROUTE)
    elif kind in (_NEWNEIGH, _DELNEIGH):
        yield from _neighbour(body, kind == _DELNEIGH)


def _attributes(data: memoryview) -> dict[int, memoryview]:
    """By type, the last of each counts; ends at the first whose length lies."""
    found = {}
    at = 0
    while len(data) - at >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if not _ATTRIBUTE.size <= size <= len(data) - at:
            break
        found[kind & _TYPE] = data[at + _ATTRIBUTE.size : at + size]
        at += (size + 3) & ~3
    return found


def _link(body: memoryview, gone: bool) -> Iterator[Link]:
    if len(body) < _INFO.size:
        return
    family, _, index, flags, _ = _INFO.unpack_from(body)
    if family:  # Of a bridge's port or of IPv6's own settings: not about the interface itself, not even when "deleted".
        return
    found = _attributes(body[_INFO.size :])
    mac, state = found.get(1, memoryview(b"")), found.get(16, memoryview(b""))
    info = _attributes(found.get(18, memoryview(b"")))
    admin_up = bool(flags & _UP)
    carrier: Tri = "unknown" if not admin_up else "yes" if flags & _LOWER_UP else "no"
    yield Link(
        index=index,
        name=_text(found.get(3)),
        mac=mac_text(mac) if len(mac) == 6 else "",
        admin_up=admin_up,
        carrier=carrier,
        operstate=_STATES[state[0]] if len(state) == 1 and state[0] < len(_STATES) else "UNKNOWN",
        loopback=bool(flags & _LOOPBACK),
        kind=_text(info.get(1)),
        gone=gone,
    )


def _address(body: memoryview, gone: bool) -> Iterator[LinkAddress]:
    if len(body) < _ADDRESS.size:
        return
    number, prefix, flags, scope, index = _ADDRESS.unpack_from(body)
    found = _attributes(body[_ADDRESS.size :])
    # On a point-to-point link IFA_ADDRESS is the other end's and IFA_LOCAL is ours.
    of = _known(number, found.get(2, found.get(1)))
    if of is None or prefix > 128:
        return
    # Flags grew to 32 bits with IFA_FLAGS; the header holds the lower eight.
    flags = _number(found.get(8), flags)
    tentative, duplicate = bool(flags & _TENTATIVE), bool(flags & _DADFAILED)
    yield LinkAddress(index, of[0], of[1], prefix, _SCOPES.get(scope, str(scope)), tentative, duplicate, gone)


def _route(body: memoryview, gone: bool) -> Iterator[DefaultRoute]:
    if len(body) < _ROUTE.size:
        return
    number, length, source_length, _, table, _, _, kind, flags = _ROUTE.unpack_from(body)
    if length or source_length or kind != _UNICAST or number not in _FAMILIES:
        return
    found = _attributes(body[_ROUTE.size :])
    if _number(found.get(15), table) != _MAIN:
        return
    family, metric = _FAMILIES[number][0], _number(found.get(6), 0)
    if 9 in found:
        for flags_of, index, inner in _hops(found[9]):
            yield DefaultRoute(family, _gateway(number, inner), index, metric, bool(flags_of & _DEAD), gone)
    else:
        yield DefaultRoute(family, _gateway(number, found), _number(found.get(4), 0), metric, bool(flags & _DEAD), gone)


def _hops(data: memoryview) -> Iterator[tuple[int, int, dict[int, memoryview]]]:
    """RTA_MULTIPATH: flags, interface and attributes of each struct rtnexthop."""
    for _ in range(_MOST_HOPS):
        if len(data) < _HOP.size:
            return
        size, flags, _, index = _HOP.unpack_from(data)
        if not _HOP.size <= size <= len(data):
            return
        yield flags, index, _attributes(data[_HOP.size : size])
        data = data[(size + 3) & ~3 :]


def _gateway(number: int, found: dict[int, memoryview]) -> str:
    """RTA_GATEWAY, or RTA_VIA: a gateway of the other family (RFC 5549)."""
    via = found.get(18)
    if via is not None and len(via) >= 2:
        of = _known(int.from_bytes(via[:2], sys.byteorder), via[2:])
    else:
        of = _known(number, found.get(5))
    return "" if of is None else of[1]


def _neighbour(body: memoryview, gone: bool) -> Iterator[Neighbour]:
    if len(body) < _NEIGHBOUR.size:
        return
    number, index, state, flags, _ = _NEIGHBOUR.unpack_from(body)
    found = _attributes(body[_NEIGHBOUR.size :])
    of, mac = _known(number, found.get(1)), found.get(2, memoryview(b""))
    if of is None:
        return
    words = _NEIGHBOUR_STATES.get(state, str(state))
    yield Neighbour(index, of[0], of[1], mac_text(mac) if len(mac) == 6 else "", words, bool(flags & 0x80), gone)


def _known(number: int, data: memoryview | None) -> tuple[Family, str] | None:
    """Family and text of an address; None for families and lengths that are not ours."""
    if data is None or number not in _FAMILIES:
        return None
    family, size = _FAMILIES[number]
    if len(data) != size:
        return None
    return family, ipv4_text(data) if size == 4 else ipv6_text(data)


def _number(data: memoryview | None, otherwise: int) -> int:
    return otherwise if data is None or len(data) != 4 else int.from_bytes(data, sys.byteorder)


def _text(data: memoryview | None) -> str:
    return "" if data is None else bytes(data).partition(b"\0")[0].decode("utf-8", "replace")
