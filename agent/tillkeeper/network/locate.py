"""Where loss or latency begins: sequential tests of the layers from here outwards. Pure.

When a layer's sum (`meters`) reaches `ALARM`, something loses. Then the layer: whichever of them explains all counts since the
losses began best, where what lies before it is clean and what lies from it on loses at the rate that was counted there. So one
layer's luck is outweighed by those behind it. A router that answers echoes when it pleases, while what lies behind it is clean,
is an explanation too, and nothing is told then.

A miss makes the layers be asked faster, for as long as some layer's sum is above nothing: at `CLEAN` losses that are some
fifty questions. What is behind the router joins once it missed something itself, or once two misses are there.
"""

from typing import Literal

from tillkeeper.network import delays
from tillkeeper.network.capabilities import Path
from tillkeeper.network.meters import ALARM, LAYERS, LEAST_LOSS, QUARTER_S, Layer, Meters, gain_of, meter_of
from tillkeeper.network.model import Family, PeerState

__all__ = ["LAYERS", "Layer", "Locators", "Place", "meter_of"]

Burst = Literal["", "follow", "near", "far"]
"""Who is asked faster: nobody; one address beyond the router each round; the LAN and the router; what is behind it as well."""
BURSTS: tuple[Burst, ...] = ("", "follow", "near", "far")
EITHER_S = 2.0
SURE = 4.0
"""Nats by which one layer explains the losses better than another: taken for it by chance once in 55 times (Wald 1945)."""
VOUCHED = 6.0
"""Where another register has confirmed losses outside its own cable, so high a sum is enough: three misses."""
VOUCHED_GAIN = 3.0
"""Nats for the layer that it named."""
ALONE = 1.0
"""The same against a router's own way with echoes."""
JOIN = 3.0
"""Two misses."""
DOUBT = 5.0
PATIENCE_S = 10.0
BURST_S = 8.0
LONG_BURST_S = 20.0
REST_S = 10.0
FRESH_S = 1.0
FOLLOWED_S = 30.0
"""So long a loss that was found is followed closely, to see it end."""
OVER = 7.5
"""-ln 0.0006: so many answers in a row, divided by the rate, come by chance once in 1,800 times. A line that loses 5 or 20 %
has some fifty runs of answers in half a minute in which it is followed, of which none may end the verdict."""
PERHAPS_OVER = 1.0
"""The same once in three times: worth looking closely."""


class Place:
    """Loss or latency and the layer where it begins. `amount`: fraction, or milliseconds above the usual. `detail`: "or lan"
    or "or router" where the two cannot be told apart yet."""

    __slots__ = ("amount", "detail", "layer", "since_s")

    def __init__(self, layer: Layer, amount: float, since_s: float, detail: str = "") -> None:
        self.layer, self.amount, self.since_s, self.detail = layer, amount, since_s, detail


class Locator:
    """One family's. `loss` and `latency`: where they begin, or None."""

    def __init__(self) -> None:
        self.meters = Meters()
        self.loss: Place | None = None
        self.latency: Place | None = None
        self.doubt = 0.0
        """The highest sum of what is behind the router, of the last look."""
        self._lost: list[dict[str, int]] = [{} for _ in LAYERS]
        """Of each layer, whose questions were lost, and how many."""
        self._clean = 0
        """Answers since the last loss, of the layers that the loss found concerns."""
        self._from = 0
        self._missed = False
        self._highest = 0.0
        self._burst_s: float | None = None
        self._rest_s = 0.0

    def hit(self, index: int, sent_s: float) -> None:
        for target in self.meters.hit(index, sent_s):
            self._lost[index][target] = self._lost[index].get(target, 0) + 1
            self._missed = True
            if index >= self._from:
                self._clean = 0
        self._clean += index >= self._from

    def miss(self, index: int, sent_s: float, target: str) -> None:
        self.meters.miss(index, sent_s, target)

    def forget(self) -> None:
        self.meters.reset()
        for lost in self._lost:
            lost.clear()
        self.loss = self.latency = None
        self._missed = False
        self._clean = self._from = 0
        self.doubt = self._highest = 0.0

    # --- judged once a tick ---

    def busy(self) -> bool:
        return self._missed or self.latency is not None

    def calm(self, now_s: float) -> bool:
        """No burst is under way, and nothing calls for one but delays."""
        quiet = self.loss is None and self.latency is None and self._burst_s is None and not self._missed
        return quiet and now_s - max(self.meters.missed_s) >= FRESH_S

    def burst(self, now_s: float, paths: list[Path], *, nudged: bool) -> Burst:
        """`nudged`: somebody else has seen losses behind the router."""
        loss = self.loss
        if loss is not None and self._clean * loss.amount > PERHAPS_OVER:
            return "far"
        if loss is not None and now_s - loss.since_s < FOLLOWED_S:
            return "near" if self._from < 2 else "follow"
        fresh = [now_s - at_s < FRESH_S and not self.meters.silent(i, now_s) for i, at_s in enumerate(self.meters.missed_s)]
        slow = delays.doubtful(now_s, paths, found=self.latency is not None)
        doubt = slow or nudged or any(fresh) or (self._missed and self._highest > 0.0)
        if not doubt or now_s < self._rest_s:
            self._burst_s = None
            return ""
        if self._burst_s is None:
            self._burst_s = now_s
        if now_s - self._burst_s >= (LONG_BURST_S if self._missed and self._highest > DOUBT else BURST_S):
            self._burst_s, self._rest_s = None, now_s + REST_S
            return ""
        return "far" if slow or nudged or fresh[2] or fresh[3] or self.doubt > 0.0 or self._highest > JOIN else "near"

    def judge(self, now_s: float, paths: list[Path], vouched: frozenset[int]) -> None:
        """`vouched`: layers at which other registers have confirmed losses."""
        if self._missed:
            self._judge_loss(now_s, paths, vouched)
        found = delays.slowest(now_s, paths, found=self.latency is not None)
        since_s = now_s if self.latency is None else self.latency.since_s
        self.latency = None if found is None else Place(LAYERS[found[0]], found[1], since_s)

    def _judge_loss(self, now_s: float, paths: list[Path], vouched: frozenset[int]) -> None:
        loss = self.loss
        if loss is not None and self._clean > OVER / max(0.02, loss.amount):
            self.forget()
            return
        sums = self.meters.sums()
        self._highest = max(total for total, _ in sums)
        self.doubt = max(sums[2][0], sums[3][0])
        if self._highest <= 0.0:
            self._missed = False
            for lost in self._lost:
                lost.clear()
            return
        alarmed = [number for total, number in sums if total >= (VOUCHED if vouched else ALARM)]
        if not alarmed or (loss is not None and now_s - loss.since_s < 1.0):
            return
        found = self._nearest(now_s, min(alarmed), paths, vouched)
        if found is not None:
            layer, fraction, detail = found
            since_s = now_s if loss is None or loss.layer != LAYERS[layer] else loss.since_s
            self.loss = Place(LAYERS[layer], round(fraction, 3), since_s, detail)
            if layer != self._from:
                self._from, self._clean = layer, 0

    def _nearest(self, now_s: float, begun: int, paths: list[Path], vouched: frozenset[int]) -> tuple[int, float, str] | None:
        """(layer, fraction, detail); None while that is undecided, or where it is one target's own trouble."""
        asked: list[set[str]] = [set() for _ in LAYERS]
        for path in paths:
            if path.meter is not None and path.weighs:
                asked[path.meter].add(path.target.name)
        counts = self.meters.counts(begun)
        gains = {layer: gain_of(counts[layer:]) for layer in range(4) if asked[layer] and sum(counts[layer])}
        if not gains:
            return None
        for layer in vouched & set(gains):
            gains[layer] = gains[layer][0] + VOUCHED_GAIN, gains[layer][1]
        best, *others = sorted(gains, key=lambda layer: -gains[layer][0])
        lead = gains[best][0] - gains[others[0]][0] if others else SURE
        if self.loss is not None:
            # What was found stands until something else explains it much better.
            found = LAYERS.index(self.loss.layer)
            if found in gains and gains[best][0] - gains[found][0] < SURE:
                best = found
        elif lead < SURE:
            # Printers are asked too seldom to tell the LAN from the router soon: the verdict says both meanwhile.
            patience_s = EITHER_S if {best, others[0]} == {0, 1} else PATIENCE_S
            if now_s - begun * QUARTER_S < patience_s:
                return None
        gain, rate = gains[best]
        if gain < SURE or rate < LEAST_LOSS or self._alone(best, asked) or _own_way(counts, gain):
            return None
        return best, rate, _either(best, gains)

    def _alone(self, layer: int, asked: list[set[str]]) -> bool:
        """Whether it may be one target's own cable or server, not the network's. Where the router loses too, both have it from
        the LAN, for two cables do not go bad together."""
        one = len(asked[layer]) > 1 and len(self._lost[layer]) < 2
        return one and (layer == 3 or (layer == 0 and not asked[1]))


def _own_way(counts: list[tuple[int, int]], gain: float) -> bool:
    """Whether a router that limits its own answers explains it as well: what lies behind that one loses nothing."""
    return any(sum(counts[layer]) and any(map(sum, counts[layer + 1 :])) and gain_of([counts[layer]])[0] > gain - ALONE
               for layer in (1, 2))  # fmt: skip


def _either(layer: int, gains: dict[int, tuple[float, float]]) -> str:
    """LAN or router: the LAN's own devices tell, and are asked seldom."""
    if layer > 1:
        return ""
    other = 1 - layer
    if other not in gains:
        return "or lan" if layer else ""
    return f"or {LAYERS[other]}" if abs(gains[0][0] - gains[1][0]) < SURE else ""


class Locators:
    """All families' together: each has its own way out, and may lose by itself."""

    def __init__(self, families: tuple[Family, ...]) -> None:
        self._families = {family: Locator() for family in families}
        self._all = list(self._families.values())
        self._one = {family: [one] for family, one in self._families.items()}

    @property
    def loss(self) -> Place | None:
        return next((one.loss for one in self._all if one.loss is not None), None)

    @property
    def latency(self) -> Place | None:
        return next((one.latency for one in self._all if one.latency is not None), None)

    @property
    def loses(self) -> bool:
        """More than one question behind the router was lost: worth telling the other registers."""
        return any(one.doubt > JOIN for one in self._all)

    def hit(self, path: Path, sent_s: float, rtt_ms: float | None, *, late: bool) -> None:
        """`rtt_ms`: None where nobody knows."""
        if path.meter is None or not path.weighs:
            return
        if rtt_ms is not None:
            delays.timed(path, path.meter, sent_s, rtt_ms)
        if not late:
            for one in self._concerned(path):
                one.hit(path.meter, sent_s)

    def miss(self, path: Path, sent_s: float) -> None:
        if path.meter is not None and path.weighs:
            for one in self._concerned(path):
                one.miss(path.meter, sent_s, path.target.name)

    def _concerned(self, path: Path) -> list[Locator]:
        """The LAN is the same for all families, whichever its devices answer in."""
        return self._all if path.meter == 0 else self._one[path.target.family]

    def forget(self) -> None:
        for one in self._all:
            one.forget()

    def busy(self, paths: list[Path]) -> bool:
        """Whether there is anything to judge."""
        return any(one.busy() for one in self._all) or any(path.slow >= delays.SLOW_DOUBT for path in paths)

    def burst(self, now_s: float, paths: list[Path], *, nudged: bool = False) -> Burst:
        if not nudged and not any(path.slow for path in paths) and all(one.calm(now_s) for one in self._all):
            return ""
        wanted = [one.burst(now_s, self._of(family, paths), nudged=nudged) for family, one in self._families.items()]
        return max(wanted, key=BURSTS.index)

    def judge(self, now_s: float, paths: list[Path], peers: tuple[PeerState, ...] = ()) -> None:
        """`peers`: what the other registers say now."""
        said = {peer.faults for peer in peers if peer.phase == "confirmed"}
        vouched = frozenset(layer for layer in (1, 2, 3) if (f"loss_{LAYERS[layer]}",) in said)
        for family, one in self._families.items():
            one.judge(now_s, self._of(family, paths), vouched)

    def _of(self, family: str, paths: list[Path]) -> list[Path]:
        if len(self._families) == 1:
            return paths
        return [path for path in paths if path.meter == 0 or path.target.family == family]
