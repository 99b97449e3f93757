"""How much may be asked: ARP frames a second, bytes behind the router a day, whose turn it is among the registers. Pure."""

from collections import deque

from tillkeeper.network.model import Way
from tillkeeper.network.setup import ARP_PER_S, PRINTER_PER_S, WAN_BYTES_PER_DAY, WAN_BYTES_PER_DAY_METERED, Setup

ARP_DEEP_PER_S = 2
"""Left to deep diagnosis, so that both together stay within `ARP_PER_S`."""
ARP_OWN_PER_S = ARP_PER_S - ARP_DEEP_PER_S
ARP_URGENT = 2
"""Of the own share, kept for enquiries that cannot wait (another MAC, the own address)."""
PRINTER_SLACK = 1.1
"""The registers' clocks do not agree, and questions go out in ticks."""
DAY_S = 86_400.0
BURST_S = 1_200.0
"""So many seconds' worth of the day's bytes may be saved up."""
KEPT = 0.1
"""Of what is saved up, only for bursts: some seconds in which an outage is looked into."""
KEPT_LOCATING = 0.25
"""Not for locating losses, which would leave nothing to the questions of calm."""

ASKED_BYTES: dict[Way, int] = {"arp": 0, "nd": 0, "echo": 32, "hop": 32, "tcp": 152, "dns": 75, "http": 520, "tls": 1_600}
ANSWERED_BYTES: dict[Way, int] = {"arp": 0, "nd": 0, "echo": 32, "hop": 60, "tcp": 60, "dns": 130, "http": 720, "tls": 5_000}
"""Of a question and its answer with IP headers: echo with 4 bytes of payload; SYN, ACK, RST against SYN-ACK; HTTP with
its connection; a TLS handshake with a chain of two certificates. IPv6 adds 20 a packet, `IPV6_BYTES`."""
IPV6_BYTES = 20


class ArpBudget:
    """At most `ARP_OWN_PER_S` in any window of one second, wherever the window begins: the last sends are remembered, not a
    rate. A little of it is for urgent questions only."""

    def __init__(self) -> None:
        self._sent: deque[float] = deque(maxlen=ARP_OWN_PER_S)
        self.total = 0

    def take(self, now_s: float, *, urgent: bool = False) -> bool:
        sent = self._sent
        keep = 0 if urgent else ARP_URGENT
        # A shade over a second: clocks of the switch and ours do not tick alike.
        within = sum(1 for at_s in sent if now_s - at_s < 1.02)
        if within >= ARP_OWN_PER_S - keep:
            return False
        sent.append(now_s)
        self.total += 1
        return True


class KernelArp:
    """The kernel asks by ARP for every neighbour whose MAC it does not know when a packet goes to it: once, and where nobody
    answers once a second for three seconds (arp(7): mcast_solicit 3, retrans_time 1 s). So only `MUTE_MOST` addresses that do
    not answer are sent anything within `MUTE_S`, and of those that have to be found anew only `FRESH_MOST` within a second:
    each costs one frame, and often a second one, for whoever is asked asks back before it answers. With the own requests that
    stays below the 15 a second at which switches shut a port."""

    MUTE_S = 3.2
    MUTE_MOST = 4
    FRESH_S, FRESH_MOST = 1.02, 2

    def __init__(self) -> None:
        self._asked: dict[str, tuple[float, float]] = {}
        """Address -> when it was asked first and last. Those that have answered are not in it."""
        self._refused_s = -1e9
        self._fresh: deque[float] = deque(maxlen=self.FRESH_MOST)
        """When the last addresses were asked for the first time."""

    def take(self, address: str, now_s: float) -> bool:
        """Whether a packet may go to an address on the LAN that has not answered lately. When others wait, whoever has had
        its `MUTE_S` makes room."""
        for other in [other for other, (_, last_s) in self._asked.items() if now_s - last_s > self.MUTE_S]:
            del self._asked[other]
        first_s = self._asked.get(address, (now_s, now_s))[0]
        if address not in self._asked:
            if len(self._asked) >= self.MUTE_MOST:
                self._refused_s = now_s
                return False
            if len(self._fresh) == self.FRESH_MOST and now_s - self._fresh[0] < self.FRESH_S:
                return False
            self._fresh.append(now_s)
        elif now_s - first_s > self.MUTE_S and now_s - self._refused_s < 1.0:
            return False
        self._asked[address] = (first_s, now_s)
        return True

    def answered(self, address: str) -> None:
        """The kernel knows its MAC now."""
        self._asked.pop(address, None)


class ByteBudget:
    """This register's part of the store's day. Within any 24 hours not more than the day's bytes: what may be saved up is
    taken off the rate. Part of what is saved up is kept for bursts."""

    def __init__(self, setup: Setup, now_s: float) -> None:
        day = WAN_BYTES_PER_DAY_METERED if setup.metered else WAN_BYTES_PER_DAY
        share = day / max(1, setup.registers)
        self._most = share * BURST_S / DAY_S
        self._rate = (share - self._most) / DAY_S
        self._left = self._most * 0.8
        self._at_s = now_s
        self.total = 0

    def refill(self, now_s: float) -> None:
        self._left = min(self._most, self._left + max(0.0, now_s - self._at_s) * self._rate)
        self._at_s = now_s

    def take(self, size: int, *, burst: bool, locating: bool = False) -> bool:
        kept = 0.0 if burst else KEPT_LOCATING if locating else KEPT
        if self._left - size < self._most * kept:
            return False
        self.spend(size)
        return True

    def spend(self, size: int) -> None:
        """An answer came: its bytes count whether there is room or not."""
        self._left -= size
        self.total += size


def bytes_of(way: Way, family: str, *, answer: bool) -> int:
    size = (ANSWERED_BYTES if answer else ASKED_BYTES)[way]
    return size + IPV6_BYTES if family == "ipv6" and size else size


def printer_interval_s(setup: Setup) -> float:
    """Between two questions to the same printer, so that all registers together keep within `PRINTER_PER_S`."""
    return max(1, setup.registers) / PRINTER_PER_S * PRINTER_SLACK


def next_turn_s(now_s: float, interval_s: float, setup: Setup, shift: float = 0.0) -> float:
    """The next moment that is this register's: the registers' phases divide `interval_s` evenly (as far as their clocks agree;
    the rate holds anyhow), all of them moved by the fraction `shift` of it. Later than `now_s`."""
    registers = max(1, setup.registers)
    phase = interval_s * ((setup.position % registers) / registers + shift)
    turns = int((now_s - phase) / interval_s) + 1
    at_s = phase + turns * interval_s
    return at_s if at_s > now_s + 1e-6 else at_s + interval_s
