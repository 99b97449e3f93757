"""Which sockets are ready. One that has more than its share waiting rests for a moment, so that no flood takes the CPU."""

import contextlib
import selectors
from collections.abc import Callable
from typing import Protocol


class HasFileno(Protocol):
    def fileno(self) -> int: ...


Ready = Callable[[], None]
Source = int | HasFileno
_NEVER = float("inf")
REST_S = 0.02
"""With `sockets.PER_TURN` datagrams a turn this is at most 1,600 a second from one socket: one or two percent of a core."""


class Poller:
    """Wraps a selector. Callbacks must not block and must bound what they read."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._resting: dict[int, tuple[float, Source, Ready]] = {}

    def add(self, source: Source, ready: Ready, *, write: bool = False) -> None:
        """Call `ready` whenever `source` can be read (with `write`: written). A second call replaces the first."""
        self._resting.pop(_number(source), None)
        events = selectors.EVENT_WRITE if write else selectors.EVENT_READ
        try:
            self._selector.modify(source, events, ready)
        except KeyError:
            self._selector.register(source, events, ready)

    def remove(self, source: Source) -> None:
        """Before it is closed. One that is not known is left alone."""
        self._resting.pop(_number(source), None)
        with contextlib.suppress(KeyError, ValueError):  # ValueError: it is closed already
            self._selector.unregister(source)

    def rest(self, source: Source, ready: Ready, now_s: float) -> None:
        """Leave `source` alone for `REST_S`; what comes meanwhile waits in its buffer, or is lost there."""
        self.remove(source)
        self._resting[_number(source)] = (now_s + REST_S, source, ready)

    def next_at_s(self) -> float:
        """When the next one has rested; infinite where none does."""
        return min([until_s for until_s, _, _ in self._resting.values()]) if self._resting else _NEVER

    def wait(self, timeout_s: float) -> list[Ready]:
        """What is ready, after at most `timeout_s`."""
        return [key.data for key, _ in self._selector.select(max(0.0, timeout_s))]

    def wake(self, now_s: float) -> None:
        """Take those back that have rested."""
        for until_s, source, ready in tuple(self._resting.values()) if self._resting else ():
            if now_s >= until_s:
                self.add(source, ready)

    def close(self) -> None:
        self._selector.close()


def _number(source: Source) -> int:
    return source if isinstance(source, int) else source.fileno()
