"""What the kernel says of interfaces, addresses, default routes and neighbours (rtnetlink(7)), and which interface is ours.

Carrier is told from the message itself, so that a short loss is seen. For everything else a message is only a sign that
something changed: what is told comes of a dump, so nothing depends on messages that were missed.
"""

import contextlib
import errno
import os
import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import msgspec

from tillkeeper.network import netlink
from tillkeeper.network.model import Address, AddressesSeen, Fact, Family, LinkSeen, NeighbourSeen, RoutesSeen, Tri
from tillkeeper.network.prober import clock
from tillkeeper.network.prober.log import log
from tillkeeper.network.prober.poller import Poller

NETLINK_ROUTE = 0
BUFFER = 64 * 1024
"""The kernel makes datagrams of a dump no longer than what a reader has room for, up to 32 KiB (rtnetlink's NLMSG_GOODSIZE)."""
LOOK_EVERY_S, LOOK_AGAIN_S = 0.05, 0.03
"""How late a lost carrier is seen that the kernel says nothing of; and how soon it is looked for again where this process is
awake anyway: half of all looks then cost no waking up."""
DUMP_EVERY_S = 0.05
"""At most so often, however much changes."""
PER_TURN = 32
MOST_NEIGHBOURS = 1024
MOST_NAMED = 8
"""Interfaces that are told of where ours is none of them; a machine with containers has dozens."""
_MOST_DATAGRAMS = 4096
_ATTEMPTS = 3
_CARRIER: dict[bytes, Tri] = {b"0\n": "no", b"1\n": "yes"}
T = TypeVar("T")


class Watch:
    """Tells facts about the chosen interface alone.

    Args:
        pinned: the interface of the configuration, or empty for that of the preferred default route.
        chosen: called when another interface (or the same name with another index or MAC) is ours from now on.
        sysfs: where sysfs(5) is mounted; it shows the network namespace of whoever mounted it.
    """

    def __init__(
        self, poller: Poller, tell: Callable[[Fact], None], chosen: Callable[[str, int, str], None], *, pinned: str = "",
        sysfs: Path = Path("/sys"),
    ) -> None:  # fmt: skip
        self._poller, self._tell, self._chosen, self._pinned = poller, tell, chosen, pinned
        self._classes = sysfs / "class/net"
        self._links: dict[int, netlink.Link] = {}
        self._macs: frozenset[str] = frozenset()
        self._addresses: dict[int, tuple[Address, ...]] = {}
        self._routes: tuple[netlink.DefaultRoute, ...] = ()
        self._neighbours: dict[str, str] = {}
        self._ours: tuple[str, int, str] | None = None
        self._told: dict[type[Fact], tuple[object, ...]] = {}
        self._dirty = True
        self._dumped_s = float("-inf")
        self._events = _socket(netlink.GROUPS)
        self._asking = _socket(0)
        self._sequence = 0
        self._overruns = 0
        self._carrier: int | None = None
        """The open file of our interface."""
        self._looked = b""
        poller.add(self._events, self._read)

    @property
    def interface(self) -> str:
        return self._ours[0] if self._ours else self._pinned

    @property
    def index(self) -> int:
        return self._ours[1] if self._ours else 0

    @property
    def addresses(self) -> tuple[Address, ...]:
        return self._addresses.get(self.index, ())

    @property
    def gateways(self) -> dict[Family, str]:
        """Of our interface's default routes; a dead route still names its gateway."""
        best: dict[Family, netlink.DefaultRoute] = {}
        for route in self._routes:
            known = best.get(route.family)
            ours = route.index == self.index and route.gateway
            if ours and (known is None or (route.dead, route.metric) < (known.dead, known.metric)):
                best[route.family] = route
        return {family: best[family].gateway for family in sorted(best)}

    def is_own_mac(self, mac: str) -> bool:
        """Of any interface of this machine."""
        return mac in self._macs

    def mac_of(self, address: str) -> str:
        """As the kernel's neighbour table has it, or an empty text."""
        return self._neighbours.get(address, "")

    def next_at_s(self) -> float:
        return self._dumped_s + DUMP_EVERY_S if self._dirty else float("inf")

    def resync(self, now_s: float) -> None:
        """Dump all and tell what is new, where something changed and the last dump is old enough."""
        if not self._dirty or now_s < self._dumped_s + DUMP_EVERY_S:
            return
        self._dirty, self._dumped_s = False, now_s
        links = {link.index: link for link in self._dump(netlink.dump_links, netlink.Link)}
        addresses: dict[int, list[Address]] = {}
        for found in self._dump(netlink.dump_addresses, netlink.LinkAddress):
            if not found.tentative and not found.duplicate:
                address = Address(family=found.family, address=found.address, prefix=found.prefix)
                addresses.setdefault(found.index, []).append(address)
        self._links = links
        self._macs = frozenset(link.mac for link in links.values())
        self._addresses = {index: tuple(sorted(group, key=_order)) for index, group in addresses.items()}
        self._routes = tuple(self._dump(netlink.dump_routes, netlink.DefaultRoute))
        self._choose(now_s)
        for neighbour in self._dump(netlink.dump_neighbours, netlink.Neighbour):
            self._neighbour(neighbour, now_s)

    def look(self, now_s: float) -> None:
        """Whether our interface has lost its carrier. The kernel may hold its message back for up to a second where other
        interfaces changed just before (net/core/link_watch.c), and makes no other while somebody changes one; the file shows
        the moment, at a tenth of the price of a message (sysfs-class-net: "0", "1", EINVAL while the interface is down)."""
        seen = self._seen()
        if seen == self._looked:
            return
        self._looked = seen
        link = self._links.get(self.index)
        if link is not None and link.admin_up and seen in _CARRIER:
            self._link(msgspec.structs.replace(link, carrier=_CARRIER[seen]), now_s)
        else:
            self._dirty = True

    def close(self) -> None:
        self._open_carrier(None)
        self._poller.remove(self._events)
        self._events.close()
        self._asking.close()

    # --- messages ---

    def _read(self) -> None:
        now_s = clock.boot_s()
        for _ in range(PER_TURN):
            try:
                data, sender = self._events.recvfrom(BUFFER)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    self._overruns += 1
                    log("netlink_overrun", times=self._overruns)
                self._dirty = True
                continue
            if sender[0]:  # not of the kernel
                continue
            for message in netlink.parse(data):
                if isinstance(message, netlink.Neighbour):
                    self._neighbour(message, now_s)
                    continue
                self._dirty = True
                if isinstance(message, netlink.Link) and message.index == self.index and not message.gone:
                    self._link(message, now_s)
        self._poller.rest(self._events, self._read, now_s)

    def _neighbour(self, seen: netlink.Neighbour, now_s: float) -> None:
        if seen.index != self.index or not seen.mac or seen.gone or seen.state in ("FAILED", "INCOMPLETE", "NOARP"):
            return
        if self._neighbours.get(seen.address) != seen.mac:
            if len(self._neighbours) >= MOST_NEIGHBOURS:
                self._neighbours.clear()
            self._neighbours[seen.address] = seen.mac
            self._tell(NeighbourSeen(at_s=now_s, interface=self.interface, address=seen.address, mac=seen.mac))

    # --- what is told ---

    def _choose(self, now_s: float) -> None:
        link = self._best()
        ours = (link.name, link.index, link.mac) if link is not None else (self.interface, 0, "")
        if ours != self._ours:
            self._ours = ours
            self._told.clear()
            self._neighbours.clear()
            log("interface_chosen", interface=ours[0], index=ours[1], mac=ours[2])
            self._open_carrier(link)
            self._chosen(*ours)
        if link is not None:
            self._link(link, now_s)
        else:
            others = tuple(sorted(link.name for link in self._links.values() if not link.loopback))[:MOST_NAMED]
            seen = LinkSeen(at_s=now_s, interface=self.interface, carrier="unknown", admin_up=False, gone=True, others=others)
            self._say(seen)
        self._say(AddressesSeen(at_s=now_s, interface=self.interface, addresses=self.addresses))
        self._say(RoutesSeen(at_s=now_s, interface=self.interface, gateways=self.gateways))

    def _open_carrier(self, link: netlink.Link | None) -> None:
        if self._carrier is not None:
            os.close(self._carrier)
            self._carrier = None
        if link is not None:
            folder = self._classes / link.name
            with contextlib.suppress(OSError):  # no sysfs, or another namespace's: the kernel's messages have to do
                if (folder / "address").read_text("ascii", "replace").strip() == link.mac:
                    self._carrier = os.open(folder / "carrier", os.O_RDONLY | os.O_CLOEXEC)
        self._looked = self._seen()

    def _seen(self) -> bytes:
        if self._carrier is None:
            return b""
        try:
            return os.pread(self._carrier, 2, 0)
        except OSError:  # down or gone: that is in the kernel's messages at once
            return b""

    def _best(self) -> netlink.Link | None:
        links = {index: link for index, link in self._links.items() if not link.loopback}
        if self._pinned:
            return next((link for link in links.values() if link.name == self._pinned), None)
        routes = sorted(
            (route for route in self._routes if route.index in links),
            key=lambda route: (route.dead, route.family, route.metric, route.index),
        )
        if routes:
            return links[routes[0].index]
        before = links.get(self.index)
        if before is not None:  # its route went: it is still the one that we sell over
            return before
        # One that vanished is only replaced by one that has a cable in it.
        free = [link for link in links.values() if link.carrier == "yes" or not self.interface]
        return min(free, key=lambda link: (link.carrier != "yes", not link.admin_up, bool(link.kind), link.index), default=None)

    def _link(self, link: netlink.Link, now_s: float) -> None:
        wireless = (self._classes / link.name / "phy80211").exists()
        self._say(
            LinkSeen(
                at_s=now_s, interface=link.name, carrier=link.carrier, admin_up=link.admin_up, mac=link.mac, wireless=wireless
            )
        )

    def _say(self, fact: LinkSeen | AddressesSeen | RoutesSeen) -> None:
        """Only what is new."""
        values = tuple(getattr(fact, name) for name in fact.__struct_fields__ if name != "at_s")
        if self._told.get(type(fact)) != values:
            self._told[type(fact)] = values
            self._tell(fact)

    def _dump(self, request: Callable[[int], bytes], kind: type[T]) -> Iterable[T]:
        """The kernel makes the answer while it is read: nothing here waits for anybody."""
        found: list[T] = []
        for _ in range(_ATTEMPTS):
            self._sequence += 1
            found, whole = self._answers(request(self._sequence), kind)
            if whole:
                break
        return found

    def _answers(self, request: bytes, kind: type[T]) -> tuple[list[T], bool]:
        found: list[T] = []
        try:
            self._asking.send(request)
            for _ in range(_MOST_DATAGRAMS):
                for message in netlink.parse(self._asking.recv(BUFFER)):
                    if isinstance(message, kind):
                        found.append(message)
                    elif isinstance(message, netlink.Done) and message.sequence == self._sequence:
                        return found, not message.interrupted
                    elif isinstance(message, netlink.Failed) and message.sequence == self._sequence:
                        log("netlink_refused", error=errno.errorcode.get(message.error, str(message.error)))
                        return found, True
        except OSError as error:
            log("netlink_failed", error=errno.errorcode.get(error.errno or 0, "EIO"))
            self._dirty = True
        return found, False


def _socket(groups: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, NETLINK_ROUTE)
    sock.bind((0, groups))
    return sock


def _order(address: Address) -> tuple[str, bool, str]:
    return address.family, address.address.startswith(("169.254.", "fe80:")), address.address
