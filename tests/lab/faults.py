"""Every fault of docs/network.md as it is made in the lab, from outside the prober's process, and what may be said of it.

A fault is a context manager: entering breaks, leaving heals. It breaks register r1 (`own`) or the whole store (`store`)."""

import contextlib
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.lab.breaking import (
    access_silent,
    address_lost,
    addresses_of_another_net,
    both_ways,
    captive,
    devices_off,
    dropped,
    gateway_typed_wrongly,
    hq_down,
    interface_down,
    interface_gone,
    lossy,
    modem_off,
    names_fail,
    no_more_router6,
    on_backup,
    path_to_hq,
    ports_down,
    resolver_refuses,
    router_hung,
    router_mac_changed,
    router_says_unreachable,
    slow,
    status,
    stops_forwarding,
    switch_hung,
    unplugged_and_plugged,
    upstream,
)
from tests.lab.stray import loop, posing_as_gateway, same_address
from tests.lab.topology import Lab

Breaking = Callable[[Lab, random.Random], AbstractContextManager[None]]
R1 = "r1"


@dataclass(frozen=True)
class Fault:
    """`truth`: codes of which one has to be among those that are said. `peers`, `alone`: all that may be said with it, where
    peers speak and where this register has no other. `before`: what may rightly be said on the way. `also`: the truth is an
    advisory (then `truth` is empty and no fault may be confirmed). Goals in seconds, from network.md; None where it sets
    none."""

    name: str
    breaking: Breaking
    truth: frozenset[str]
    peers: frozenset[str]
    alone: frozenset[str]
    scope: str = "own"
    also: str = ""
    before: frozenset[str] = frozenset()
    goal_s: float | None = None
    suspect_goal_s: float | None = None
    right_percent: float = 99.0
    deadline_s: float = 8.0
    hold_s: float = 2.0
    families: frozenset[str] = frozenset({"ipv4", "ipv6"})
    """Which of them a store must have at least one of."""
    elsewhere: frozenset[str] = frozenset()
    """What the other registers may rightly say of a fault that is not this one's."""
    corrected: frozenset[str] = frozenset()
    """What peers make of it after the heal."""
    stays: bool = False
    """The verdict outlives the heal for minutes, so nobody waits for its end."""


SETS = ("before", "corrected", "elsewhere", "families")


def _fault(name: str, breaking: Breaking, truth: str, peers: str = "", alone: str = "", **more: Any) -> Fault:
    """Sets are written as words; `peers` defaults to `truth`, `alone` to `peers`."""
    said = frozenset((peers or truth).split())
    made = {key: frozenset(value.split()) if key in SETS else value for key, value in more.items()}
    return Fault(name, breaking, frozenset(truth.split()), said, frozenset(alone.split()) or said, **made)


@contextlib.contextmanager
def _duplicate(lab: Lab, loud: bool) -> Iterator[None]:
    with same_address(lab, R1, loud=loud):
        yield


DEAF = "own_port switch_hung nic_receive"
ROUTER = "router_dead router_cable"
STORE: dict[str, Any] = {"scope": "store"}
_LIST = (
    _fault(
        "own cable",
        lambda lab, _: ports_down(lab, R1),
        "cable",
        "cable switch_power",
        goal_s=0.05,
        right_percent=100,
        corrected="cable",
    ),
    _fault(
        "switch power",
        lambda lab, _: ports_down(lab, *lab.shape.names, "router", "printer", "display", "stray"),
        "switch_power",
        "cable switch_power",
        goal_s=0.05,
        right_percent=100,
        corrected="switch_power",
        **STORE,
    ),
    _fault(
        "own port",
        lambda lab, _: both_ways(lab, R1),
        "own_port",
        DEAF,
        DEAF + " nic_transmit",
        goal_s=1.0,
        corrected="own_port",
    ),
    _fault(
        "switch hung",
        lambda lab, _: switch_hung(lab),
        "switch_hung",
        DEAF,
        DEAF + " nic_transmit",
        goal_s=1.0,
        corrected="switch_hung",
        **STORE,
    ),
    _fault(
        "NIC receive",
        lambda lab, _: dropped(lab, R1, to_host=True),
        "nic_receive",
        DEAF,
        DEAF + " nic_transmit",
        goal_s=1.0,
    ),
    _fault(
        "NIC transmit",
        lambda lab, _: dropped(lab, R1, to_host=False),
        "nic_transmit",
        "nic_transmit",
        DEAF + " nic_transmit",
        goal_s=1.0,
    ),
    _fault("router dead", lambda lab, _: both_ways(lab, "router"), "router_dead", ROUTER, goal_s=1.0, **STORE),
    _fault("router cable", lambda lab, _: ports_down(lab, "router"), "router_cable", ROUTER, goal_s=1.0, **STORE),
    _fault("router hung", lambda lab, _: router_hung(lab), "router_hung", goal_s=1.2, right_percent=98, **STORE),
    _fault(
        "router forwards nothing",
        lambda lab, _: stops_forwarding(lab, names=False),
        "router_no_forward",
        "router_no_forward modem isp_access",
        goal_s=2.0,
        suspect_goal_s=1.0,
        **STORE,
    ),
    _fault(
        "router forwards only names",
        lambda lab, _: stops_forwarding(lab, names=True),
        "router_no_forward",
        "router_no_forward modem isp_access",
        goal_s=2.0,
        suspect_goal_s=1.0,
        **STORE,
    ),
    _fault(
        "modem",
        lambda lab, _: modem_off(lab),
        "modem",
        "modem isp_access router_no_forward",
        goal_s=2.0,
        suspect_goal_s=1.0,
        **STORE,
    ),
    _fault(
        "ISP access, silent",
        lambda lab, _: access_silent(lab),
        "isp_access",
        "modem isp_access",
        goal_s=2.0,
        suspect_goal_s=1.0,
        **STORE,
    ),
    _fault(
        "ISP access, unreachable",
        lambda lab, _: router_says_unreachable(lab),
        "isp_access",
        "modem isp_access",
        goal_s=2.0,
        suspect_goal_s=1.0,
        **STORE,
    ),
    _fault("ISP upstream", lambda lab, _: upstream(lab), "isp_upstream", goal_s=2.0, suspect_goal_s=1.0, **STORE),
    _fault("own resolver, silent", lambda lab, _: names_fail(lab, mute=True), "dns_own", goal_s=2.0, **STORE),
    _fault("own resolver, SERVFAIL", lambda lab, _: names_fail(lab, mute=False), "dns_own", goal_s=2.0, **STORE),
    _fault("own resolver, refused", lambda lab, _: resolver_refuses(lab), "dns_own", goal_s=2.0, **STORE),
    _fault("DNS blocked", lambda lab, _: names_fail(lab, blocked=True), "dns_blocked", goal_s=2.0, **STORE),
    _fault("captive portal", lambda lab, _: captive(lab, strict=True), "captive_portal", goal_s=2.0, **STORE),
    _fault("captive portal, echo passes", lambda lab, _: captive(lab, strict=False), "captive_portal", goal_s=2.0, **STORE),
    _fault("HQ server, RST", lambda lab, _: hq_down(lab, "reset"), "hq_server", goal_s=2.0, **STORE),
    _fault(
        "HQ server, silent",
        lambda lab, _: hq_down(lab, "silent"),
        "hq_server",
        "hq_server hq_path",
        goal_s=2.0,
        deadline_s=12.0,
        **STORE,
    ),
    _fault("HQ server, 500", lambda lab, _: status(lab, 500), "hq_server", goal_s=2.0, **STORE),
    _fault(
        "HQ path, unreachable",
        lambda lab, _: path_to_hq(lab, "unreachable"),
        "hq_path",
        "hq_path hq_server",
        goal_s=2.0,
        **STORE,
    ),
    _fault(
        "HQ path, silent",
        lambda lab, _: path_to_hq(lab, "blackhole"),
        "hq_path",
        "hq_path hq_server",
        goal_s=2.0,
        deadline_s=12.0,
        **STORE,
    ),
    _fault("duplicate IP, silent", lambda lab, _: _duplicate(lab, False), "duplicate_address", goal_s=0.5, families="ipv4"),
    _fault("duplicate IP, loud", lambda lab, _: _duplicate(lab, True), "duplicate_address", goal_s=0.5, families="ipv4"),
    _fault(
        "gateway MAC changed",
        lambda lab, _: router_mac_changed(lab, told=True),
        "gateway_replaced",
        goal_s=0.3,
        right_percent=98,
        hold_s=4.0,
        stays=True,
        **STORE,
    ),
    _fault(
        "gateway MAC changed, untold",
        lambda lab, _: router_mac_changed(lab, told=False),
        "gateway_replaced",
        goal_s=0.3,
        right_percent=98,
        hold_s=4.0,
        stays=True,
        **STORE,
    ),
    _fault(
        "gateway spoofed",
        lambda lab, _: posing_as_gateway(lab, R1),
        "gateway_spoofed",
        before="gateway_replaced",
        goal_s=2.0,
        right_percent=98,
        families="ipv4",
    ),
    _fault("DHCP lost", lambda lab, _: address_lost(lab, R1), "dhcp_lost", goal_s=0.2, right_percent=100, families="ipv4"),
    _fault(
        "wrong subnet, rogue DHCP",
        lambda lab, _: addresses_of_another_net(lab, R1),
        "wrong_subnet",
        goal_s=0.2,
        right_percent=100,
        before="dhcp_lost",
        families="ipv4",
    ),
    _fault(
        "wrong subnet, typed",
        lambda lab, _: gateway_typed_wrongly(lab, R1),
        "wrong_subnet",
        goal_s=0.2,
        right_percent=100,
        before="dhcp_lost",
        families="ipv4",
    ),
    _fault("interface disabled", lambda lab, _: interface_down(lab, R1), "interface_disabled", goal_s=0.2),
    _fault(
        "interface missing",
        lambda lab, _: interface_gone(lab, R1),
        "interface_missing",
        before="interface_disabled cable switch_power",
        goal_s=0.2,
    ),
    _fault("broadcast loop", loop, "broadcast_loop", before="loss_lan loss_router", deadline_s=12.0, **STORE),
    _fault(
        "link flapping",
        lambda lab, _: unplugged_and_plugged(lab, R1),
        "link_flapping",
        before="cable switch_power",
        deadline_s=15.0,
    ),
    _fault(
        "loss 20 % at the LAN", lambda lab, _: lossy(lab, "lan", 20), "loss_lan", goal_s=2.0, right_percent=95, deadline_s=15.0
    ),
    _fault(
        "loss 5 % at the LAN", lambda lab, _: lossy(lab, "lan", 5), "loss_lan", goal_s=6.0, right_percent=95, deadline_s=20.0
    ),
    _fault(
        "loss 20 % at the router",
        lambda lab, _: lossy(lab, "router", 20),
        "loss_router",
        goal_s=2.0,
        right_percent=95,
        deadline_s=15.0,
        **STORE,
    ),
    _fault(
        "loss 20 % at the ISP",
        lambda lab, _: lossy(lab, "isp", 20),
        "loss_isp",
        goal_s=2.0,
        right_percent=95,
        deadline_s=15.0,
        **STORE,
    ),
    _fault(
        "loss 5 % at the ISP",
        lambda lab, _: lossy(lab, "isp", 5),
        "loss_isp",
        goal_s=6.0,
        right_percent=95,
        deadline_s=20.0,
        **STORE,
    ),
    _fault(
        "loss 20 % in the internet",
        lambda lab, _: lossy(lab, "internet", 20),
        "loss_internet",
        goal_s=2.0,
        right_percent=95,
        deadline_s=15.0,
        **STORE,
    ),
    _fault(
        "latency at the LAN", lambda lab, chance: slow(lab, "lan", chance), "latency_lan", deadline_s=15.0, right_percent=95
    ),
    _fault(
        "latency at the ISP",
        lambda lab, chance: slow(lab, "isp", chance),
        "latency_isp",
        deadline_s=20.0,
        right_percent=95,
        **STORE,
    ),
    _fault(
        "IPv6 router lost", lambda lab, _: no_more_router6(lab), "ipv6_router_lost", deadline_s=10.0, families="ipv6", **STORE
    ),
    _fault(
        "on the backup line",
        lambda lab, _: on_backup(lab),
        "",
        also="on_backup_line",
        before="modem isp_access router_no_forward",
        deadline_s=20.0,
        **STORE,
    ),
    _fault(
        "printer off", lambda lab, _: devices_off(lab, "printer"), "", also="device_silent:printer", deadline_s=30.0, **STORE
    ),
    _fault("peers gone", lambda lab, _: devices_off(lab, "r2", "r3"), "", elsewhere="cable switch_power", deadline_s=8.0),
    _fault(
        "own clock wrong", lambda lab, _: status(lab, 204, ahead_s=7200.0), "", also="clock_wrong", deadline_s=120.0, **STORE
    ),
    _fault("HQ refuses", lambda lab, _: status(lab, 401), "", also="hq_refuses", **STORE),
)
FAULTS = {fault.name: fault for fault in _LIST}
SLOW_TO_SHOW = ("own clock wrong",)
"""Left out unless they are named: the check is asked once a minute."""
