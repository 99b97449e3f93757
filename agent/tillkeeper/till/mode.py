"""Keeps the mode: looks at the uplink, adopts what it says between two decisions, and journals each change."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tillkeeper.contract.events import ModeChanged
from tillkeeper.errors import TillkeeperError
from tillkeeper.roles.mode import Mode, ModeState, Uplink, adopt, observe

log = logging.getLogger(__name__)

TICK_S = 0.5
"""Silence is found by time alone, within this."""


class ModeKeeper:
    """A decision is taken in one go on the loop, so whatever runs between two awaits is between two sales: `look` never
    changes the mode inside one.

    Args:
        uplink: what the link to HQ has seen, at this moment.
        window_s: how old the last exchange may be.
        journal: makes a change durable.
    """

    def __init__(
        self,
        uplink: Callable[[], Uplink],
        window_s: float,
        now_s: Callable[[], float],
        journal: Callable[[ModeChanged], Awaitable[None]],
    ) -> None:
        self._uplink = uplink
        self._window_s = window_s
        self._now_s = now_s
        self._journal = journal
        self._woken = asyncio.Event()
        self._unsaid: list[ModeChanged] = []
        self.state = ModeState()

    def mode(self) -> Mode:
        """The mode that a decision taken now goes by. Always up to date: time alone can end the online mode."""
        self._look()
        return self.state.mode

    def wake(self) -> None:
        """The link has news."""
        self._woken.set()

    async def run(self) -> None:
        while True:
            self._woken.clear()
            self._look()
            while self._unsaid:
                try:
                    await self._journal(self._unsaid[0])
                except TillkeeperError as error:
                    log.warning("mode change is not journaled yet: %s", error)
                    break
                del self._unsaid[0]
            try:
                async with asyncio.timeout(TICK_S):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _look(self) -> None:
        self.state, change = adopt(observe(self.state, self._uplink(), self._now_s(), self._window_s))
        if change is not None:
            log.info("mode %s -> %s: %s", change.previous, change.mode, change.cause)
            self._unsaid = [*self._unsaid[-99:], change]
