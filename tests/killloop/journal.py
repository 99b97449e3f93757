"""What the stopped register's journal says: every event, and what became of every job."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import decode_body
from tillkeeper.journal.database import connect_reader
from tillkeeper.journal.reader import JournalReader
from tillkeeper.spool import jobs as steps
from tillkeeper.spool.model import Job

_AT_ONCE = 5_000

E = TypeVar("E", bound=Event)


class Written(msgspec.Struct, frozen=True):
    """`envelopes` in the order of the log; `jobs` by id."""

    envelopes: list[Envelope]
    events: list[tuple[str, Event]]
    """Business day and body."""
    jobs: dict[str, Job]

    def of(self, kind: type[E]) -> Iterator[E]:
        return (event for _day, event in self.events if isinstance(event, kind))


def read(path: Path) -> Written:
    """All of a journal that nobody writes. Raises StorageUnreadable where it is damaged."""
    connection = connect_reader(path)
    try:
        reader = JournalReader(path, connection)
        envelopes: list[Envelope] = []
        for log in reader.logs():
            at = 0
            while at < log.last_seq:
                page = reader.events(log.incarnation, at, _AT_ONCE)
                envelopes += page
                at = page[-1].seq
        bodies = [body for (body,) in connection.execute("SELECT body FROM jobs")]
    finally:
        connection.close(True)
    decoded = [(one.business_day, decode_body(one.type, one.body.encode())) for one in envelopes]
    events = [(day, event) for day, event in decoded if event is not None]
    jobs = {job.job_id: job for job in map(steps.decode, bodies)}
    return Written(envelopes, events, jobs)
