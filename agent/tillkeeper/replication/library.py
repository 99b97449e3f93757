"""The register's own journal and the logs it holds of others, as one."""

from typing import Protocol

from tillkeeper.contract.envelope import Envelope, SignedHead
from tillkeeper.contract.signing import Sign, sign_head
from tillkeeper.journal.records import LogInfo
from tillkeeper.replication.model import Holdings, LogId, Mark


class LogBook(Protocol):
    """What is needed of the journal."""

    @property
    def store(self) -> str: ...

    @property
    def register(self) -> str: ...

    @property
    def incarnation(self) -> str: ...

    @property
    def last_seq(self) -> int: ...

    @property
    def head_hash(self) -> str: ...

    def logs(self) -> list[LogInfo]: ...

    def events(self, incarnation: str, after_seq: int, limit: int) -> list[Envelope]: ...


class Library:
    """`key` and `sign`: this register's; where there are none nothing is signed. A log that the journal has is read from the
    journal, whatever others hold of it."""

    def __init__(self, journal: LogBook, holdings: Holdings, key: str = "", sign: Sign | None = None) -> None:
        self._journal, self._holdings = journal, holdings
        self._key, self._sign = key, sign
        self._old_of = ""
        self._old: dict[LogId, Mark] = {}
        """The logs that are not written any more, while `_old_of` is written."""

    def own(self, log: LogId) -> bool:
        """Whether the journal has it. Raises: StorageUnreadable."""
        return log == self.writing or log in self._older()

    @property
    def writing(self) -> LogId:
        return LogId(self._journal.register, self._journal.incarnation)

    def heads(self) -> dict[LogId, Mark]:
        """The end of every log. From memory, but for the first time after a new log began. Raises: StorageUnreadable."""
        journal, now = self._journal, self.writing
        own = Mark(*now, journal.last_seq, journal.head_hash)
        return {**self._holdings.marks(), **self._older(), now: own}

    def _older(self) -> dict[LogId, Mark]:
        now = self._journal.incarnation
        if self._old_of != now:
            older = [log for log in self._journal.logs() if log.incarnation != now]
            names = [LogId(log.register, log.incarnation) for log in older]
            self._old = {name: Mark(*name, log.last_seq, log.head_hash) for name, log in zip(names, older, strict=True)}
            self._old_of = now
        return self._old

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        """Consecutive events; none of a log that is not known. Raises: StorageUnreadable."""
        if self.own(log):
            return self._journal.events(log.incarnation, after_seq, limit)
        return self._holdings.events(log, after_seq, limit)

    def head_for(self, log: LogId, up_to_seq: int) -> SignedHead | None:
        """Of a log of this register, also one that was rescued (`own_past.py`): `up_to_seq`, signed now. Of another's: the
        furthest place that its author signed, not beyond that; a batch is to end there. Raises: StorageUnreadable."""
        if log.register != self._journal.register:
            return self._holdings.signed_up_to(log, up_to_seq)
        if self._sign is None or up_to_seq < 1:
            return None
        last = self.events(log, up_to_seq - 1, 1)
        if not last:
            return None
        return sign_head(self._journal.store, *log, up_to_seq, last[0].hash, self._key, self._sign)
