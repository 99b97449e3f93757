"""Neighbour discovery, against scapy both ways, with everything that RFC 4861 says to discard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RA,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    IPv6,
    in6_chksum,
)
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Packet
from tests.network.hostile import IPV6, MACS, PROPERTY, mangled

from tillkeeper.network.nd import Advertisement, parse_frame, solicitation

ME, ROUTER = "02:00:00:00:00:01", "02:00:00:00:00:fe"
LINK = Ether(src=ROUTER, dst=ME)
UNICAST6 = IPV6.filter(lambda text: not text.startswith("ff") and text != "::")


def whole(ip: Packet) -> bytes:
    return bytes(LINK / ip)


@PROPERTY
@given(MACS, UNICAST6, UNICAST6, MACS | st.just(""))
def test_scapy_reads_our_solicitations(mac: str, sender: str, target: str, to_mac: str) -> None:
    seen = Ether(solicitation(mac, sender, target, to_mac))
    ip, message = seen[IPv6], seen[ICMPv6ND_NS]
    assert (ip.src, ip.hlim, ip.nh, message.tgt, message[ICMPv6NDOptSrcLLAddr].lladdr) == (sender, 255, 58, target, mac)
    assert message.cksum == in6_chksum(58, ip, bytes(message)[:2] + b"\0\0" + bytes(message)[4:])
    if to_mac:
        assert (seen.dst, ip.dst) == (to_mac, target)
    else:
        right = bytes(Ether(src=mac) / IPv6(src=sender, dst=ip.dst) / ICMPv6ND_NS(tgt=target))
        assert ip.dst.startswith("ff02::1:ff"), "the solicited-node group"
        assert seen.dst == Ether(right).dst


def test_asking_for_the_own_address_tells_nothing_of_oneself() -> None:
    seen = Ether(solicitation(ME, "::", "fe80::12:3456", "02:00:00:00:00:02"))
    assert (seen.dst, seen[IPv6].src, seen[IPv6].dst) == ("33:33:ff:12:34:56", "::", "ff02::1:ff12:3456")
    assert ICMPv6NDOptSrcLLAddr not in seen, "RFC 4862, 5.4.2"


@PROPERTY
@given(UNICAST6, UNICAST6, MACS, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_an_advertisement_is_read(
    source: str, target: str, mac: str, router: bool, solicited: bool, override: bool, tagged: bool
) -> None:
    ip = IPv6(src=source, dst="fe80::1", hlim=255) / ICMPv6ND_NA(tgt=target, R=router, S=solicited, O=override)
    link = LINK / Dot1Q(vlan=5) if tagged else LINK
    assert parse_frame(bytes(link / ip / ICMPv6NDOptDstLLAddr(lladdr=mac))) == Advertisement(
        ROUTER, source, target, mac, router, solicited, override
    )
    assert parse_frame(bytes(link / ip) + b"padding") == Advertisement(ROUTER, source, target, "", router, solicited, override)


NA = whole(
    IPv6(src="fe80::2", dst="fe80::1", hlim=255) / ICMPv6ND_NA(tgt="fe80::2") / ICMPv6NDOptDstLLAddr(lladdr=ROUTER)
)


def signed(frame: bytes) -> bytes:
    """With the checksum that its changed bytes want, so that the checksum is not what refuses it."""
    seen = Ether(frame)
    body = frame[54:]
    right = in6_chksum(58, IPv6(frame[14:54]), body[:2] + b"\0\0" + body[4:])
    assert seen.type == 0x86DD
    return frame[:56] + int(right).to_bytes(2, "big") + frame[58:]


@pytest.mark.parametrize(
    ("what", "frame"),
    [
        ("hop limit 254", whole(IPv6(src="fe80::2", dst="fe80::1", hlim=254) / ICMPv6ND_NA(tgt="fe80::2"))),
        ("a wrong checksum", NA[:-1] + b"\x7f"),
        ("a code", signed(NA[:55] + b"\1" + NA[56:])),
        ("an option of length 0", signed(NA[:79] + b"\0" + NA[80:])),
        ("an option beyond the end", signed(NA[:79] + b"\2" + NA[80:])),
        ("a multicast target", whole(IPv6(src="fe80::2", dst="fe80::1", hlim=255) / ICMPv6ND_NA(tgt="ff02::1"))),
        ("solicited, to all", whole(IPv6(src="fe80::2", dst="ff02::1", hlim=255) / ICMPv6ND_NA(tgt="fe80::2", S=1))),
        ("a question", whole(IPv6(src="fe80::2", dst="ff02::1:ff00:1", hlim=255) / ICMPv6ND_NS(tgt="fe80::1"))),
        ("a router's", whole(IPv6(src="fe80::2", dst="ff02::1", hlim=255) / ICMPv6ND_RA())),
        ("an echo", whole(IPv6(src="fe80::2", dst="fe80::1", hlim=255) / ICMPv6EchoRequest())),
        ("a length that lies", NA[:18] + b"\xff\xff" + NA[20:]),
        ("version 4", NA[:14] + b"\x45" + NA[15:]),
        ("behind a hop-by-hop header", NA[:20] + b"\0" + NA[21:]),
    ],
)  # fmt: skip
def test_what_the_rfc_discards_is_nothing(what: str, frame: bytes) -> None:
    assert parse_frame(frame) is None, what


def test_cut_anywhere_it_is_nothing() -> None:
    assert parse_frame(NA) is not None
    assert not [size for size in range(len(NA)) if parse_frame(NA[:size]) is not None]


@PROPERTY
@given(st.binary(max_size=160) | mangled(NA), st.booleans())
def test_no_bytes_make_it_raise(frame: bytes, sign: bool) -> None:
    parse_frame(signed(frame) if sign and len(frame) >= 62 and frame[12:15] == b"\x86\xdd\x60" else frame)
