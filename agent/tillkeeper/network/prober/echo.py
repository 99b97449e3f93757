"""Echo requests and answers of ICMP (RFC 792) and ICMPv6 (RFC 4443) over raw sockets, one for each family.

The identifier of a target's requests changes after one of them was missed: firewalls pin sessions to it. Answers are believed
when identifier, sequence and the token in the payload are those of an open question.
"""

import errno
import os
import socket
import struct
from collections.abc import Callable

from tillkeeper.network import bpf, icmp
from tillkeeper.network.model import Answer, Fact, Family, NotSent, Probe, Replied
from tillkeeper.network.prober.pending import Asked, Pending
from tillkeeper.network.prober.sockets import Ancillary, Inlet, attach

IDENTIFIERS = 8
TOKEN_BYTES = 4
"""Each is paid for at every target behind the router, twice. An answer has to have identifier and sequence besides."""
_STRIDE = 7919
_INT = struct.Struct("@i")
_KINDS: dict[str, Answer] = {"port_unreachable": "refused", "protocol_unreachable": "refused", "time_exceeded": "reply"}
Key = tuple[str, int, int]


class Echo:
    """The echo questions of one family. One whose socket can not be had is never made (`open_echo`).

    Args:
        tell: takes what came back.
        own: whether an address is one of this machine's own: the kernel reports its own failed ARP as a host unreachable.
    """

    def __init__(self, family: Family, sock: socket.socket, tell: Callable[[Fact], None], own: Callable[[str], bool]) -> None:
        self._family = family
        self._tell = tell
        self._own = own
        first = int.from_bytes(os.urandom(2), "big")
        self._identifiers = tuple((first + turn * _STRIDE) & 0xFFFF for turn in range(IDENTIFIERS))
        self._turn: dict[str, int] = {}
        self._last: dict[str, tuple[Key, float]] = {}
        self._token = os.urandom(TOKEN_BYTES)
        self._sequence = int.from_bytes(os.urandom(2), "big")
        self._pending: Pending[Key] = Pending()
        attach(sock, (bpf.icmp if family == "ipv4" else bpf.icmp6)(self._identifiers))
        if family == "ipv6":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
        self._sock = sock
        self._inlet = Inlet(sock, None, self._received)

    def ask(self, probe: Probe, address: str, scope: int, sent_s: float) -> None:
        """Send `probe` to `address`; `scope`: the interface's index, for link-local addresses of IPv6."""
        identifier = self._identifier(address, sent_s)
        self._sequence = (self._sequence + 1) & 0xFFFF
        key = (address, identifier, self._sequence)
        if not self._pending.room or key in self._pending:
            self._tell(NotSent(number=probe.number, at_s=sent_s, error="EAGAIN"))
            return
        ancillary: list[tuple[int, int, bytes]] = []
        if self._family == "ipv4":
            message = icmp.echo_request(identifier, self._sequence, self._token)
            where: tuple[str, int] | tuple[str, int, int, int] = (address, 0)
            if probe.ttl:
                ancillary = [(socket.IPPROTO_IP, socket.IP_TTL, _INT.pack(probe.ttl))]
        else:
            message = icmp.echo_request6(identifier, self._sequence, self._token)
            where = (address, 0, 0, scope if address.startswith("fe80:") else 0)
            if probe.ttl:
                ancillary = [(socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, _INT.pack(probe.ttl))]
        try:
            if ancillary:
                self._sock.sendmsg([message], ancillary, 0, where)
            else:
                self._sock.sendto(message, where)
        except OSError as error:
            name = errno.errorcode.get(error.errno or 0, "EIO")
            self._tell(NotSent(number=probe.number, at_s=sent_s, error=name))
            return
        self._pending.ask(key, probe, sent_s)
        self._last[address] = (key, sent_s + probe.timeout_ms / 1000)

    def drain(self) -> None:
        """Read what came. The kernel has put the time on it: that it waits for the engine's next step changes no round trip,
        and saves waking up for each answer."""
        self._inlet.drain()

    def sweep(self, now_s: float) -> None:
        self._pending.sweep(now_s)
        if len(self._last) > 256:  # targets come and go
            self._last = {address: last for address, last in self._last.items() if last[0] in self._pending}

    def close(self) -> None:
        self._inlet.close()

    def _identifier(self, address: str, now_s: float) -> int:
        last = self._last.get(address)
        if last is not None and last[1] <= now_s and last[0] in self._pending:
            self._turn[address] = (self._turn.get(address, 0) + 1) % IDENTIFIERS
            if len(self._turn) > 256:
                self._turn.clear()
        return self._identifiers[self._turn.get(address, 0)]

    def _received(self, data: bytes, at_s: float, sender: tuple[object, ...], messages: Ancillary) -> None:
        if self._family == "ipv4":
            seen = icmp.parse(data)
        else:
            limits = [_INT.unpack(part)[0] for _, kind, part in messages if kind == socket.IPV6_HOPLIMIT and len(part) == 4]
            seen = icmp.parse6(data, str(sender[0]).partition("%")[0], limits[0] if limits else 0)
        if isinstance(seen, icmp.EchoReply):
            if seen.payload == self._token:
                self._answer((seen.source, seen.identifier, seen.sequence), at_s, "reply", seen.source)
        elif seen is not None and seen.quoted.protocol == "icmp" and not self._own(seen.source):
            quoted = seen.quoted
            self._answer(
                (quoted.destination, quoted.identifier, quoted.sequence), at_s, _KINDS.get(seen.kind, "unreachable"),
                seen.source, seen.kind,
            )  # fmt: skip

    def _answer(self, key: Key, at_s: float, answer: Answer, source: str, detail: str = "") -> None:
        asked = self._pending.peek(key)
        if asked is None or (detail == "time_exceeded" and asked.probe.way != "hop"):
            return  # an echo whose TTL ran out is a routing loop: it was not answered
        self._pending.answered(key)
        self._tell(replied(asked, at_s, answer, address=source, detail=detail))


def replied(asked: Asked, at_s: float, answer: Answer, *, mac: str = "", address: str = "", detail: str = "") -> Replied:
    """The fact, with its round trip. Where the kernel's stamp lies before our own of sending, the round trip is 0."""
    rtt_ms = max(0.0, (at_s - asked.sent_s) * 1000)
    return Replied(number=asked.number, at_s=at_s, rtt_ms=rtt_ms, answer=answer, mac=mac, address=address, detail=detail)


def open_raw(family: Family) -> socket.socket:
    """A raw socket for ICMP or ICMPv6 (raw(7)).

    Raises:
        PermissionError: without CAP_NET_RAW.
        OSError: the kernel has no such family.
    """
    if family == "ipv4":
        return socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
    return socket.socket(socket.AF_INET6, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMPV6)
