"""A log that somebody else goes on writing, or that is an older copy of itself, is written no further: a new one begins."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.faults import TooManyRenewals
from tillkeeper.replication.model import LogId

log = logging.getLogger(__name__)

RETRY_S = 1.0
MAX_ALARMS = 20


class Renewing(Protocol):
    """The journal."""

    @property
    def register(self) -> str: ...

    @property
    def incarnation(self) -> str: ...

    async def renew(self, reason: str, alarm: str = "") -> str: ...


class Renewals:
    """`conflict` may be called by any link or peer; `run` is the one task that acts on it. `renewed`: told after each."""

    def __init__(self, journal: Renewing) -> None:
        self._journal = journal
        self._asked: tuple[LogId, str, str] | None = None
        self._wake = asyncio.Event()
        self.renewed: Callable[[], None] = lambda: None
        self.alarms: list[str] = []

    def conflict(self, conflicting: LogId, reason: str, words: str = "") -> None:
        """`reason` as of `incarnation_began`. `words`: who says so, for people."""
        own = LogId(self._journal.register, self._journal.incarnation)
        if conflicting == own and self._asked is None:
            self._asked = (conflicting, reason, words)
            self._wake.set()

    async def run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self.settle():
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def settle(self) -> bool:
        """Begin the new incarnation that was asked for, if one was. False where the disk refuses: `run` tries again."""
        if self._asked is None:
            return True
        conflicting, reason, words = self._asked
        if conflicting.incarnation == self._journal.incarnation:
            said = f"log {conflicting.incarnation} is written no further ({words or reason}); a new one begins"
            try:
                await self._journal.renew(reason, said)
            except TooManyRenewals as error:  # no accident of one disk: a person has to look
                self._say(f"log {conflicting.incarnation}: {words or reason}. {error}")
            except TillkeeperError as error:
                log.error("no new incarnation yet: %s", error)
                return False
            else:
                self._say(said)
                self.renewed()
        self._asked = None
        return True

    def _say(self, words: str) -> None:
        log.error("%s", words)
        if words not in self.alarms:
            self.alarms = [*self.alarms, words][-MAX_ALARMS:]
