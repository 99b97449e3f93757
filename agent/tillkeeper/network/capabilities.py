"""What has been learned of each way of asking each target: whether it works, how long it takes, when it stopped. Pure.

A way that was never answered carries no weight. Round trips are smoothed as RFC 6298, 2 does; beside it goes a slow `usual_ms`
that a spell of latency does not pull along.
"""

from tillkeeper.network.model import Probe, Target, TargetState, Tri, Way
from tillkeeper.network.windows import Entry

LAN_MIN_MS = 80
WAN_MIN_MS = 150
"""Below this no time-out goes: a busy machine takes as long to answer, or to read the answer."""
LAN_FIRST_MS = 250
LAN_MOST_MS = 500
WAN_MOST_MS = 800
SLOW_MOST_MS = 2_000
"""HTTP and TLS are several round trips, and work at the other side."""
LEARNED = 8
"""Answers after which the usual time is known."""
TRIES = 10
"""Questions without an answer after which a way is taken not to work."""
REQUIRED, REQUIRED_S = 8, 3.0
SILENT_ROUNDS = 5
"""Rounds without an answer after which a target that others of its column outlive is taken to be switched off."""


class Path:
    """One way of asking one target. `column`: which column its answers go to; `gateway_reached`: its questions go through the
    default gateway. Mutable, of the engine alone."""

    __slots__ = (
        "answered", "answered_s", "asked_s", "clean", "column", "due_s", "late", "mac", "meter", "near", "quick_s",
        "recent_misses", "run", "sent", "silent", "since_s", "slow", "slow_s", "srtt_ms", "target", "usual_ms", "var_ms",
        "way", "works",
    )  # fmt: skip

    def __init__(self, target: Target, way: Way, column: str, now_s: float, *, assumed: bool = False) -> None:
        self.target = target
        self.way: Way = way
        self.column = column
        self.works: Tri = "yes" if assumed else "unknown"
        self.sent = self.answered = self.late = self.run = self.clean = 0
        self.srtt_ms: float | None = None
        self.usual_ms: float | None = None
        self.var_ms = 0.0
        self.mac = ""
        self.meter: int | None = None
        """Of `locate.LAYERS`, which one its answers are counted for."""
        self.near = False
        """On the LAN, but not the gateway: what is sent to it makes the kernel ask for its MAC."""
        self.due_s = self.since_s = now_s
        self.asked_s: float | None = None
        self.answered_s: float | None = None
        self.silent = False
        self.slow = 0
        self.slow_s = self.quick_s = 0.0
        self.recent_misses: list[Entry] = []

    @property
    def weighs(self) -> bool:
        return self.works == "yes" and not self.silent

    def timeout_ms(self) -> int:
        """max(least, 4 x usual, 1.5 x smoothed + 4 x deviation), within the most for the way."""
        far = self.target.wan or self.way in ("hop", "dns")
        if self.way in ("http", "tls"):
            least, most = WAN_MIN_MS * 2, SLOW_MOST_MS
        elif far:
            least, most = WAN_MIN_MS, WAN_MOST_MS
        else:
            least, most = LAN_MIN_MS, LAN_MOST_MS
        if self.srtt_ms is None or self.usual_ms is None:
            return most if far or self.way in ("http", "tls") else LAN_FIRST_MS
        return int(min(most, max(least, 4 * self.usual_ms, 1.5 * self.srtt_ms + 4 * self.var_ms)))

    def took(self, rtt_ms: float) -> None:
        """Learns one round trip, also of a late answer: the next question waits longer."""
        if self.srtt_ms is None or self.usual_ms is None:
            self.srtt_ms = self.usual_ms = rtt_ms
            self.var_ms = rtt_ms / 2
            return
        self.var_ms += (abs(rtt_ms - self.srtt_ms) - self.var_ms) / 4
        self.srtt_ms += (rtt_ms - self.srtt_ms) / 8
        if self.answered < LEARNED:
            # A slow first answer (a cold cache, an ARP before it) is forgotten soon, a spell of latency is not learned.
            self.usual_ms += (min(rtt_ms, 1.5 * self.usual_ms) - self.usual_ms) / (2 if rtt_ms < self.usual_ms else 8)
        elif rtt_ms < self.usual_ms:
            self.usual_ms += (rtt_ms - self.usual_ms) / 64
        else:
            # A line that stays slow becomes the usual one after some minutes, not at once.
            self.usual_ms += (min(rtt_ms, 2 * self.usual_ms) - self.usual_ms) / 2_048

    def answered_now(self, at_s: float) -> bool:
        """Whether it was silent until now."""
        was = self.silent
        self.works = "yes"
        self.run = 0
        self.clean += 1
        self.answered_s = at_s
        self.silent = False
        self.recent_misses.clear()
        return was

    def missed(self, entry: Entry | None) -> None:
        self.run += 1
        self.clean = 0
        if entry is not None and len(self.recent_misses) <= SILENT_ROUNDS:
            self.recent_misses.append(entry)
        if self.works == "unknown" and self.sent >= TRIES:
            self.works = "no"

    def required(self, now_s: float) -> bool:
        """It never answered, and has been asked enough to say so of something that this machine's own configuration needs."""
        return not self.answered and not self.late and self.run + 1 >= REQUIRED and now_s - self.since_s >= REQUIRED_S

    def state(self) -> TargetState:
        target = self.target
        return TargetState(
            name=target.name, role=target.role, address=target.address, way=self.way,
            works=self.works if self.answered or self.late or self.works == "no" else "unknown", sent=self.sent,
            answered=self.answered, late=self.late, rtt_ms=None if self.srtt_ms is None else round(self.srtt_ms, 2),
            mac=self.mac, run=self.run, answered_s=None if self.answered_s is None else round(self.answered_s, 2),
        )  # fmt: skip


class Open:
    """A question that waits for its answer. `entry`: how it was counted, once it has timed out. `timed`: its round trip is the
    network's alone, for this process was there all the while."""

    __slots__ = ("deadline_s", "entry", "number", "path", "probe", "sent_s", "timed")

    def __init__(self, path: Path, probe: Probe, number: int, sent_s: float) -> None:
        self.path = path
        self.probe = probe
        self.number = number
        """Of the round."""
        self.sent_s = sent_s
        self.deadline_s = sent_s + probe.timeout_ms / 1000
        self.timed = True
        self.entry: Entry | None = None

    def waits_anew(self, from_s: float) -> None:
        """It may not even have been sent before: all its time once more. Once: what comes after that waits in the socket,
        however late it is read."""
        if self.timed:
            self.timed = False
            self.deadline_s = from_s + self.probe.timeout_ms / 1000
