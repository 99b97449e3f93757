"""What one kitchen display shows or should show: a bounded board, in memory. Pure.

Tickets enter when the spool delivers them and are known by job id. After a restart of the agent the board is empty: the
spool delivers again what is unsettled, and the display drops the job ids that it has.
"""

from tillkeeper_drivers.api import DisplayDocument

MAX_ENTRIES = 500


class BoardFull(Exception):
    """`MAX_ENTRIES` tickets wait for the display's acknowledgement."""


class Entry:
    """One ticket on the board."""

    __slots__ = ("acked", "bumped", "document", "seq")

    def __init__(self, seq: int, document: DisplayDocument) -> None:
        self.seq = seq
        self.document = document
        self.acked = False
        self.bumped = False


class Board:
    """Tickets by sequence. At `most`, the oldest bumped one goes, then the oldest acknowledged one."""

    def __init__(self, most: int = MAX_ENTRIES) -> None:
        self._most = most
        self._entries: dict[str, Entry] = {}
        self.seq = 0

    def put(self, document: DisplayDocument) -> Entry:
        """The entry of this job, a new one where it is unknown; marks are those of the last delivery.

        Raises:
            BoardFull: see there; nothing was added.
        """
        entry = self._entries.get(document.job_id)
        if entry is not None:
            entry.document = document
            return entry
        if len(self._entries) >= self._most:
            self._evict()
        self.seq += 1
        entry = self._entries[document.job_id] = Entry(self.seq, document)
        return entry

    def _evict(self) -> None:
        acked = [entry for entry in self._entries.values() if entry.acked]
        if not acked:
            raise BoardFull
        leaves = next((entry for entry in acked if entry.bumped), acked[0])
        del self._entries[leaves.document.job_id]

    def ack(self, seq: int, job_id: str) -> Entry | None:
        """The entry that this acknowledges for the first time, or None."""
        entry = self._entries.get(job_id)
        if entry is None or entry.seq != seq or entry.acked:
            return None
        entry.acked = True
        return entry

    def ack_up_to(self, seq: int) -> list[Entry]:
        """The entries that a display which has seen `seq` acknowledges with it, those acknowledged before left out."""
        found = [entry for entry in self._entries.values() if entry.seq <= seq and not entry.acked]
        for entry in found:
            entry.acked = True
        return found

    def mark_bumped(self, check_id: str, station: str, bumped: bool) -> None:
        """A cook bumped or recalled a whole check."""
        for entry in self._entries.values():
            ticket = entry.document.ticket
            if ticket.check_id == check_id and ticket.station == station:
                entry.bumped = bumped

    def to_replay(self, after_seq: int) -> list[Entry]:
        """What a display that has seen `after_seq` lacks, in order: nothing that a cook has bumped."""
        return [entry for entry in self._entries.values() if entry.seq > after_seq and not entry.bumped]

    def behind(self) -> int:
        """Tickets not yet acknowledged."""
        return sum(not entry.acked for entry in self._entries.values())
