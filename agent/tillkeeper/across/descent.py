"""Which log of a register goes on from which other one, and from where in it, as each says where it begins. Pure."""

from collections.abc import Iterator, Mapping

from tillkeeper.contract.events import IncarnationBegan
from tillkeeper.contract.placing import MAX_INT
from tillkeeper.replication.model import LogId

_BLANK = "corrupt_journal"
"""A disk that was read no more: the new log names the old one, and knows nothing of it."""


class Descent:
    """Copies of a disk are a tree: what stands in the others beyond the place where a copy was made, it does not know."""

    def __init__(self) -> None:
        self._before: dict[LogId, tuple[str, int]] = {}

    def began(self, log: LogId, event: IncarnationBegan) -> None:
        if event.previous_incarnation and event.reason != _BLANK:
            self._before[log] = event.previous_incarnation, event.previous_last_seq

    def path(self, log: LogId) -> dict[str, int]:
        """The logs on the disk on which this one is written, the oldest first, and how much of each is there."""
        found = {log.incarnation: MAX_INT}
        while (before := self._before.get(log)) is not None and before[0] not in found:
            log = log._replace(incarnation=before[0])
            found[log.incarnation] = before[1]
        return dict(reversed(found.items()))

    def tips(self, ends: Mapping[LogId, int]) -> Iterator[LogId]:
        """Of logs that go up to there, those of which no other one has everything."""
        had: dict[LogId, int] = {}
        for log in ends:
            for incarnation, upto in self.path(log).items():
                if incarnation != log.incarnation:
                    older = log._replace(incarnation=incarnation)
                    had[older] = max(upto, had.get(older, 0))
        return (log for log, end in ends.items() if end > had.get(log, 0))

    def dump(self) -> list[tuple[str, str, str, int]]:
        return [(*log, *before) for log, before in self._before.items()]

    def load(self, kept: list[tuple[str, str, str, int]]) -> None:
        self._before = {LogId(register, log): (before, upto) for register, log, before, upto in kept}
