"""Where latency begins: at the first layer whose targets are all slow, and those behind it as well. Pure."""

from tillkeeper.network.capabilities import LEARNED, Path
from tillkeeper.network.meters import LAYERS

SLOW = 5
SLOW_DOUBT = 3
SLOW_MOST = 20
SLOW_S = 1.5
"""So many slow answers, net of quick ones, and for so long."""
LATELY_S = 3.0
FOLLOWED_S = 30.0
LAN_SLOW_MS = 30.0
WAN_SLOW_MS = 100.0
SLOW_TIMES = 3.0
FRESH_S = 1.0


def timed(path: Path, index: int, sent_s: float, rtt_ms: float) -> None:
    """Counts an answer as slow or quick for its path."""
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


def doubtful(now_s: float, paths: list[Path], *, found: bool) -> bool:
    """Whether to ask faster: it may be beginning, or, where it was `found`, be over."""
    if found:
        return any(path.slow and now_s - path.quick_s < FRESH_S for path in paths)
    return any(SLOW_DOUBT <= path.slow < SLOW_MOST for path in paths)


def slowest(now_s: float, paths: list[Path], *, found: bool) -> tuple[int, float] | None:
    """(index of the layer, milliseconds above the usual), None where nothing is slow. `found`: it was before."""
    excess: list[float | None] = [None] * len(LAYERS)
    slow, quick = [False] * len(LAYERS), [False] * len(LAYERS)
    # Whether one of a layer's targets has been slow for long, and whether one of them is not slow at all.
    least, lately_s = (1, FOLLOWED_S) if found else (SLOW, LATELY_S)
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
    for index, here in enumerate(excess):
        behind = excess[index + 1 :]
        if not slow[index] or quick[index] or here is None:
            continue
        # What lies behind is as slow, what lies before is not, nor on its way there.
        further = all(over is None or over >= 0.5 * here for over in behind)
        if further and all(over is None or over < 0.3 * here for over in excess[:index]):
            return index, round(here, 1)
    return None
