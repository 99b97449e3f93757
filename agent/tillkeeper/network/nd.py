"""Neighbour and router discovery of IPv6 as whole Ethernet frames (RFC 4861). Pure; parsers give None for what is not for us.

Whole frames, since a neighbour solicitation through an ICMPv6 socket makes the kernel resolve the neighbour first, with
solicitations of its own.
"""

import struct

import msgspec

from tillkeeper.network.addresses import ZERO_IPV6, Packet, ipv6_bytes, ipv6_text, mac_bytes, mac_text
from tillkeeper.network.frames import IPV6, payload
from tillkeeper.network.icmp import checksum

ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT, SOLICITATION, ADVERTISEMENT = 133, 134, 135, 136
MOST_PREFIXES = 16
_ICMP6 = 58
_HOP_LIMIT = 255
"""What comes with less came through a router and is not believed (RFC 4861, 6.1 and 7.1)."""
_SOURCE_LINK, _TARGET_LINK, _PREFIX = 1, 2, 3

_ETHERNET = struct.Struct("!6s6sH")
_HEADER = struct.Struct("!IHBB16s16s")
_PSEUDO = struct.Struct("!16s16sI3xB")
_MESSAGE = struct.Struct("!BBHI16s")
_ROUTER = struct.Struct("!BBHBBHII")
_ALL_ROUTERS = ipv6_bytes("ff02::2")
_SOLICITED_NODE = ipv6_bytes("ff02::1:ff00:0")[:13]


class Solicitation(msgspec.Struct, frozen=True, gc=False):
    """Somebody asks for `target`; the source "::" asks whether it is taken (RFC 4862, 5.4.3)."""

    source_mac: str
    source: str
    target: str
    source_link_mac: str


class Advertisement(msgspec.Struct, frozen=True, gc=False):
    """`target_mac` is empty where the option is missing: an answer to a unicast question may leave it out (RFC 4861, 4.4)."""

    source_mac: str
    source: str
    target: str
    target_mac: str
    is_router: bool
    solicited: bool
    override: bool


class RouterAdvertisement(msgspec.Struct, frozen=True, gc=False):
    """`lifetime_s` 0: no longer a default router. `prefixes`: (prefix, length) of those on this link, at most
    `MOST_PREFIXES`."""

    source_mac: str
    source: str
    lifetime_s: int
    hop_limit: int
    managed: bool
    other: bool
    prefixes: tuple[tuple[str, int], ...]


def solicitation(sender_mac: str, sender_address: str, target_address: str, to_mac: str = "") -> bytes:
    """A frame that asks for `target_address` (RFC 4861, 4.3): to that host alone with `to_mac`, else to its solicited-node
    group (RFC 4291, 2.7.1). The sender "::" asks whether the address is taken, always of the group and without the link-layer
    option (RFC 4862, 5.4.2). Raises ValueError for a text that is no address."""
    mac, source, target = mac_bytes(sender_mac), ipv6_bytes(sender_address), ipv6_bytes(target_address)
    asks_for_itself = source == bytes(16)
    option = b"" if asks_for_itself else bytes((_SOURCE_LINK, 1)) + mac
    body = _MESSAGE.pack(SOLICITATION, 0, 0, 0, target) + option
    if to_mac and not asks_for_itself:
        return _frame(mac_bytes(to_mac), mac, source, target, body)
    group = _SOLICITED_NODE + target[13:]
    return _frame(b"\x33\x33" + group[12:], mac, source, group, body)


def router_solicitation(sender_mac: str, sender_address: str) -> bytes:
    """To all routers (RFC 4861, 4.1), with the link-layer option unless the sender is "::". Raises ValueError for a text
    that is no address."""
    mac, source = mac_bytes(sender_mac), ipv6_bytes(sender_address)
    option = b"" if source == bytes(16) else bytes((_SOURCE_LINK, 1)) + mac
    body = struct.pack("!BBHI", ROUTER_SOLICITATION, 0, 0, 0) + option
    return _frame(b"\x33\x33" + _ALL_ROUTERS[12:], mac, source, _ALL_ROUTERS, body)


def _frame(to_mac: bytes, mac: bytes, source: bytes, destination: bytes, body: bytes) -> bytes:
    rest = checksum(_PSEUDO.pack(source, destination, len(body), _ICMP6) + body)
    header = _HEADER.pack(6 << 28, len(body), _ICMP6, _HOP_LIMIT, source, destination)
    return _ETHERNET.pack(to_mac, mac, IPV6) + header + body[:2] + rest.to_bytes(2, "big") + body[4:]


def parse_frame(frame: Packet) -> Solicitation | Advertisement | RouterAdvertisement | None:
    """None for other messages, and for those that RFC 4861 (6.1.2, 7.1.1, 7.1.2) says to discard: a hop limit under 255,
    a wrong checksum or code, an option of length zero, a multicast target, a router that is not link-local."""
    found = payload(frame)
    if found is None or found[0] != IPV6 or len(frame) < found[2] + _HEADER.size:
        return None
    version, length, protocol, hop_limit, source, destination = _HEADER.unpack_from(frame, found[2])
    start = found[2] + _HEADER.size
    if version >> 28 != 6 or protocol != _ICMP6 or hop_limit != _HOP_LIMIT or not 16 <= length <= len(frame) - start:
        return None
    body = bytes(frame[start : start + length])
    if body[1] or checksum(_PSEUDO.pack(source, destination, length, _ICMP6) + body):
        return None
    if body[0] == ROUTER_ADVERTISEMENT:
        return _router(mac_text(frame[6:12]), source, body)
    if body[0] not in (SOLICITATION, ADVERTISEMENT) or length < _MESSAGE.size or body[8] == 0xFF:
        return None
    options = _options(body[_MESSAGE.size :])
    if options is None:
        return None
    who, target, mac = ipv6_text(source), ipv6_text(body[8:24]), mac_text(frame[6:12])
    if body[0] == SOLICITATION:
        told = _link_mac(options, _SOURCE_LINK)
        if who == ZERO_IPV6 and (told or destination != _SOLICITED_NODE + body[21:24]):
            return None
        return Solicitation(mac, who, target, told)
    flags = body[4]
    if destination[0] == 0xFF and flags & 0x40:
        return None
    return Advertisement(
        mac, who, target, _link_mac(options, _TARGET_LINK), bool(flags & 0x80), bool(flags & 0x40), bool(flags & 0x20)
    )


def _router(source_mac: str, source: bytes, body: bytes) -> RouterAdvertisement | None:
    """RFC 4861, 4.2 and 4.6.2."""
    options = _options(body[_ROUTER.size :])
    if options is None or source[:1] != b"\xfe" or source[1] & 0xC0 != 0x80:
        return None
    _, _, _, hop_limit, flags, lifetime_s, _, _ = _ROUTER.unpack_from(body)
    prefixes = tuple(
        (ipv6_text(data[16:32]), data[2])
        for kind, data in options
        if kind == _PREFIX and len(data) == 32 and data[2] <= 128 and data[3] & 0x80
    )[:MOST_PREFIXES]
    return RouterAdvertisement(
        source_mac, ipv6_text(source), lifetime_s, hop_limit, bool(flags & 0x80), bool(flags & 0x40), prefixes
    )


def _options(data: bytes) -> list[tuple[int, bytes]] | None:
    """Types with whole options, their two first bytes included (RFC 4861, 4.6). None where one is of no length or cut: the
    message must then be discarded. There are at most as many as bytes / 8."""
    found = []
    while data:
        if len(data) < 2 or not 0 < data[1] * 8 <= len(data):
            return None
        size = data[1] * 8
        found.append((data[0], data[:size]))
        data = data[size:]
    return found


def _link_mac(options: list[tuple[int, bytes]], kind: int) -> str:
    """The first of this kind that is a MAC (RFC 4861, 4.6.1)."""
    return next((mac_text(data[2:8]) for found, data in options if found == kind and len(data) == 8), "")
