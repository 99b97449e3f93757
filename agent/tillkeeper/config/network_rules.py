"""What must hold in [network]: addresses are addresses, cables lead to registers, the beacon key is one."""

import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

from tillkeeper.config import secret_rules
from tillkeeper.config.raw import Report, Table, table, tables, text, texts
from tillkeeper.plain_file import open_plain

KEY_DIGITS = 64
"""Of the beacon key, in hexadecimal: 256 bits."""

_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_INTERFACE = re.compile(r"[^\s/:]{1,15}")
"""IFNAMSIZ of linux/if.h is 16 with the NUL; dev_valid_name() refuses the rest."""


def check(document: Table, report: Report) -> None:
    """Report each rule that [network] breaks."""
    network = table(document, "network")
    for key in ("anycast", "other_resolvers"):
        for at, address in texts(network, key):
            if not is_address(address):
                report(("network", key, at), f"{address!r} is not an IP address")
    if network.get("families") == []:
        report(("network", "families"), "at least one of ipv4 and ipv6 is needed")
    interface, mac = text(network, "interface"), text(network, "gateway_mac")
    if interface and not _INTERFACE.fullmatch(interface):
        report(("network", "interface"), f"{interface!r} can be no interface (`ip link` lists them)")
    if mac and not _MAC.fullmatch(mac):
        right = [low] if _MAC.fullmatch(low := mac.lower().replace("-", ":")) else []
        report(("network", "gateway_mac"), f"{mac!r} is not a MAC like 02:00:5e:10:00:01", low, right)
    portal = text(network, "portal_url")
    if portal and not _is_plain_http(portal):
        report(("network", "portal_url"), f"{portal!r} is not an http:// address: a portal can not redirect https")
    if "socket" in network and not text(network, "socket"):
        report(("network", "socket"), "it needs a name; `watch = false` switches the prober off")
    _links(document, report)
    if why := secret_rules.name_problem(text(network, "key_file")):
        report(("network", "key_file"), why)


def is_address(address: str) -> bool:
    """IPv4 or IPv6, without a zone."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return False
    return "%" not in address


def _links(document: Table, report: Report) -> None:
    registers = table(document, "registers")
    links = table(document, "network", "links")
    cables = table(links, "cables")
    for register in cables:
        if register not in registers:
            report(("network", "links", "cables", register), f"no register {register!r}", register, registers)
    for path, found in (("network", "links"), links), (("network", "links", "cables"), cables):
        for name, link in tables(found):
            address = text(link, "address")
            if address and not is_address(address):
                report((*path, name, "address"), f"{address!r} is not an IP address")


def _is_plain_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # a bracket that is not closed, a port that is none
        return False
    return parts.scheme == "http" and bool(parts.hostname) and port != 0 and not re.search(r"[\s\x00-\x1f]", url)


def no_key(path: Path) -> str:
    """Why this is no beacon key, or empty. It may be closed to the agent, which has no use for it: then the prober judges."""
    try:
        with open_plain(path) as file:
            line = file.readline(4096).strip()
    except PermissionError:
        return ""
    except OSError as error:
        return f"can not be read: {error.strerror}"
    is_key = re.fullmatch(rb"[0-9a-fA-F]{%d}" % KEY_DIGITS, line)
    return "" if is_key else f"does not begin with {KEY_DIGITS} hexadecimal digits"
