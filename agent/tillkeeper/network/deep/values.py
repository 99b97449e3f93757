"""What was heard, in plain values: everything untyped of scapy ends in `dissect`. Pure."""

from dataclasses import dataclass
from typing import Literal

MAX_TEXT = 80


def clean(value: object, limit: int = MAX_TEXT) -> str:
    """A text from the wire as it may be shown: one line, printable, at most `limit` characters. Bytes are taken as UTF-8."""
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    shown = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(shown.split())[:limit]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Somebody says by ARP or neighbour advertisement that `address` is at `mac`. `gratuitous`: nobody had asked."""

    address: str
    mac: str
    gratuitous: bool


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A DHCPOFFER (RFC 2131, 3.1). `server`: option 54, else the sender's address; `mac`: who sent the frame."""

    transaction: int
    mac: str
    server: str
    address: str
    routers: tuple[str, ...]
    resolvers: tuple[str, ...]
    lease_s: int | None
    relay: str


@dataclass(frozen=True, kw_only=True)
class SwitchPort:
    """What the device at the other end of the cable says of itself. `vlan`: of untagged frames (802.1Q port VLAN id)."""

    protocol: Literal["LLDP", "CDP"]
    mac: str
    switch: str
    description: str
    port: str
    port_description: str
    vlan: int | None
    management: str


ErrorKind = Literal["time_exceeded", "port_unreachable", "unreachable", "prohibited", "too_big"]


@dataclass(frozen=True, kw_only=True)
class IcmpHeard:
    """An echo reply, or an ICMP error about an echo request or UDP datagram that went to `destination`. `mtu`: what a "too big"
    says fits (RFC 1191, 4; RFC 4443, 3.2). An echo's `identifier` and `sequence`, a datagram's source and destination port."""

    source: str
    kind: Literal["echo_reply"] | ErrorKind
    destination: str
    protocol: Literal["icmp", "udp"]
    identifier: int
    sequence: int
    mtu: int | None = None


Heard = Claim | Offer | SwitchPort | IcmpHeard
