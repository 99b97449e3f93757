"""How long a register has been away: what waits there may have been printed meanwhile, by another register or by a later state
of this one, of which its disk is an older copy."""

import logging
from collections.abc import Callable
from contextlib import suppress

from tillkeeper.errors import StorageRefused, TillkeeperError
from tillkeeper.journal.journal import Journal

log = logging.getLogger(__name__)

LOOKED_AT = 50
"""Events at the end of the log: one of them was stamped last, whatever the clock did since."""
ALONE_S = 60.0
"""A register without others that was away for longer may be an older copy of itself: nobody there could tell it. A copy is not
made and put back within a minute; an agent that was killed is back sooner."""


class Away:
    """Made before anything is written. `now_ms`: wall clock."""

    def __init__(self, journal: Journal, now_ms: Callable[[], int]) -> None:
        self._journal, self._now_ms = journal, now_ms
        self._written_ms = last_written_ms(journal)

    def longer_than(self, after_s: float) -> bool:
        """What is not known counts as long: a clock that was set back, and a register that had nothing to write."""
        away_ms = self._now_ms() - self._written_ms
        return self._written_ms > 0 and not 0 <= away_ms < after_s * 1000

    async def doubt_alone(self) -> None:
        """Before the spool begins, of a register without others: what waits is marked where it may have been printed. Nothing
        that fails here keeps a register from selling."""
        if not self.longer_than(ALONE_S) or not self._journal.unsettled_jobs(limit=1):
            return
        log.warning("what waits here may have been printed since it was written: this register was away")
        try:
            await self._journal.doubt_jobs()
        except TillkeeperError as error:
            log.error("that it is in doubt could not be written down: %s", error)


def last_written_ms(journal: Journal) -> int:
    """The latest stamp at the end of the log, in ms since the epoch; 0 where it has only just begun."""
    with suppress(StorageRefused):
        first = max(1, journal.last_seq - LOOKED_AT)
        return max((event.at_ms for event in journal.events(journal.incarnation, first, LOOKED_AT)), default=0)
    return 0
