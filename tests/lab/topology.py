"""A store's network and the internet behind it, of real namespaces.

    r1 r2 r3 printer display stray      192.168.1.0/24, 2001:db8:1::/64
       \\  \\ | /  /  /
        switch (a bridge, ports p1.., 192.168.1.2 where it is managed)
           |
        router  192.168.1.1, fe80::1; NAT of both families; names are forwarded
         |    \\ wan2
      modem    isp2 (backup line)
    192.168.100.1  \\
         |          \\
        isp -------- internet: anycast 192.0.2.53 and .99, 2001:db8:53::53 and ::99
                        |
                      cloud: HQ 203.0.113.10, check 203.0.113.20, names 203.0.113.53 (2001:db8:c0::10, ::20, ::53)

`stray` is somebody's laptop: plugged in, without an address until a fault gives it one. All addresses are of the ranges for
documentation (RFC 5737, RFC 3849) or private. A fault is made outside of the register: at its switch port, in the router,
behind it. Each register port has a policer: above 15 ARP frames a second they are dropped, counted, and the port is shut.
"""

import asyncio
import contextlib
import os
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.places import (
    ANYCAST,
    CHECK,
    HOSTS,
    HQ,
    MODEM,
    NAMES,
    PORTS,
    ROLES,
    ROUTER_LAN,
    ROUTER_LINK_LOCAL,
    V4,
    V6,
    lan4,
    lan6,
    mac,
)
from tests.lab.policer import Policer
from tests.lab.servers import Services
from tests.lab.spaces import ETC, PREFIX, LabTrouble, answers, inside, ip, nft, now_s, remove, settings, sweep

READY_S = 30.0


@dataclass(frozen=True)
class Shape:
    """Which store. `managed`: the switch has an address. `modem`: it has one too. `families` of the store's LAN."""

    families: tuple[str, ...] = (V4, V6)
    registers: int = 3
    managed: bool = True
    modem: bool = True

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"r{number + 1}" for number in range(self.registers))


@dataclass
class Lab:
    """A built store: `with Lab(Shape()) as lab`. Namespaces carry the pid and `label`; they are removed at the end, come what
    may. `services` are not served before `serve()`."""

    shape: Shape = field(default_factory=Shape)
    label: str = "a"
    services: Services = field(init=False)
    policer: Policer = field(init=False)
    router_mac: str = field(init=False, default="")
    """The one of the moment, for a fault changes it."""

    def space(self, role: str) -> str:
        return f"{PREFIX}{os.getpid()}{self.label}-{role}"

    def __enter__(self) -> Self:
        sweep()
        remove(self._spaces())
        try:
            self._make()
        except BaseException:  # a cancellation too: nothing may be left behind
            remove(self._spaces())
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        remove(self._spaces())

    def _spaces(self) -> list[str]:
        return [self.space(role) for role in ROLES]

    def has(self, family: str) -> bool:
        return family in self.shape.families

    # --- building ---

    def _make(self) -> None:
        space, self.router_mac = self.space, mac("router")
        ip("", *(f"netns add {name}" for name in self._spaces()))
        for role in ROLES:
            self._settings(role)
        ip("", *self._cables())
        for host in HOSTS:
            ip(space(host), *self._host(host))
        self._switch()
        self._modem()
        for host in ("isp", "isp2"):
            self._isp(host)
        self._internet()
        self._cloud()
        self._router()
        for register in self.shape.names:
            self.write_resolvers(register, self.resolvers())

    def _settings(self, role: str) -> None:
        lan_host = role in ("r1", "r2", "r3", "printer", "display", "stray")
        values = {
            "ipv6/conf/default/accept_dad": 0,
            "ipv6/conf/default/dad_transmits": 0,
            "ipv6/conf/default/autoconf": 0,
            "ipv6/conf/default/accept_ra": int(lan_host),
            "ipv6/conf/default/router_solicitation_delay": 0,
            "ipv6/conf/default/disable_ipv6": int(role in ("switch", "modem") or (lan_host and not self.has(V6))),
        }
        if role in ("router", "isp", "isp2", "internet"):
            values |= {"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "ipv6/conf/default/forwarding": 1}
        settings(self.space(role), values)

    def _cables(self) -> list[str]:
        def cable(left: str, left_port: str, right: str, right_port: str) -> str:
            return f"link add {left_port} netns {self.space(left)} type veth peer name {right_port} netns {self.space(right)}"

        to_switch = [
            cable("switch", PORTS[host], host, "lan" if host == "router" else "eth0") for host in HOSTS
        ]  # fmt: skip
        return [
            *to_switch,
            cable("modem", "inside", "router", "wan"), cable("modem", "outside", "isp", "access"),
            cable("isp2", "access", "router", "wan2"),
            cable("isp", "core", "internet", "isp"), cable("isp2", "core", "internet", "isp2"),
            cable("internet", "cloud", "cloud", "eth0"),
        ]  # fmt: skip

    def _host(self, host: str) -> list[str]:
        interface = "lan" if host == "router" else "eth0"
        lines = ["link set lo up", f"link set {interface} address {mac(host)}", f"link set {interface} up"]
        return lines if host in ("router", "stray") else [*lines, *self.addressing(host)]

    def addressing(self, host: str) -> list[str]:
        """The lines that give a host of the LAN its addresses; the IPv6 route comes of the router's advertisements."""
        lines = []
        if self.has(V4):
            lines += [
                f"addr replace {lan4(host)}/24 broadcast + dev eth0",
                f"route replace default via {ROUTER_LAN[V4]} dev eth0",
            ]
        if self.has(V6):
            lines += [f"addr replace {lan6(host)}/64 dev eth0 nodad"]
        return lines

    def _switch(self) -> None:
        space = self.space("switch")
        lines = [
            "link set lo up",
            "link add br0 type bridge forward_delay 0 stp_state 0",
            f"link set br0 address {mac('switch')}",
        ]
        lines += [f"link set {port} master br0" for port in PORTS.values()]
        off = {"r1", "r2", "r3"} - set(self.shape.names)
        lines += [f"link set {port} up" for host, port in PORTS.items() if host not in off]
        lines += ["link set br0 up"]
        if self.shape.managed and self.has(V4):
            lines += [f"addr add {lan4('switch')}/24 dev br0"]
        ip(space, *lines)
        self.policer = Policer(space, {host: PORTS[host] for host in self.shape.names})
        self.policer.install()

    def _modem(self) -> None:
        # Without an address of its own the bridge takes one of its ports', another one when a port is taken out.
        lines = [
            "link set lo up",
            "link add br0 type bridge forward_delay 0 stp_state 0",
            "link set br0 address 02:00:5e:02:00:01",
        ]
        lines += [line for port in ("inside", "outside") for line in (f"link set {port} master br0", f"link set {port} up")]
        lines += ["link set br0 up"]
        if self.shape.modem:
            lines += [f"addr add {MODEM}/24 dev br0", f"route add default via {MODEM[:-1]}2 dev br0"]
        ip(self.space("modem"), *lines)

    def _router(self) -> None:
        space = self.space("router")
        lines = ["link set wan up", "link set wan2 up", "addr add 100.64.1.2/24 dev wan", "addr add 100.64.2.2/24 dev wan2"]
        lines += ["addr add 2001:db8:f1::2/64 dev wan nodad", "addr add 2001:db8:f2::2/64 dev wan2 nodad"]
        if self.shape.modem:
            lines += [f"addr add {MODEM[:-1]}2/24 dev wan"]
        if self.has(V4):
            lines += [f"addr add {ROUTER_LAN[V4]}/24 dev lan"]
        if self.has(V6):
            lines += [f"addr add {ROUTER_LAN[V6]}/64 dev lan nodad", f"addr add {ROUTER_LINK_LOCAL}/64 dev lan nodad"]
        ip(space, *lines, *self.primary_line())
        nft(
            space,
            """table inet nat {
                 chain out {
                   type nat hook postrouting priority srcnat;
                   oifname { "wan", "wan2" } masquerade
                 }
               }
               table inet count {
                 counter hq { }
                 counter rest { }
                 chain through {
                   type filter hook forward priority -150;
                   tcp dport 8080 counter name hq accept
                   tcp sport 8080 counter name hq accept
                   iifname "lan" counter name rest
                   oifname "lan" counter name rest
                 }
               }""",
        )

    def primary_line(self) -> list[str]:
        return ["route replace default via 100.64.1.1 dev wan", "route replace default via 2001:db8:f1::1 dev wan"]

    def backup_line(self) -> list[str]:
        return ["route replace default via 100.64.2.1 dev wan2", "route replace default via 2001:db8:f2::1 dev wan2"]

    def _isp(self, role: str) -> None:
        number = 2 if role == "isp2" else 1
        near, far = (5, 6) if role == "isp2" else (1, 2)
        ip(
            self.space(role),
            "link set lo up", "link set access up", "link set core up",
            f"addr add 100.64.{number}.1/24 dev access", f"addr add 198.51.100.{near}/30 dev core",
            f"addr add 2001:db8:f{number}::1/64 dev access nodad", f"addr add 2001:db8:e{number}::1/64 dev core nodad",
            f"route add default via 198.51.100.{far} dev core", f"route add default via 2001:db8:e{number}::2 dev core",
        )  # fmt: skip

    def _internet(self) -> None:
        ip(
            self.space("internet"),
            "link set lo up", "link set isp up", "link set isp2 up", "link set cloud up",
            *(f"addr add {address}/32 dev lo" for address in ANYCAST[V4]),
            *(f"addr add {address}/128 dev lo nodad" for address in ANYCAST[V6]),
            "addr add 198.51.100.2/30 dev isp", "addr add 198.51.100.6/30 dev isp2", "addr add 203.0.113.1/24 dev cloud",
            "addr add 2001:db8:e1::2/64 dev isp nodad", "addr add 2001:db8:e2::2/64 dev isp2 nodad",
            "addr add 2001:db8:c0::1/64 dev cloud nodad",
            "route add 100.64.1.0/24 via 198.51.100.1", "route add 100.64.2.0/24 via 198.51.100.5",
            "route add 2001:db8:f1::/64 via 2001:db8:e1::1", "route add 2001:db8:f2::/64 via 2001:db8:e2::1",
        )  # fmt: skip

    def _cloud(self) -> None:
        both = [table[family] for table in (HQ, CHECK, NAMES) for family in (V4, V6)]
        ip(
            self.space("cloud"),
            "link set lo up",
            "link set eth0 up",
            *(
                f"addr add {address}/64 dev eth0 nodad" if ":" in address else f"addr add {address}/24 dev eth0"
                for address in both
            ),
            "route add default via 203.0.113.1",
            "route add default via 2001:db8:c0::1",
        )

    # --- while it runs ---

    def resolvers(self) -> list[str]:
        return [ROUTER_LAN[family] for family in self.shape.families]

    def write_resolvers(self, register: str, addresses: list[str]) -> None:
        """Into the register's own resolv.conf; written in place, for it is bound into running processes' /etc."""
        folder = ETC / self.space(register)
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "resolv.conf").open("w") as file:
            file.write("".join(f"nameserver {address}\n" for address in addresses))

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[Self]:
        """The servers run, the policer looks and the LAN forwards. Raises `LabTrouble` where it does not within `READY_S`."""
        self.services = Services(self)
        async with self.services, self.policer:
            await asyncio.gather(*(asyncio.to_thread(self._wait_for, register) for register in self.shape.names))
            yield self

    def _wait_for(self, register: str) -> None:
        """The kernel tells a bridge of its ports' carrier up to a second late."""
        till_s = now_s() + READY_S
        wanted = [HQ[family] for family in self.shape.families]
        while wanted:
            wanted = [address for address in wanted if not answers(self.space(register), address, wait_s=0.1)]
            if wanted and now_s() > till_s:
                raise LabTrouble(f"{register} does not reach {wanted} of its own lab")

    def socket(self, role: str, family: int, kind: int, protocol: int = 0) -> socket.socket:
        """A non-blocking socket that lives in the namespace of `role`."""
        with inside(self.space(role)):
            return socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)


def key_text() -> str:
    """A fresh beacon key, as its file has it."""
    return secrets.token_hex(32) + "\n"


def put(file: Path, text: str, mode: int = 0o640) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    file.chmod(mode)
    return file
