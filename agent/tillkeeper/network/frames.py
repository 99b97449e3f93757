"""Ethernet II and ARP as bytes, for AF_PACKET sockets of whole frames. Pure; parsers give None for what is not for us."""

import struct

import msgspec

from tillkeeper.network.addresses import Packet, ipv4_bytes, ipv4_text, mac_bytes, mac_text

ARP = 0x0806
IPV6 = 0x86DD
_TAGS = (0x8100, 0x88A8)
_MOST_TAGS = 2
_SMALLEST = 60
"""IEEE 802.3: 64 bytes with the check sequence, which the interface adds."""
BROADCAST = b"\xff" * 6
_NO_MAC = b"\0" * 6

_HEADER = struct.Struct("!6s6sH")
_TAG = struct.Struct("!HH")
_ARP = struct.Struct("!HHBBH6s4s6s4s")
_ETHERNET_IPV4 = (1, 0x0800, 6, 4)
_REQUEST, _REPLY = 1, 2


class Arp(msgspec.Struct, frozen=True, gc=False):
    """An ARP message for IPv4 over Ethernet. `source_mac` is the frame's own; an honest host's `sender_mac` is the same."""

    source_mac: str
    is_reply: bool
    sender_mac: str
    sender_address: str
    target_mac: str
    target_address: str
    vlan: int | None = None


def arp_request(sender_mac: str, sender_address: str, target_address: str, to_mac: str = "") -> bytes:
    """A whole frame that asks who has `target_address` (RFC 826). With `to_mac` it goes to that host alone (RFC 1122,
    2.3.2.1), else to all. The sender "0.0.0.0" makes it a probe, which changes nobody's table (RFC 5227, 1.1 and 2.1.1).
    Raises ValueError for a text that is no address."""
    mac = mac_bytes(sender_mac)
    header = _HEADER.pack(mac_bytes(to_mac) if to_mac else BROADCAST, mac, ARP)
    # The field that is being asked for is zero, also in a request to a known MAC: RFC 5227, 2.1.1.
    body = _ARP.pack(*_ETHERNET_IPV4, _REQUEST, mac, ipv4_bytes(sender_address), _NO_MAC, ipv4_bytes(target_address))
    return (header + body).ljust(_SMALLEST, b"\0")


def payload(frame: Packet) -> tuple[int, int | None, int] | None:
    """EtherType, VLAN and where the payload begins, stepping over up to two tags (IEEE 802.1Q, 802.1ad). None where the frame
    is too short, has a length in place of a type (802.3), or more tags."""
    if len(frame) < _HEADER.size:
        return None
    offset, vlan = _HEADER.size, None
    kind = frame[12] << 8 | frame[13]
    for _ in range(_MOST_TAGS):
        if kind not in _TAGS:
            break
        if len(frame) < offset + _TAG.size:
            return None
        control, kind = _TAG.unpack_from(frame, offset)
        offset, vlan = offset + _TAG.size, control & 0x0FFF
    if kind < 0x0600 or kind in _TAGS:
        return None
    return kind, vlan, offset


def parse_arp(frame: Packet) -> Arp | None:
    """A request or reply for IPv4 over Ethernet (RFC 826: other hardware, protocols and address lengths are not for us).
    Padding after it is ignored. The sender may be no group and not all zeros: nobody lives there."""
    found = payload(frame)
    if found is None or found[0] != ARP or len(frame) < found[2] + _ARP.size:
        return None
    hardware, protocol, hardware_size, protocol_size, operation, sender, address, target, asked = _ARP.unpack_from(
        frame, found[2]
    )
    if (hardware, protocol, hardware_size, protocol_size) != _ETHERNET_IPV4 or operation not in (_REQUEST, _REPLY):
        return None
    if sender[0] & 1 or sender == _NO_MAC:
        return None
    return Arp(
        source_mac=mac_text(frame[6:12]),
        is_reply=operation == _REPLY,
        sender_mac=mac_text(sender),
        sender_address=ipv4_text(address),
        target_mac=mac_text(target),
        target_address=ipv4_text(asked),
        vlan=found[1],
    )
