"""A register comes back: before its spool begins, what was printed without it is settled, and what may have been is marked."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from tillkeeper.errors import TillkeeperError
from tillkeeper.journal.journal import Journal
from tillkeeper.replication.adoption import Adoption
from tillkeeper.replication.away import Away
from tillkeeper.replication.recall import Recall
from tillkeeper.spool.adopting import Orphan
from tillkeeper.spool.elsewhere import Outcome
from tillkeeper.spool.model import Job

log = logging.getLogger(__name__)


class Spooling(Protocol):
    """The spool, of a register that may have been away."""

    async def adopt(self, tickets: Sequence[Orphan], originator: str) -> tuple[Job, ...]: ...

    async def given_up(self, job_ids: Iterable[str], register: str) -> None: ...

    async def settled_before(self, outcomes: Mapping[str, Outcome]) -> int: ...

    def doubt(self) -> None: ...


class Returning:
    """Made before anything is written.

    Args:
        unheard: the members of the store that nothing was heard of since this start.
        after_s: so long a register must have been away before another prints for it.
    """

    def __init__(
        self,
        journal: Journal,
        adoption: Adoption,
        recall: Recall,
        unheard: Callable[[], Sequence[str]],
        now_ms: Callable[[], int],
        after_s: float,
    ) -> None:
        self._journal, self._adoption, self._recall = journal, adoption, recall
        self._unheard, self._after_s = unheard, after_s
        self._away = Away(journal, now_ms)

    async def before_spool(self, spool: Spooling) -> None:
        """After the others were asked. Nothing that fails here keeps a register from selling; it is tried again later."""
        await self._adoption.give_up(spool)
        await self._recall.work_in(spool)
        unheard = self._unheard() if self._away.longer_than(self._after_s) else ()
        if not unheard:
            return
        if self._journal.unsettled_jobs(limit=1):
            log.warning("what waits here may have been printed elsewhere; not heard at this start: %s", ", ".join(unheard))
        try:
            await self._journal.doubt_jobs()
        except TillkeeperError as error:
            log.error("that it is in doubt could not be written down: %s", error)
