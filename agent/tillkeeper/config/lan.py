"""Where tablets and other registers' pages reach this register: [lan]. Nothing listens that it does not name."""

import ipaddress
import re
from typing import Annotated

from msgspec import Meta

from tillkeeper.config.raw import Report, Table, table, text, texts
from tillkeeper.config.section import Section

_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")
_ALL_DIGITS = re.compile(r"[0-9.]+")
MAX_NAMES = 20


class Lan(Section, frozen=True):
    """`listen`: "192.168.1.11:8443" ("[fd00::11]:8443"; "0.0.0.0:8443": on all private addresses); empty: nowhere. `names`: DNS
    names of the store's registers, the same list at each, for pages that are called by one. `insecure_http`: without TLS, and
    all that follows from that (docs/access.md)."""

    listen: str = ""
    names: Annotated[tuple[str, ...], Meta(max_length=MAX_NAMES)] = ()
    insecure_http: bool = False


def place(listen: str) -> tuple[str, int]:
    """(address, port) of what `listen` says. Raises ValueError, in words, where it is not "address:port" or no private
    address."""
    host, _, port = listen.rpartition(":")
    if not host or not port.isascii() or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise ValueError(f'{listen!r} is not "address:port", as 192.168.1.11:8443')
    if (":" in host) != (host.startswith("[") and host.endswith("]")):
        raise ValueError(f"{listen!r}: write an IPv6 address in brackets")
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise ValueError(f"{host!r} is no address of this machine, as 192.168.1.11 or 0.0.0.0") from None
    if address.is_loopback:
        raise ValueError(f"{host} is loopback: that is `listen` of [api]")
    if not address.is_unspecified and not is_private(str(address)):
        raise ValueError(f"{host} is no private address: this register does not belong on the internet")
    return str(address), int(port)


PRIVATE = tuple(
    ipaddress.ip_network(net)
    for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7", "fe80::/10")
)
"""RFC 1918, 3927, 4193, 4291: what the store's web authority can speak for."""


def is_private(address: str) -> bool:
    """Whether it lies in `PRIVATE`."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in net for net in PRIVATE if net.version == found.version)


def check(document: Table, report: Report) -> None:
    """Report an address that is none, or not private, and names that are none."""
    lan = table(document, "lan")
    listen = text(lan, "listen")
    if listen:
        try:
            place(listen)
        except ValueError as error:
            report(("lan", "listen"), str(error))
    for index, name in texts(lan, "names"):
        if not _NAME.fullmatch(name) or _ALL_DIGITS.fullmatch(name) or len(name) > 253 or name == "localhost":
            report(("lan", "names", index), f"{name!r} is no DNS name (small letters, digits, dashes)", name.lower())
        elif "." not in name:  # a constraint to "com" is one to all names below it (RFC 5280, 4.2.1.10)
            cause = f"{name!r} has one part: the store's certificate would speak for all names in .{name}"
            report(("lan", "names", index), cause, f"{name}.lan")
