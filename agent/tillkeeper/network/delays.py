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
    slow, quick, untold = [False] * len(LAYERS), [False] * len(LAYERS), [False] * len(LAYERS)
    # Whether one of a layer's targets has been slow for long, whether one of them is not slow at all, and whether none has told
    # enough since it began.
    least, lately_s = (1, FOLLOWED_S) if found else (SLOW, LATELY_S)
    began_s = min((path.slow_s for path in paths if path.slow and path.meter is not None), default=now_s)
    for path in paths:
        index, answered_s = path.meter, path.answered_s
        if index is None or not path.weighs or answered_s is None or path.answered < LEARNED:
            continue
        if now_s - answered_s > lately_s or (not path.slow and answered_s < began_s):
            untold[index] = True
            continue
        untold[index] = untold[index] or 0 < path.slow < SLOW_DOUBT
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
        # What lies behind is as slow, what lies before is not, nor on its way there; what has not been asked since may be.
        further = all(over is None or over >= 0.5 * here for over in behind)
        before_is_quick = all(quick[at] or not untold[at] for at in range(index))
        if further and before_is_quick and all(over is None or over < 0.3 * here for over in excess[:index]):
            return index, round(here, 1)
    return None
