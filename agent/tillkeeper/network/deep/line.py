"""The sockets of a deep diagnosis: one that listens to frames, raw ones for IP and ICMP. Needs CAP_NET_RAW.

Frames are sent on the interface that was named; IP packets are routed by the kernel, so that a VPN is followed as well.
"""

import array
import contextlib
import fcntl
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator

from tillkeeper.network import bpf
from tillkeeper.network.deep import dissect, packets
from tillkeeper.network.deep.values import Heard

ETH_P_ALL = 3
ARPHRD_ETHER = 1
SO_ATTACH_FILTER, SO_TIMESTAMPNS = 26, 35
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_MULTICAST = 263, 1, 0
"""linux/if_packet.h."""
SIOCGIFMTU = 0x8921
SOL_RAW, ICMP_FILTER, ICMP6_FILTER = 255, 1, 1
"""linux/icmp.h, linux/icmpv6.h: a bit for each type that is not wanted."""
IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_PROBE = 10, 23, 3
"""linux/in.h: set DF and do not mind what is known of the path."""
LLDP_GROUP, CDP_GROUP = bytes.fromhex("0180c200000e"), bytes.fromhex("01000ccccccc")
READ_BYTES = 2048
READS = 64
"""At a time, of each socket."""
DISSECTED_PER_S = {"arp": 200, "nd": 100, "dhcp": 50, "switch": 20, "icmp": 300, "icmp6": 300}
"""scapy takes up to half a millisecond for an honest one, ten times that for a hostile one: a flood may not take the CPU."""


class Line:
    """Implements `check.Line`, and hears.

    Raises:
        OSError: no permission (EPERM), or no such interface (ENODEV).
    """

    def __init__(self, interface: str, arp_per_s: float, wanted: frozenset[bytes], clock: Callable[[], float]) -> None:
        """`wanted`: packed addresses whose ARP is of interest; all other is left alone."""
        self._clock, self._every_s, self._wanted = clock, 1.0 / arp_per_s, wanted
        self._next_ask_s = 0.0
        self._second = 0
        self._dissected: Counter[str] = Counter()
        self.left_out = 0
        with contextlib.ExitStack() as stack:
            self._frames = stack.enter_context(listening(interface, bpf.packed(bpf.diagnosis())))
            _, _, _, kind, address = self._frames.getsockname()
            self.mac = address.hex(":") if kind == ARPHRD_ETHER else ""
            if self.mac:
                for group in (LLDP_GROUP, CDP_GROUP):
                    member = struct.pack("=iHH8s", socket.if_nametoindex(interface), PACKET_MR_MULTICAST, 6, group)
                    self._frames.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, member)
            self.mtu = _mtu(self._frames, interface)
            self._icmp = stack.enter_context(_raw(socket.AF_INET, socket.IPPROTO_ICMP))
            self._icmp.setsockopt(SOL_RAW, ICMP_FILTER, struct.pack("=I", 0xFFFF_FFFF & ~(1 << 0 | 1 << 3 | 1 << 11)))
            self._out = stack.enter_context(_raw(socket.AF_INET, socket.IPPROTO_RAW))
            self._out.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, PMTUDISC_PROBE)
            self._icmp6: socket.socket | None = None
            self._out6: socket.socket | None = None
            # A kernel without IPv6 has no such family.
            with contextlib.suppress(OSError):
                self._icmp6 = stack.enter_context(_raw(socket.AF_INET6, socket.IPPROTO_ICMPV6))
                blocked = [0xFFFF_FFFF] * 8
                for kind6 in (1, 2, 3, 129):
                    blocked[kind6 // 32] &= ~(1 << kind6 % 32)
                self._icmp6.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("=8I", *blocked))
                self._out6 = stack.enter_context(_raw(socket.AF_INET6, socket.IPPROTO_RAW))
                self._out6.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE)
            for each in self.readers():
                each.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._stack = stack.pop_all()

    def close(self) -> None:
        self._stack.close()

    def readers(self) -> list[socket.socket]:
        return [each for each in (self._frames, self._icmp, self._icmp6) if each is not None]

    def ask(self, address: str, sender: str) -> bool:
        now_s = self._clock()
        if now_s < self._next_ask_s:
            return False
        self._next_ask_s = now_s + self._every_s
        self._frames.send(packets.ask(self.mac, sender, address))
        return True

    def discover(self, transaction: int) -> None:
        self._frames.send(packets.discover(self.mac, transaction))

    def packet(self, packet: bytes, target: str) -> float:
        at_s = self._clock()
        if ":" not in target:
            self._out.sendto(packet, (target, 0))
        elif self._out6 is not None:
            self._out6.sendto(packet, (target, 0))
        else:
            raise OSError("this kernel has no IPv6")
        return at_s

    def hear(self) -> Iterator[tuple[Heard, float]]:
        """All that came and could be read, and when it came, without waiting."""
        second = int(self._clock())
        if second != self._second:
            self._second, self._dissected = second, Counter()
        for data, _, at_s in self._waiting(self._frames):
            if self._may(_kind(data, self._wanted)) and (heard := dissect.frame(data)):
                yield heard, at_s
        for data, _, at_s in self._waiting(self._icmp):
            if self._may("icmp") and (error := dissect.icmp(data)):
                yield error, at_s
        if self._icmp6 is not None:
            for data, sender, at_s in self._waiting(self._icmp6):
                if self._may("icmp6") and (error := dissect.icmp6(data, sender.partition("%")[0])):
                    yield error, at_s

    def _waiting(self, source: socket.socket) -> Iterator[tuple[bytes, str, float]]:
        """What waits there: data, sender, and when it came by this run's clock."""
        behind_s = self._clock() - time.time()
        for _ in range(READS):
            try:
                data, ancillary, _, sender = source.recvmsg(READ_BYTES, socket.CMSG_SPACE(16))
            except OSError:  # nothing more (EAGAIN), or the interface went down (ENETDOWN): told once, then it is silent
                return
            stamps = [struct.unpack("=qq", each) for _, kind, each in ancillary if kind == SO_TIMESTAMPNS and len(each) == 16]
            at_s = stamps[0][0] + stamps[0][1] / 1e9 + behind_s if stamps else self._clock()
            yield data, str(sender[0]), at_s

    def _may(self, kind: str) -> bool:
        if not kind:
            return False
        self._dissected[kind] += 1
        allowed = self._dissected[kind] <= DISSECTED_PER_S[kind]
        self.left_out += not allowed
        return allowed


def listening(interface: str, program: bytes = b"") -> socket.socket:
    """A socket that hears every frame of the interface, or those that the socket filter takes. Raises OSError."""
    # Bound to nothing first: a frame from before the filter would slip in.
    listener = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    try:
        if program:
            held = array.array("B", program)
            length, address = len(program) // 8, held.buffer_info()[0]
            listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", length, address))
        listener.bind((interface, ETH_P_ALL))
    except OSError:
        listener.close()
        raise
    return listener


def _raw(family: socket.AddressFamily, protocol: int) -> socket.socket:
    return socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)


def _mtu(any_socket: socket.socket, interface: str) -> int:
    request = struct.pack("16si12x", interface.encode(), 0)
    return int(struct.unpack("16si12x", fcntl.ioctl(any_socket, SIOCGIFMTU, request))[1])


def _kind(frame: bytes, wanted: frozenset[bytes]) -> str:
    """What a frame is, cheaply; "" for ARP about others."""
    kind = frame[12:14]
    if kind == b"\x08\x06":
        return "arp" if frame[28:32] in wanted else ""
    if kind == b"\x86\xdd":
        return "nd" if frame[62:78] in wanted else ""
    return "dhcp" if kind == b"\x08\x00" else "switch"
