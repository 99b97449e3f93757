"""What is heard, taken apart by scapy into plain values. Anything may come in: what cannot be read is None."""

import ipaddress
import struct
from collections.abc import Iterator
from typing import Any

from scapy.config import conf
from scapy.contrib import cdp, lldp
from scapy.error import Scapy_Exception
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.inet import ICMP, IP, ICMPerror, IPerror, UDPerror
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6ND_NA,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPerror6,
    IPv6,
)
from scapy.layers.l2 import ARP, Ether

from tillkeeper.network.deep.values import Claim, ErrorKind, IcmpHeard, Offer, SwitchPort, clean

conf.contribs["LLDP"].strict_mode_disable()

MAX_FRAME = 1518
MAX_ADVERTISEMENT = 14 + 40 + 24 + 2 * 8
IPV6 = b"\x86\xdd"
MAX_LAYERS = 64
NO_MAC = "00:00:00:00:00:00"
IEEE_802_1 = 0x0080C2
PORT_VLAN_ID = 1

UNREADABLE = (
    Scapy_Exception, struct.error, ValueError, TypeError, IndexError, KeyError, AttributeError, OverflowError,
    RecursionError, OSError,
)  # fmt: skip
"""What scapy raises over bytes that lie about themselves (OSError: of inet_ntop)."""


def vendor(mac: str) -> str:
    """Who made the interface, by the first half of its MAC (scapy carries Wireshark's list); empty where nobody is known."""
    if int(mac[:2], 16) & 2:
        return "made-up MAC"
    name = str(conf.manufdb.lookup(mac)[1]) if conf.manufdb else ""
    return "" if name.lower() == mac.lower() else clean(name, 40)


def frame(data: bytes) -> Claim | Offer | SwitchPort | None:
    """A whole Ethernet frame. Of IPv6 only an advertisement is of interest, and of that only its first options."""
    most = MAX_ADVERTISEMENT if data[12:14] == IPV6 else MAX_FRAME
    try:
        return _frame(Ether(data[:most]))
    except UNREADABLE:
        return None


def icmp(packet: bytes) -> IcmpHeard | None:
    """An IPv4 packet, header included, as a raw ICMP socket gives it."""
    try:
        return _icmp(IP(packet[:MAX_FRAME]))
    except UNREADABLE:
        return None


def icmp6(message: bytes, source: str) -> IcmpHeard | None:
    """An ICMPv6 message without the IPv6 header, as a raw ICMPv6 socket gives it."""
    try:
        head = bytes(IPv6(src=source, dst="::", nh=58, hlim=255, plen=len(message)))
        return _icmp6(IPv6(head + message[:MAX_FRAME]))
    except UNREADABLE:
        return None


def _frame(packet: Any) -> Claim | Offer | SwitchPort | None:
    if ARP in packet:
        return _claim(packet[ARP])
    if ICMPv6ND_NA in packet:
        return _advertisement(packet)
    if DHCP in packet:
        return _offer(packet)
    if lldp.LLDPDU in packet:
        return _lldp(packet)
    if cdp.CDPv2_HDR in packet:
        return _cdp(packet)
    return None


def _claim(arp: Any) -> Claim | None:
    if (arp.hwtype, arp.ptype, arp.hwlen, arp.plen) != (1, 0x0800, 6, 4) or arp.psrc == "0.0.0.0" or arp.hwsrc == NO_MAC:  # noqa: S104
        return None
    return Claim(address=arp.psrc, mac=arp.hwsrc.lower(), gratuitous=arp.psrc == arp.pdst)


def _advertisement(packet: Any) -> Claim | None:
    said = packet[ICMPv6ND_NA]
    # A router on the way would have counted 255 down (RFC 4861, 7.1.2).
    if packet[IPv6].hlim != 255:
        return None
    mac = str(getattr(said.payload, "lladdr", packet.src)).lower()
    return Claim(address=said.tgt, mac=mac, gratuitous=not said.S)


def _offer(packet: Any) -> Offer | None:
    bootp, options = packet[BOOTP], _options(packet[DHCP].options)
    if bootp.op != 2 or options.get("message-type") != (2,):
        return None
    lease = options.get("lease_time", (None,))[0]
    return Offer(
        transaction=bootp.xid,
        mac=packet[Ether].src.lower(),
        server=clean(options.get("server_id", (packet[IP].src,))[0]),
        address=bootp.yiaddr,
        routers=tuple(clean(each) for each in options.get("router", ())[:4]),
        resolvers=tuple(clean(each) for each in options.get("name_server", ())[:4]),
        lease_s=lease if isinstance(lease, int) else None,
        relay="" if bootp.giaddr == "0.0.0.0" else bootp.giaddr,  # noqa: S104
    )


def _options(options: Any) -> dict[str, tuple[Any, ...]]:
    return {str(each[0]): tuple(each[1:]) for each in options if isinstance(each, tuple) and len(each) > 1}


def _layers(packet: Any) -> Iterator[Any]:
    for _ in range(MAX_LAYERS):
        if not packet:
            return
        yield packet
        packet = packet.payload


def _lldp(packet: Any) -> SwitchPort | None:
    found: dict[str, str] = {}
    vlan: int | None = None
    for layer in _layers(packet):
        if isinstance(layer, lldp.LLDPDUChassisID):
            found["chassis"] = clean(layer.id)
        elif isinstance(layer, lldp.LLDPDUPortID):
            found["port"] = clean(layer.id)
        elif isinstance(layer, lldp.LLDPDUTimeToLive) and layer.ttl == 0:
            return None  # it takes leave (IEEE 802.1AB, 9.2.7)
        elif isinstance(layer, lldp.LLDPDUSystemName):
            found["name"] = clean(layer.system_name)
        elif isinstance(layer, lldp.LLDPDUSystemDescription):
            found["about"] = clean(layer.description)
        elif isinstance(layer, lldp.LLDPDUPortDescription):
            found["port_about"] = clean(layer.description)
        elif isinstance(layer, lldp.LLDPDUManagementAddress):
            found.setdefault("management", _management(layer))
        elif _port_vlan(layer):
            vlan = int.from_bytes(layer.data[:2], "big") or None
    if "chassis" not in found or "port" not in found:
        return None
    return SwitchPort(
        protocol="LLDP",
        mac=packet.src.lower(),
        switch=found.get("name") or found["chassis"],
        description=found.get("about", ""),
        port=found["port"],
        port_description=found.get("port_about", ""),
        vlan=vlan,
        management=found.get("management", ""),
    )


def _port_vlan(layer: Any) -> bool:
    own = type(layer) is lldp.LLDPDUGenericOrganisationSpecific
    return own and (layer.org_code, layer.subtype) == (IEEE_802_1, PORT_VLAN_ID)


def _management(layer: Any) -> str:
    address = bytes(layer.management_address)
    if (layer.management_address_subtype, len(address)) == (1, 4):
        return ".".join(map(str, address))
    if (layer.management_address_subtype, len(address)) == (2, 16):
        return str(ipaddress.IPv6Address(address))
    return address.hex(":") if len(address) == 6 else ""


def _cdp(packet: Any) -> SwitchPort | None:
    found: dict[str, str] = {}
    vlan: int | None = None
    for message in packet[cdp.CDPv2_HDR].msg[:MAX_LAYERS]:
        if isinstance(message, cdp.CDPMsgDeviceID):
            found["name"] = clean(message.val)
        elif isinstance(message, cdp.CDPMsgPortID):
            found["port"] = clean(message.iface)
        elif isinstance(message, cdp.CDPMsgPlatform):
            found["about"] = clean(message.val)
        elif isinstance(message, cdp.CDPMsgNativeVLAN):
            vlan = message.vlan
        elif isinstance(message, cdp.CDPMsgAddr) and message.addr:
            found.setdefault("management", clean(getattr(message.addr[0], "addr", "")))
    if "name" not in found or "port" not in found:
        return None
    return SwitchPort(
        protocol="CDP",
        mac=packet.src.lower(),
        switch=found["name"],
        description=found.get("about", ""),
        port=found["port"],
        port_description="",
        vlan=vlan,
        management=found.get("management", ""),
    )


def _icmp(packet: Any) -> IcmpHeard | None:
    if ICMP not in packet:
        return None
    said = packet[ICMP]
    if said.type == 0:
        return IcmpHeard(
            source=packet.src, kind="echo_reply", destination=packet.src, protocol="icmp", identifier=said.id, sequence=said.seq
        )
    kind = _kind(said.type, said.code)
    if kind is None or IPerror not in packet:
        return None
    mtu = said.nexthopmtu if kind == "too_big" else None
    destination = packet[IPerror].dst
    if ICMPerror in packet and packet[ICMPerror].type == 8:
        quoted = packet[ICMPerror]
        return _error(packet.src, kind, destination, "icmp", quoted.id, quoted.seq, mtu)
    if UDPerror in packet:
        return _error(packet.src, kind, destination, "udp", packet[UDPerror].sport, packet[UDPerror].dport, mtu)
    return None


def _kind(kind: int, code: int) -> ErrorKind | None:
    """RFC 792; codes 9, 10 and 13 of RFC 1812, 5.2.7.1: a filter forbids it."""
    if kind == 11 and code == 0:
        return "time_exceeded"
    if kind != 3:
        return None
    return {3: "port_unreachable", 4: "too_big", 9: "prohibited", 10: "prohibited", 13: "prohibited"}.get(code, "unreachable")  # type: ignore[return-value]


def _icmp6(packet: Any) -> IcmpHeard | None:
    if ICMPv6EchoReply in packet:
        said = packet[ICMPv6EchoReply]
        return IcmpHeard(
            source=packet.src, kind="echo_reply", destination=packet.src, protocol="icmp", identifier=said.id, sequence=said.seq
        )
    kind: ErrorKind
    mtu = None
    if ICMPv6TimeExceeded in packet:
        kind = "time_exceeded"
    elif ICMPv6PacketTooBig in packet:
        kind, mtu = "too_big", packet[ICMPv6PacketTooBig].mtu
    elif ICMPv6DestUnreach in packet:
        # RFC 4443, 3.1: 4 port unreachable, 1 forbidden by a filter.
        code = packet[ICMPv6DestUnreach].code
        kind = "port_unreachable" if code == 4 else "prohibited" if code == 1 else "unreachable"
    else:
        return None
    if IPerror6 not in packet:
        return None
    destination = packet[IPerror6].dst
    if ICMPv6EchoRequest in packet:
        quoted = packet[ICMPv6EchoRequest]
        return _error(packet.src, kind, destination, "icmp", quoted.id, quoted.seq, mtu)
    if UDPerror in packet:
        return _error(packet.src, kind, destination, "udp", packet[UDPerror].sport, packet[UDPerror].dport, mtu)
    return None


def _error(
    source: str, kind: ErrorKind, destination: str, protocol: Any, identifier: int, sequence: int, mtu: int | None
) -> IcmpHeard:
    return IcmpHeard(
        source=source, kind=kind, destination=destination, protocol=protocol, identifier=identifier, sequence=sequence, mtu=mtu
    )
