"""Which MAC an address of the LAN has, as the kernel knows it. No packet is sent, no privilege is needed; takes well below a
millisecond. See `netlink` for the format."""

import itertools
import socket
from collections.abc import Callable

from tillkeeper_drivers.discovery import netlink
from tillkeeper_drivers.discovery.netlink import Neighbour, Own, Row

_DEADLINE_S = 1.0
_MAX_DATAGRAM = 65_536
_MOST_DATAGRAMS = 256
_sequences = itertools.count(1)


def table() -> dict[str, Neighbour]:
    """All neighbours with a MAC that is of use, by address. Empty where the kernel does not answer."""
    rows = _dump(netlink.ask_neighbours)
    found: dict[str, Neighbour] = {}
    for row in rows:
        if isinstance(row, Neighbour) and (row.address not in found or row.confirmed_s < found[row.address].confirmed_s):
            found[row.address] = row
    return found


def mac_of(address: str) -> str:
    """Of a host on the same LAN; empty for one behind a router, on this machine, or not heard of."""
    row = table().get(address.partition("%")[0].removeprefix("::ffff:"))
    return row.mac if row is not None else ""


def own_addresses() -> tuple[Own, ...]:
    """This machine's IPv4 addresses that have a broadcast address."""
    return tuple(row for row in _dump(netlink.ask_addresses) if isinstance(row, Own))


def _dump(ask: Callable[[int], bytes]) -> list[Row]:
    sequence = next(_sequences) & 0xFFFF_FFFF
    rows: list[Row] = []
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE) as kernel:
            kernel.settimeout(_DEADLINE_S)
            kernel.bind((0, 0))
            kernel.sendto(ask(sequence), (0, 0))
            for _ in range(_MOST_DATAGRAMS):
                data, sender = kernel.recvfrom(_MAX_DATAGRAM)
                if sender[0] != 0:
                    continue  # not from the kernel
                found, ended = netlink.parse(data, sequence)
                rows += found
                if ended:
                    break
    except OSError:  # no netlink here (a sandbox), or overrun: nothing is known
        return []
    return rows
