"""Jobs that are found by id and gone through in an order, however many there are. Pure."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator

from tillkeeper.spool.model import Job


class Ordered:
    """`key`: what they are ordered by; it is fixed for each job, and jobs with equal keys stand side by side."""

    def __init__(self, key: Callable[[Job], tuple[int, int]]) -> None:
        self._key = key
        self._jobs: list[Job] = []
        self._by_id: dict[str, Job] = {}

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs)

    def find(self, job_id: str) -> Job | None:
        return self._by_id.get(job_id)

    def put(self, job: Job) -> None:
        """A job that is not in it."""
        insort(self._jobs, job, key=self._key)
        self._by_id[job.job_id] = job

    def take(self, job_id: str) -> Job | None:
        """Take it out; None where it is not in it."""
        job = self._by_id.pop(job_id, None)
        if job is not None:
            place = bisect_left(self._jobs, self._key(job), key=self._key)
            while self._jobs[place].job_id != job_id:
                place += 1
            del self._jobs[place]
        return job


def by_age(job: Job) -> tuple[int, int]:
    """The oldest first, as people see them: one that was moved to another device keeps its age."""
    return (job.created_at_ms, job.order)
