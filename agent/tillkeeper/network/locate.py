"""Where loss or latency begins: sequential tests of the layers from here outwards. Pure.

Loss. Each layer's questions feed a CUSUM (Page 1954) of the log-likelihood ratio of loss at `LOSSY` against `CLEAN`: a miss
adds ln(0.06/0.01) = 1.79, an answer takes ln(0.94/0.99) = 0.052 away, never below 0. Above `ALARM` = 12.5 (at 1 % loss once in some
5 million questions) there is loss. What one quarter of a second adds is capped at 2.4, so a burst of a second (five quarters,
12.0) is no sustained loss, and silence (`OUTAGE_S`) is none either. At 50 questions a second 20 % are told after six quarters.

The layer is the nearest one that loses, if what lies behind it loses too: routers that answer echoes when they please look
lossy while everything behind them is fine.
"""

import math
from collections import deque
from typing import Literal

from tillkeeper.network.capabilities import Path

Layer = Literal["lan", "router", "isp", "internet"]
LAYERS: tuple[Layer, ...] = ("lan", "router", "isp", "internet")
CLEAN = 0.01
LOSSY = 0.06
MISS_GAIN = math.log(LOSSY / CLEAN)
HIT_GAIN = math.log((1 - LOSSY) / (1 - CLEAN))
ALARM = 12.5
DOUBT = 2.5
QUARTER_S = 0.25
QUARTER_GAIN = 2.4
LEAST_LOSS = 0.03
KEPT_S = 8.0
OUTAGE_S = 1.2
OUTAGE_MISSES = 8
SLOW = 15
SLOW_MOST = 30
LAN_SLOW_MS = 30.0
WAN_SLOW_MS = 100.0
SLOW_TIMES = 3.0


class Meter:
    """The loss of one layer's questions."""

    __slots__ = ("gain", "in_a_row", "lossy", "pending", "quarters", "targets")

    def __init__(self) -> None:
        self.gain = 0.0
        self.lossy = False
        self.in_a_row = 0
        self.pending: deque[tuple[float, str]] = deque(maxlen=128)
        """Misses that may turn out to be silence: counted once an answer follows."""
        self.quarters: deque[list[float]] = deque(maxlen=int(KEPT_S / QUARTER_S))
        """[number of the quarter, hits, misses, what it has added]."""
        self.targets: set[str] = set()
        """Whose questions were lost in this excursion."""

    def _quarter(self, sent_s: float) -> list[float]:
        number = float(int(sent_s / QUARTER_S))
        for quarter in reversed(self.quarters):
            if quarter[0] == number:
                return quarter
            if quarter[0] < number:
                break
        quarter = [number, 0.0, 0.0, 0.0]
        self.quarters.append(quarter)
        return quarter

    def hit(self, sent_s: float) -> None:
        if self.pending:
            self._settle(sent_s)
        self._quarter(sent_s)[1] += 1
        self.in_a_row += 1
        self.gain = max(0.0, self.gain + HIT_GAIN)
        if self.gain == 0.0 and not self.lossy:
            self.targets.clear()
        if self.lossy and self.in_a_row > 4.6 / max(0.01, self.fraction(sent_s)):
            self.reset()

    def miss(self, sent_s: float, target: str) -> None:
        self.pending.append((sent_s, target))

    def _settle(self, now_s: float) -> None:
        pending = self.pending
        if len(pending) < OUTAGE_MISSES or now_s - pending[0][0] < OUTAGE_S:
            for sent_s, target in pending:
                quarter = self._quarter(sent_s)
                quarter[2] += 1
                added = min(MISS_GAIN, QUARTER_GAIN - quarter[3])
                quarter[3] += added
                self.gain = min(2 * ALARM, self.gain + added)
                if len(self.targets) < 8:
                    self.targets.add(target)
            self.in_a_row = 0
        pending.clear()

    def counts(self, now_s: float) -> tuple[int, int]:
        """Hits and misses of the last `KEPT_S`."""
        oldest = (now_s - KEPT_S) / QUARTER_S
        hits = misses = 0.0
        for quarter in self.quarters:
            if quarter[0] >= oldest:
                hits += quarter[1]
                misses += quarter[2]
        return int(hits), int(misses)

    def fraction(self, now_s: float) -> float:
        hits, misses = self.counts(now_s)
        return misses / (hits + misses) if misses else 0.0

    def alarmed(self, now_s: float) -> bool:
        return self.gain >= ALARM and self.fraction(now_s) >= LEAST_LOSS

    def reset(self) -> None:
        self.gain = 0.0
        self.lossy = False
        self.in_a_row = 0
        self.pending.clear()
        self.quarters.clear()
        self.targets.clear()


def meter_of(path: Path) -> int | None:
    """Which layer's meter a path feeds, as an index of `LAYERS`. Time-exceeded is left out: routers limit it."""
    role, way = path.target.role, path.way
    if way not in ("echo", "arp", "nd", "tcp", "dns"):
        return None
    if role in ("peer", "printer", "display", "switch"):
        return 0
    if role == "gateway":
        return 1 if path.column == "router" else None
    if role == "hop2":
        return 2
    return 3 if role in ("anycast", "hq") else None


class Locator:
    """Loss and latency with the layer where they begin, as (layer, amount, since_s), or None."""

    def __init__(self) -> None:
        self.meters = tuple(Meter() for _ in LAYERS)
        self.loss: tuple[Layer, float, float, str] | None = None
        self.latency: tuple[Layer, float, float, str] | None = None
        self._burst_s: float | None = None
        self._rest_s = 0.0

    def hit(self, path: Path, sent_s: float, rtt_ms: float) -> None:
        index = meter_of(path)
        if index is None or path.silent:
            return
        self.meters[index].hit(sent_s)
        usual_ms = path.usual_ms
        if usual_ms is not None and path.answered >= 20:
            least = LAN_SLOW_MS if index < 2 else WAN_SLOW_MS
            if rtt_ms > usual_ms + least and rtt_ms > usual_ms * SLOW_TIMES:
                path.slow = min(SLOW_MOST, path.slow + 1)
            elif path.slow:
                path.slow = max(0, path.slow - 2)

    def miss(self, path: Path, sent_s: float) -> None:
        index = meter_of(path)
        if index is not None and path.weighs:
            self.meters[index].miss(sent_s, path.target.name)

    def forget(self) -> None:
        for meter in self.meters:
            meter.reset()
        self.loss = self.latency = None

    # --- judged once a tick ---

    def wants_burst(self, now_s: float, paths: list[Path]) -> bool:
        """Whether the layers should be asked faster for some seconds: five at most, then ten of rest."""
        doubt = any(meter.gain >= DOUBT for meter in self.meters) or any(3 <= path.slow < SLOW_MOST for path in paths)
        if self._burst_s is not None:
            if now_s - self._burst_s < 5.0 and doubt:
                return True
            self._rest_s = now_s + 10.0
            self._burst_s = None
            return False
        if doubt and now_s >= self._rest_s:
            self._burst_s = now_s
            return True
        return False

    def judge(self, now_s: float, paths: list[Path]) -> None:
        self._judge_loss(now_s, paths)
        self._judge_latency(now_s, paths)

    def _judge_loss(self, now_s: float, paths: list[Path]) -> None:
        meters = self.meters
        for meter in meters:
            if not meter.lossy and meter.alarmed(now_s):
                meter.lossy = True
        worst = max((index for index in range(4) if meters[index].lossy), default=None)
        if worst is None:
            self.loss = None
            return
        asked = [len({path.target.name for path in paths if path.weighs and meter_of(path) == index}) for index in range(4)]
        lossy = meters[worst]
        if worst in (0, 3) and asked[worst] > 1 and len(lossy.targets) < 2:
            self.loss = None  # one target's own cable, not the network's
            return
        fraction = lossy.fraction(now_s)
        layer = self._nearest(now_s, worst, fraction, asked)
        if layer is None:
            return
        index, detail = layer
        since_s = now_s if self.loss is None else self.loss[2]
        self.loss = (LAYERS[index], round(fraction, 3), since_s, detail)

    def _nearest(self, now_s: float, worst: int, fraction: float, asked: list[int]) -> tuple[int, str] | None:
        """The nearest layer that loses a comparable part; None while a nearer one has not been asked often enough."""
        enough = min(60, int(3.0 / max(0.03, fraction)))
        bursting = self._burst_s is not None
        losing: list[int] = []
        detail = ""
        for index in range(4):
            hits, misses = self.meters[index].counts(now_s)
            if asked[index] and misses >= 2 and misses / (hits + misses) >= max(0.02, 0.35 * fraction):
                losing.append(index)
            elif index < worst and hits + misses < enough:
                if asked[index] and bursting:
                    return None
                detail = f"{LAYERS[index]} not known"
            elif index > 0 and losing and hits >= 2 * enough:
                losing.clear()  # what lies behind is fine: it only answers when it pleases
        losing = [index for index in losing if index or 1 in losing or not asked[1]]
        return (losing[0], detail) if losing else None

    def _judge_latency(self, now_s: float, paths: list[Path]) -> None:
        excess: list[float | None] = [None, None, None, None]
        slow = [False] * 4
        keep = 5 if self.latency is not None else SLOW
        for path in paths:
            index = meter_of(path)
            if index is None or not path.weighs or path.srtt_ms is None or path.usual_ms is None:
                continue
            over = path.srtt_ms - path.usual_ms
            before = excess[index]
            if before is None or over < before:  # the best of the layer speaks for it
                excess[index] = over
                slow[index] = path.slow >= keep
        layer: int | None = None
        for index in range(4):
            here = excess[index]
            if slow[index] and here is not None and all(
                behind is None or behind >= 0.5 * here for behind in excess[max(1, index + 1) :]
            ):
                layer = index
                break
        if layer is None:
            self.latency = None
            return
        since_s = now_s if self.latency is None else self.latency[2]
        self.latency = (LAYERS[layer], round(excess[layer] or 0.0, 1), since_s, "")
