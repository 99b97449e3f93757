"""Echoes and errors, against scapy both ways and against quotes that are nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
)
from scapy.packet import Packet, Raw
from tests.network.hostile import IPV4, IPV6, NUMBERS, PROPERTY, mangled

from tillkeeper.network.icmp import EchoReply, IcmpError, Quoted, checksum, echo_request, echo_request6, parse, parse6

REPLY = bytes(IP(src="10.0.0.2", dst="10.0.0.1") / ICMP(type=0, id=7, seq=9) / Raw(b"till"))
ASKED = IP(src="10.0.0.1", dst="192.0.2.9", ttl=1) / ICMP(type=8, id=7, seq=9) / Raw(b"till")
EXCEEDED = bytes(IP(src="10.0.0.254", dst="10.0.0.1") / ICMP(type=11, code=0) / ASKED)


def icmp_of(packet: bytes) -> bytes:
    return bytes(IPv6(packet)[1])


@PROPERTY
@given(NUMBERS, NUMBERS, st.binary(max_size=64))
def test_scapy_reads_our_echoes(identifier: int, sequence: int, payload: bytes) -> None:
    four = ICMP(echo_request(identifier, sequence, payload))
    assert (four.type, four.code, four.id, four.seq, bytes(four.payload)) == (8, 0, identifier, sequence, payload)
    right = bytes(ICMP(type=8, id=identifier, seq=sequence) / Raw(payload))
    assert bytes(four) == right, "the checksum too"
    six = ICMPv6EchoRequest(echo_request6(identifier, sequence, payload))
    assert (six.type, six.code, six.cksum, six.id, six.seq, six.data) == (128, 0, 0, identifier, sequence, payload)


@PROPERTY
@given(IPV4, NUMBERS, NUMBERS, st.integers(1, 255), st.binary(max_size=64), st.booleans())
def test_an_echo_reply_is_read(source: str, identifier: int, sequence: int, ttl: int, payload: bytes, options: bool) -> None:
    header = IP(src=source, dst="10.0.0.1", ttl=ttl, options=[("NOP")] * 4 if options else [])
    packet = bytes(header / ICMP(type=0, id=identifier, seq=sequence) / Raw(payload))
    expected = EchoReply(source, identifier, sequence, ttl, payload)
    assert parse(packet) == expected
    assert parse(memoryview(bytearray(packet + b"padding"))) == expected, "Ethernet's padding is not the packet's"


@PROPERTY
@given(IPV6, NUMBERS, NUMBERS, st.binary(max_size=64))
def test_an_echo_reply_of_ipv6_is_read(source: str, identifier: int, sequence: int, payload: bytes) -> None:
    message = icmp_of(bytes(IPv6(src=source, dst="fd00::1") / ICMPv6EchoReply(id=identifier, seq=sequence, data=payload)))
    assert parse6(message, source + "%eth0", 61) == EchoReply(source, identifier, sequence, 61, payload)


QUOTES = [
    (ICMP(type=8, id=7, seq=9), Quoted("icmp", "10.0.0.1", "192.0.2.9", identifier=7, sequence=9)),
    (UDP(sport=40_000, dport=53), Quoted("udp", "10.0.0.1", "192.0.2.9", source_port=40_000, destination_port=53)),
    (TCP(sport=40_001, dport=443), Quoted("tcp", "10.0.0.1", "192.0.2.9", source_port=40_001, destination_port=443)),
]


@pytest.mark.parametrize(
    ("kind", "code", "word"),
    [
        (3, 0, "net_unreachable"), (3, 1, "host_unreachable"), (3, 2, "protocol_unreachable"), (3, 3, "port_unreachable"),
        (3, 4, "too_big"), (3, 9, "prohibited"), (3, 13, "prohibited"), (3, 5, "unreachable"), (3, 200, "unreachable"),
        (11, 0, "time_exceeded"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(("layer", "quoted"), QUOTES)
@pytest.mark.parametrize("shortest", [True, False])
def test_an_error_tells_what_it_is_about(
    kind: int, code: int, word: str, layer: Packet, quoted: Quoted, shortest: bool
) -> None:
    inner = bytes(IP(src="10.0.0.1", dst="192.0.2.9", ttl=1) / layer / Raw(b"x" * 200))
    packet = bytes(IP(src="10.0.0.254", dst="10.0.0.1") / ICMP(type=kind, code=code) / Raw(inner[:28] if shortest else inner))
    assert parse(packet) == IcmpError("10.0.0.254", word, quoted)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (ICMPv6DestUnreach(code=0), "net_unreachable"), (ICMPv6DestUnreach(code=1), "prohibited"),
        (ICMPv6DestUnreach(code=3), "host_unreachable"), (ICMPv6DestUnreach(code=4), "port_unreachable"),
        (ICMPv6DestUnreach(code=77), "unreachable"), (ICMPv6PacketTooBig(), "too_big"),
        (ICMPv6TimeExceeded(code=0), "time_exceeded"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("layer", "quoted"),
    [
        (ICMPv6EchoRequest(id=7, seq=9), Quoted("icmp", "fd00::1", "2001:db8::9", identifier=7, sequence=9)),
        (UDP(sport=1, dport=53), Quoted("udp", "fd00::1", "2001:db8::9", source_port=1, destination_port=53)),
        (TCP(sport=2, dport=443), Quoted("tcp", "fd00::1", "2001:db8::9", source_port=2, destination_port=443)),
    ],
)
def test_an_error_of_ipv6_tells_what_it_is_about(error: Packet, word: str, layer: Packet, quoted: Quoted) -> None:
    inner = IPv6(src="fd00::1", dst="2001:db8::9") / layer
    message = icmp_of(bytes(IPv6(src="fd00::fe", dst="fd00::1") / error / inner))
    assert parse6(message, "fd00::fe") == IcmpError("fd00::fe", word, quoted)  # type: ignore[arg-type]


def error(inner: bytes, kind: int = 3, code: int = 1) -> bytes:
    return bytes(IP(src="10.0.0.254", dst="10.0.0.1") / ICMP(type=kind, code=code) / Raw(inner))


INNER = bytes(ASKED)


@pytest.mark.parametrize(
    ("what", "packet"),
    [
        ("nothing quoted", error(b"")),
        ("half a header quoted", error(INNER[:19])),
        *((f"{size} of the eight bytes quoted", error(INNER[: 20 + size])) for size in range(8)),
        ("IPv6 quoted in ICMPv4", error(bytes(IPv6() / ICMPv6EchoRequest()))),
        ("a header length of 16", error(b"\x44" + INNER[1:])),
        ("a header longer than the quote", error(b"\x4f" + INNER[1:40])),
        ("an echo reply quoted", error(INNER[:20] + b"\0" + INNER[21:])),
        ("an ICMP error quoted", error(INNER[:20] + b"\x03" + INNER[21:])),
        ("an echo with a code", error(INNER[:21] + b"\1" + INNER[22:])),
        ("a later fragment quoted", error(INNER[:6] + b"\0\7" + INNER[8:])),
        ("another protocol quoted", error(INNER[:9] + b"\x2f" + INNER[10:])),
        ("reassembly time exceeded", error(INNER, 11, 1)),
        ("a redirect", error(INNER, 5, 1)),
        ("source quench", error(INNER, 4, 0)),
        ("an echo request", bytes(ASKED)),
        ("a reply with a code", bytes(IP(src="10.0.0.2") / ICMP(type=0, code=3, id=7, seq=9))),
        ("a wrong checksum", REPLY[:-1] + b"!"),
        ("version 6", b"\x65" + REPLY[1:]),
        ("outer header length 16", b"\x44" + REPLY[1:]),
        ("outer header length 60", b"\x4f" + REPLY[1:]),
        ("total length 0", REPLY[:2] + b"\0\0" + REPLY[4:]),
        ("total length beyond the end", REPLY[:2] + b"\xff\xff" + REPLY[4:]),
        ("a fragment", REPLY[:6] + b"\x20\0" + REPLY[8:]),
        ("UDP", REPLY[:9] + b"\x11" + REPLY[10:]),
    ],
)
def test_nonsense_is_nothing(what: str, packet: bytes) -> None:
    assert parse(packet) is None, what


INNER6 = bytes(IPv6(src="fd00::1", dst="2001:db8::9") / ICMPv6EchoRequest(id=7, seq=9))


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nothing", b""),
        ("half a header", b"\x81\0\0\0\0\7\0"),
        ("a reply with a code", b"\x81\1\0\0\0\7\0\x09"),
        ("an echo request", b"\x80\0\0\0\0\7\0\x09"),
        ("router advertisement", b"\x86\0\0\0\0\7\0\x09"),
        ("reassembly time exceeded", b"\3\1\0\0\0\0\0\0" + INNER6),
        *((f"{size} bytes quoted", b"\1\0\0\0\0\0\0\0" + INNER6[:size]) for size in (0, 39, 40, 47)),
        ("IPv4 quoted", b"\1\0\0\0\0\0\0\0" + bytes(ASKED) + bytes(40)),
        ("a fragment header quoted", b"\1\0\0\0\0\0\0\0" + INNER6[:6] + b"\x2c" + INNER6[7:]),
        ("an echo reply quoted", b"\1\0\0\0\0\0\0\0" + INNER6[:40] + b"\x81" + INNER6[41:]),
    ],
)
def test_nonsense_of_ipv6_is_nothing(what: str, message: bytes) -> None:
    assert parse6(message, "fd00::fe") is None, what


def test_a_router_may_quote_a_changed_packet() -> None:
    """TTL 0, another checksum, a length in the wrong byte order: seen in the field, and still our echo."""
    inner = INNER[:2] + b"\x20\0" + INNER[4:8] + b"\0" + INNER[9:10] + b"\xde\xad" + INNER[12:]
    found = parse(error(inner))
    assert found == IcmpError("10.0.0.254", "host_unreachable", QUOTES[0][1])


@PROPERTY
@given(st.binary(max_size=200) | mangled(REPLY) | mangled(EXCEEDED))
def test_no_bytes_make_it_raise(packet: bytes) -> None:
    found = parse(packet)
    assert found is None or isinstance(found, EchoReply | IcmpError)


@PROPERTY
@given(st.binary(max_size=200) | mangled(b"\3\0\0\0\0\0\0\0" + INNER6) | mangled(b"\x81\0\0\0\0\7\0\x09"), st.text(max_size=60))
def test_no_bytes_make_it_raise_for_ipv6(message: bytes, source: str) -> None:
    parse6(message, source)


@PROPERTY
@given(st.binary(max_size=200))
def test_the_checksum_is_that_of_rfc_1071(data: bytes) -> None:
    total = sum(int.from_bytes(data[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(data), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert checksum(data) == total ^ 0xFFFF


@pytest.mark.parametrize("numbers", [(-1, 0), (0, -1), (0x1_0000, 0), (0, 0x1_0000)])
def test_numbers_that_do_not_fit_are_said(numbers: tuple[int, int]) -> None:
    for build in (echo_request, echo_request6):
        with pytest.raises(ValueError, match="16 bits"):
            build(*numbers)
