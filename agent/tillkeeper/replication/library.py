"""The register's own journal and the logs it holds, of others and of its own past, as one."""

from tillkeeper.contract.envelope import Envelope, HqBatch, SignedHead
from tillkeeper.contract.signing import Sign, sign_head
from tillkeeper.replication.batches import within
from tillkeeper.replication.cursors import MAX_BYTES
from tillkeeper.replication.model import Holdings, LogId, Mark
from tillkeeper.replication.outgoing import LogBook


class Library:
    """`key` and `sign`: this register's; where there are none nothing is signed.

    A log that the journal has is read from the journal, whatever others hold of it; but for one that is written no further and
    of which others had more: once all that the journal has of it is among the holdings too (`whole`), those are read.
    """

    def __init__(self, journal: LogBook, holdings: Holdings, key: str = "", sign: Sign | None = None) -> None:
        self._journal, self._holdings = journal, holdings
        self._key, self._sign = key, sign
        self._old_of = ""
        self._old: dict[LogId, Mark] = {}
        """The logs that are not written any more, while `_old_of` is written."""
        self._copied: set[LogId] = set()

    def own(self, log: LogId) -> bool:
        """Whether the journal has it, or a part of it. Raises: StorageUnreadable."""
        return log == self.writing or log in self._older()

    def whole(self, log: LogId) -> bool:
        """Of a log that is not written any more: whether the holdings have all that the journal has of it, and its end.

        Raises:
            StorageUnreadable: as `own`.
        """
        mine, held = self._older().get(log), self._holdings.marks().get(log)
        if mine is None or held is None or not 0 < mine.seq <= held.seq:
            self._copied.discard(log)  # the holdings may have begun anew
            return False
        if log in self._copied:
            return True
        there = self._holdings.events(log, mine.seq - 1, 1)
        if there and there[0].hash == mine.hash:
            self._copied.add(log)
        return log in self._copied

    def copied(self, log: LogId) -> None:
        """All that the journal has of it was taken among the holdings, aside where those are another branch."""
        self._copied.add(log)

    def regained(self, log: LogId) -> bool:
        """A log of this register that its journal does not have: what is known of it was held by others."""
        return log.register == self._journal.register and not self.own(log)

    @property
    def writing(self) -> LogId:
        return LogId(self._journal.register, self._journal.incarnation)

    def heads(self) -> dict[LogId, Mark]:
        """The end of every log. From memory, but for the first time after a new log began. Raises: StorageUnreadable."""
        journal, now = self._journal, self.writing
        own = Mark(*now, journal.last_seq, journal.head_hash)
        found = self._holdings.marks()
        for log, mark in self._older().items():
            if log not in found or not self.whole(log):
                found[log] = mark
        return {**found, now: own}

    def _older(self) -> dict[LogId, Mark]:
        now = self._journal.incarnation
        if self._old_of != now:
            older = [log for log in self._journal.logs() if log.incarnation != now]
            names = [LogId(log.register, log.incarnation) for log in older]
            self._old = {name: Mark(*name, log.last_seq, log.head_hash) for name, log in zip(names, older, strict=True)}
            self._old_of = now
        return self._old

    def in_journal(self) -> dict[LogId, Mark]:
        """The ends of the logs that the journal has, as it has them. Raises: as `heads`."""
        return {**self._older(), self.writing: Mark(*self.writing, self._journal.last_seq, self._journal.head_hash)}

    def events(self, log: LogId, after_seq: int, limit: int) -> list[Envelope]:
        """Consecutive events; none of a log that is not known. Raises: StorageUnreadable."""
        if self._is_read_here(log):
            return self._journal.events(log.incarnation, after_seq, limit)
        return self._holdings.events(log, after_seq, limit)

    def rejected(self, log: LogId, after_seq: int, last_seq: int) -> frozenset[int]:
        """Places whose event nobody follows: it is among the holdings, in quarantine. Raises: StorageUnreadable."""
        return frozenset() if self._is_read_here(log) else self._holdings.rejected(log, after_seq, last_seq)

    def _is_read_here(self, log: LogId) -> bool:
        return log == self.writing or (log in self._older() and not self.whole(log))

    def recorded(self, log: LogId, after_seq: int, limit: int) -> HqBatch:
        """What the journal itself has of it, signed now where there is a key. Raises: StorageUnreadable."""
        events = within(self._journal.events(log.incarnation, after_seq, limit), MAX_BYTES)
        head = self._head_of(log, events[-1]) if events else None
        return HqBatch(self._journal.store, *log, events, head)

    def head_for(self, log: LogId, up_to_seq: int) -> SignedHead | None:
        """Of a log that is read from the journal: `up_to_seq`, signed now. Of another: the furthest place that its author
        signed, not beyond that; a batch is to end there. What was rescued of this register's own (`own_past.py`) before it had
        a key is signed now. Raises: StorageUnreadable."""
        if not self._is_read_here(log):
            mark = self._holdings.marks().get(log)
            found = self._holdings.signed_up_to(log, up_to_seq)
            signed = log.register != self._journal.register or (mark is not None and mark.head is not None)
            if found is not None or (signed and not self._is_mine(log, up_to_seq)):
                return found
        if self._sign is None or up_to_seq < 1:
            return None
        last = self.events(log, up_to_seq - 1, 1)
        return self._head_of(log, last[0]) if last else None

    def _is_mine(self, log: LogId, seq: int) -> bool:
        """Whether the journal has the event that is held in this place."""
        mine = self._journal.events(log.incarnation, seq - 1, 1) if log in self._older() and seq > 0 else []
        return bool(mine) and [event.hash for event in self._holdings.events(log, seq - 1, 1)] == [mine[0].hash]

    def _head_of(self, log: LogId, last: Envelope) -> SignedHead | None:
        if self._sign is None:
            return None
        return sign_head(self._journal.store, *log, last.seq, last.hash, self._key, self._sign)
