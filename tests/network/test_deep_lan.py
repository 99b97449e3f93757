"""The deep diagnosis on a LAN of namespaces: real DHCP servers, routers, switches that tell their names, and strangers."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from scapy.layers.dhcp import DHCP
from scapy.layers.dns import DNS
from scapy.layers.inet import ICMP, IP
from scapy.layers.inet6 import ICMPv6ND_NS
from scapy.layers.l2 import ARP
from scapy.utils import rdpcap
from tests.network.deep_world import (
    ASSIGNMENT,
    HQ,
    HQ6,
    HQ_NAME,
    LAN,
    REGISTER,
    REGISTER6,
    REGISTER_MAC,
    ROUTER,
    ROUTER6,
    ROUTER_MAC,
    STRAY,
    STRAY_MAC,
    THIEF_MAC,
    World,
    diagnose,
    world,
)
from tests.network.test_deep_dissect import cdp_frame, lldp_frame
from tests.network.wires import End

from tillkeeper.network.deep import packets

pytestmark = [pytest.mark.root, pytest.mark.timeout(180)]
ALL = {
    "link", "dhcp", "switch_port", "duplicate_address", "gateway", "resolvers", "route_hq", "route_anycast", "path_mtu",
    "capture",
}  # fmt: skip


LATE_S = 0.9


@contextlib.contextmanager
def sending(made: World, name: str, interface: str, frames: list[bytes], every_s: float) -> Iterator[None]:
    """Sends the frames over and over from a thread."""
    stop = threading.Event()
    with End(made.space(name), interface, "", "", "").inside():
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with sender:
        thread = threading.Thread(target=_send, args=(sender, interface, frames, every_s, stop))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)


def _send(sender: socket.socket, interface: str, frames: list[bytes], every_s: float, stop: threading.Event) -> None:
    while not stop.is_set():
        for frame in frames:
            sender.sendto(frame, (interface, 0))
        stop.wait(every_s)


def serve(made: World) -> None:
    """The router gives addresses and answers names, HQ is the other resolver."""
    dhcp = ("dhcp-range=10.9.0.100,10.9.0.110,10m", f"dhcp-option=3,{ROUTER}")
    made.dnsmasq("router", *dhcp, f"address=/{HQ_NAME}/{HQ}", "local=/invalid/")
    made.dnsmasq("hq", f"address=/{HQ_NAME}/{HQ}")


def test_a_healthy_shop(tmp_path: Path) -> None:
    with world(tmp_path) as made:
        serve(made)
        order = msgspec.structs.replace(ASSIGNMENT, limit_s=24.0, pcap=str(tmp_path / "a.pcap"))
        with sending(made, "switch", "p1", [lldp_frame(), cdp_frame()], 0.5):
            heard = diagnose(made, order)
    assert {step.check for step in heard.steps} == ALL
    assert all(heard.last(check).state == "done" for check in ALL), str(heard)
    found: dict[str, Any] = {check: heard.last(check).result for check in ALL}
    assert found["dhcp"]["servers"] == [ROUTER]
    assert not found["dhcp"]["several"]
    assert not found["dhcp"]["foreign_router"]
    assert [found["switch_port"][name] for name in ("switch", "port", "vlan")] == ["sw-bar", "gi1/0/7", 20]
    assert len(found["switch_port"]["heard"]) == 2
    assert not found["duplicate_address"]["duplicate"]
    assert found["gateway"]["silent"] == []
    assert not found["gateway"]["several"]
    assert found["resolvers"]["agree"]
    assert not found["resolvers"]["invents"]
    assert [hop.split()[1] for hop in found["route_hq"]["hops"]] == [ROUTER, "10.9.1.2", HQ]
    assert [hop.split()[1] for hop in found["route_anycast"]["hops"]] == [ROUTER6, "fd09:1::2", HQ6]
    assert found["path_mtu"]["mtu"] == 1500
    assert found["link"]["duplex"] == "full"
    assert found["link"]["up"]
    assert heard.ended[0].pcap == order.pcap
    _check_capture(Path(order.pcap))


def _check_capture(path: Path) -> None:
    """What it sent: only to whom it was told, never too much ARP, and no lease was asked for."""
    kept = rdpcap(str(path))
    own = [packet for packet in kept if packet.src == REGISTER_MAC]
    assert {packet[IP].dst for packet in own if IP in packet} <= {HQ, ROUTER, "255.255.255.255"}
    # The kernel's own questions go to the MAC that it knows.
    asked = [float(packet.time) for packet in own if packet.dst == packets.BROADCAST and ARP in packet]
    asked += [float(packet.time) for packet in own if ICMPv6ND_NS in packet and packet.dst.startswith("33:33")]
    asked.sort()
    assert len(asked) >= 16
    # One a second. Any of them may have left late, as a busy machine lets it, and the next one then in time.
    early = [
        (first, last)
        for first, last in itertools.combinations(range(len(asked)), 2)
        if asked[last] - asked[first] <= last - first - LATE_S
    ]
    assert not early, asked
    kinds = {option[1] for packet in own if DHCP in packet for option in packet[DHCP].options if option[0] == "message-type"}
    assert kinds <= {1}
    assert any(DNS in packet for packet in kept)
    assert any(ICMP in packet and packet[ICMP].type == 11 for packet in kept)


def test_strangers_on_the_lan(tmp_path: Path) -> None:
    """A rogue DHCP server, a device with the register's address, one that says to be the gateway and tells everybody."""
    with world(tmp_path) as made:
        serve(made)
        made.ip("stray", *(f"address add {address}/24 dev eth0" for address in (STRAY, ROUTER)))
        made.ip("thief", f"address add {REGISTER}/24 dev eth0", f"address add {REGISTER6}/64 dev eth0 nodad")
        rogue = ("dhcp-range=10.9.0.200,10.9.0.210,10m", f"dhcp-option=3,{STRAY}", f"listen-address={STRAY}", "bind-interfaces")
        made.dnsmasq("stray", *rogue, port=0)
        spoof = packets.ask(STRAY_MAC, ROUTER, ROUTER)
        with sending(made, "stray", "eth0", [spoof], 1.0):
            heard = diagnose(made, msgspec.structs.replace(ASSIGNMENT, limit_s=14.0, arp_per_s=2.0))
    dhcp: dict[str, Any] = heard.last("dhcp").result
    assert sorted(dhcp["servers"]) == [ROUTER, STRAY]
    assert dhcp["several"]
    assert dhcp["foreign_router"]
    duplicate: dict[str, Any] = heard.last("duplicate_address").result
    assert duplicate["duplicate"]
    assert {claim.split(": ")[0] for claim in duplicate["claims"]} == {REGISTER, REGISTER6}
    assert all(THIEF_MAC in claim for claim in duplicate["claims"])
    gateway: dict[str, Any] = heard.last("gateway").result
    assert gateway["several"]
    assert gateway["gratuitous"] >= 3
    assert any(ROUTER_MAC in each for each in gateway["macs"])
    assert any(STRAY_MAC in each and "Epson" in each for each in gateway["macs"])
    assert STRAY_MAC in heard.last("gateway").words


def test_a_black_hole_a_lying_resolver_and_a_flood_of_hostile_frames(tmp_path: Path) -> None:
    hostile = [lldp_frame()[:cut] + b"\xff" * 40 for cut in range(14, 60)]
    hostile += [cdp_frame()[:cut] + b"\x00" * 600 for cut in range(14, 60)]
    hostile += [packets.ask(STRAY_MAC, f"10.9.0.{n}", REGISTER) for n in range(20, 220)]
    with world(tmp_path) as made:
        made.dnsmasq("router", "address=/#/10.9.0.66")
        made.dnsmasq("hq", f"address=/{HQ_NAME}/{HQ}")
        made.ip("provider", "link set wan mtu 1400")
        made.ip("hq", "link set eth0 mtu 1400")
        unsaid = "type filter hook output priority 0; icmp type destination-unreachable drop;"
        made.nft("provider", f"table inet quiet {{ chain out {{ {unsaid} }}; }}")
        with sending(made, "switch", "p1", hostile, 0.2):  # 1,500 frames a second
            heard = diagnose(made, msgspec.structs.replace(ASSIGNMENT, limit_s=8.0))
    mtu: dict[str, Any] = heard.last("path_mtu").result
    assert (mtu.get("mtu"), mtu.get("black_hole")) == (1400, True), str(heard)
    resolvers: dict[str, Any] = heard.last("resolvers").result
    assert resolvers["invents"]
    assert resolvers["agree"] is False
    assert resolvers["own"] == [f"{ROUTER}: 10.9.0.66"]
    route: dict[str, Any] = heard.last("route_hq").result
    assert route["reached"]
    gateway: dict[str, Any] = heard.last("gateway").result
    assert not gateway["several"]


def test_a_router_that_says_the_size_and_one_that_refuses_the_way(tmp_path: Path) -> None:
    with world(tmp_path) as made:
        made.ip("provider", "link set wan mtu 1400")
        made.ip("hq", "link set eth0 mtu 1400")
        made.ip("router", "route add unreachable 203.0.113.9/32")
        order = msgspec.structs.replace(ASSIGNMENT, limit_s=7.0, anycast="203.0.113.9", resolvers=())
        heard = diagnose(made, order)
    mtu: dict[str, Any] = heard.last("path_mtu").result
    assert (mtu["mtu"], mtu["told_mtu"], mtu["told_by"], mtu["black_hole"]) == (1400, 1400, "10.9.1.2", False)
    route: dict[str, Any] = heard.last("route_anycast").result
    assert route["stopped_by"] == f"{ROUTER} (unreachable)"
    assert not route["reached"]
    assert heard.last("resolvers").state == "skipped"


def test_a_dead_router_and_nobody_else(tmp_path: Path) -> None:
    with world(tmp_path) as made:
        made.ip("switch", f"link set {LAN['router'][1]} down")
        heard = diagnose(made, msgspec.structs.replace(ASSIGNMENT, limit_s=9.5))
    gateway: dict[str, Any] = heard.last("gateway").result
    assert gateway["silent"] == [ROUTER, ROUTER6]
    assert heard.last("dhcp").words == "No DHCP server answers"
    assert heard.last("route_hq").words == "No hop on the way to HQ answers"
    assert heard.last("path_mtu").state == "failed"
    assert heard.last("resolvers").words == f"No own resolver has an address for {HQ_NAME}; nor has another one"
    assert heard.last("switch_port").words.startswith("Nothing heard")


def test_an_interface_that_is_down_or_missing_gives_words(tmp_path: Path) -> None:
    with world(tmp_path) as made:
        order = msgspec.structs.replace(ASSIGNMENT, limit_s=7.0, pcap=str(tmp_path / "x.pcap"))
        missing = diagnose(made, msgspec.structs.replace(order, interface="eth7"))
        made.ip("register", "link set eth0 down")
        down = diagnose(made, msgspec.structs.replace(order, pcap=""))
    assert missing.last("dhcp").state == "failed"
    assert "No such device" in missing.last("dhcp").words
    assert missing.last("link").words == "Left out: there is no interface eth7"
    assert missing.last("capture").state == "failed"
    assert len(missing.ended) == len(down.ended) == 1
    assert "Network is" in down.last("route_hq").words
    assert down.last("link").words == "eth0 has no carrier"
