"""What a kernel, a neighbour or psutil would tell of the state that the world has now. `at_s`: of the register's clock."""

import random

from tests.netsim import store as s
from tests.netsim.world import World

from tillkeeper.network.model import (
    Address,
    AddressesSeen,
    ArpSeen,
    BeaconSeen,
    Fact,
    Family,
    HostSeen,
    LinkSeen,
    NeighbourSeen,
    PeerState,
    RoutesSeen,
    Wifi,
)

INTERFACE = "eth0"


def link(world: World, index: int, at_s: float) -> LinkSeen:
    up = world.interface_up(index)
    return LinkSeen(
        at_s=at_s,
        interface=INTERFACE,
        carrier=("yes" if world.carrier(index) else "no") if up else "unknown",
        admin_up=up,
        mac=s.register_mac(index),
        wireless=world.store.wireless,
        gone=f"missing{index}" in world.down,
    )


def addresses(world: World, index: int, at_s: float, taken_over: tuple[Address, str] | None) -> tuple[Fact, Fact]:
    """`taken_over`: the IPv4 address and gateway that it has instead of the usual ones."""
    own: list[Address] = []
    gateways: dict[Family, str] = {}
    for family in world.store.families:
        if not world.has_address(index, family):
            continue
        if family == "ipv4" and taken_over:
            own.append(taken_over[0])
            gateways[family] = taken_over[1]
        else:
            own.append(Address(family=family, address=s.register_address(index, family), prefix=24 if family == "ipv4" else 64))
            if f"no_route{index}:{family}" not in world.modes:
                gateways[family] = s.GATEWAY[family]
    if world.interface_up(index) and "ipv6" in world.store.families:
        own.append(Address(family="ipv6", address=f"fe80::{20 + index:x}", prefix=64))
    return (
        AddressesSeen(at_s=at_s, interface=INTERFACE, addresses=tuple(own)),
        RoutesSeen(at_s=at_s, interface=INTERFACE, gateways=gateways),
    )


def announcement(address: str, mac: str, at_s: float) -> tuple[Fact, Fact]:
    return (
        ArpSeen(at_s=at_s, interface=INTERFACE, sender_address=address, sender_mac=mac, target_address=address, is_reply=True),
        NeighbourSeen(at_s=at_s, interface=INTERFACE, address=address, mac=mac),
    )


def beacon(state: PeerState, sender: int, at_s: float) -> BeaconSeen:
    return BeaconSeen(at_s=at_s, interface=INTERFACE, mac=s.register_mac(sender), state=state)


def host(world: World, index: int, at_s: float, chance: random.Random) -> HostSeen:
    wifi = None
    if world.store.wireless:
        weak = "weak" in world.modes
        wifi = Wifi(
            associated="yes" if world.carrier(index) else "no",
            signal_dbm=-84.0 if weak else -55.0,
            retries_per_s=60.0 if weak else 1.0,
            power_save="no",
        )
    return HostSeen(
        at_s=at_s,
        interface=INTERFACE,
        rx_packets_per_s=chance.uniform(40_000, 90_000) if "loop" in world.modes else chance.uniform(5, 120),
        tx_packets_per_s=40.0,
        cpu_percent=5.0,
        wifi=wifi,
    )
