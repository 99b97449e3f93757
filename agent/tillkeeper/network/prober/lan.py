"""ARP (RFC 826) and neighbour discovery (RFC 4861) on the chosen interface, over packet sockets with BPF (packet(7)).

Three sockets: answers from addresses that are asked, what others claim (a small buffer, told at a bounded rate), and ND. So a
flood of claims can not push answers out of a buffer.
"""

import errno
import socket
from collections.abc import Callable

from tillkeeper.network import bpf, frames, nd
from tillkeeper.network.addresses import ZERO_IPV4
from tillkeeper.network.model import ArpSeen, Fact, NotSent, Probe
from tillkeeper.network.prober.echo import replied
from tillkeeper.network.prober.pending import Pending
from tillkeeper.network.prober.poller import Poller
from tillkeeper.network.prober.sockets import Inlet, attach

ETH_P_ARP = 0x0806
ETH_P_IPV6 = 0x86DD
CLAIMS_PER_S = 40
"""Told of addresses that are asked; of all others a quarter of that."""
MOST_ASKED = 60
"""Addresses in the filter of answers; more, and it lets all through."""
ASKED_S = 60.0
_CLAIMS_BUFFER = 32 * 1024


class Lan:
    """Asks neighbours for their MAC. `bind` before anything else; without an interface every question is answered ENODEV.

    Args:
        own: the own address that suits a target best, or an empty text.
        own_mac: whether a MAC is of this machine. Linux answers ARP for an address on all of its interfaces (arp_ignore 0,
            ip-sysctl): with two of them on one switch it would look like somebody else.
    """

    def __init__(
        self, poller: Poller, tell: Callable[[Fact], None], own: Callable[[str], str], own_mac: Callable[[str], bool]
    ) -> None:
        self._poller = poller
        self._tell = tell
        self._own = own
        self._own_mac = own_mac
        self._interface = ""
        self._mac = ""
        self._inlets: list[Inlet] = []
        self._claims: Inlet | None = None
        self._answers: socket.socket | None = None
        self._pending: Pending[tuple[str, bool]] = Pending()
        self._asked: dict[str, float] = {}
        self._watched: frozenset[str] = frozenset()
        self._filtered: frozenset[str] = frozenset()
        self._claims_left = [0, 0]

    def bind(self, interface: str, index: int, mac: str) -> None:
        """Work on this interface from now on. Index 0: there is none.

        Raises:
            PermissionError: without CAP_NET_RAW.
        """
        self.close()
        self._interface, self._mac = interface, mac
        self._filtered = frozenset()
        if not index or not mac:
            return
        try:
            self._answers = self._open(interface, ETH_P_ARP, self._arp_answer, bpf.arp((ZERO_IPV4,)))
            self._narrow()
            claims = self._open(interface, ETH_P_ARP, self._arp_claim, bpf.arp(), waited_for=False)
            claims.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _CLAIMS_BUFFER)
            self._open(interface, ETH_P_IPV6, self._nd, bpf.nd())
        except PermissionError:
            self.close()
            raise
        except OSError:  # it went while we were at it: the next message of the kernel says so
            self.close()

    def watch(self, addresses: frozenset[str]) -> None:
        """Always listen for what is claimed of these: own addresses and the gateway."""
        self._watched = addresses
        self._narrow()

    def ask(self, probe: Probe, address: str, sent_s: float) -> None:
        """Send an ARP request or a neighbour solicitation, as `probe.way` says."""
        is_arp = probe.way == "arp"
        sender = probe.sender or self._own(address) or (ZERO_IPV4 if is_arp else "::")
        if self._answers is None:
            self._refuse(probe, sent_s, "ENODEV")
            return
        if not self._pending.room:
            self._refuse(probe, sent_s, "EAGAIN")
            return
        if is_arp:
            self._listen_for(address, sent_s)
            frame = frames.arp_request(self._mac, sender, address, probe.mac)
        else:
            frame = nd.solicitation(self._mac, sender, address, probe.mac)
        try:
            self._answers.send(frame)
        except OSError as error:
            self._refuse(probe, sent_s, errno.errorcode.get(error.errno or 0, "EIO"))
            return
        self._pending.ask((address, is_arp), probe, sent_s)

    def drain(self) -> None:
        """Read what others claim of addresses that nobody asks for: not worth waking up for."""
        if self._claims is not None:
            self._claims.drain()

    def sweep(self, now_s: float) -> None:
        """Once a second."""
        self._pending.sweep(now_s)
        self._claims_left = [CLAIMS_PER_S, CLAIMS_PER_S // 4]
        self._asked = {address: at_s for address, at_s in self._asked.items() if now_s - at_s < ASKED_S}
        self._narrow()

    def close(self) -> None:
        for inlet in self._inlets:
            inlet.close()
        self._inlets.clear()
        self._answers = self._claims = None

    def _open(
        self, interface: str, protocol: int, received: "_Received", program: bpf.Program, *, waited_for: bool = True
    ) -> socket.socket:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)  # hears nothing before bind()
        try:
            attach(sock, program)
            sock.bind((interface, protocol))
        except OSError:
            sock.close()
            raise
        inlet = Inlet(sock, self._poller if waited_for else None, received)
        self._inlets.append(inlet)
        if not waited_for:
            self._claims = inlet
        return sock

    def _refuse(self, probe: Probe, at_s: float, error: str) -> None:
        self._tell(NotSent(number=probe.number, at_s=at_s, error=error))

    def _listen_for(self, address: str, now_s: float) -> None:
        known = address in self._asked
        self._asked[address] = now_s
        if not known:
            self._narrow()

    def _narrow(self) -> None:
        wanted = self._watched | frozenset(self._asked)
        wanted = wanted if len(wanted) <= MOST_ASKED else frozenset()
        if self._answers is not None and wanted and wanted != self._filtered:
            attach(self._answers, bpf.arp(tuple(sorted(wanted))))
            self._filtered = wanted
        elif self._answers is not None and not wanted and self._filtered:
            attach(self._answers, bpf.arp())
            self._filtered = frozenset()

    def _arp_answer(self, data: bytes, at_s: float, sender: tuple[object, ...], _messages: object) -> None:
        seen = frames.parse_arp(data) if sender[2] != socket.PACKET_OUTGOING else None
        if seen is None or self._own_mac(seen.sender_mac):
            return
        key = (seen.sender_address, True)
        asked = self._pending.peek(key) if seen.is_reply and seen.target_mac == self._mac else None
        if asked is None:
            self._claim(seen, at_s, 0)
        elif at_s >= asked.sent_s:
            self._pending.answered(key)
            self._tell(replied(asked, at_s, "reply", mac=seen.sender_mac))

    def _arp_claim(self, data: bytes, at_s: float, sender: tuple[object, ...], _messages: object) -> None:
        seen = frames.parse_arp(data) if sender[2] != socket.PACKET_OUTGOING else None
        if seen is not None and not self._own_mac(seen.sender_mac) and not self._listened(seen.sender_address):
            self._claim(seen, at_s, 1)

    def _listened(self, address: str) -> bool:
        return address in self._asked or address in self._watched

    def _claim(self, seen: frames.Arp, at_s: float, which: int) -> None:
        if self._claims_left[which] <= 0:
            return
        self._claims_left[which] -= 1
        self._tell(
            ArpSeen(
                at_s=at_s, interface=self._interface, sender_address=seen.sender_address, sender_mac=seen.sender_mac,
                target_address=seen.target_address, is_reply=seen.is_reply,
            )
        )  # fmt: skip

    def _nd(self, data: bytes, at_s: float, sender: tuple[object, ...], _messages: object) -> None:
        seen = nd.parse_frame(data) if sender[2] != socket.PACKET_OUTGOING else None
        if seen is not None:
            asked = self._pending.peek((seen.target, False))
            if asked is not None and at_s >= asked.sent_s:
                self._pending.answered((seen.target, False))
                self._tell(replied(asked, at_s, "reply", mac=seen.target_mac or seen.source_mac))


_Received = Callable[[bytes, float, tuple[object, ...], list[tuple[int, int, bytes]]], None]
