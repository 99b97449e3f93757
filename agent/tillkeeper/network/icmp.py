"""Echo requests, their answers and the errors that quote them, ICMP for IPv4 and IPv6. Pure; parsers give None for what is
not for us.

Linux hands a raw ICMP socket the packet from its IPv4 header on and has not looked at the ICMP checksum; a raw ICMPv6 socket
gets the message alone, its checksum verified (RFC 3542, 3.1).
"""

import struct
from typing import Literal

import msgspec

from tillkeeper.network.addresses import Packet, ipv4_text, ipv6_text

ErrorKind = Literal[
    "time_exceeded", "net_unreachable", "host_unreachable", "port_unreachable", "protocol_unreachable", "prohibited", "too_big",
    "unreachable",
]  # fmt: skip
Protocol = Literal["icmp", "udp", "tcp"]

_ECHO = struct.Struct("!BBHHH")
_IPV4 = struct.Struct("!BxH2xHxBxx4s4s")
"""Version and header length, total length, flags and fragment offset, protocol, source, destination (RFC 791, 3.1)."""
_IPV6 = struct.Struct("!B3xHBB16s16s")
"""Version, payload length, next header, hop limit, source, destination (RFC 8200, 3)."""
_QUOTED = struct.Struct("!HHHH")
_IPV4_SIZE, _IPV6_SIZE, _ICMP_SIZE = 20, 40, 8
_ICMP, _TCP, _UDP, _ICMP6 = 1, 6, 17, 58
_FRAGMENTED = 0x3FFF
"""More fragments, or an offset: the kernel puts fragments together before we see them."""

_UNREACHABLE: dict[int, ErrorKind] = {
    0: "net_unreachable", 1: "host_unreachable", 2: "protocol_unreachable", 3: "port_unreachable", 4: "too_big",
    6: "net_unreachable", 7: "host_unreachable", 8: "host_unreachable", 9: "prohibited", 10: "prohibited",
    11: "net_unreachable", 12: "host_unreachable", 13: "prohibited", 14: "prohibited", 15: "prohibited",
}  # fmt: skip
"""Codes of destination unreachable: RFC 792, RFC 1122 (3.2.2.1), RFC 1812 (5.2.7.1)."""
_UNREACHABLE6: dict[int, ErrorKind] = {
    0: "net_unreachable", 1: "prohibited", 3: "host_unreachable", 4: "port_unreachable", 5: "prohibited", 6: "prohibited",
}  # fmt: skip
"""RFC 4443, 3.1."""


class EchoReply(msgspec.Struct, frozen=True, gc=False):
    """`ttl`: as it arrived, 0 where the caller did not know it."""

    source: str
    identifier: int
    sequence: int
    ttl: int
    payload: bytes


class Quoted(msgspec.Struct, frozen=True, gc=False):
    """What an error quotes of the packet that we sent: by this the question is found again. Ports are 0 for "icmp",
    identifier and sequence 0 for the others."""

    protocol: Protocol
    source: str
    destination: str
    identifier: int = 0
    sequence: int = 0
    source_port: int = 0
    destination_port: int = 0


class IcmpError(msgspec.Struct, frozen=True, gc=False):
    """`source`: the router or host that says so."""

    source: str
    kind: ErrorKind
    quoted: Quoted


def checksum(data: Packet) -> int:
    """The internet checksum (RFC 1071): 0 over a message that carries its own right one."""
    if len(data) % 2:
        data = bytes(data) + b"\0"
    # The one's complement sum of 16-bit words is the remainder by 65535, since 65536 leaves 1; only zero has two forms.
    number = int.from_bytes(data, "big")
    rest = number % 0xFFFF
    return 0xFFFF - rest if rest or not number else 0


def echo_request(identifier: int, sequence: int, payload: bytes = b"") -> bytes:
    """ICMP echo with its checksum (RFC 792). `identifier` and `sequence`: 16 bits, else ValueError."""
    _check(identifier, sequence)
    zero = _ECHO.pack(8, 0, 0, identifier, sequence)
    return _ECHO.pack(8, 0, checksum(zero + payload), identifier, sequence) + payload


def echo_request6(identifier: int, sequence: int, payload: bytes = b"") -> bytes:
    """ICMPv6 echo (RFC 4443, 4.1); the checksum is left to the kernel (RFC 3542, 3.1)."""
    _check(identifier, sequence)
    return _ECHO.pack(128, 0, 0, identifier, sequence) + payload


def _check(identifier: int, sequence: int) -> None:
    if not (0 <= identifier <= 0xFFFF and 0 <= sequence <= 0xFFFF):
        raise ValueError(f"identifier and sequence have 16 bits: {identifier}, {sequence}")


def parse(packet: Packet) -> EchoReply | IcmpError | None:
    """An IPv4 packet as a raw socket gives it: an echo reply, or an error about something that was sent. None for all else,
    also for wrong checksums, fragments, lengths that lie and quotes that are cut too short."""
    if len(packet) < _IPV4_SIZE + _ICMP_SIZE:
        return None
    first, total, fragment, protocol, source, _ = _IPV4.unpack_from(packet)
    start = (first & 0x0F) * 4
    if first >> 4 != 4 or start < _IPV4_SIZE or protocol != _ICMP or fragment & _FRAGMENTED:
        return None
    if not start + _ICMP_SIZE <= total <= len(packet):
        return None
    message = memoryview(packet)[start:total]
    if checksum(message):
        return None
    kind, code, _, identifier, sequence = _ECHO.unpack_from(message)
    if kind == 0:
        if code:
            return None
        return EchoReply(ipv4_text(source), identifier, sequence, packet[8], bytes(message[_ICMP_SIZE:]))
    error: ErrorKind
    if kind == 3:
        error = _UNREACHABLE.get(code, "unreachable")
    elif kind == 11 and code == 0:
        error = "time_exceeded"
    else:
        return None
    quoted = _quoted(message[_ICMP_SIZE:])
    return None if quoted is None else IcmpError(ipv4_text(source), error, quoted)


def parse6(message: Packet, source: str, hop_limit: int = 0) -> EchoReply | IcmpError | None:
    """As `parse`, of an ICMPv6 message without its IPv6 header (RFC 4443). `source`: as the socket names it; a zone
    ("%eth0") is cut off."""
    if len(message) < _ICMP_SIZE:
        return None
    source = source.partition("%")[0]
    kind, code, _, identifier, sequence = _ECHO.unpack_from(message)
    error: ErrorKind
    if kind == 129:
        return None if code else EchoReply(source, identifier, sequence, hop_limit, bytes(message[_ICMP_SIZE:]))
    if kind == 1:
        error = _UNREACHABLE6.get(code, "unreachable")
    elif kind == 2:
        error = "too_big"
    elif kind == 3 and code == 0:
        error = "time_exceeded"
    elif kind == 4:
        error = "unreachable"
    else:
        return None
    quoted = _quoted6(memoryview(message)[_ICMP_SIZE:])
    return None if quoted is None else IcmpError(source, error, quoted)


def _quoted(packet: memoryview) -> Quoted | None:
    """The IPv4 header and at least the next eight bytes (RFC 792). Its length and checksum are not held against it: the
    router that quotes has changed the packet, and quotes no more than it likes."""
    if len(packet) < _IPV4_SIZE:
        return None
    first, _, fragment, protocol, source, destination = _IPV4.unpack_from(packet)
    start = (first & 0x0F) * 4
    if first >> 4 != 4 or start < _IPV4_SIZE or fragment & _FRAGMENTED:
        return None
    return _inner(packet[start:], protocol, _ICMP, 8, ipv4_text(source), ipv4_text(destination))


def _quoted6(packet: memoryview) -> Quoted | None:
    """The IPv6 header and at least the next eight bytes. We send no extension headers, so a quote with one is not ours."""
    if len(packet) < _IPV6_SIZE:
        return None
    first, _, protocol, _, source, destination = _IPV6.unpack_from(packet)
    if first >> 4 != 6:
        return None
    return _inner(packet[_IPV6_SIZE:], protocol, _ICMP6, 128, ipv6_text(source), ipv6_text(destination))


def _inner(data: memoryview, protocol: int, icmp: int, echo: int, source: str, destination: str) -> Quoted | None:
    """`icmp`, `echo`: the family's number of the protocol, and of an echo request."""
    if len(data) < _QUOTED.size:
        return None
    first, second, identifier, sequence = _QUOTED.unpack_from(data)
    if protocol == icmp:
        if first != echo << 8:
            return None
        return Quoted("icmp", source, destination, identifier=identifier, sequence=sequence)
    if protocol in (_UDP, _TCP):
        return Quoted("udp" if protocol == _UDP else "tcp", source, destination, source_port=first, destination_port=second)
    return None
