"""How often somebody may ask: the generic cell rate algorithm (ITU-T I.371, annex A) for many sources at once. Pure.

A source is one number: until when it has asked ahead. Who is at rest has none, so what is kept is what is busy, and at most
`sources` of those: beyond that the one that is nearest to rest is forgotten, which costs nobody anything but the bound.
"""

_ROUNDED_S = 1e-6
"""Sums of many small costs are not exact."""


class Rates:
    """A source may ask `burst` at once and `per_s` lastingly, in units of cost. Times are of one clock that never steps."""

    def __init__(self, per_s: float, burst: float, sources: int = 1024) -> None:
        self._per_s, self._burst_s, self._sources = per_s, burst / per_s, sources
        self._ahead: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._ahead)

    def wait_s(self, source: str, now_s: float, cost: float = 1.0) -> float:
        """How long until so much may be asked; 0.0: now. Takes nothing. What costs more than the whole burst may be asked by
        who is at rest."""
        ahead_s = max(0.0, self._ahead.get(source, now_s) - now_s)
        wait_s = ahead_s + cost / self._per_s - self._burst_s
        return wait_s if ahead_s > 0.0 and wait_s > _ROUNDED_S else 0.0

    def take(self, source: str, now_s: float, cost: float = 1.0) -> float:
        """As `wait_s`; where that is 0.0, it is asked."""
        wait_s = self.wait_s(source, now_s, cost)
        if wait_s == 0.0:
            self._ahead[source] = max(now_s, self._ahead.get(source, now_s)) + cost / self._per_s
            if len(self._ahead) > self._sources:
                self._forget(now_s)
        return wait_s

    def _forget(self, now_s: float) -> None:
        self._ahead = {source: until_s for source, until_s in self._ahead.items() if until_s > now_s}
        while len(self._ahead) > self._sources:
            del self._ahead[min(self._ahead, key=self._ahead.__getitem__)]
