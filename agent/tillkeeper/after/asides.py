"""Events that this register holds for others in quarantine, summed up by log."""

from collections.abc import Iterable

from tillkeeper.after.listing import Aside
from tillkeeper.contract.events import TenderRecorded
from tillkeeper.contract.placing import read_event
from tillkeeper.errors import StorageRefused
from tillkeeper.replication.model import HeldAside, Holdings

MAX_READ = 500
"""The oldest; a log with more says so by its count."""


class Asides:
    """`holdings` None: nothing is held for others."""

    def __init__(self, holdings: Holdings | None) -> None:
        self._holdings = holdings

    def found(self, place: str) -> list[Aside]:
        """One for each log that has any; `place`: the register that this is. Where the file can not be read, none: an alarm of
        its own says that."""
        try:
            rows = self._holdings.quarantined(0, MAX_READ) if self._holdings is not None else []
        except StorageRefused:
            return []
        logs: dict[tuple[str, str], list[HeldAside]] = {}
        for row in rows:
            logs.setdefault((row.envelope.register, row.envelope.incarnation), []).append(row)
        return [_summed(place, register, incarnation, found) for (register, incarnation), found in logs.items()]


def _summed(place: str, register: str, incarnation: str, rows: list[HeldAside]) -> Aside:
    reasons = ", ".join(dict.fromkeys(row.reason for row in rows))
    return Aside(
        place, register, incarnation, len(rows), rows[-1].n, reasons, min(row.received_ms for row in rows),
        _worth(rows) or None,
    )  # fmt: skip


def _worth(rows: Iterable[HeldAside]) -> int:
    """What was paid, as far as it can be read."""
    events = (read_event(row.envelope) for row in rows)
    return sum(event.amount_minor for event in events if isinstance(event, TenderRecorded) and not event.training)
