"""Ends the agent at a quiet moment, for systemd to start it again: after an upgrade, or because somebody asked."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from tillkeeper.contract.upkeep import RestartView
from tillkeeper.errors import Refused
from tillkeeper.upkeep.quiet import Doings, reasons

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
CHECK_EVERY_S = 30.0
"""So often a next start that would fail is looked at again."""
LATE_S = 24 * 3600.0
"""After a day without a quiet moment the notice becomes a warning. It is never done by force."""


class Restarts:
    """Belongs to one event loop.

    Args:
        doings: what is under way now.
        waiting: the version that a restart would bring, or empty; looks at the disk.
        next_start: why the next start would fail, in words, or empty.
        supervised: whether somebody starts the agent again.
        end: ends the agent in the ordinary way.
    """

    def __init__(
        self,
        version: str,
        doings: Callable[[], Doings],
        waiting: Callable[[], str],
        now_s: Callable[[], float],
        next_start: Callable[[], Awaitable[str]],
        *,
        supervised: bool,
        end: Callable[[], None],
    ) -> None:
        self._version, self._doings, self._waiting, self._now_s = version, doings, waiting, now_s
        self._next_start, self._supervised, self._end = next_start, supervised, end
        self._trouble, self._check_at_s = "", 0.0
        self._asked_by: str | None = None
        self._installed, self._since_s = "", 0.0

    def view(self) -> RestartView:
        return RestartView(
            version=self._version,
            installed=self._installed,
            wanted=self._wanted,
            by=self._asked_by or "",
            reasons=(*reasons(self._doings()), *([f"the next start would fail: {self._trouble}"] if self._trouble else [])),
        )

    def ask(self, by: str) -> RestartView:
        """End at the next quiet moment. Raises `Refused` where nothing would start the agent again."""
        if not self._supervised:
            cause, hint = "systemd did not start it, so nothing would start it again", "stop it and start it by hand"
            raise Refused("not_supervised", "restart", "the agent", cause, hint)
        self._asked_by, self._check_at_s = by, 0.0
        log.warning("a restart between two sales was asked for by %s", by or "nobody named")
        return self.view()

    def advice(self) -> tuple[str, bool, str]:
        """The version that waits, or empty; whether it has waited for long; why the next start would fail, or empty."""
        return self._installed, bool(self._installed) and self._now_s() - self._since_s > LATE_S, self._trouble

    async def run(self) -> None:
        """Look and wait, until cancelled."""
        while True:
            self.look()
            if self._wanted and self._supervised and self._is_quiet() and await self._can_start() and self._is_quiet():
                log.warning("ends between two sales for %s", self._installed or f"a restart that {self._asked_by} asked for")
                self._end()
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def look(self) -> None:
        """Whether a version waits: one readlink(2)."""
        if (found := self._waiting()) != self._installed:
            self._installed, self._since_s, self._check_at_s = found, self._now_s(), 0.0

    def _is_quiet(self) -> bool:
        return not reasons(self._doings())

    async def _can_start(self) -> bool:
        """An agent that sells does not end for one that would not."""
        if self._now_s() < self._check_at_s:
            return False
        found = await self._next_start()
        if found and found != self._trouble:
            log.error("goes on with what it has: the next start would fail: %s", found)
        self._trouble, self._check_at_s = found, self._now_s() + CHECK_EVERY_S if found else 0.0
        return not found

    @property
    def _wanted(self) -> bool:
        return self._asked_by is not None or bool(self._installed)
