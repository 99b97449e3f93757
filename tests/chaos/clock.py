"""Virtual time with real sockets: time passes only while no socket has anything to say and no thread works."""

import asyncio
from typing import Any

from tests.spool.virtual import Selector, VirtualLoop

GRACE_S = 0.0002
"""Loopback delivers within the call that sends, but for the rare packet that the kernel puts off."""


class _SocketSelector(Selector):
    def select(self, timeout: float | None = None) -> Any:
        if timeout is not None and timeout > 0 and self.loop.real_work == 0:
            for wait_s in (0, GRACE_S):
                if ready := self.really(wait_s):
                    return ready
        return super().select(timeout)


class ChaosLoop(VirtualLoop):
    """Both ends of all connections live in it."""

    selector_type = _SocketSelector

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:
        self.real_work += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _future: asyncio.Future[Any]) -> None:
        self.real_work -= 1
