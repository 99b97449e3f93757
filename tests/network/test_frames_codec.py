"""ARP and Ethernet, against scapy both ways and against bytes nobody should send."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from tests.network.hostile import IPV4, MACS, PROPERTY, mangled

from tillkeeper.network.addresses import ipv4_bytes, ipv4_text, ipv6_bytes, ipv6_text, mac_bytes, mac_text
from tillkeeper.network.frames import Arp, arp_request, parse_arp, payload

ME, OTHER = "02:00:00:00:00:01", "02:00:00:00:00:02"
PLAIN = arp_request(ME, "10.0.0.1", "10.0.0.2")


@PROPERTY
@given(MACS, IPV4, IPV4, MACS | st.just(""))
def test_scapy_reads_our_requests(mac: str, sender: str, target: str, to_mac: str) -> None:
    frame = arp_request(mac, sender, target, to_mac)
    seen = Ether(frame)
    assert len(frame) == 60, "the least that Ethernet carries"
    assert (seen.src, seen.dst, seen.type) == (mac, to_mac or "ff:ff:ff:ff:ff:ff", 0x0806)
    arp = seen[ARP]
    assert (arp.hwtype, arp.ptype, arp.hwlen, arp.plen, arp.op) == (1, 0x0800, 6, 4, 1)
    assert (arp.hwsrc, arp.psrc, arp.hwdst, arp.pdst) == (mac, sender, "00:00:00:00:00:00", target)
    assert not bytes(arp.payload).strip(b"\0")


def test_a_probe_for_the_own_address_changes_nobodys_table() -> None:
    arp = Ether(arp_request(ME, "0.0.0.0", "10.0.0.1"))[ARP]
    assert (arp.psrc, arp.hwdst, arp.pdst) == ("0.0.0.0", "00:00:00:00:00:00", "10.0.0.1"), "RFC 5227, 2.1.1"


@PROPERTY
@given(
    MACS,
    MACS,
    MACS,
    IPV4,
    IPV4,
    st.sampled_from((1, 2)),
    st.sampled_from((0, 1, 2)),
    st.integers(0, 4095),
    st.binary(max_size=24),
)
def test_we_read_what_scapy_builds(
    source: str, sender: str, target: str, claims: str, asked: str, operation: int, tags: int, vlan: int, padding: bytes
) -> None:
    link = Ether(src=source, dst="ff:ff:ff:ff:ff:ff")
    if tags == 2:
        link /= Dot1AD(vlan=7)
    if tags:
        link /= Dot1Q(vlan=vlan, prio=5)
    frame = bytes(link / ARP(op=operation, hwsrc=sender, psrc=claims, hwdst=target, pdst=asked)) + padding
    expected = Arp(source, operation == 2, sender, claims, target, asked, vlan if tags else None)
    assert parse_arp(frame) == expected
    assert parse_arp(memoryview(bytearray(frame))) == expected


def changed(at: int, *values: int) -> bytes:
    return PLAIN[:at] + bytes(values) + PLAIN[at + len(values) :]


@pytest.mark.parametrize(
    ("what", "frame"),
    [
        ("hardware length 0", changed(18, 0)),
        ("hardware length 255", changed(18, 255)),
        ("protocol length 0", changed(19, 0)),
        ("protocol length 16", changed(19, 16)),
        ("token ring", changed(14, 0, 6)),
        ("IPv6 in ARP", changed(16, 0x86, 0xDD)),
        ("operation 0", changed(20, 0, 0)),
        ("reverse ARP's operation", changed(20, 0, 3)),
        ("EtherType of reverse ARP", changed(12, 0x80, 0x35)),
        ("802.3 length in place of a type", changed(12, 0, 46)),
        ("a group as the sender", changed(22, 0xFF)),
        ("nobody as the sender", changed(22, *bytes(6))),
        ("three tags", PLAIN[:12] + bytes.fromhex("810000018100000181000001") + PLAIN[12:]),
        ("a tag and nothing behind it", PLAIN[:12] + bytes.fromhex("8100")),
        ("a tag and half a type", PLAIN[:12] + bytes.fromhex("8100000108")),
    ],
)
def test_what_is_no_arp_for_us_is_nothing(what: str, frame: bytes) -> None:
    assert parse_arp(frame) is None, what


def test_cut_anywhere_before_its_end_it_is_nothing() -> None:
    assert [size for size in range(len(PLAIN) + 1) if parse_arp(PLAIN[:size]) is not None] == list(range(42, 61))


def test_a_tagged_header_says_where_its_payload_is() -> None:
    assert payload(PLAIN[:12] + struct.pack("!HH", 0x8100, 0xA064) + PLAIN[12:]) == (0x0806, 100, 18)
    assert payload(PLAIN) == (0x0806, None, 14)


@PROPERTY
@given(st.binary(max_size=80) | mangled(PLAIN) | mangled(PLAIN[:12] + bytes.fromhex("81000001") + PLAIN[12:]))
def test_no_bytes_make_it_raise(frame: bytes) -> None:
    found = parse_arp(frame)
    if found is not None:
        assert not int(found.sender_mac[:2], 16) & 1
    payload(frame)


@PROPERTY
@given(st.binary(min_size=6, max_size=6), st.ip_addresses(v=4), st.ip_addresses(v=6))
def test_addresses_go_both_ways(mac: bytes, four: object, six: object) -> None:
    assert mac_bytes(mac_text(mac)) == mac
    assert ipv4_text(ipv4_bytes(str(four))) == str(four)
    assert ipv6_bytes(ipv6_text(ipv6_bytes(str(six)))) == ipv6_bytes(str(six))


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.256", "10.0.0.01", "1.2.3.4.5", "fe80::1", " 10.0.0.1"])
def test_an_address_of_the_configuration_that_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        arp_request(ME, "10.0.0.1", text)


@pytest.mark.parametrize(
    "text", ["", "02:00:00:00:00", "02:00:00:00:00:00:00", "0200.0000.0001", "02000000000100000", "gg:00:00:00:00:00"]
)
def test_a_mac_that_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        arp_request(text, "10.0.0.1", "10.0.0.2")


@pytest.mark.parametrize("text", ["fe80::1%eth0", "10.0.0.1", "::g", ""])
def test_an_ipv6_address_that_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ipv6_bytes(text)
