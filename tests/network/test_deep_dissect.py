"""What a deep diagnosis makes of frames: real ones built by scapy, and hostile ones."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scapy.contrib import cdp, lldp
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6ND_NA,
    ICMPv6NDOptDstLLAddr,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
)
from scapy.layers.l2 import LLC, SNAP, Dot3, Ether
from scapy.packet import Raw

from tillkeeper.network.deep import dissect, packets
from tillkeeper.network.deep.values import MAX_TEXT, Claim, Offer, SwitchPort, clean

MAC = "00:26:ab:00:00:01"


def lldp_frame(**changes: Any) -> bytes:
    name = changes.get("name", b"sw-bar")
    frame = Ether(src=MAC, dst="01:80:c2:00:00:0e", type=0x88CC)
    frame /= lldp.LLDPDUChassisID(subtype=4, id=MAC) / lldp.LLDPDUPortID(subtype=5, id=changes.get("port", "gi1/0/7"))
    frame /= lldp.LLDPDUTimeToLive(ttl=changes.get("ttl", 120)) / lldp.LLDPDUPortDescription(description=b"counter 2")
    frame /= lldp.LLDPDUSystemName(system_name=name) / lldp.LLDPDUSystemDescription(description=b"Acme 8-port")
    frame /= lldp.LLDPDUManagementAddress(management_address_subtype=1, management_address=bytes([10, 0, 0, 2]), object_id=b"")
    frame /= lldp.LLDPDUGenericOrganisationSpecific(org_code=0x0080C2, subtype=1, data=b"\x00\x14")
    return bytes(frame / lldp.LLDPDUEndOfLLDPDU())


def cdp_frame() -> bytes:
    frame = Dot3(src=MAC, dst="01:00:0c:cc:cc:cc") / LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0xC, code=0x2000)
    messages = [
        cdp.CDPMsgDeviceID(val=b"sw-kitchen"), cdp.CDPMsgAddr(addr=[cdp.CDPAddrRecordIPv4(addr="10.0.0.2")]),
        cdp.CDPMsgPortID(iface=b"FastEthernet0/1"), cdp.CDPMsgPlatform(val=b"C2960"), cdp.CDPMsgNativeVLAN(vlan=30),
    ]  # fmt: skip
    return bytes(frame / cdp.CDPv2_HDR(msg=messages))


def offer_frame(*options: Any, kind: str = "offer") -> bytes:
    frame = Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / IP(src="10.0.0.1", dst="255.255.255.255") / UDP(sport=67, dport=68)
    return bytes(frame / BOOTP(op=2, xid=77, yiaddr="10.0.0.9") / DHCP(options=[("message-type", kind), *options, "end"]))


def advertisement_frame(hops: int = 255) -> bytes:
    frame = Ether(src=MAC) / IPv6(src="fe80::1", dst="ff02::1", hlim=hops) / ICMPv6ND_NA(tgt="2001:db8::1", S=0)
    return bytes(frame / ICMPv6NDOptDstLLAddr(lladdr=MAC))


SEEDS = [
    lldp_frame(), cdp_frame(), offer_frame(("server_id", "10.0.0.1"), ("router", "10.0.0.1"), ("name_server", "9.9.9.9")),
    advertisement_frame(), packets.ask(MAC, "10.0.0.5", "10.0.0.1"),
]  # fmt: skip


def test_lldp_tells_switch_port_and_vlan() -> None:
    assert dissect.frame(lldp_frame()) == SwitchPort(
        protocol="LLDP", mac=MAC, switch="sw-bar", description="Acme 8-port", port="gi1/0/7", port_description="counter 2",
        vlan=20, management="10.0.0.2",
    )  # fmt: skip


def test_a_switch_that_takes_leave_is_not_there() -> None:
    assert dissect.frame(lldp_frame(ttl=0)) is None


def test_cdp_tells_the_same() -> None:
    assert dissect.frame(cdp_frame()) == SwitchPort(
        protocol="CDP", mac=MAC, switch="sw-kitchen", description="C2960", port="FastEthernet0/1", port_description="", vlan=30,
        management="10.0.0.2",
    )  # fmt: skip


def test_an_offer_is_read_and_an_acknowledgement_is_none() -> None:
    options = [("server_id", "10.0.0.1"), ("router", "10.0.0.1"), ("name_server", "9.9.9.9", "8.8.8.8"), ("lease_time", 600)]
    assert dissect.frame(offer_frame(*options)) == Offer(
        transaction=77, mac=MAC, server="10.0.0.1", address="10.0.0.9", routers=("10.0.0.1",), resolvers=("9.9.9.9", "8.8.8.8"),
        lease_s=600, relay="",
    )  # fmt: skip
    assert dissect.frame(offer_frame(*options, kind="ack")) is None


def test_an_offer_without_a_server_option_is_its_senders() -> None:
    heard = dissect.frame(offer_frame())
    assert isinstance(heard, Offer)
    assert (heard.server, heard.routers, heard.lease_s) == ("10.0.0.1", (), None)


def test_an_advertisement_counts_only_from_this_link() -> None:
    assert dissect.frame(advertisement_frame()) == Claim(address="2001:db8::1", mac=MAC, gratuitous=True)
    assert dissect.frame(advertisement_frame(hops=254)) is None


def test_errors_are_told_with_the_question_that_they_are_about() -> None:
    echo, datagram = packets.echo("10.0.0.5", "192.0.2.9", 3, 77, 5), packets.datagram("10.0.0.5", "192.0.2.9", 3, 50000, 33437)
    head = IP(src="100.64.0.1", dst="10.0.0.5")
    for said, quoted, expected in [
        (ICMP(type=11), echo[:28], ("time_exceeded", "icmp", 77, 5, None)),
        (ICMP(type=3, code=4, nexthopmtu=1400), echo[:28], ("too_big", "icmp", 77, 5, 1400)),
        (ICMP(type=3, code=3), datagram[:28], ("port_unreachable", "udp", 50000, 33437, None)),
        (ICMP(type=3, code=13), datagram[:28], ("prohibited", "udp", 50000, 33437, None)),
        (ICMP(type=3, code=0), echo[:28], ("unreachable", "icmp", 77, 5, None)),
    ]:
        heard = dissect.icmp(bytes(head / said / Raw(quoted)))
        assert heard is not None
        assert (heard.source, heard.destination) == ("100.64.0.1", "192.0.2.9")
        assert (heard.kind, heard.protocol, heard.identifier, heard.sequence, heard.mtu) == expected


def test_errors_of_ipv6_are_told_as_well() -> None:
    echo = packets.echo("2001:db8::5", "2001:db8::9", 3, 77, 5)
    datagram = packets.datagram("2001:db8::5", "2001:db8::9", 3, 50000, 33437)
    for said, quoted, expected in [
        (ICMPv6TimeExceeded(), echo, ("time_exceeded", "icmp", 77, 5, None)),
        (ICMPv6PacketTooBig(mtu=1280), echo, ("too_big", "icmp", 77, 5, 1280)),
        (ICMPv6DestUnreach(code=4), datagram, ("port_unreachable", "udp", 50000, 33437, None)),
    ]:
        message = bytes(IPv6(src="fd00::1", dst="2001:db8::5") / said / Raw(quoted))[40:]
        heard = dissect.icmp6(message, "fd00::1")
        assert heard is not None
        assert heard.source == "fd00::1"
        assert (heard.kind, heard.protocol, heard.identifier, heard.sequence, heard.mtu) == expected


def test_names_from_the_wire_are_printable_and_short() -> None:
    heard = dissect.frame(lldp_frame(name=b"sw\x1b[31m\x00\xff\nbar" + b"x" * 200))
    assert isinstance(heard, SwitchPort)
    assert heard.switch.isprintable()
    assert len(heard.switch) <= MAX_TEXT
    assert clean("a\u202eb\tc") == "a b c", "no text turns the line around"


def test_the_maker_of_a_mac() -> None:
    assert "Epson" in dissect.vendor(MAC)
    assert dissect.vendor("02:00:00:00:00:01") == "made-up MAC"
    assert dissect.vendor("f4:ff:ff:00:00:01") == ""


def read_all(data: bytes) -> None:
    dissect.frame(data)
    dissect.icmp(data)
    dissect.icmp6(data, "fe80::1")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400), st.sampled_from(["0806", "88cc", "0800", "86dd", "0040"]), st.sampled_from([14, 20, 26]))
def test_any_bytes_are_read_without_harm(tail: bytes, kind: str, keep: int) -> None:
    read_all(tail)
    read_all(SEEDS[1][:12] + bytes.fromhex(kind) + tail)
    for seed in SEEDS:
        read_all(seed[:keep] + tail)


@pytest.mark.parametrize("seed", SEEDS, ids=["lldp", "cdp", "dhcp", "nd", "arp"])
def test_flipped_cut_and_stretched_frames_are_read_without_harm(seed: bytes) -> None:
    chance = random.Random(20_261_122)
    for _ in range(400):
        data = bytearray(seed)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(12, len(data))] = chance.randrange(256)
        if chance.random() < 0.3:
            del data[chance.randrange(len(data)) :]
        if chance.random() < 0.3:
            data += chance.randbytes(chance.randrange(1500))
        read_all(bytes(data))


def test_tags_in_tags_and_endless_lists_come_to_an_end() -> None:
    read_all(SEEDS[0][:12] + bytes.fromhex("81000001") * 400)
    read_all(SEEDS[0][:14] + bytes.fromhex("0000") * 750)
    read_all(SEEDS[0][:14] + bytes.fromhex("fe0400000000") * 250)
    read_all(cdp_frame()[:26] + bytes.fromhex("00010004") * 350)
    read_all(cdp_frame()[:26] + bytes.fromhex("00010000") * 350)
    read_all(offer_frame()[:282] + bytes.fromhex("350102") * 400)
