"""The directory of checks of one store, as far as a transaction touches it: read once, changed in memory, written once."""

from collections.abc import Iterable

import msgspec

from tillkeeper.contract.base import Event
from tillkeeper.contract.events import CheckClosed, CheckNumbered, CheckOpened, CheckVoided, RefundRecorded
from tillkeeper.contract.together import CheckForked, CheckMerged, CheckTaken
from tillkeeper_hq.tables import CheckRow

FOLDED = (CheckOpened, CheckNumbered, CheckClosed, CheckVoided, RefundRecorded, CheckTaken, CheckForked, CheckMerged)
"""What the directory is made of."""


class Directory:
    """`rows`: all that have an id or a number which an event names. `next_number`: the store's."""

    def __init__(self, rows: Iterable[CheckRow], next_number: int) -> None:
        self._rows = {row.check_id: row for row in rows}
        self._holders = {row.number: row.check_id for row in self._rows.values()}
        self._changed: dict[str, None] = {}
        self._renumbered: dict[str, None] = {}
        self.next_number = next_number

    def number(self, check_id: str) -> int | None:
        row = self._rows.get(check_id)
        return None if row is None else row.number

    def changes(self) -> tuple[list[CheckRow], list[str]]:
        """Rows to write, and the ids of those whose number is no longer what it was."""
        return [self._rows[one] for one in self._changed], list(self._renumbered)

    def fold(self, event: Event, log_id: int, seq: int, business_day: str, register: str = "") -> str:
        """The id of the check that has the number which `event` of that register claims for another, else nothing. How a check
        stands is what the register with the highest claim to it says, in whatever order the logs come."""
        match event:
            case CheckOpened():
                self._open(event, log_id, seq, business_day)
            case CheckNumbered():
                return self._adopt(event)
            case CheckTaken() | CheckForked():
                self._move(event, log_id, seq, register)
            case CheckMerged(totals=totals) if self._speaks(event.check_id, register):
                sums = None if totals is None else msgspec.json.encode(totals)
                self._change(event.check_id, state=event.state, totals=sums)
            case CheckClosed() if self._speaks(event.check_id, register):
                self._change(event.check_id, state="closed", totals=msgspec.json.encode(event.totals))
            case CheckVoided() if self._speaks(event.check_id, register):
                self._change(event.check_id, state="voided")
            case RefundRecorded():
                row = self._rows.get(event.check_id)
                self._change(event.check_id, refunded_minor=(row.refunded_minor if row else 0) + event.amount_minor)
            case _:
                pass
        return ""

    def _open(self, event: CheckOpened, log_id: int, seq: int, business_day: str) -> None:
        if event.training or event.check_id in self._rows:  # practice is in no directory and gets no number
            return
        row = CheckRow(event.check_id, self.next_number, log_id, seq, event.ticket_code, business_day)
        self._rows[row.check_id] = row
        self._holders[row.number] = row.check_id
        self._changed[row.check_id] = None
        self.next_number += 1

    def _speaks(self, check_id: str, register: str) -> bool:
        row = self._rows.get(check_id)
        return row is None or row.held_by in ("", register)

    def _move(self, event: CheckTaken | CheckForked, log_id: int, seq: int, register: str) -> None:
        """It may be heard of before the log in which it was opened."""
        row = self._rows.get(event.check_id)
        if row is None and not event.training:
            row = CheckRow(event.check_id, self.next_number, log_id, seq, event.ticket_code, event.business_day)
            self._rows[row.check_id] = row
            self._holders[row.number] = row.check_id
            self.next_number += 1
        if row is None or (event.hand, register) <= (row.hand, row.held_by):
            return
        totals = msgspec.json.encode(event.totals) if event.state == "closed" and event.totals is not None else None
        self._change(event.check_id, hand=event.hand, held_by=register, state=event.state, totals=totals)

    def _adopt(self, event: CheckNumbered) -> str:
        """A register tells which number it was given. It differs from ours only where this database was lost and built
        anew: then the number that people have on paper wins, unless another check has it by now."""
        holder = self._holders.get(event.number)
        if holder is not None:
            return "" if holder == event.check_id else holder
        self.next_number = max(self.next_number, event.number + 1)
        row = self._rows.get(event.check_id)
        if row is not None:
            del self._holders[row.number]
            self._holders[event.number] = row.check_id
            self._renumbered[row.check_id] = None
            self._change(row.check_id, number=event.number)
        return ""

    def _change(self, check_id: str, **fields: object) -> None:
        row = self._rows.get(check_id)
        if row is not None:
            self._rows[check_id] = row._replace(**fields)  # type: ignore[arg-type]
            self._changed[check_id] = None
