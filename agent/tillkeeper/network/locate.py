"""Where loss or latency begins: sequential tests of the layers from here outwards. Pure.

Loss is told by a CUSUM (Page 1954) over quarters of a second. A layer's hypothesis takes all questions that pass it, so those
of the layers behind it as well; each adds its log-likelihood ratio of `LOSSY` against `CLEAN`: a miss ln(0.06/0.01) = 1.79, an
answer ln(0.94/0.99) = -0.052. A quarter adds at most 2.25, and `ALARM` is 13.0: a burst of one second (five quarters, 11.25)
is no sustained loss, six bad quarters are. Silence is none either: misses count once an answer follows, unless they lasted
longer than `OUTAGE_S`. At 1 % loss a quarter raises a false alarm with a chance below e**-13; at 100 questions a second 20 %
are told after 1.5 s, 5 % after about 4 s.

Then the layer: whichever of them explains all counts since the losses began best, where what lies before it is clean and what
lies from it on loses at the rate that was counted there. So one layer's luck is outweighed by those behind it, and routers that
answer echoes when they please, while all behind them is clean, explain nothing.
"""

import math
from collections import deque
from typing import Literal

from tillkeeper.network.capabilities import LEARNED, Path
from tillkeeper.network.model import Family

Layer = Literal["lan", "router", "isp", "internet"]
LAYERS: tuple[Layer, ...] = ("lan", "router", "isp", "internet")
CLEAN = 0.01
MISS_GAIN = math.log(0.06 / CLEAN)
HIT_GAIN = math.log(0.94 / (1 - CLEAN))
QUARTER_S = 0.25
QUARTER_GAIN = 2.25
ALARM = 13.0
DOUBT = 5.0
QUARTERS = 40
OLD_QUARTERS = 80
LEAST_LOSS = 0.03
EITHER_S = 2.0
SURE = 2.5
"""Nats by which one layer explains the losses better than another; 12 to 1."""
OUTAGE_S = 1.0
OUTAGE_MISSES = 8
BURST_S = 5.0
REST_S = 10.0
FRESH_S = 1.0
FOLLOWED_S = 30.0
"""So long a loss that was found is followed closely, to see it end."""
OVER = 7.0
"""-ln 0.001: so many answers in a row, divided by the rate, come by chance once in a thousand times."""
SLOW = 5
SLOW_DOUBT = 3
SLOW_MOST = 20
SLOW_S = 1.5
"""So many slow answers, net of quick ones, and for so long."""
LATELY_S = 3.0
LAN_SLOW_MS = 30.0
WAN_SLOW_MS = 100.0
SLOW_TIMES = 3.0


class Place:
    """Loss or latency and the layer where it begins. `amount`: fraction, or milliseconds above the usual."""

    __slots__ = ("amount", "detail", "layer", "since_s")

    def __init__(self, layer: Layer, amount: float, since_s: float, detail: str = "") -> None:
        self.layer, self.amount, self.since_s, self.detail = layer, amount, since_s, detail


class Meter:
    """One layer's own questions, by quarters of a second: number -> [answers, misses]."""

    __slots__ = ("missed_s", "pending", "quarters")

    def __init__(self) -> None:
        self.quarters: dict[int, list[int]] = {}
        self.pending: deque[tuple[float, str]] = deque(maxlen=128)
        """Misses that may turn out to be silence."""
        self.missed_s = -1e9

    def add(self, sent_s: float, kind: int) -> None:
        number = int(sent_s / QUARTER_S)
        quarter = self.quarters.get(number)
        if quarter is None:
            quarter = self.quarters[number] = [0, 0]
            oldest = next(iter(self.quarters))
            if len(self.quarters) > QUARTERS or oldest < number - OLD_QUARTERS:
                del self.quarters[oldest]
        quarter[kind] += 1

    def miss(self, sent_s: float, target: str) -> None:
        self.pending.append((sent_s, target))
        self.missed_s = sent_s

    def settle(self, now_s: float) -> list[str]:
        """An answer came: whose misses before it were losses."""
        pending, found = self.pending, []
        if len(pending) < OUTAGE_MISSES or now_s - pending[0][0] < OUTAGE_S:
            for sent_s, target in pending:
                self.add(sent_s, 1)
                found.append(target)
        pending.clear()
        return found

    def silent(self, now_s: float) -> bool:
        return len(self.pending) >= OUTAGE_MISSES and now_s - self.pending[0][0] >= OUTAGE_S

    def counts(self, begun: int) -> tuple[int, int]:
        """Answers and misses since the quarter `begun`."""
        hits = misses = 0
        for number, quarter in self.quarters.items():
            if number >= begun:
                hits += quarter[0]
                misses += quarter[1]
        return hits, misses

    def reset(self) -> None:
        self.quarters.clear()
        self.pending.clear()


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


def _gain(counts: list[tuple[int, int]]) -> tuple[float, float]:
    """Nats for the losing of these layers, all at the rate that was counted, against their being clean; and that rate."""
    hits, misses = sum(hits for hits, _ in counts), sum(misses for _, misses in counts)
    rate = misses / max(1, hits + misses)
    likely = min(0.9, max(LEAST_LOSS, rate))
    return hits * math.log((1 - likely) / (1 - CLEAN)) + misses * math.log(likely / CLEAN), rate


class Locator:
    """One family's. `loss` and `latency`: where they begin, or None."""

    def __init__(self) -> None:
        self.meters = tuple(Meter() for _ in LAYERS)
        self.loss: Place | None = None
        self.latency: Place | None = None
        self._lost: list[dict[str, int]] = [{} for _ in LAYERS]
        """Of each layer, whose questions were lost, and how many."""
        self._clean = 0
        """Answers since the last loss, of the layers that the loss found concerns."""
        self._from = 0
        self._missed = False
        self._burst_s: float | None = None
        self._rest_s = 0.0

    def hit(self, index: int, sent_s: float) -> None:
        meter = self.meters[index]
        if meter.pending:
            for target in meter.settle(sent_s):
                self._lost[index][target] = self._lost[index].get(target, 0) + 1
                self._missed = True
                if index >= self._from:
                    self._clean = 0
        meter.add(sent_s, 0)
        self._clean += index >= self._from

    def timed(self, path: Path, index: int, sent_s: float, rtt_ms: float) -> None:
        usual_ms = path.usual_ms
        if usual_ms is None or path.answered < LEARNED:
            return
        if rtt_ms > usual_ms + (LAN_SLOW_MS if index < 2 else WAN_SLOW_MS) and rtt_ms > usual_ms * SLOW_TIMES:
            if not path.slow:
                path.slow_s = sent_s
            path.slow = min(SLOW_MOST, path.slow + 1)
        elif path.slow:
            path.slow = max(0, path.slow - 2)
            path.quick_s = sent_s

    def miss(self, path: Path, index: int, sent_s: float) -> None:
        self.meters[index].miss(sent_s, path.target.name)

    def forget(self) -> None:
        for meter, lost in zip(self.meters, self._lost, strict=True):
            meter.reset()
            lost.clear()
        self.loss = self.latency = None
        self._missed = False
        self._clean = self._from = 0

    # --- judged once a tick ---

    def busy(self) -> bool:
        return self._missed or self.latency is not None

    def wants_burst(self, now_s: float, paths: list[Path]) -> bool:
        """Whether the layers should be asked faster: five seconds, ten where they look bad, then ten of rest; longer while a
        loss that was found may end."""
        if self.loss is not None and now_s - self.loss.since_s < FOLLOWED_S:
            return True
        doubt = any(now_s - meter.missed_s < FRESH_S and not meter.silent(now_s) for meter in self.meters)
        if self.latency is None:
            doubt = doubt or any(SLOW_DOUBT <= path.slow < SLOW_MOST for path in paths)
        elif any(path.slow and now_s - path.quick_s < FRESH_S for path in paths):
            return True  # what was slow has been quick: perhaps it is over
        if self._burst_s is not None:
            lasted_s = now_s - self._burst_s
            promising = self._missed and lasted_s < 2 * BURST_S and max(self._cusum(layer)[0] for layer in range(4)) > DOUBT
            if (doubt and lasted_s < BURST_S) or promising:
                return True
            self._rest_s = now_s + (REST_S if lasted_s >= BURST_S else 0.0)
            self._burst_s = None
        if doubt and now_s >= self._rest_s:
            self._burst_s = now_s
        return self._burst_s is not None

    def judge(self, now_s: float, paths: list[Path]) -> None:
        if self._missed:
            self._judge_loss(now_s, paths)
        self._judge_latency(now_s, paths)

    def _cusum(self, layer: int) -> tuple[float, int]:
        """The hypothesis that `layer` loses: its sum, and the quarter since which it has been above nothing."""
        meters = self.meters[layer:]
        total, begun = 0.0, 0
        for number in sorted({number for meter in meters for number in meter.quarters}):
            hits = misses = 0
            for meter in meters:
                quarter = meter.quarters.get(number)
                if quarter is not None:
                    hits += quarter[0]
                    misses += quarter[1]
            gain = misses * MISS_GAIN + hits * HIT_GAIN
            if total <= 0.0:
                total, begun = 0.0, number
            total += min(gain, QUARTER_GAIN)
        return max(0.0, total), begun

    def _judge_loss(self, now_s: float, paths: list[Path]) -> None:
        loss = self.loss
        if loss is not None and self._clean > OVER / max(0.02, loss.amount):
            self.forget()
            return
        sums = [self._cusum(layer) for layer in range(4)]
        if not any(total > 0 for total, _ in sums):
            self._missed = False
            for lost in self._lost:
                lost.clear()
            return
        alarmed = [layer for layer in range(4) if sums[layer][0] >= ALARM]
        if not alarmed or (loss is not None and now_s - loss.since_s < 1.0):
            return
        begun = min(sums[layer][1] for layer in alarmed)
        found = self._nearest(now_s, begun, paths)
        if found is not None:
            layer, fraction, detail = found
            since_s = now_s if loss is None or loss.layer != LAYERS[layer] else loss.since_s
            self.loss = Place(LAYERS[layer], round(fraction, 3), since_s, detail)
            if layer != self._from:
                self._from, self._clean = layer, 0

    def _nearest(self, now_s: float, begun: int, paths: list[Path]) -> tuple[int, float, str] | None:
        """(layer, fraction, detail); None while that is undecided, or where it is one target's own trouble."""
        asked: list[set[str]] = [set() for _ in LAYERS]
        for path in paths:
            if path.meter is not None and path.weighs:
                asked[path.meter].add(path.target.name)
        counts = [meter.counts(begun) for meter in self.meters]
        gains = {layer: _gain(counts[layer:]) for layer in range(4) if asked[layer] and sum(counts[layer])}
        if not gains:
            return None
        best, *others = sorted(gains, key=lambda layer: -gains[layer][0])
        detail = "" if 0 in gains else f"{LAYERS[0]} not asked"
        if self.loss is not None:
            # What was found stands until something else explains it much better.
            found = LAYERS.index(self.loss.layer)
            if found in gains and gains[best][0] - gains[found][0] < SURE:
                best = found
        elif others and gains[best][0] - gains[others[0]][0] < SURE:
            # Printers are asked too seldom to tell the LAN from the router soon: the verdict says both meanwhile.
            patience_s = EITHER_S if {best, others[0]} == {0, 1} else BURST_S
            if now_s - begun * QUARTER_S < patience_s:
                return None
        gain, rate = gains[best]
        if gain < SURE or rate < LEAST_LOSS or self._alone(best, asked):
            return None
        return best, rate, detail

    def _alone(self, layer: int, asked: list[set[str]]) -> bool:
        """Whether it may be one target's own cable or server, not the network's. Where the router loses too, both have it from
        the LAN, for two cables do not go bad together."""
        one = len(asked[layer]) > 1 and len(self._lost[layer]) < 2
        return one and (layer == 3 or (layer == 0 and not asked[1]))

    def _judge_latency(self, now_s: float, paths: list[Path]) -> None:
        excess: list[float | None] = [None, None, None, None]
        slow, quick = [False] * 4, [False] * 4
        """Whether one of a layer's targets has been slow for long, and whether one of them is not slow at all."""
        least = 1 if self.latency is not None else SLOW
        lately_s = FOLLOWED_S if self.latency is not None else LATELY_S
        for path in paths:
            index, answered_s = path.meter, path.answered_s
            if index is None or not path.weighs or answered_s is None or now_s - answered_s > lately_s:
                continue
            if path.answered < LEARNED:
                continue
            if not path.slow:
                quick[index] = True
            over = (path.srtt_ms or 0.0) - (path.usual_ms or 0.0)
            before = excess[index]
            # While all are slow the slowest speaks, for those that are seldom asked are behind; else the quickest.
            better = max if path.slow and not quick[index] else min
            excess[index] = over if before is None else better(over, before)
            slow[index] = slow[index] or (path.slow >= least and now_s - path.slow_s >= SLOW_S)
        for index in range(4):
            here, behind = excess[index], excess[index + 1 :]
            if not slow[index] or quick[index] or here is None:
                continue
            # What lies behind is as slow, what lies before is not, nor on its way there.
            further = all(over is None or over >= 0.5 * here for over in behind)
            if further and all(over is None or over < 0.3 * here for over in excess[:index]):
                since_s = now_s if self.latency is None else self.latency.since_s
                self.latency = Place(LAYERS[index], round(here, 1), since_s)
                return
        self.latency = None


class Locators:
    """All families' together: each has its own way out, and may lose by itself."""

    def __init__(self, families: tuple[Family, ...]) -> None:
        self._families = {family: Locator() for family in families}
        self._all = list(self._families.values())
        self._one = {family: [one] for family, one in self._families.items()}

    @property
    def loss(self) -> Place | None:
        return next((one.loss for one in self._families.values() if one.loss is not None), None)

    @property
    def latency(self) -> Place | None:
        return next((one.latency for one in self._families.values() if one.latency is not None), None)

    def hit(self, path: Path, sent_s: float, rtt_ms: float, *, late: bool) -> None:
        if path.meter is None or not path.weighs:
            return
        for index, one in enumerate(self._concerned(path)):
            if index == 0:
                one.timed(path, path.meter, sent_s, rtt_ms)
            if not late:
                one.hit(path.meter, sent_s)

    def miss(self, path: Path, sent_s: float) -> None:
        if path.meter is not None and path.weighs:
            for one in self._concerned(path):
                one.miss(path, path.meter, sent_s)

    def _concerned(self, path: Path) -> list[Locator]:
        """The LAN is the same for all families, whichever its devices answer in."""
        return self._all if path.meter == 0 else self._one[path.target.family]

    def forget(self) -> None:
        for one in self._families.values():
            one.forget()

    def busy(self, paths: list[Path]) -> bool:
        """Whether there is anything to judge."""
        return any(one.busy() for one in self._families.values()) or any(path.slow >= SLOW_DOUBT for path in paths)

    def wants_burst(self, now_s: float, paths: list[Path]) -> bool:
        wanted = [one.wants_burst(now_s, self._of(family, paths)) for family, one in self._families.items()]
        return any(wanted)

    def judge(self, now_s: float, paths: list[Path]) -> None:
        for family, one in self._families.items():
            one.judge(now_s, self._of(family, paths))

    def _of(self, family: str, paths: list[Path]) -> list[Path]:
        if len(self._families) == 1:
            return paths
        return [path for path in paths if path.meter == 0 or path.target.family == family]
