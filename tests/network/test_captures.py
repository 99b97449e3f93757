"""What real kernels and a real resolver said, as it was recorded: our codecs tell the same story as scapy."""

import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.utils import rdpcap

from tillkeeper.network import dns, netlink
from tillkeeper.network.frames import parse_arp, payload
from tillkeeper.network.icmp import EchoReply, IcmpError, parse, parse6
from tillkeeper.network.nd import Advertisement, parse_frame

FOLDER = Path(__file__).resolve().parents[2] / "hw-fixtures" / "networks"
ME, ROUTER, NEW_MAC = "02:00:07:00:00:01", "02:00:07:00:00:02", "02:00:07:00:00:66"


def frames(file: str) -> Iterator[bytes]:
    data = (FOLDER / file).read_bytes()
    at = 24
    while at < len(data):
        (size,) = struct.unpack_from("=I", data, at + 8)
        yield data[at + 16 : at + 16 + size]
        at += 16 + size


@pytest.mark.parametrize("file", ["arp.pcap", "icmp.pcap", "icmp6.pcap", "nd.pcap", "dns.pcap"])
def test_scapy_finds_the_same_frames_and_headers(file: str) -> None:
    ours, theirs = list(frames(file)), list(rdpcap(str(FOLDER / file)))
    assert ours == [bytes(frame) for frame in theirs]
    for data, frame in zip(ours, theirs, strict=True):
        assert payload(data) == (frame[Ether].type, None, 14)


def test_arp_tells_of_two_hosts_with_one_address_and_of_a_changed_router() -> None:
    found = [parse_arp(frame) for frame in frames("arp.pcap")]
    told = [(arp.is_reply, arp.sender_mac, arp.sender_address, arp.target_address) for arp in found if arp]
    assert told == [
        (False, ME, "10.7.0.1", "10.7.0.2"),
        (True, ROUTER, "10.7.0.2", "10.7.0.1"),
        (False, ME, "10.7.0.1", "10.7.0.2"),
        (True, ROUTER, "10.7.0.2", "10.7.0.1"),
        (False, ME, "0.0.0.0", "10.7.0.1"),
        (True, ROUTER, "10.7.0.1", "0.0.0.0"),
        (False, NEW_MAC, "10.7.0.2", "10.7.0.2"),
    ]
    seen = [Ether(frame)[ARP] for frame in frames("arp.pcap")]
    assert told == [(arp.op == 2, arp.hwsrc, arp.psrc, arp.pdst) for arp in seen]


STORY = [(1, ""), (2, "time_exceeded"), (3, "host_unreachable"), (4, "prohibited"), (5, "net_unreachable")]


def test_echoes_end_where_the_router_says() -> None:
    packets = [frame[14:] for frame in frames("icmp.pcap")]
    found = [answer for packet in packets if (answer := parse(packet)) is not None]
    assert [_sequence(answer) for answer in found[:-1]] == STORY
    assert {answer.source for answer in found} == {"10.7.0.2"}
    last = found[-1]
    assert isinstance(last, IcmpError)
    assert (last.kind, last.quoted.protocol, last.quoted.source_port, last.quoted.destination_port) == (
        "port_unreachable", "udp", 40_000, 33_434,
    )  # fmt: skip
    quoted = [answer.quoted.destination for answer in found if isinstance(answer, IcmpError)]
    theirs = [IP(packet) for packet in packets]
    assert quoted == [packet["IP in ICMP"].dst for packet in theirs if "IP in ICMP" in packet]


def test_echoes_of_ipv6_end_where_the_router_says() -> None:
    packets = [IPv6(frame[14:]) for frame in frames("icmp6.pcap")]
    found = [answer for packet in packets if (answer := parse6(bytes(packet)[40:], packet.src, packet.hlim)) is not None]
    # Linux says "address unreachable" (code 3) of nothing here: an unreachable route and none are both "no route" (code 0).
    story = [(number, "net_unreachable" if word == "host_unreachable" else word) for number, word in STORY]
    assert [_sequence(answer) for answer in found[:-1]] == story
    last = found[-1]
    assert isinstance(last, IcmpError)
    assert (last.kind, last.quoted.protocol, last.quoted.destination_port) == ("port_unreachable", "udp", 33_434)


def _sequence(answer: EchoReply | IcmpError) -> tuple[int, str]:
    if isinstance(answer, EchoReply):
        assert (answer.identifier, answer.payload, answer.ttl) == (0x7117, b"till", 64)
        return answer.sequence, ""
    assert answer.quoted.identifier == 0x7117
    return answer.quoted.sequence, answer.kind


def test_of_neighbour_discovery_the_answers_are_read() -> None:
    found = [parse_frame(frame) for frame in frames("nd.pcap")]
    assert found == [
        None,
        Advertisement(ROUTER, "fd07::2", "fd07::2", ROUTER, False, True, True),
        None,
        Advertisement(ROUTER, "fd07::2", "fd07::2", "", False, True, False),
        None,
        Advertisement(ROUTER, "fd07::2", "fd07::2", ROUTER, False, False, True),
        None,
        None,
    ]


def test_a_resolver_answers_each_in_its_way() -> None:
    answers = [frame[42:] for frame in frames("dns.pcap")][1::2]
    asked: list[tuple[str, dns.Record]] = [
        ("hq.example.net", "A"), ("hq.example.net", "AAAA"), ("www.example.net", "A"), ("missing.example.net", "A"), ("", "NS"),
    ]  # fmt: skip
    found = [
        dns.parse(data, number, *question) for number, (data, question) in enumerate(zip(answers, asked, strict=True), 0x7100)
    ]
    assert [(answer.code, answer.addresses, answer.whole) for answer in found if answer] == [
        (0, ("192.0.2.7",), True), (0, ("2001:db8::7",), True), (0, ("192.0.2.7",), True), (3, (), True), (5, (), True),
    ]  # fmt: skip


def told(label: str) -> list[netlink.Message]:
    lines = (line.split() for line in (FOLDER / "netlink.txt").read_text().splitlines())
    return [message for name, data in lines if name == label for message in netlink.parse(bytes.fromhex(data))]


def test_the_kernel_tells_what_happened() -> None:
    links = [message for message in told("dump-links") if isinstance(message, netlink.Link)]
    assert [(link.name, link.mac, link.carrier, link.kind) for link in links][1] == ("lan0", ME, "yes", "veth")
    addresses = [message.address for message in told("dump-addresses") if isinstance(message, netlink.LinkAddress)]
    assert addresses[:4:3] + addresses[1:3] == ["127.0.0.1", "fd07::1", "10.7.0.1", "::1"]
    routes = [message for message in told("dump-routes") if isinstance(message, netlink.DefaultRoute)]
    assert [(route.gateway, route.metric) for route in routes] == [("10.7.0.2", 100), ("fd07::2", 1024)]
    assert [m.mac for m in told("neighbour") + told("neighbour-mac-changed") if isinstance(m, netlink.Neighbour)] == [
        ROUTER,
        NEW_MAC,
    ]
    carriers = [
        m.carrier for label in ("carrier-lost", "carrier-back", "disabled") for m in told(label) if isinstance(m, netlink.Link)
    ]
    assert carriers == ["no", "yes", "unknown"]
    gone = [
        m for label in ("route-removed", "address-removed", "gone") for m in told(label) if not isinstance(m, netlink.Neighbour)
    ]
    assert [type(message).__name__ for message in gone] == ["DefaultRoute", "LinkAddress", "Link"]
    assert all(message.gone for message in gone if not isinstance(message, netlink.Done | netlink.Failed | netlink.Overrun))


def test_ipv4_routes_go_without_a_word_with_their_link() -> None:
    """Which is why they are asked for again after each change."""
    assert not [
        m for m in told("carrier-lost") + told("disabled") if isinstance(m, netlink.DefaultRoute) and m.family == "ipv4"
    ]
