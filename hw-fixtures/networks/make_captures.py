"""Record the captures of this folder anew, in two namespaces with a cable between them. See README.md.

PYTHONPATH=.:agent python hw-fixtures/networks/make_captures.py     (as root, with dnsmasq)
"""

import contextlib
import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.network.wires import End, cable

from tillkeeper.network import dns, icmp, netlink
from tillkeeper.network.addresses import ZERO_IPV4
from tillkeeper.network.frames import arp_request
from tillkeeper.network.nd import router_solicitation, solicitation

HERE = Path(__file__).resolve().parent
NEW_MAC = "02:00:07:00:00:66"
NAME, ALIAS = "hq.example.net", "www.example.net"


@contextlib.contextmanager
def recording(end: End, file: str, wanted: Callable[[bytes], bool]) -> Iterator[Callable[[bytes], None]]:
    """Keeps the wanted frames of both directions as pcap (LINKTYPE_ETHERNET), the first at second 0. The value waits until a
    frame came that contains some bytes."""
    with end.inside(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as ears:
        ears.bind((end.interface, 0x0003))
        ears.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        kept: list[tuple[float, bytes]] = []

        def wait_for(piece: bytes) -> None:
            until = time.monotonic() + 20
            while (left := until - time.monotonic()) > 0 and select.select([ears], [], [], left)[0]:
                frame = ears.recv(4096)
                if wanted(frame):
                    kept.append((time.monotonic(), frame))
                    if piece in frame:
                        return
            raise SystemExit(f"{file}: {piece.hex()} never came")

        yield wait_for
    pcap = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1)
    for at, frame in kept:
        second, part = divmod(int((at - kept[0][0]) * 1e6), 1_000_000)
        pcap += struct.pack("=IIII", second, part, len(frame), len(frame)) + frame
    (HERE / file).write_bytes(pcap)
    print(f"{file}: {len(kept)} frames")


def packets(end: End) -> socket.socket:
    with end.inside():
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    made.bind((end.interface, 0))
    return made


def mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))


def setting(end: End, name: str, value: str) -> None:
    with end.inside():
        Path("/proc/sys/net", name).write_text(value)


def arp(left: End, right: End) -> None:
    setting(right, "ipv4/conf/all/arp_notify", "1")
    with recording(left, "arp.pcap", lambda frame: frame[12:14] == b"\x08\x06") as wait_for, packets(left) as mouth:
        answer = bytes.fromhex("0002") + mac(right.mac)
        for to_mac in ("", right.mac):
            mouth.send(arp_request(left.mac, left.ipv4, right.ipv4, to_mac))
            wait_for(answer)
        right.ip("address", "add", f"{left.ipv4}/24", "dev", "lan0")
        mouth.send(arp_request(left.mac, ZERO_IPV4, left.ipv4))
        wait_for(answer + socket.inet_aton(left.ipv4))
        right.ip("address", "delete", f"{left.ipv4}/24", "dev", "lan0")
        right.ip("link", "set", "lan0", "address", NEW_MAC)
        wait_for(mac(NEW_MAC) + socket.inet_aton(right.ipv4))
        right.ip("link", "set", "lan0", "address", right.mac)


def echoes(left: End, right: End) -> None:
    setting(right, "ipv4/ip_forward", "1")
    setting(right, "ipv6/conf/all/forwarding", "1")
    # Linux answers with about one error a second; here five are wanted in a row.
    setting(right, "ipv4/icmp_ratemask", "0")
    setting(right, "ipv6/icmp/ratemask", "")
    for family, routes in (
        ("-4", (("192.0.2.0/24", left.ipv4), ("unreachable", "198.51.100.0/24"), ("prohibit", "203.0.113.0/24"))),
        ("-6", (("2001:db8:1::/48", left.ipv6), ("unreachable", "2001:db8:2::/48"), ("prohibit", "2001:db8:3::/48"))),
    ):
        (to, back), *refused = routes
        right.ip(family, "route", "add", to, "via", back)
        for kind, destination in refused:
            right.ip(family, "route", "add", kind, destination)
    left.ip("route", "add", "default", "via", right.ipv4)
    left.ip("-6", "route", "add", "default", "via", right.ipv6)
    with left.inside():
        four = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        six = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    with four, six, udp, udp6:
        udp6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for one in (udp, udp6):
            one.bind(("", 40_000))
        with recording(left, "icmp.pcap", _is_icmp) as wait_for:
            for number, to in enumerate((right.ipv4, "192.0.2.9", "198.51.100.9", "203.0.113.9", "100.64.0.9"), 1):
                four.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1 if to == "192.0.2.9" else 64)
                four.sendto(icmp.echo_request(0x7117, number, b"till"), (to, 0))
                wait_for(struct.pack("!HH", 0x7117, number) + b"till")
                wait_for(struct.pack("!HH", 0x7117, number) + b"till")
            udp.sendto(b"till", (right.ipv4, 33_434))
            wait_for(struct.pack("!HH", 40_000, 33_434))
        with recording(left, "icmp6.pcap", _is_icmp6) as wait_for:
            for number, to in enumerate((right.ipv6, "2001:db8:1::9", "2001:db8:2::9", "2001:db8:3::9", "2001:db8:4::9"), 1):
                six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1 if to == "2001:db8:1::9" else 64)
                six.sendto(icmp.echo_request6(0x7117, number, b"till"), (to, 0))
                wait_for(struct.pack("!HH", 0x7117, number) + b"till")
                wait_for(struct.pack("!HH", 0x7117, number) + b"till")
            udp6.sendto(b"till", (right.ipv6, 33_434))
            wait_for(struct.pack("!HH", 40_000, 33_434))


def _is_icmp(frame: bytes) -> bool:
    return frame[12:14] == b"\x08\0" and frame[23] == 1


def _is_icmp6(frame: bytes) -> bool:
    return frame[12:14] == b"\x86\xdd" and frame[20] == 58 and frame[54] in (1, 2, 3, 4, 128, 129)


def discovery(left: End, right: End) -> None:
    wanted = range(133, 137)
    for _ in range(200):  # A router advertises itself from its link-local address, which is first checked for duplicates.
        if '"tentative"' not in left.ip("-j", "address") + right.ip("-j", "address"):
            break
        time.sleep(0.05)
    with (
        recording(left, "nd.pcap", lambda frame: frame[20] == 58 and frame[54] in wanted) as wait_for,
        packets(left) as mouth,
        named(right),
    ):
        for to_mac in ("", right.mac):
            mouth.send(solicitation(left.mac, left.ipv6, right.ipv6, to_mac))
            wait_for(bytes((136, 0)))
        mouth.send(solicitation(left.mac, "::", right.ipv6))
        wait_for(bytes((136, 0)))
        mouth.send(router_solicitation(left.mac, left.ipv6))
        wait_for(bytes((134, 0)))


@contextlib.contextmanager
def named(end: End) -> Iterator[None]:
    """dnsmasq as resolver and as the router that advertises itself."""
    command = [
        "ip", "netns", "exec", end.space, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
        "--no-hosts", "--user=root", "--pid-file=", "--interface=lan0", "--bind-interfaces", "--enable-ra",
        "--dhcp-range=fd07::,ra-only,64,1800", "--dhcp-leasefile=/dev/null", f"--host-record={NAME},192.0.2.7,2001:db8::7",
        f"--cname={ALIAS},{NAME}", "--local=/missing.example.net/",
    ]  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            yield
        finally:
            process.terminate()


def names(left: End, right: End) -> None:
    asked: tuple[tuple[str, dns.Record], ...] = (
        (NAME, "A"),
        (NAME, "AAAA"),
        (ALIAS, "A"),
        ("missing.example.net", "A"),
        ("", "NS"),
    )
    with named(right), left.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        _answered(udp, right)
        with recording(left, "dns.pcap", lambda frame: frame[23] == 17 and b"\x00\x35" in frame[34:38]) as wait_for:
            for number, (name, record) in enumerate(asked, 0x7100):
                udp.sendto(dns.query(number, name, record), (right.ipv4, 53))
                wait_for(struct.pack("!H", number))
                wait_for(struct.pack("!H", number))


def _answered(udp: socket.socket, right: End) -> None:
    for _ in range(100):
        udp.sendto(dns.query(1, NAME, "A"), (right.ipv4, 53))
        if select.select([udp], [], [], 0.1)[0]:
            with contextlib.suppress(ConnectionError):
                udp.recv(512)
                return
    raise SystemExit("dnsmasq never answered")


def kernel(left: End, right: End) -> None:
    """One line for each datagram, of both dumps and what happened: label, then hex."""
    lines = []
    with left.inside(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as ears:
        ears.bind((0, 0))
        ears.settimeout(10)
        for label, request in (
            ("links", netlink.dump_links),
            ("addresses", netlink.dump_addresses),
            ("routes", netlink.dump_routes),
        ):
            ears.send(request(7))
            found: tuple[netlink.Message, ...] = ()
            while not any(isinstance(message, netlink.Done) for message in found):
                data = ears.recv(65_536)
                found = netlink.parse(data)
                lines.append(f"dump-{label} {data.hex()}")
    with left.inside(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as ears:
        ears.bind((0, netlink.GROUPS))
        steps: tuple[tuple[str, Callable[[], object]], ...] = (
            ("neighbour", lambda: left.ip("neigh", "replace", right.ipv4, "lladdr", right.mac, "dev", "lan0")),
            ("neighbour-mac-changed", lambda: left.ip("neigh", "replace", right.ipv4, "lladdr", NEW_MAC, "dev", "lan0")),
            ("carrier-lost", lambda: right.ip("link", "set", "lan0", "down")),
            ("carrier-back", lambda: right.ip("link", "set", "lan0", "up")),
            ("route-removed", lambda: left.ip("route", "delete", "default")),
            ("address-removed", lambda: left.ip("address", "delete", f"{left.ipv4}/24", "dev", "lan0")),
            ("disabled", lambda: left.ip("link", "set", "lan0", "down")),
            ("gone", lambda: left.ip("link", "delete", "lan0")),
        )
        for label, step in steps:
            step()
            while select.select([ears], [], [], 1.5)[0]:
                lines.append(f"{label} {ears.recv(65_536).hex()}")
    (HERE / "netlink.txt").write_text("\n".join(lines) + "\n")
    print(f"netlink.txt: {len(lines)} datagrams")


def main() -> None:
    for part in (arp, discovery, names, echoes):
        with cable() as (left, right):
            part(left, right)
    with cable() as (left, right):
        left.ip("route", "add", "default", "via", right.ipv4, "metric", "100")
        left.ip("-6", "route", "add", "default", "via", right.ipv6)
        kernel(left, right)


if __name__ == "__main__":
    main()
