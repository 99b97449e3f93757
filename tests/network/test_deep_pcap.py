"""The capture of a deep diagnosis: what of a frame may be kept, and that scapy reads it back."""

import random
import socket
from pathlib import Path

import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6TimeExceeded, IPv6, IPv6ExtHdrFragment
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap

from tillkeeper.network.deep.pcap import Capture, kept

SECRET = b"Authorization: Bearer till-secret-4711 " * 12
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
V4, V6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="fd00::1", dst="fd00::2")

LEAKS = {
    "tcp": ETHER / V4 / TCP(dport=80) / Raw(SECRET),
    "tcp with options": ETHER / V4 / TCP(dport=80, options=[("MSS", 1460), ("Timestamp", (1, 2))]) / Raw(SECRET),
    "tcp over ipv6": ETHER / V6 / TCP(dport=80) / Raw(SECRET),
    "tcp with ip options": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", options=[b"\x01" * 8]) / TCP() / Raw(SECRET),
    "udp": ETHER / V4 / UDP(sport=5000, dport=9000) / Raw(SECRET),
    "udp over ipv6": ETHER / V6 / UDP(sport=5000, dport=9000) / Raw(SECRET),
    "vlan": ETHER / Dot1Q(vlan=3) / V4 / TCP() / Raw(SECRET),
    "two tags": ETHER / Dot1Q(vlan=3) / Dot1Q(vlan=4) / V4 / TCP() / Raw(SECRET),
    "three tags": ETHER / Dot1Q(vlan=3) / Dot1Q(vlan=4) / Dot1Q(vlan=5) / V4 / TCP() / Raw(SECRET),
    "later fragment": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", frag=60, proto=17) / Raw(SECRET),
    "fragment like dns": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", frag=60, proto=17) / Raw(b"\0\x35" * 4 + b"secret"),
    "fragment of ipv6": ETHER / V6 / IPv6ExtHdrFragment(nh=6, offset=10) / Raw(SECRET),
    "quoted": ETHER / V4 / ICMP(type=11) / IP(src="10.0.0.2", dst="10.0.0.1") / TCP() / Raw(SECRET),
    "quoted by ipv6": ETHER / V6 / ICMPv6TimeExceeded() / IPv6(src="fd00::2", dst="fd00::1") / TCP() / Raw(SECRET),
    "tunnel": ETHER / IP(src="10.0.0.1", dst="10.0.0.2", proto=47) / Raw(SECRET),
    "ping": ETHER / V4 / ICMP() / Raw(SECRET),
    "pppoe": Ether(src=ETHER.src, dst=ETHER.dst, type=0x8864) / Raw(SECRET),
    "eapol": Ether(src=ETHER.src, dst=ETHER.dst, type=0x888E) / Raw(SECRET),
    "llc": Ether(src=ETHER.src, dst=ETHER.dst, type=len(SECRET)) / Raw(SECRET),
    "arp with a tail": ETHER / ARP() / Raw(SECRET),
    "cut tcp": ETHER / V4 / TCP(dataofs=3) / Raw(SECRET),
}


@pytest.mark.parametrize("packet", LEAKS.values(), ids=LEAKS.keys())
def test_what_could_be_secret_is_cut(packet: Packet) -> None:
    frame = bytes(packet)
    assert b"secret" not in frame[: kept(frame)]
    assert kept(frame) < len(frame)


def test_of_names_and_addresses_96_bytes_stay() -> None:
    for packet in (ETHER / V4 / UDP(sport=68, dport=67) / BOOTP() / DHCP(), ETHER / V4 / UDP(dport=53) / Raw(SECRET)):
        frame = bytes(packet)
        assert kept(frame) == 14 + 20 + 8 + 96
    question = bytes(ETHER / V4 / UDP(sport=5353, dport=53) / DNS(qd=DNSQR(qname="hq.example.net")))
    assert kept(question) == len(question)


def test_any_frame_has_a_length_that_can_be_kept() -> None:
    chance = random.Random(4)
    for length in [*range(64), *(chance.randrange(1600) for _ in range(2000))]:
        frame = chance.randbytes(length)
        for kind in (b"", b"\x08\x00\x45", b"\x86\xdd\x60", b"\x81\x00", b"\x08\x06", b"\x88\xcc"):
            changed = frame[:12] + kind + frame[12 + len(kind) :]
            assert 0 <= kept(changed) <= len(changed)
            if kind == b"\x08\x00\x45" and len(changed) > 34:
                assert kept(changed) <= 14 + 60 + 60 + 96


def fed(path: Path, frames: list[bytes], limit: int) -> Capture:
    """A capture whose socket is a pair's end: frames go in at the other one."""
    near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    with far, Capture(path, near, limit) as capture:
        for frame in frames:
            far.send(frame)
            capture.drain()
    return capture


def test_scapy_reads_the_capture_back(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    capture = fed(path, [bytes(packet) for packet in LEAKS.values()], 5_000_000)
    read = rdpcap(str(path))
    assert capture.frames == len(read) == len(LEAKS)
    assert b"secret" not in path.read_bytes()
    assert [packet.wirelen for packet in read] == [len(packet) for packet in LEAKS.values()]
    assert read[0][TCP].dport == 80
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_capture_stays_within_its_bound(tmp_path: Path) -> None:
    frame = bytes(ETHER / V4 / TCP())
    capture = fed(tmp_path / "a.pcap", [frame] * 500, 5_000)
    assert (tmp_path / "a.pcap").stat().st_size <= 5_000 + 24
    assert capture.frames + capture.left_out == 500
    assert len(rdpcap(str(tmp_path / "a.pcap"))) == capture.frames > 50


def test_a_capture_replaces_nothing_and_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("there", "link"):
        with pytest.raises(FileExistsError):
            fed(tmp_path / name, [], 1000)
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()
