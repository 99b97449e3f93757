"""The witness of the books, when all is well again: HQ has every event once, to the cent, and equal marks mean equal events."""

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Protocol

import msgspec
from tests.simulation import days
from tests.simulation.hq import Shelf

from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import TenderRecorded
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.together import CheckMerged
from tillkeeper.replication.model import Mark

MAX_LISTED = 1_000_000


class Run(days.Run, Protocol):
    lost: set[str]

    def of_cards(self, words: str) -> None: ...


class BooksWitness:
    def __init__(self, run: Run) -> None:
        self._ = run

    def judge(self, hq: Shelf) -> None:
        """After everything has converged."""
        self._once(hq)
        self._money(hq)
        self._conflicts(hq)
        self._equal(hq)

    def _once(self, hq: Shelf) -> None:
        counts = Counter(event.hash for event in hq.rows())
        if repeated := [name for name, count in counts.items() if count > 1]:
            self._.fail("I2", f"HQ holds {len(repeated)} events twice")
        if strange := [name for name in counts if name not in self._.written_events]:
            self._.fail("I2", f"HQ holds {len(strange)} events that nobody wrote")
            return
        money: Counter[str] = Counter()
        for envelope in hq.rows():
            match read_event(envelope):
                case TenderRecorded(tender_id=tender_id):
                    money[tender_id] += 1
                case CheckMerged(twice=twice):
                    money.subtract(one.tender_id for one in twice)
        if repeated := [name for name, count in money.items() if count > 1]:
            self._.of_cards(f"payment {repeated[0]} is in the books twice")
        for event in hq.rows():
            if event != self._.written_events[event.hash]:
                self._.fail("I15", f"HQ has another event {event.seq} of {event.register} than was written")

    def _money(self, hq: Shelf) -> None:
        """To the cent: what HQ counts and what it lists in quarantine is what the registers took."""
        good, aside = {e.hash for e in hq.good()}, {e.hash for e in hq.aside()}
        if good & aside:
            self._.fail("I2", f"{len(good & aside)} events are in the books and in quarantine")
        absent = self._.lost - good - aside
        taken = _cash(e for name, e in self._.written_events.items() if name not in absent)
        counted, listed = _cash(hq.good()), _cash(hq.aside())
        if counted + listed != taken:
            self._.fail("I2", f"HQ counts {counted} and lists {listed}, the registers took {taken}")
        self._.counts["minor at HQ"], self._.counts["minor in quarantine"] = counted, listed
        self._.counts["events in quarantine"] = len(hq.aside())

    def _conflicts(self, hq: Shelf) -> None:
        """Of a place that two machines took HQ lists each event but the one that it counts, and says so at who holds them."""
        places: dict[tuple[str, str, int], set[str]] = {}
        for name, event in self._.written_events.items():
            if name not in self._.lost:
                places.setdefault((event.register, event.incarnation, event.seq), set()).add(name)
        good, listed = {e.hash for e in hq.good()}, {e.hash for e in hq.aside()}
        for place, names in places.items():
            if len(names) > 1 and (len(names & good) > 1 or names - good - listed):
                self._.fail("I2", f"{len(names)} events have the place {place}, and HQ does not list {names - good - listed}")
            self._.counts["places in conflict"] += len(names) > 1
        for one in self._.machines:
            aside = one.platter.held.quarantined(0, MAX_LISTED)
            if unlisted := [a for a in aside if a.envelope.hash not in listed | good]:
                self._.fail("I2", f"{one.name} has {len(unlisted)} events in quarantine that HQ does not list")
            if aside and not one.platter.held.alarms:
                self._.fail("I2", f"{one.name} has events in quarantine and raises no alarm")

    def _equal(self, hq: Shelf) -> None:
        """[I4] Equal marks, equal events: byte for byte. And what can be read counts at all of them, or at none."""
        seen: dict[Mark, tuple[str, list[Envelope], list[int]]] = {}
        for name, held in [(one.name, one.platter.held) for one in self._.machines] + [("hq", hq)]:
            for log, mark in held.marks().items():
                self._same(seen, name, mark, held.events(log, 0, mark.seq), held.rejected(log, 0, mark.seq))
        for one in self._.machines:
            for rows in one.platter.logs:
                mark = Mark(one.register, rows.incarnation, len(rows.events), rows.head_hash)
                self._same(seen, one.name, mark, rows.events)

    def _same(
        self, seen: dict[Mark, tuple[str, list[Envelope], list[int]]], name: str, mark: Mark, events: list[Envelope],
        rejected: Collection[int] = (),
    ) -> None:  # fmt: skip
        aside = [seq for seq in sorted(rejected) if read_event(events[seq - 1]) is not None]
        other, theirs, their_aside = seen.setdefault(msgspec.structs.replace(mark, head=None), (name, events, aside))
        if theirs != events:
            self._.fail("I4", f"{name} and {other} hold {mark.log} with the same mark and not the same events")
        elif their_aside != aside:
            self._.fail("I9", f"{name} does not count {aside} of {mark.log}, and {other} {their_aside}, of the same events")


def _cash(events: Iterable[Envelope]) -> int:
    found = (read_event(envelope) for envelope in events if envelope.type == "tender_recorded")
    return sum(event.amount_minor for event in found if isinstance(event, TenderRecorded))
