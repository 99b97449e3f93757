"""What one sink gets of the library: all own logs, and those of others that are to be relayed to it."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from typing import Protocol

from tillkeeper.contract.envelope import Envelope, SignedHead
from tillkeeper.errors import StorageRefused
from tillkeeper.journal.records import LogInfo
from tillkeeper.replication.model import LogId, Mark


class Logs(Protocol):
    """The library: own logs and those held for others, as one."""

    def heads(self) -> dict[LogId, Mark]: ...

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]: ...

    def rejected(self, log: LogId, after_seq: int, last_seq: int) -> frozenset[int]: ...

    def head_for(self, log: LogId, up_to_seq: int) -> SignedHead | None: ...


class LogsWithPast(Logs, Protocol):
    """That knows its own past apart."""

    def regained(self, log: LogId) -> bool:
        """A log of this register that its journal does not have. Raises: StorageUnreadable."""


class Steady:
    """Logs whose ends are those last known while they can not be read."""

    def __init__(self, logs: LogsWithPast) -> None:
        self._logs = logs
        self._last: dict[LogId, Mark] = {}
        self.events, self.head_for, self._regained = logs.events, logs.head_for, logs.regained

    def heads(self) -> dict[LogId, Mark]:
        with suppress(StorageRefused):
            self._last = self._logs.heads()
        return self._last

    def regained(self, log: LogId) -> bool:
        """While that can not be read it is as any own log."""
        with suppress(StorageRefused):
            return self._regained(log)
        return False


class Writing(Protocol):
    """The journal: which log is written now."""

    @property
    def register(self) -> str: ...

    @property
    def incarnation(self) -> str: ...


class Selected:
    """See `batches.Outgoing`. `relays`: the logs of others that go there too. `forked`: those of which the sink may
    have another branch, whatever its end is."""

    def __init__(
        self,
        logs: LogsWithPast,
        writing: Writing,
        relays: Callable[[], Collection[LogId]] = tuple,
        forked: Callable[[], Collection[LogId]] = tuple,
    ) -> None:
        self._logs, self._writing, self._relays, self._forked = Steady(logs), writing, relays, forked
        self.events, self.head_for = logs.events, logs.head_for

    @property
    def own(self) -> LogId:
        return LogId(self._writing.register, self._writing.incarnation)

    def heads(self) -> Mapping[LogId, int]:
        register, relays = self._writing.register, self._relays()
        return {log: mark.seq for log, mark in self._logs.heads().items() if log.register == register or log in relays}

    def is_others(self, log: LogId) -> bool:
        return log.register != self._writing.register or self._logs.regained(log)

    def is_forked(self, log: LogId) -> bool:
        return log in self._forked()


class LogBook(Writing, Protocol):
    """The journal, as a library needs it."""

    @property
    def store(self) -> str: ...

    @property
    def last_seq(self) -> int: ...

    @property
    def head_hash(self) -> str: ...

    def logs(self) -> list[LogInfo]: ...

    def events(self, incarnation: str, after_seq: int, limit: int) -> list[Envelope]: ...


class OwnLogs:
    """The library of a store of one: own logs only, and nobody signs."""

    def __init__(self, journal: LogBook) -> None:
        self._journal = journal
        self._old: dict[LogId, Mark] = {}
        self._read_for = ""

    def heads(self) -> dict[LogId, Mark]:
        journal = self._journal
        if self._read_for != journal.incarnation:
            self._read_for = journal.incarnation
            infos = (info for info in journal.logs() if info.incarnation != journal.incarnation)
            marks = (Mark(info.register, info.incarnation, info.last_seq, info.head_hash) for info in infos)
            self._old = {mark.log: mark for mark in marks}
        own = Mark(journal.register, journal.incarnation, journal.last_seq, journal.head_hash)
        return {**self._old, own.log: own}

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        return self._journal.events(log.incarnation, after_seq, limit)

    def rejected(self, _log: LogId, _after_seq: int, _last_seq: int) -> frozenset[int]:
        return frozenset()

    def head_for(self, _log: LogId, _up_to_seq: int) -> SignedHead | None:
        return None

    def regained(self, _log: LogId) -> bool:
        return False
