"""An event loop whose time passes only while everybody waits: hours in milliseconds, the same on every run."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Selector(selectors.DefaultSelector):
    loop: "VirtualLoop"

    def really(self, timeout: float) -> Any:
        """As any selector, in real seconds."""
        return super().select(timeout)

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0 or self.loop.real_work > 0:
            # Somebody works in a thread: its end comes through the self-pipe, and meanwhile no time passes here.
            return super().select(None if timeout is None or (self.loop.real_work > 0 and timeout > 0) else 0)
        self.loop.now_s += timeout
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """`real_work`: how many operations are under way whose end does not come from this loop."""

    selector_type: type["Selector"]

    def __init__(self) -> None:
        self.now_s = 0.0
        self.real_work = 0
        selector = self.selector_type()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now_s


VirtualLoop.selector_type = Selector


def run_virtual(scenario: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(scenario)
