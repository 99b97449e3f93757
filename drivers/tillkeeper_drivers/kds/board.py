"""What one kitchen display shows or should show: a bounded board, in memory. Pure.

Tickets enter when the spool delivers them, or by `restore` after a restart of the agent, and are known by job id.
"""

from collections.abc import Callable, Iterable, Sequence

from tillkeeper_drivers.api import DisplayDocument, ShownTicket

MAX_ENTRIES = 500


class BoardFull(Exception):
    """`MAX_ENTRIES` tickets wait for the display's acknowledgement."""


class Entry:
    """One ticket on the board. `bumped`: 0 while it is open, else its place in the order of bumps. `done_lines`: items that a
    cook has ticked off."""

    __slots__ = ("acked", "bumped", "document", "done_lines", "seq", "stop_seen")

    def __init__(self, seq: int, document: DisplayDocument) -> None:
        self.seq = seq
        self.document = document
        self.acked = False
        self.bumped = 0
        self.done_lines: set[str] = set()
        self.stop_seen = False

    @property
    def job_id(self) -> str:
        return self.document.job_id

    def belongs(self, check_id: str, station: str) -> bool:
        ticket = self.document.ticket
        return ticket.check_id == check_id and ticket.station == station


class Board:
    """Tickets by sequence. At `most`, the oldest bumped one goes, then the oldest acknowledged one."""

    def __init__(self, most: int = MAX_ENTRIES) -> None:
        self._most = most
        self._entries: dict[str, Entry] = {}
        self._bumps = 0
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
        self._open_lines(document)
        self.seq += 1
        entry = self._entries[document.job_id] = Entry(self.seq, document)
        return entry

    def _open_lines(self, document: DisplayDocument) -> None:
        """A later slip that speaks of a line opens it again: there is something to do."""
        ticket = document.ticket
        for entry in self._entries.values():
            if entry.done_lines and entry.belongs(ticket.check_id, ticket.station):
                entry.done_lines.difference_update(item.line_id for item in ticket.items)

    def restore(self, shown: Iterable[ShownTicket]) -> None:
        """What stood here before a restart, in order; the newest of them where there are too many."""
        for ticket in tuple(shown)[-self._most :]:
            entry = self.put(ticket.document)
            entry.acked, entry.stop_seen = ticket.acked, ticket.stop_seen
            self._mark(entry, ticket.bumped)

    def _evict(self) -> None:
        acked = [entry for entry in self._entries.values() if entry.acked]
        if not acked:
            raise BoardFull
        leaves = next((entry for entry in acked if entry.bumped), acked[0])
        del self._entries[leaves.job_id]

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

    def meant(self, check_id: str, station: str, job_ids: Sequence[str]) -> list[Entry]:
        """The tickets that a cook means: those named, or where none is, all of the check that the display has acknowledged. A
        ticket that is still on its way to the screen is never meant."""
        return [
            entry
            for entry in self._entries.values()
            if entry.belongs(check_id, station) and (entry.job_id in job_ids if job_ids else entry.acked)
        ]

    def up_to(self, check_id: str, station: str, revision: int) -> list[Entry]:
        """The tickets of a check up to a revision: what another display of the station speaks of."""
        return [
            entry
            for entry in self._entries.values()
            if entry.belongs(check_id, station) and entry.document.ticket.revision <= revision
        ]

    def mark(self, entries: Iterable[Entry], *, bumped: bool) -> None:
        """A cook bumped or recalled these."""
        for entry in entries:
            self._mark(entry, bumped)

    def _mark(self, entry: Entry, bumped: bool) -> None:
        if bumped and not entry.bumped:
            self._bumps += 1
            entry.bumped = self._bumps
        elif not bumped:
            entry.bumped = 0

    def tick(self, check_id: str, station: str, line_id: str, *, done: bool) -> None:
        """A cook is done with one line of a check, or took that back."""
        for entry in self._entries.values():
            if entry.belongs(check_id, station) and any(item.line_id == line_id for item in entry.document.ticket.items):
                if done:
                    entry.done_lines.add(line_id)
                else:
                    entry.done_lines.discard(line_id)

    def expire(self, stale: Callable[[int], bool]) -> list[Entry]:
        """Acknowledged tickets whose `fired_at_ms` is `stale` leave the board as if bumped; those that had not left before."""
        found = [
            entry
            for entry in self._entries.values()
            if entry.acked and not entry.bumped and stale(entry.document.ticket.fired_at_ms)
        ]
        self.mark(found, bumped=True)
        return found

    def to_replay(self, after_seq: int) -> list[Entry]:
        """What a display that has seen `after_seq` lacks, in order: nothing that a cook has bumped."""
        return [entry for entry in self._entries.values() if entry.seq > after_seq and not entry.bumped]

    def last_bumped(self, count: int) -> list[Entry]:
        """What can be recalled: the last `count` bumped ones, the oldest bump first."""
        bumped = sorted((entry for entry in self._entries.values() if entry.bumped), key=lambda entry: entry.bumped)
        return bumped[-count:]

    def entries(self) -> tuple[Entry, ...]:
        """All, in the order of their sequence."""
        return tuple(self._entries.values())

    def behind(self) -> int:
        """Tickets not yet acknowledged."""
        return sum(not entry.acked for entry in self._entries.values())
