"""How busy the interface and this machine are: psutil, and /proc/net/wireless (proc_net_wireless, WEXT)."""

import psutil

from tillkeeper.network.model import HostSeen, Wifi
from tillkeeper.network.prober import clock
from tillkeeper.network.prober.log import log

WIRELESS = "/proc/net/wireless"
_MAX_BYTES = 16_384
CLOCK_SET_S = 2.0
"""A wall clock that moves more than that against the boot clock was set; time services turn it by less (adjtimex(2): 0.5 ms a
second), and a suspend leaves it wrong by a part of a second."""


class Host:
    """Rates between two looks at the counters."""

    def __init__(self) -> None:
        self._before: tuple[str, float, tuple[int, int, int]] | None = None
        self._retries: int | None = None
        self._wall_s = -clock.behind_real_s()
        psutil.cpu_percent(None)

    def look(self, interface: str, now_s: float) -> HostSeen | None:
        """None at first, and where the interface is not there."""
        counters = psutil.net_io_counters(pernic=True, nowrap=False).get(interface)
        before, self._before = self._before, None
        if counters is None:
            return None
        counts = (counters.packets_recv, counters.packets_sent, counters.errin)
        self._before = (interface, now_s, counts)
        if before is None or before[0] != interface or now_s <= before[1] or counts < before[2]:
            self._retries = None
            return None
        passed_s = now_s - before[1]
        received, sent, errors = (max(0, new - old) / passed_s for new, old in zip(counts, before[2], strict=True))
        return HostSeen(
            at_s=now_s, interface=interface, rx_packets_per_s=received, tx_packets_per_s=sent, rx_errors_per_s=errors,
            cpu_percent=psutil.cpu_percent(None), clock_set_s=self._clock_set_s(), wifi=self._wifi(interface, passed_s),
        )  # fmt: skip

    def _clock_set_s(self) -> float:
        before_s, self._wall_s = self._wall_s, -clock.behind_real_s()
        set_s = self._wall_s - before_s
        if abs(set_s) < CLOCK_SET_S:
            return 0.0
        log("clock_set", by_s=round(set_s, 1))
        return set_s

    def _wifi(self, interface: str, passed_s: float) -> Wifi | None:
        try:
            with open(WIRELESS, encoding="ascii", errors="replace") as file:
                found = wireless(file.read(_MAX_BYTES), interface)
        except OSError:
            return None
        if found is None:
            return None
        associated, signal_dbm, retries = found
        rate = None if self._retries is None or retries < self._retries else (retries - self._retries) / passed_s
        self._retries = retries
        return Wifi(associated="yes" if associated else "no", signal_dbm=signal_dbm, retries_per_s=rate)


def wireless(text: str, interface: str) -> tuple[bool, float | None, int] | None:
    """(associated, signal in dBm where the driver says it so, retries since the start) of /proc/net/wireless:
    "wlan0: 0000   54.  -56.  -256   0  0  0  3  0  0" is status, link, level, noise and six counters of discarded packets
    (nwid, crypt, frag, retry, misc, missed beacon). None where the interface is not in it."""
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        words = rest.split()
        if not colon or name.strip() != interface or len(words) < 8:
            continue
        try:
            quality, level, retries = float(words[1].rstrip(".")), float(words[2].rstrip(".")), int(words[7])
        except ValueError:
            return None
        # A level of 0 or above is one of the driver's own units, below -120 dBm it stands for none.
        return quality > 0, level if -120 < level < 0 else None, retries
    return None
