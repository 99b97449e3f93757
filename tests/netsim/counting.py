"""What a register's questions cost others: ARP a second, questions to printers, bytes behind the router."""

from collections import deque

from tillkeeper.network.model import Probe

BYTES = {"echo": 2 * 32, "hop": 32 + 60, "dns": 56 + 120, "tcp": 212, "http": 1_050, "tls": 5_600}
"""Of one answered question in both directions, IP headers included: ICMP with 4 bytes of payload, quoted whole in a time
exceeded; TCP as counted at the lab's router (ended by RST); DNS a short name; HTTP and TLS with their connections."""
DEVICES = frozenset({"printer", "display"})


class Window:
    """The most that happened in any `span_s`."""

    def __init__(self, span_s: float) -> None:
        self._span_s = span_s
        self._at: deque[float] = deque()
        self.most = 0
        self.total = 0

    def add(self, now_s: float) -> None:
        at = self._at
        at.append(now_s)
        self.total += 1
        while at[0] <= now_s - self._span_s:
            at.popleft()
        if len(at) > self.most:
            self.most = len(at)


class Counts:
    """Of one register. `arp`: frames of the prober; `arp_with_kernel`: with what the kernel asks in vain for its packets,
    once a second and neighbour (net/core/neighbour.c, retrans_time)."""

    def __init__(self) -> None:
        self.arp = Window(1.0)
        self.arp_with_kernel = Window(1.0)
        self.devices: list[tuple[float, str]] = []
        self.keep_devices = False
        self.wan_bytes = 0
        self.probes = 0
        self.beacons = 0
        self._kernel_asked: dict[str, float] = {}

    def sent(self, now_s: float, probe: Probe, unresolved: str) -> None:
        self.probes += 1
        way, target = probe.way, probe.target
        if way in ("arp", "nd"):
            self.arp.add(now_s)
            self.arp_with_kernel.add(now_s)
        elif unresolved and now_s - self._kernel_asked.get(unresolved, -1.0) >= 1.0:
            self._kernel_asked[unresolved] = now_s
            self.arp_with_kernel.add(now_s)
        if self.keep_devices and target.role in DEVICES:
            self.devices.append((now_s, target.name))
        if (target.wan and target.role != "modem") or (way == "hop" and probe.ttl > 1):
            self.wan_bytes += BYTES.get(way, 0)


def most_within(times: list[float], span_s: float) -> int:
    window = Window(span_s)
    for at_s in sorted(times):
        window.add(at_s)
    return window.most
