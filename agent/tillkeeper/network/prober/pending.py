"""What was asked and is not answered yet."""

from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

from tillkeeper.network.model import Probe

KEEP_S = 2.0
"""How long after its timeout an answer is still told: late is not lost."""
MOST = 8192
K = TypeVar("K", bound=Hashable)


class Asked(NamedTuple):
    number: int
    sent_s: float
    timeout_s: float
    forget_s: float
    probe: Probe


class Pending(Generic[K]):
    """Open questions by what their answers are known by. Full, it takes no more (`room`)."""

    def __init__(self) -> None:
        self._open: dict[K, Asked] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, key: K) -> bool:
        return key in self._open

    @property
    def room(self) -> bool:
        return len(self._open) < MOST

    def ask(self, key: K, probe: Probe, sent_s: float) -> None:
        """A newer question with the same key takes the place of the older one."""
        timeout_s = probe.timeout_ms / 1000
        self._open[key] = Asked(probe.number, sent_s, sent_s + timeout_s, sent_s + timeout_s + KEEP_S, probe)

    def peek(self, key: K) -> Asked | None:
        return self._open.get(key)

    def answered(self, key: K) -> Asked | None:
        """The question, which is closed by this; None where nobody asked, or somebody answered already."""
        return self._open.pop(key, None)

    def sweep(self, now_s: float) -> None:
        """Forget what nobody will answer any more."""
        for key in [key for key, asked in self._open.items() if asked.forget_s <= now_s]:
            del self._open[key]
