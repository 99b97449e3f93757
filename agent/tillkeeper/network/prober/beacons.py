"""Beacons of this register and of its peers: UDP broadcast (IPv6: all nodes, RFC 4291, 2.7.1) on the chosen interface.

Without a key there are none. What is not ours by its first eight bytes is dropped in the kernel.
"""

import errno
import socket
import struct
from collections.abc import Callable

from tillkeeper.network import beacon, bpf
from tillkeeper.network.model import BeaconSeen, Fact, PeerState
from tillkeeper.network.prober import clock
from tillkeeper.network.prober.log import log
from tillkeeper.network.prober.sockets import Inlet, attach

ALL_NODES = "ff02::1"
_QUIET = frozenset({errno.ENETDOWN, errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENOBUFS, errno.EAGAIN})
"""A link that is down, or has no address yet: the prober says so itself."""


class Beacons:
    """Args:
    mac_of: the MAC of an address as far as it is known; UDP does not carry it.
    """

    def __init__(
        self, tell: Callable[[Fact], None], mac_of: Callable[[str], str], *, key: bytes, port: int, register: str
    ) -> None:
        self._tell, self._mac_of, self._key, self._port = tell, mac_of, key, port
        self._accept = beacon.Acceptor(key, register)
        self._interface = ""
        self._index = 0
        self._inlets: dict[int, Inlet] = {}
        self._troubles: dict[int, str] = {}

    def bind(self, interface: str, index: int) -> None:
        """Send and hear on this interface from now on. Index 0: there is none."""
        self.close()
        self._interface, self._index = interface, index
        if index:
            for family in (socket.AF_INET, socket.AF_INET6):
                self._open(family)

    def send(self, state: PeerState) -> None:
        """Broadcast `state` over the family of its address, over both while it has none. What can not be sent is lost: the next
        one says it again."""
        try:
            data = beacon.seal(state, self._key)
        except ValueError as error:
            self._note(0, str(error))
            return
        of = socket.AF_INET6 if ":" in state.address else socket.AF_INET
        for family, inlet in self._inlets.items():
            if state.address and family != of:
                continue
            where = ("255.255.255.255", self._port) if family == socket.AF_INET else (ALL_NODES, self._port, 0, self._index)
            try:
                inlet.sock.sendto(data, where)
            except OSError as error:
                self._note(family, "" if error.errno in _QUIET else errno.errorcode.get(error.errno or 0, "EIO"))
            else:
                self._note(family, "")

    def drain(self) -> None:
        """Read what came: a tick is soon enough, and nobody wakes this process up with beacons."""
        for inlet in tuple(self._inlets.values()):
            inlet.drain()

    def close(self) -> None:
        for inlet in self._inlets.values():
            inlet.close()
        self._inlets.clear()

    def _open(self, family: socket.AddressFamily) -> None:
        try:
            sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, socket.IPPROTO_UDP)
        except OSError:  # a kernel without IPv6
            return
        try:
            attach(sock, bpf.beacons(self._key))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Any user may bind a socket to a device that is bound to none yet (Linux 5.7).
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, self._interface.encode() + b"\0")
            if family == socket.AF_INET:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                sock.bind(("", self._port))
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
                group = socket.inet_pton(socket.AF_INET6, ALL_NODES) + struct.pack("@I", self._index)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
                sock.bind(("::", self._port))
        except OSError as error:
            sock.close()
            self._note(family, errno.errorcode.get(error.errno or 0, "EIO"))
            return
        self._inlets[family] = Inlet(sock, None, self._received)

    def _received(self, data: bytes, at_s: float, sender: tuple[object, ...], _messages: object) -> None:
        state = self._accept.take(data, clock.boot_s())
        if state is not None:
            mac = self._mac_of(str(sender[0]).partition("%")[0]) or self._mac_of(state.address)
            self._tell(BeaconSeen(at_s=at_s, interface=self._interface, mac=mac, state=state))

    def _note(self, family: int, trouble: str) -> None:
        """Said once, until it is another one."""
        if self._troubles.get(family, "") != trouble:
            self._troubles[family] = trouble
            if trouble:
                log("beacon_not_sent", why=trouble)
