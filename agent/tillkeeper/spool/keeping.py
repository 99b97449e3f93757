"""What has happened at a device reaches the journal, however long its disk refuses."""

import asyncio
import logging

import msgspec

from tillkeeper.contract.documents import DocumentRerouted, DocumentSettled
from tillkeeper.errors import Refused, TillkeeperError
from tillkeeper.spool.health import Health
from tillkeeper.spool.model import Job, WiredData
from tillkeeper.spool.ports import Spooling

log = logging.getLogger(__name__)

STORAGE_RETRY_S = 1.0


class Keeper:
    """Of one worker's device."""

    def __init__(self, worker_id: str, spool: Spooling, health: Health) -> None:
        self._id, self._spool, self._health = worker_id, spool, health

    async def keep(self, jobs: tuple[Job, ...], events: tuple[DocumentSettled | DocumentRerouted, ...]) -> None:
        """Store what has happened already. While the disk refuses, this device waits with it in memory: without it the next
        document could not be stored either, and an agent that dies meanwhile repeats with a mark."""
        while True:
            try:
                await self._spool.store(jobs, events)
            except Refused as error:
                log.error("what became of job %s is stored without its words: %s", jobs[0].job_id, error)
                jobs = tuple(msgspec.structs.replace(job, reason="") for job in jobs)
                events = tuple(msgspec.structs.replace(event, reason="") for event in events)
                await asyncio.sleep(STORAGE_RETRY_S)
            except TillkeeperError as error:
                self.trouble(error)
                await asyncio.sleep(STORAGE_RETRY_S)
            else:
                self._health.storage_trouble = False
                return

    def trouble(self, error: TillkeeperError) -> None:
        """The journal did not take or give what the device needs: nothing is tried for a while."""
        if not self._health.storage_trouble:
            log.error("device %s waits for the journal: %s", self._id, error)
        self._health.storage_trouble = True
        self._health.pause(STORAGE_RETRY_S)
        self._spool.changed(self._id)


def settled_event(job: Job, by: str) -> DocumentSettled:
    """`by`: the evidence, or the person who decided."""
    return DocumentSettled(
        job_id=job.job_id,
        document_class=job.document_class,
        device=job.device,
        outcome=job.state,
        by=by,
        reason=job.reason,
        attempts=job.attempts,
        marks=job.marks,
        check_id=job.check_id,
    )


def settled_events(job: Job, by: str) -> tuple[DocumentSettled, ...]:
    """As `settled_event`; none for a job of another register, which tells of it in its own log."""
    return () if isinstance(job.data, WiredData) else (settled_event(job, by),)
