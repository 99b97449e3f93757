"""The frames and packets that are sent, built by scapy. Only `dissect` and this file know scapy."""

import ipaddress

from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw

BROADCAST = "ff:ff:ff:ff:ff:ff"
SUBNET_MASK, ROUTER, RESOLVERS, DOMAIN, LEASE_S, SERVER = 1, 3, 6, 15, 51, 54
"""Options of RFC 2132."""
UDP_PORT = 33434
"""Where traceroute has always knocked: nobody listens there."""


def ask(mac: str, sender: str, target: str) -> bytes:
    """Who has `target`? A broadcast ARP request, or a neighbour solicitation for IPv6. `sender` "0.0.0.0" ("::") asks who
    else has my address (RFC 5227, 1.1; RFC 4862, 5.4.2)."""
    if ":" not in target:
        request = ARP(op=1, hwsrc=mac, psrc=sender, hwdst="00:00:00:00:00:00", pdst=target)
        return bytes(Ether(src=mac, dst=BROADCAST) / request)
    last = ipaddress.IPv6Address(target).packed[-3:]
    group = f"ff02::1:ff{last[0]:02x}:{last[1]:02x}{last[2]:02x}"
    to = f"33:33:ff:{last[0]:02x}:{last[1]:02x}:{last[2]:02x}"
    solicitation = IPv6(src=sender, dst=group, hlim=255) / ICMPv6ND_NS(tgt=target)
    if sender != "::":
        solicitation /= ICMPv6NDOptSrcLLAddr(lladdr=mac)
    return bytes(Ether(src=mac, dst=to) / solicitation)


def discover(mac: str, transaction: int) -> bytes:
    """A DHCPDISCOVER that asks for the answer as a broadcast (RFC 2131, 4.1). It binds nothing; no request follows."""
    options = [
        ("message-type", "discover"),
        ("param_req_list", [SUBNET_MASK, ROUTER, RESOLVERS, DOMAIN, LEASE_S, SERVER]),
        "end",
    ]
    client = bytes.fromhex(mac.replace(":", ""))
    packet = IP(src="0.0.0.0", dst="255.255.255.255", ttl=64) / UDP(sport=68, dport=67)  # noqa: S104
    packet /= BOOTP(chaddr=client, xid=transaction, flags=0x8000) / DHCP(options=options)
    return bytes(Ether(src=mac, dst=BROADCAST) / packet)


def echo(source: str, target: str, ttl: int, identifier: int, sequence: int, size: int = 0) -> bytes:
    """An echo request that must not be fragmented; `size`: of the whole IP packet, header included."""
    if ":" in target:
        head = IPv6(src=source, dst=target, hlim=ttl) / ICMPv6EchoRequest(id=identifier, seq=sequence)
    else:
        head = IP(src=source, dst=target, ttl=ttl, flags="DF") / ICMP(id=identifier, seq=sequence)
    return bytes(head / Raw(bytes(max(8, size - len(head)))))


def datagram(source: str, target: str, ttl: int, source_port: int, port: int) -> bytes:
    """A UDP datagram with 8 bytes of nothing in it."""
    head = IPv6(src=source, dst=target, hlim=ttl) if ":" in target else IP(src=source, dst=target, ttl=ttl, flags="DF")
    return bytes(head / UDP(sport=source_port, dport=port) / Raw(bytes(8)))
