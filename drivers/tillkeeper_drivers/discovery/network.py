"""Printers and displays on the LAN: asks all of them at once (ENPC by broadcast, mDNS by multicast) and listens to the beacons
of Fresh KDS. What the kernel does for a question: nothing is resolved for a broadcast or a multicast, so a search costs no ARP
request of ours; a question to one address may cost three (neigh/default/mcast_solicit), a second apart.
"""

import asyncio
import ipaddress
import socket
import struct
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress

import msgspec

from tillkeeper_drivers.discovery import enpc, fresh, mdns, models, neighbours
from tillkeeper_drivers.discovery.found import Found
from tillkeeper_drivers.discovery.fresh import Screen
from tillkeeper_drivers.discovery.netlink import Neighbour, Own

SEARCH_S = 2.0
_AGAIN_S = 0.6
"""A datagram may be lost: all is asked twice."""
_RAW = 9100
_MOST_HEARD = 512
_MOST_OF_ONE = 8
"""Different answers of one address: one that makes up names must not crowd out the others."""
_MOST_DATAGRAMS = 4096
"""In one search; a flood is not read to its end."""
_MOST_INTERFACES = 8
_MOST_AT_ONCE = 8
_LONGEST_NAME = 80
_MOST_POKES = 16
_POKE_EVERY_S = 0.25
"""Four addresses in a second whose MAC is not known."""
_IP_MULTICAST_TTL = 255  # RFC 6762, 11


class Heard(msgspec.Struct, frozen=True):
    """One host's answer. `mac` where it said so itself. `raw`: it announces, or is known for, raw printing at `port`."""

    address: str
    title: str
    vendor: str
    model: str
    port: int = _RAW
    raw: bool = True
    mac: str = ""


class Search:
    """One search: `await search.run(2.0)`; `heard` fills as answers come.

    Args:
        own: addresses of this machine to ask from; all where not given.
    """

    def __init__(self, own: tuple[Own, ...] | None = None) -> None:
        self.heard: dict[Heard, None] = {}
        self._answers: dict[str, int] = {}
        """How many of `heard` each address has."""
        self._left = _MOST_DATAGRAMS
        self._own = (neighbours.own_addresses() if own is None else own)[:_MOST_INTERFACES]

    async def run(self, longest_s: float = SEARCH_S) -> tuple[Heard, ...]:
        """All answers within `longest_s`. No network, or one that takes nothing, is one where nobody answers."""
        loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            asked = [(stack.enter_context(_asking(own.address)), own) for own in self._own]
            for sock, _ in asked:
                loop.add_reader(sock, self._ready, sock)
                stack.callback(loop.remove_reader, sock)
            for pause_s in (min(_AGAIN_S, longest_s), max(0.0, longest_s - _AGAIN_S)):
                for sock, own in asked:
                    _ask(sock, own)
                await asyncio.sleep(pause_s)
        return tuple(self.heard)

    def _ready(self, sock: socket.socket) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                data, (address, port) = sock.recvfrom(mdns.MAX_ANSWER + 1)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier question
                continue
            self._left -= 1
            if self._left <= 0:
                asyncio.get_running_loop().remove_reader(sock)
                return
            if self._is_near(address):
                self._take(read(data, address, port))

    def _is_near(self, address: str) -> bool:
        """Whether it is on one of this machine's networks: no other host was asked (RFC 6762, 11)."""
        host = ipaddress.IPv4Address(address)
        return any(host in ipaddress.IPv4Network((own.address, own.prefix), strict=False) for own in self._own)

    def _take(self, answers: Iterable[Heard]) -> None:
        for one in answers:
            count = self._answers.get(one.address, 0)
            if one not in self.heard and count < _MOST_OF_ONE and len(self.heard) < _MOST_HEARD:
                self.heard[one] = None
                self._answers[one.address] = count + 1


def read(data: bytes, address: str, port: int) -> Iterator[Heard]:
    """What a datagram from `address`:`port` says of printers. Never raises."""
    if port == enpc.PORT:
        answer = enpc.parse(data)
        if answer is not None:
            model = answer.model[:_LONGEST_NAME]
            maker = "Epson" if model[:3] in ("TM-", "UB-") else ""
            yield Heard(address, model or "ENPC printer", maker, model, mac=answer.mac)
    elif port == mdns.PORT:
        best: mdns.Service | None = None
        for service in mdns.parse(data):
            best = best or service
        if best is not None:
            raw = best.kind.startswith("_pdl")
            title, maker, model = (text[:_LONGEST_NAME] for text in (best.name, best.maker, best.model))
            yield Heard(address, title, maker, model, best.port if raw else _RAW, raw)


def poke(address: str) -> None:
    """Have the kernel find out the MAC of a host on the LAN: one datagram that a printer may answer and others drop."""
    with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
        sock.sendto(enpc.query(enpc.BASIC), (address, enpc.PORT))


async def macs(addresses: Collection[str]) -> dict[str, str]:
    """The MACs of hosts that have answered of late. Those that the kernel does not know are asked for, four in a second."""
    table = await asyncio.to_thread(neighbours.table)
    unknown = [address for address in addresses if address not in table][:_MOST_POKES]
    for address in unknown:
        poke(address)
        await asyncio.sleep(_POKE_EVERY_S)
    if unknown:
        table = await asyncio.to_thread(neighbours.table)
    return {address: table[address].mac for address in addresses if address in table}


def found(heard: Iterable[Heard], mac_of: Mapping[str, str], known: Collection[str] = ()) -> tuple[Found, ...]:
    """One for each device; a device that answered twice is told once, with what is known best.

    Args:
        mac_of: the kernel's word on who has an address, which goes before what the device itself says.
        known: names of profiles.
    """
    heard = tuple(heard)
    said_macs = {one.address: one.mac for one in heard if one.mac}
    best: dict[str, Found] = {}
    for one in heard:
        mac = mac_of.get(one.address, "") or said_macs.get(one.address, "")
        identity = f"mac:{mac}" if mac else f"address:{one.address}:{one.port}"
        before = best.get(identity)
        model = one.model or (before.model if before else "")
        if before is not None and before.model and not one.raw:
            continue
        detail = "" if one.raw or (before is not None and not before.detail) else "it does not announce raw printing"
        best[identity] = Found(
            identity=identity,
            bus="network",
            address=f"{one.address}:{one.port}",
            title=before.title if before is not None and before.model else one.title,
            vendor=one.vendor or (before.vendor if before else ""),
            model=model,
            mac=mac,
            profile=models.profile(model, known),
            detail=detail,
        )
    return tuple(best.values())


def screen_found(screen: Screen, mac: str) -> Found:
    """A Fresh KDS screen."""
    return Found(
        identity=f"mac:{mac}" if mac else f"fresh:{screen.identifier}",
        bus="display",
        address=f"{screen.address}:{fresh.ORDER_PORT}",
        title=f"Fresh KDS {screen.name}".strip(),
        vendor="Fresh",
        model=f"Fresh KDS {screen.version}".strip(),
        serial=screen.identifier,
        mac=mac,
    )


class Beacons:
    """Listens to Fresh KDS screens: `told` gets each beacon. Closed where the port can not be had: `listening` says so."""

    def __init__(self, told: Callable[[Screen], None], port: int = fresh.PORT) -> None:
        self._told = told
        self._loop = asyncio.get_running_loop()
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        # Another program of this machine may listen as well; both hear a broadcast.
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._sock.bind(("", port))
        except OSError:
            self.listening = False
            self._sock.close()
        else:
            self.listening = True
            self._loop.add_reader(self._sock, self._ready)

    def close(self) -> None:
        if self.listening:
            self._loop.remove_reader(self._sock)
            self._sock.close()
            self.listening = False

    def _ready(self) -> None:
        for _ in range(_MOST_AT_ONCE):
            try:
                data, (address, _port) = self._sock.recvfrom(fresh.SIZE + 1)
            except OSError:
                return
            screen = fresh.parse(data)
            if screen is not None:  # what it says of its own address is worth less than where it came from
                self._told(msgspec.structs.replace(screen, address=address))


def _asking(address: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    with suppress(OSError):  # the address went away
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, _IP_MULTICAST_TTL)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, struct.pack("B", 0))
        sock.bind((address, 0))
    return sock


def _ask(sock: socket.socket, own: Own) -> None:
    questions = (
        (enpc.query(enpc.BASIC), (own.broadcast, enpc.PORT)),
        (enpc.query(enpc.INTERFACE), (own.broadcast, enpc.PORT)),
        (mdns.query(), (mdns.GROUP, mdns.PORT)),
    )
    for data, where in questions:
        with suppress(OSError):  # no carrier, no route, or forbidden: nobody answers there
            sock.sendto(data, where)


def addresses_around(address: str, own: Iterable[Own], skip: Mapping[str, Neighbour], most: int = 512) -> Iterator[str]:
    """Addresses of the network that `address` is in, nearest first, at most `most`: to be asked one by one for a device that
    answers no search. Without those whose MAC is known, and none where `address` is in no network of this machine."""
    try:
        centre = ipaddress.IPv4Address(address)
    except ValueError:
        return
    mine = {one.address for one in own}
    for one in own:
        network = ipaddress.IPv4Network((one.address, one.prefix), strict=False)
        if centre not in network or network.prefixlen > 30:
            continue
        ends = (int(network.network_address), int(network.broadcast_address))
        for step in range(1, most // 2 + 1):
            for number in (int(centre) + step, int(centre) - step):
                text = str(ipaddress.IPv4Address(number)) if ends[0] < number < ends[1] else ""
                if text and text not in mine and text not in skip:
                    yield text
        return
