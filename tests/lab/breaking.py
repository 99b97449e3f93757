"""The ways to break the lab's network. Each is a context manager: entering breaks, leaving heals."""

import contextlib
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager

from tests.lab.places import HQ, HQ_PORT, PORTS, ROUTER_LAN, ROUTER_LINK_LOCAL, V4, V6, lan4
from tests.lab.relay import delayed
from tests.lab.servers import CAPTIVE_PORT, NOERROR, SERVFAIL
from tests.lab.spaces import ip, nft
from tests.lab.stray import announce, in_thread, mac_bytes
from tests.lab.topology import Lab

ND = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"
FLAP_DOWN_S, FLAP_UP_S = 0.6, 1.4
DELAY_S, JITTER_S = 0.15, 0.03
OTHER_NET = "10.77.3"


@contextlib.contextmanager
def rules(lab: Lab, role: str, family: str, chains: str, name: str = "broken") -> Iterator[None]:
    """A table of nft rules while it lasts; several at a time where their names differ."""
    nft(lab.space(role), f"table {family} {name} {{\n{chains}\n}}")
    try:
        yield
    finally:
        nft(lab.space(role), f"delete table {family} {name}")


def chain(hook: str, *lines: str, kind: str = "filter", priority: int = -200) -> str:
    body = "\n".join(lines)
    return f"chain {hook} {{\ntype {kind} hook {hook} priority {priority}; policy accept;\n{body}\n}}"


# --- at the switch ---


@contextlib.contextmanager
def ports_down(lab: Lab, *hosts: str) -> Iterator[None]:
    """No carrier at the hosts' ends."""
    space = lab.space("switch")
    ip(space, *(f"link set {PORTS[host]} down" for host in hosts))
    try:
        yield
    finally:
        ip(space, *(f"link set {PORTS[host]} up" for host in hosts))


def both_ways(lab: Lab, host: str) -> AbstractContextManager[None]:
    """The port has carrier and passes nothing."""
    port = PORTS[host]
    into, out = chain("prerouting", f'iifname "{port}" drop'), chain("postrouting", f'oifname "{port}" drop')
    return rules(lab, "switch", "bridge", f"{into}\n{out}")


def dropped(lab: Lab, host: str, *, to_host: bool) -> AbstractContextManager[None]:
    """One direction of the port is dead: a card that is deaf, or mute. Made at the switch, for taps in the register would see
    frames that a rule there drops."""
    one = (
        chain("postrouting", f'oifname "{PORTS[host]}" drop')
        if to_host
        else chain("prerouting", f'iifname "{PORTS[host]}" drop')
    )
    return rules(lab, "switch", "bridge", one)


def switch_hung(lab: Lab) -> AbstractContextManager[None]:
    return rules(lab, "switch", "bridge", chain("prerouting", "drop") + "\n" + chain("postrouting", "drop"))


@contextlib.contextmanager
def unplugged_and_plugged(lab: Lab, host: str) -> Iterator[None]:
    space, port = lab.space("switch"), PORTS[host]

    def work(ending) -> None:  # type: ignore[no-untyped-def]
        while not ending.is_set():
            ip(space, f"link set {port} down")
            ending.wait(FLAP_DOWN_S)
            ip(space, f"link set {port} up")
            ending.wait(FLAP_UP_S)

    with in_thread(work):
        yield


@contextlib.contextmanager
def devices_off(lab: Lab, *hosts: str) -> Iterator[None]:
    """Switched off: their ports see no carrier."""
    with ports_down(lab, *hosts):
        yield


# --- at the register: done to it, not by it ---


@contextlib.contextmanager
def interface_down(lab: Lab, host: str) -> Iterator[None]:
    ip(lab.space(host), "link set eth0 down")
    try:
        yield
    finally:
        ip(lab.space(host), "link set eth0 up", *lab.addressing(host))


@contextlib.contextmanager
def interface_gone(lab: Lab, host: str) -> Iterator[None]:
    """As if the card were pulled."""
    ip(lab.space(host), f"link set eth0 netns {lab.space('stray')} name gone")
    try:
        yield
    finally:
        ip(lab.space("stray"), f"link set gone netns {lab.space(host)} name eth0")
        ip(lab.space(host), "link set eth0 up", *lab.addressing(host))


@contextlib.contextmanager
def address_lost(lab: Lab, host: str) -> Iterator[None]:
    """The lease ended: the route goes with the address."""
    ip(lab.space(host), f"addr del {lan4(host)}/24 dev eth0")
    try:
        yield
    finally:
        ip(lab.space(host), *lab.addressing(host))


@contextlib.contextmanager
def addresses_of_another_net(lab: Lab, host: str) -> Iterator[None]:
    """Somebody else's DHCP server was faster: another net, whose gateway does not exist."""
    space = lab.space(host)
    ip(
        space,
        f"addr del {lan4(host)}/24 dev eth0",
        f"addr add {OTHER_NET}.23/24 dev eth0",
        f"route add default via {OTHER_NET}.1 dev eth0",
    )
    try:
        yield
    finally:
        ip(space, f"addr del {OTHER_NET}.23/24 dev eth0", *lab.addressing(host))


@contextlib.contextmanager
def gateway_typed_wrongly(lab: Lab, host: str) -> Iterator[None]:
    """An address typed by hand: the net does not hold the gateway."""
    space = lab.space(host)
    onlink = f"route add default via {ROUTER_LAN[V4]} dev eth0 onlink"
    ip(space, f"addr del {lan4(host)}/24 dev eth0", f"addr add {OTHER_NET}.23/24 dev eth0", onlink)
    try:
        yield
    finally:
        ip(space, f"addr del {OTHER_NET}.23/24 dev eth0", *lab.addressing(host))


# --- at the router ---


def router_hung(lab: Lab) -> AbstractContextManager[None]:
    """Neighbours' questions are answered, by the kernel's lowest layer; nothing above."""
    chains = [chain("input", ND, "drop"), chain("output", ND, "drop"), chain("forward", "drop")]
    return rules(lab, "router", "inet", "\n".join(chains))


def stops_forwarding(lab: Lab, *, names: bool) -> AbstractContextManager[None]:
    """Answers itself and passes nothing on; with `names` its own resolver still reaches the internet."""
    chains = [chain("forward", "drop")]
    if not names:
        chains.append(chain("output", 'oifname { "wan", "wan2" } drop'))
    return rules(lab, "router", "inet", "\n".join(chains))


@contextlib.contextmanager
def router_mac_changed(lab: Lab, *, told: bool) -> Iterator[None]:
    """Another box has the router's addresses. `told`: it announces itself, as VRRP and a booting router do. It stays: the heal
    is that everybody has learned it."""
    space = lab.space("router")
    was = int.from_bytes(mac_bytes(lab.router_mac), "big")
    lab.router_mac = ":".join(f"{byte:02x}" for byte in (was + 0x100).to_bytes(6, "big"))
    ip(space, f"link set lan address {lab.router_mac}")
    if told and lab.has(V4):
        announce(space, "lan", lab.router_mac, ROUTER_LAN[V4])
    try:
        yield
    finally:
        addresses = [ROUTER_LAN[family] for family in lab.shape.families] + [ROUTER_LINK_LOCAL] * lab.has(V6)
        for host in (*lab.shape.names, "printer", "display"):
            ip(lab.space(host), *(f"neigh flush to {address} dev eth0" for address in addresses))


def resolver_refuses(lab: Lab) -> AbstractContextManager[None]:
    return rules(lab, "router", "inet", chain("input", 'iifname "lan" udp dport 53 reject with icmpx type port-unreachable'))


@contextlib.contextmanager
def names_fail(lab: Lab, *, mute: bool = False, blocked: bool = False) -> Iterator[None]:
    """The router's resolver is silent, or says SERVFAIL; `blocked`: no question gets out, whomever it is for."""
    if blocked:
        lines = ("udp dport 53 drop", "tcp dport 53 drop")
        out = chain("output", *(f'oifname {{ "wan", "wan2" }} {line}' for line in lines))
        with rules(lab, "router", "inet", chain("forward", *lines) + "\n" + out):
            yield
        return
    for forwarder in lab.services.forwarders:
        forwarder.mute, forwarder.code = mute, NOERROR if mute else SERVFAIL
    try:
        yield
    finally:
        for forwarder in lab.services.forwarders:
            forwarder.mute, forwarder.code = False, NOERROR


@contextlib.contextmanager
def no_more_router6(lab: Lab) -> Iterator[None]:
    """The router's last advertisement says so (lifetime 0, RFC 4861, 6.2.5)."""
    advertiser = lab.services.advertiser
    if advertiser is None:
        raise ValueError("this store has no IPv6")
    usual, advertiser.lifetime_s = advertiser.lifetime_s, 0
    advertiser.say()
    try:
        yield
    finally:
        advertiser.lifetime_s = usual
        advertiser.say()


@contextlib.contextmanager
def on_backup(lab: Lab) -> Iterator[None]:
    """The first line is dead and the router has changed over."""
    with access_silent(lab):
        ip(lab.space("router"), *lab.backup_line())
        try:
            yield
        finally:
            ip(lab.space("router"), *lab.primary_line())


@contextlib.contextmanager
def router_says_unreachable(lab: Lab) -> Iterator[None]:
    """The line is down and the router knows it: no route."""
    with access_silent(lab):
        ip(lab.space("router"), "route del default", "route del default via 2001:db8:f1::1 dev wan")
        try:
            yield
        finally:
            ip(lab.space("router"), *lab.primary_line())


# --- behind it ---


@contextlib.contextmanager
def modem_off(lab: Lab) -> Iterator[None]:
    space = lab.space("modem")
    ip(space, "link set inside down", "link set outside down")
    try:
        yield
    finally:
        ip(space, "link set inside up", "link set outside up")
        # The router's line came back by itself; its routes too, for they were never taken away.


def access_silent(lab: Lab) -> AbstractContextManager[None]:
    """The line behind the modem passes no packet; neighbours still answer, so that the router does not notice."""
    lines = (ND, "ether type { ip, ip6 } drop")
    return rules(lab, "modem", "bridge", chain("forward", *lines))


def upstream(lab: Lab) -> AbstractContextManager[None]:
    return rules(lab, "isp", "inet", chain("forward", "drop"))


def captive(lab: Lab, *, strict: bool) -> AbstractContextManager[None]:
    """HTTP is redirected to a page, names are answered. `strict`: nothing else passes; else only HQ's port does not."""
    caught = chain("prerouting", f'iifname "access" tcp dport 80 redirect to :{CAPTIVE_PORT}', kind="nat", priority=-100)
    allowed = (
        ("udp dport 53 accept", "udp sport 53 accept", "drop")
        if strict
        else (f"tcp dport {HQ_PORT} drop", f"tcp sport {HQ_PORT} drop")
    )
    return rules(lab, "isp", "inet", caught + "\n" + chain("forward", *allowed))


@contextlib.contextmanager
def path_to_hq(lab: Lab, how: str) -> Iterator[None]:
    """`how`: "unreachable" or "blackhole", a route in the internet, for HQ's addresses alone."""
    space = lab.space("internet")
    routes = [f"{HQ[V4]}/32", f"{HQ[V6]}/128"]
    ip(space, *(f"route add {how} {route}" for route in routes))
    try:
        yield
    finally:
        ip(space, *(f"route del {how} {route}" for route in routes))


def hq_down(lab: Lab, how: str) -> AbstractContextManager[None]:
    """HQ's host lives, its server does not: `how` "reset" or "silent"."""
    verb = "reject with tcp reset" if how == "reset" else "drop"
    return rules(lab, "cloud", "inet", chain("input", f"tcp dport {HQ_PORT} {verb}"))


@contextlib.contextmanager
def status(lab: Lab, code: int, *, ahead_s: float = 0.0) -> Iterator[None]:
    """HQ answers with `code`, or, with `ahead_s`, the check's clock is ahead of ours."""
    site = lab.services.check if ahead_s else lab.services.hq
    before = site.status, site.clock_ahead_s
    site.status, site.clock_ahead_s = code, ahead_s
    try:
        yield
    finally:
        site.status, site.clock_ahead_s = before


# --- worse, not dead ---

LOSSY = {
    "lan": ("switch", "bridge", "prerouting", f'iifname "{PORTS["r1"]}"'),
    "router": ("switch", "bridge", "prerouting", f'iifname "{PORTS["router"]}"'),
    "isp": ("modem", "bridge", "prerouting", 'iifname "outside"'),
    "internet": ("internet", "inet", "prerouting", 'iifname "isp"'),
}


def lossy(lab: Lab, layer: str, percent: int) -> AbstractContextManager[None]:
    """One direction loses `percent` of all frames by chance: unscoped, each round trip would lose twice."""
    role, family, hook, scope = LOSSY[layer]
    return rules(lab, role, family, chain(hook, f"{scope} numgen random mod 100 < {percent} drop"))


def slow(lab: Lab, layer: str, chance: random.Random) -> AbstractContextManager[None]:
    """Each frame waits `DELAY_S` and up to `JITTER_S`, in either direction."""
    role, port = ("switch", PORTS["r1"]) if layer == "lan" else ("modem", "outside")
    return delayed(lab.space(role), port, DELAY_S, JITTER_S, chance)
