"""Neighbour discovery of IPv6 as whole Ethernet frames (RFC 4861). Pure; the parser gives None for what is no answer.

Whole frames, since a neighbour solicitation through an ICMPv6 socket makes the kernel resolve the neighbour first, with
solicitations of its own.
"""

import struct

import msgspec

from tillkeeper.network.addresses import Packet, ipv6_bytes, ipv6_text, mac_bytes, mac_text
from tillkeeper.network.frames import IPV6, payload
from tillkeeper.network.icmp import checksum

SOLICITATION, ADVERTISEMENT = 135, 136
_ICMP6 = 58
_HOP_LIMIT = 255
"""What comes with less came through a router and is not believed (RFC 4861, 6.1 and 7.1)."""
_SOURCE_LINK, _TARGET_LINK = 1, 2

_ETHERNET = struct.Struct("!6s6sH")
_HEADER = struct.Struct("!IHBB16s16s")
_PSEUDO = struct.Struct("!16s16sI3xB")
_MESSAGE = struct.Struct("!BBHI16s")
_SOLICITED_NODE = ipv6_bytes("ff02::1:ff00:0")[:13]


class Advertisement(msgspec.Struct, frozen=True, gc=False):
    """`target_mac` is empty where the option is missing: an answer to a unicast question may leave it out (RFC 4861, 4.4)."""

    source_mac: str
    source: str
    target: str
    target_mac: str
    is_router: bool
    solicited: bool
    override: bool


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


def _frame(to_mac: bytes, mac: bytes, source: bytes, destination: bytes, body: bytes) -> bytes:
    rest = checksum(_PSEUDO.pack(source, destination, len(body), _ICMP6) + body)
    header = _HEADER.pack(6 << 28, len(body), _ICMP6, _HOP_LIMIT, source, destination)
    return _ETHERNET.pack(to_mac, mac, IPV6) + header + body[:2] + rest.to_bytes(2, "big") + body[4:]


def parse_frame(frame: Packet) -> Advertisement | None:
    """None for other messages, and for those that RFC 4861 (7.1.2) says to discard: a hop limit under 255, a wrong checksum or
    code, an option of length zero, a multicast target, one that is solicited and yet to all."""
    found = payload(frame)
    if found is None or found[0] != IPV6 or len(frame) < found[2] + _HEADER.size:
        return None
    version, length, protocol, hop_limit, source, destination = _HEADER.unpack_from(frame, found[2])
    start = found[2] + _HEADER.size
    if version >> 28 != 6 or protocol != _ICMP6 or hop_limit != _HOP_LIMIT or not _MESSAGE.size <= length <= len(frame) - start:
        return None
    body = bytes(frame[start : start + length])
    if body[0] != ADVERTISEMENT or body[1] or checksum(_PSEUDO.pack(source, destination, length, _ICMP6) + body):
        return None
    options = _options(body[_MESSAGE.size :])
    flags = body[4]
    if options is None or body[8] == 0xFF or (destination[0] == 0xFF and flags & 0x40):
        return None
    return Advertisement(
        mac_text(frame[6:12]), ipv6_text(source), ipv6_text(body[8:24]), _link_mac(options, _TARGET_LINK), bool(flags & 0x80),
        bool(flags & 0x40), bool(flags & 0x20),
    )  # fmt: skip


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
