"""What was asked of each layer and came back or did not, by quarters of a second, and sequential tests of it. Pure.

The test is a CUSUM (Page 1954). A layer's hypothesis takes all questions that pass it, so those of the layers behind it as
well; each adds its log-likelihood ratio of `LOSSY` against `CLEAN`: a miss ln(0.06/0.01) = 1.79, an answer ln(0.94/0.99) =
-0.052. A quarter adds at most `QUARTER_GAIN`: a burst of one second touches five quarters, which stays below `ALARM`, so it is
no sustained loss; six bad quarters are. At `CLEAN` losses an excursion that a single miss began gets there with a chance below
exp(1.79 - 13.4) = 1e-5.
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
QUARTER_S = 0.25
QUARTER_GAIN = 2.6
ALARM = 13.4
QUARTERS = 120
"""Thirty seconds: so long it takes a lone register's two devices to show whether the LAN loses 5 %."""
LEAST_LOSS = 0.03
OUTAGE_S = 1.0
OUTAGE_MISSES = 8


class Meters:
    """One family's questions. Silence is no loss: misses count once an answer of their layer follows, unless they lasted
    longer than `OUTAGE_S`."""

    __slots__ = ("_quarters", "missed_s", "pending")

    def __init__(self) -> None:
        self._quarters: dict[int, list[int]] = {}
        """Number -> answers and misses of each layer, in turns."""
        self.pending: tuple[deque[tuple[float, str]], ...] = tuple(deque(maxlen=128) for _ in LAYERS)
        self.missed_s = [-1e9] * len(LAYERS)

    def miss(self, layer: int, sent_s: float, target: str) -> None:
        self.pending[layer].append((sent_s, target))
        self.missed_s[layer] = sent_s

    def hit(self, layer: int, sent_s: float) -> list[str]:
        """Whose misses before it were losses."""
        found: list[str] = []
        pending = self.pending[layer]
        if pending:
            if len(pending) < OUTAGE_MISSES or sent_s - pending[0][0] < OUTAGE_S:
                for missed_s, target in pending:
                    self._add(2 * layer + 1, missed_s)
                    found.append(target)
            pending.clear()
        self._add(2 * layer, sent_s)
        return found

    def _add(self, place: int, sent_s: float) -> None:
        number = int(sent_s / QUARTER_S)
        quarter = self._quarters.get(number)
        if quarter is None:
            quarter = self._quarters[number] = [0] * (2 * len(LAYERS))
            for old in [old for old in self._quarters if old <= number - QUARTERS]:
                del self._quarters[old]
        quarter[place] += 1

    def silent(self, layer: int, now_s: float) -> bool:
        pending = self.pending[layer]
        return len(pending) >= OUTAGE_MISSES and now_s - pending[0][0] >= OUTAGE_S

    def reset(self) -> None:
        self._quarters.clear()
        for pending in self.pending:
            pending.clear()

    def sums(self) -> list[tuple[float, int]]:
        """Of the hypothesis that a layer loses, for each: its sum, and the quarter since which it has been above nothing."""
        totals, begun = [0.0] * len(LAYERS), [0] * len(LAYERS)
        for number in sorted(self._quarters):
            quarter, gain = self._quarters[number], 0.0
            for layer in (3, 2, 1, 0):
                gain += quarter[2 * layer] * HIT_GAIN + quarter[2 * layer + 1] * MISS_GAIN
                if totals[layer] <= 0.0:
                    totals[layer], begun[layer] = 0.0, number
                totals[layer] += min(gain, QUARTER_GAIN)
        return [(max(0.0, total), number) for total, number in zip(totals, begun, strict=True)]

    def counts(self, begun: int) -> list[tuple[int, int]]:
        """Answers and misses of each layer since the quarter `begun`."""
        since = [quarter for number, quarter in self._quarters.items() if number >= begun]
        return [
            (sum(quarter[2 * layer] for quarter in since), sum(quarter[2 * layer + 1] for quarter in since))
            for layer in range(len(LAYERS))
        ]


def gain_of(counts: list[tuple[int, int]]) -> tuple[float, float]:
    """Nats for the losing of these layers, all at the rate that was counted, against their being clean; and that rate."""
    hits, misses = sum(hits for hits, _ in counts), sum(misses for _, misses in counts)
    rate = misses / max(1, hits + misses)
    likely = min(0.9, max(LEAST_LOSS, rate))
    return hits * math.log((1 - likely) / (1 - CLEAN)) + misses * math.log(likely / CLEAN), rate


def meter_of(path: Path) -> int | None:
    """Which layer a path's answers are counted for, as an index of `LAYERS`. Time-exceeded is left out: routers limit it."""
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
