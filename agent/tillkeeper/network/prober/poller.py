"""Which sockets are ready. One that has more than its share waiting rests for a moment, so that no flood takes the CPU.

Over epoll(7) itself: `selectors` makes an object of every event, on each of the twenty or thirty wakings a second.
"""

import contextlib
import select
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
    """Callbacks must not block and must bound what they read."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._ready: dict[int, Ready] = {}
        self._resting: dict[int, tuple[float, Source, Ready]] = {}

    def add(self, source: Source, ready: Ready, *, write: bool = False) -> None:
        """Call `ready` whenever `source` can be read (with `write`: written). A second call replaces the first."""
        number = _number(source)
        self._resting.pop(number, None)
        events = select.EPOLLOUT if write else select.EPOLLIN
        if number in self._ready:
            self._epoll.modify(number, events)
        else:
            self._epoll.register(number, events)
        self._ready[number] = ready

    def remove(self, source: Source) -> None:
        """Before it is closed. One that is not known is left alone."""
        number = _number(source)
        self._resting.pop(number, None)
        if self._ready.pop(number, None) is not None:
            with contextlib.suppress(OSError):  # the kernel has let go of it already
                self._epoll.unregister(number)

    def rest(self, source: Source, ready: Ready, now_s: float) -> None:
        """Leave `source` alone for `REST_S`; what comes meanwhile waits in its buffer, or is lost there."""
        self.remove(source)
        self._resting[_number(source)] = (now_s + REST_S, source, ready)

    def next_at_s(self) -> float:
        """When the next one has rested; infinite where none does."""
        return min([until_s for until_s, _, _ in self._resting.values()]) if self._resting else _NEVER

    def wait(self, timeout_s: float) -> list[Ready]:
        """What is ready, after at most `timeout_s`."""
        return [self._ready[number] for number, _ in self._epoll.poll(max(0.0, timeout_s))]

    def wake(self, now_s: float) -> None:
        """Take those back that have rested."""
        for until_s, source, ready in tuple(self._resting.values()) if self._resting else ():
            if now_s >= until_s:
                self.add(source, ready)

    def close(self) -> None:
        self._epoll.close()


def _number(source: Source) -> int:
    return source if isinstance(source, int) else source.fileno()
