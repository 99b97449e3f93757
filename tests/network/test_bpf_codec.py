"""Socket filters: by a small interpreter, packet for packet, and in the real kernel on sockets of a veth pair."""

import ctypes
import select
import socket
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6ND_RA,
    ICMPv6TimeExceeded,
    IPv6,
)
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from tests.network.hostile import PROPERTY, mangled
from tests.network.wires import End, cable

from tillkeeper.network import beacon, bpf
from tillkeeper.network.bpf import Program, packed
from tillkeeper.network.frames import arp_request, parse_arp
from tillkeeper.network.icmp import EchoReply, IcmpError, echo_request, echo_request6, parse, parse6
from tillkeeper.network.model import PeerState
from tillkeeper.network.nd import parse_frame, solicitation

KEY = b"the key of this store, 32 bytes."
SO_ATTACH_FILTER = 26
OUTGOING = 4


def takes(program: Program, packet: bytes, packet_type: int = 0) -> bool:
    """As net/core/filter.c runs it, for the instructions that we use; fails on any other."""
    accumulator = x = at = 0
    while True:
        code, jt, jf, k = program[at]
        at += 1
        if code in (0x20, 0x28, 0x30, 0x48, 0x50):
            size = {0x20: 4, 0x28: 2, 0x48: 2, 0x30: 1, 0x50: 1}[code]
            where = k + (x if code & 0x40 else 0)
            if code == 0x20 and k == 0xFFFF_F004:
                accumulator = packet_type
            elif where + size > len(packet):
                return False
            else:
                accumulator = int.from_bytes(packet[where : where + size], "big")
        elif code == 0xB1:
            if k >= len(packet):
                return False
            x = (packet[k] & 0x0F) * 4
        elif code in (0x15, 0x25, 0x35):
            at += jt if {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k}[code] else jf
        elif code == 0x80:
            accumulator = len(packet)
        elif code == 0x54:
            accumulator &= k
        elif code == 0x64:
            accumulator = (accumulator << k) & 0xFFFF_FFFF
        elif code == 0x0C:
            accumulator = (accumulator + x) & 0xFFFF_FFFF
        elif code == 0x07:
            x = accumulator
        elif code == 0x06:
            return k > 0
        else:
            pytest.fail(f"no such instruction: {code:#x}")


ASK = arp_request("02:00:00:00:00:01", "10.0.0.1", "10.0.0.2")
ANSWER = bytes(Ether(dst="02:00:00:00:00:01") / ARP(op=2, hwsrc="02:00:00:00:00:02", psrc="10.0.0.2", pdst="10.0.0.1"))


def test_arp_passes_and_nothing_else() -> None:
    every, some = bpf.arp(), bpf.arp(("10.0.0.2", "10.0.0.254"))
    assert takes(every, ASK)
    assert takes(every, ANSWER)
    assert takes(some, ANSWER)
    assert not takes(some, ASK), "its sender is none that was asked for"
    assert not takes(every, ASK, OUTGOING)
    assert not takes(every, bytes(Ether() / IP() / ICMP()))
    assert not takes(every, bytes(Ether() / ARP(op=3)))
    assert not takes(every, ANSWER[:21])
    assert not takes(every, ANSWER[:18] + b"\xff" + ANSWER[19:])


@PROPERTY
@given(st.binary(max_size=80) | mangled(ASK) | mangled(ANSWER))
def test_what_the_filter_of_arp_drops_the_parser_would_not_take(frame: bytes) -> None:
    if (found := parse_arp(frame)) is not None and found.vlan is None:
        assert takes(bpf.arp(), frame)
        assert takes(bpf.arp((found.sender_address,)), frame)
        assert not takes(bpf.arp(("203.0.113.1",)), frame) or found.sender_address == "203.0.113.1"


REPLY = bytes(IP(src="10.0.0.2", options=["NOP"] * 4) / ICMP(type=0, id=7, seq=1) / Raw(b"x"))
ASKED = IP(src="10.0.0.1", dst="192.0.2.9", options=["NOP"] * 8) / ICMP(type=8, id=7, seq=1)
ERROR = bytes(IP(src="10.0.0.254", options=["NOP"] * 12) / ICMP(type=11) / ASKED)


def about(**changes: int) -> bytes:
    inner = IP(src="10.0.0.1", dst="192.0.2.9") / ICMP(**{"type": 8, "id": 7, "seq": 1, **changes})
    return bytes(IP(src="10.0.0.254") / ICMP(type=3, code=1) / inner)


def test_answers_to_our_own_echoes_pass_and_nothing_else() -> None:
    program = bpf.icmp((3, 7))
    assert takes(program, REPLY)
    assert takes(program, ERROR), "both headers with options"
    assert takes(program, about())
    assert not takes(bpf.icmp((3, 8)), REPLY)
    assert not takes(bpf.icmp((3, 8)), ERROR)
    assert not takes(program, about(id=9))
    assert not takes(program, about(type=0)), "a reply is quoted"
    assert not takes(program, bytes(IP() / ICMP(type=8, id=7))), "a question"
    assert not takes(program, bytes(IP() / ICMP(type=5, id=7)))
    assert not takes(program, bytes(IP() / ICMP(type=3, code=3) / IP() / UDP(sport=8 << 8, dport=7)))
    assert not takes(program, about()[:53]), "cut before the identifier"


@PROPERTY
@given(st.binary(max_size=120) | mangled(REPLY) | mangled(ERROR) | mangled(about()), st.integers(0, 0xFFFF))
def test_what_the_filter_of_echoes_drops_is_not_about_ours(packet: bytes, identifier: int) -> None:
    found = parse(packet)
    ours = (isinstance(found, EchoReply) and found.identifier == 7) or (
        isinstance(found, IcmpError) and found.quoted.protocol == "icmp" and found.quoted.identifier == 7
    )
    assert takes(bpf.icmp((identifier, 7)), packet) or not ours


INNER6 = IPv6(src="fd00::1", dst="2001:db8::9") / ICMPv6EchoRequest(id=7, seq=1)
REPLY6 = bytes(ICMPv6EchoReply(id=7, seq=1, data=b"x"))
ERROR6 = bytes(IPv6() / ICMPv6TimeExceeded() / INNER6)[40:]


def test_answers_to_our_own_echoes_of_ipv6_pass_and_nothing_else() -> None:
    program = bpf.icmp6((3, 7))
    assert takes(program, REPLY6)
    assert takes(program, ERROR6)
    assert not takes(bpf.icmp6((8,)), REPLY6)
    assert not takes(bpf.icmp6((8,)), ERROR6)
    assert not takes(program, bytes(ICMPv6EchoRequest(id=7)))
    assert not takes(program, bytes(IPv6() / ICMPv6DestUnreach() / IPv6() / UDP(sport=0x8000, dport=7))[40:])
    assert not takes(program, b"\0" + REPLY6[1:])
    assert not takes(program, b"\x86" + bytes(80)), "a router advertisement"


@PROPERTY
@given(st.binary(max_size=120) | mangled(REPLY6) | mangled(ERROR6))
def test_what_the_filter_of_ipv6_echoes_drops_is_not_about_ours(message: bytes) -> None:
    found = parse6(message, "fd00::2")
    ours = (isinstance(found, EchoReply) and found.identifier == 7) or (
        isinstance(found, IcmpError) and found.quoted.protocol == "icmp" and found.quoted.identifier == 7
    )
    assert takes(bpf.icmp6((7,)), message) is ours or found is None


def test_advertisements_of_neighbours_pass_and_nothing_else() -> None:
    link = Ether(dst="33:33:00:00:00:01")
    answer = ICMPv6ND_NA(tgt="fe80::2")
    assert takes(bpf.nd(), bytes(link / IPv6(hlim=255, src="fe80::2", dst="ff02::1") / answer))
    assert not takes(bpf.nd(), bytes(link / IPv6(hlim=64, src="fe80::2", dst="ff02::1") / answer))
    assert not takes(bpf.nd(), bytes(link / IPv6(hlim=255, src="fe80::2", dst="ff02::1") / ICMPv6ND_RA()))
    assert not takes(bpf.nd(), bytes(link / IPv6(hlim=255) / ICMPv6EchoReply()))
    assert not takes(bpf.nd(), bytes(link / IPv6(hlim=255) / UDP()))
    assert not takes(bpf.nd(), ASK)
    assert not takes(bpf.nd(), solicitation("02:00:00:00:00:01", "fe80::1", "fe80::2"), OUTGOING)


STATE = PeerState(register="bar", session=1, sequence=1, address="10.0.0.2", columns={}, phase="fine")


def test_beacons_of_this_store_pass_and_nothing_else() -> None:
    said, header = beacon.seal(STATE, KEY), struct.pack("!4H", 7467, 7467, 8, 0)
    assert takes(bpf.beacons(KEY), header + said)
    assert not takes(bpf.beacons(KEY[::-1]), header + said)
    assert not takes(bpf.beacons(KEY), header + b"hello" * 9)
    assert not takes(bpf.beacons(KEY), header + said[:7])
    assert takes(bpf.beacons(KEY), header + said.ljust(beacon.MAX_BYTES))
    assert not takes(bpf.beacons(KEY), header + said.ljust(beacon.MAX_BYTES + 1))


@pytest.mark.parametrize(
    ("what", "build"),
    [
        ("too many addresses", lambda: bpf.arp(("10.0.0.1",) * 65)),
        ("no address", lambda: bpf.arp(("gateway",))),
        ("no identifier", lambda: bpf.icmp(())),
        ("too many identifiers", lambda: bpf.icmp6(tuple(range(9)))),
        ("an identifier of 17 bits", lambda: bpf.icmp((0x1_0000,))),
        ("a short key", lambda: bpf.beacons(b"x")),
    ],
)
def test_a_filter_that_cannot_be_is_said(what: str, build: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        build()  # type: ignore[operator]


def attach(to: socket.socket, program: Program) -> None:
    data = packed(program)
    kept = ctypes.create_string_buffer(data, len(data))
    to.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", len(program), ctypes.addressof(kept)))


def opened(end: End, family: int, kind: int, protocol: int, program: Program) -> socket.socket:
    with end.inside():
        made = socket.socket(family, kind, protocol)
    attach(made, program)
    return made


def read(one: socket.socket, until: bytes) -> list[bytes]:
    """All that came, up to what contains `until`; fails after ten seconds without it."""
    found: list[bytes] = []
    deadline = time.monotonic() + 10
    while (left := deadline - time.monotonic()) > 0 and select.select([one], [], [], left)[0]:
        found.append(one.recv(4096))
        if until in found[-1]:
            return found
    pytest.fail(f"it never came; this did: {found}")


def noise(end: End) -> socket.socket:
    with end.inside():
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((end.interface, 0))
    return made


@pytest.mark.root
def test_the_kernel_filters_arp_and_discovery() -> None:
    with cable() as (left, right):
        some = bpf.arp((right.ipv4,))
        with (
            opened(left, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3), some) as arp,
            opened(left, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3), bpf.nd()) as nd,
            noise(right) as far,
            noise(left) as near,
        ):
            for sender in ("10.7.0.77", "10.7.0.78"):
                far.send(arp_request(right.mac, sender, left.ipv4, left.mac))
            far.send(bytes(Ether(src=right.mac, dst=left.mac) / IP() / ICMP()))
            near.send(arp_request(left.mac, left.ipv4, right.ipv4, right.mac))
            found = [
                parse_arp(frame) for frame in read(arp, socket.inet_aton(right.ipv4) + bytes.fromhex(left.mac.replace(":", "")))
            ]
            assert [(a.sender_mac, a.sender_address, a.is_reply) for a in found if a] == [(right.mac, right.ipv4, True)]
            assert len(found) == 1, "neither the noise nor what was sent"

            near.send(solicitation(left.mac, left.ipv6, right.ipv6, right.mac))
            frames = read(nd, b"\x88\0")
            answers = [answer for frame in frames if (answer := parse_frame(frame)) is not None]
            assert [(a.source_mac, a.target, a.solicited) for a in answers] == [(right.mac, right.ipv6, True)]


@pytest.mark.root
def test_the_kernel_filters_echoes() -> None:
    with cable() as (left, right):
        right.ip("route", "add", "192.0.2.0/24", "via", left.ipv4)
        right.ip("-6", "route", "add", "unreachable", "2001:db8::/32")
        left.ip("route", "add", "192.0.2.0/24", "via", right.ipv4)
        left.ip("-6", "route", "add", "2001:db8::/32", "via", right.ipv6)
        forwarding(right)
        with (
            opened(left, socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP, bpf.icmp((7, 8))) as four,
            opened(left, socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6, bpf.icmp6((7, 8))) as six,
        ):
            four.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            for to, identifier in ((right.ipv4, 6), ("192.0.2.9", 6), ("192.0.2.9", 7), (right.ipv4, 8)):
                four.sendto(echo_request(identifier, 5, b"till"), (to, 0))
            found = [parse(packet) for packet in read(four, struct.pack("!HH", 8, 5))]
            assert [type(one).__name__ for one in found] == ["IcmpError", "EchoReply"]
            assert isinstance(found[0], IcmpError)
            assert (found[0].kind, found[0].source, found[0].quoted.destination) == ("time_exceeded", right.ipv4, "192.0.2.9")
            assert (found[0].quoted.identifier, found[0].quoted.sequence) == (7, 5)
            for to, identifier in ((right.ipv6, 6), ("2001:db8::9", 6), ("2001:db8::9", 7), (right.ipv6, 8)):
                six.sendto(echo_request6(identifier, 5, b"till"), (to, 0))
            found = [parse6(message, right.ipv6) for message in read(six, struct.pack("!HH", 8, 5))]
            assert [type(one).__name__ for one in found] == ["IcmpError", "EchoReply"]
            assert isinstance(found[0], IcmpError)
            assert (found[0].quoted.destination, found[0].quoted.identifier) == ("2001:db8::9", 7)


def forwarding(end: End) -> None:
    with end.inside():
        for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            with open(f"/proc/sys/net/{name}", "w") as switch:
                switch.write("1")


@pytest.mark.root
def test_the_kernel_filters_beacons() -> None:
    with cable() as (left, right), opened(left, socket.AF_INET, socket.SOCK_DGRAM, 0, bpf.beacons(KEY)) as ears:
        ears.bind(("", 7467))
        with right.inside():
            mouth = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        with mouth:
            mouth.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            said = beacon.seal(STATE, KEY)
            for data in (b"hello", beacon.seal(STATE, KEY[::-1]), said.ljust(beacon.MAX_BYTES + 1, b"x"), b"", said):
                mouth.sendto(data, ("10.7.0.255", 7467))
        assert read(ears, said) == [said]
