"""The witness of a run: it writes down what was promised and what reached a disk or paper, and compares. Knows no cause.

Numbers in brackets are the invariants of docs/promises.md.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import msgspec
from tests.simulation.disk import Held, Platter, fingerprint
from tests.simulation.hq import Shelf
from tests.simulation.loops import Time
from tests.simulation.register import SECOND_COPY_S, Machine
from tests.simulation.till import Sale

from tillkeeper.contract.chain import GENESIS, ChainBroken, verify
from tillkeeper.contract.ed25519 import verify as verify_signature
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.events import CheckOpened, TenderRecorded
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.roster import Roster
from tillkeeper.contract.signing import is_signed
from tillkeeper.journal.records import Appended
from tillkeeper.replication import sinks
from tillkeeper.replication.model import LogId, Mark
from tillkeeper.spool.model import Job
from tillkeeper.spool.policy import POSSIBLE_DUPLICATE

MAX_LISTED = 1_000_000
MAX_SYNC_S = 0.2
"""What a sale may take on a disk that is well, and a second copy not counted."""


class Oracle:
    """`written`: every event that ever was durable on its author's disk, by hash. `lost`: those whose last copy went with a
    disk. `trace`: words, newest last. `violation`: the first one that was seen; the run ends with it."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.violation = ""
        self.machines: list[Machine] = []
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter()
        self.written_events: dict[str, Envelope] = {}
        self.lost: set[str] = set()
        self._asked: dict[str, tuple[str, float, int]] = {}
        self._refused: set[str] = set()
        self._numbers: dict[str, int] = {}
        self._of_number: dict[int, str] = {}
        self._unmarked: Counter[str] = Counter()
        self.printed_tickets: Counter[str] = Counter()
        self._copied: set[str] = set()
        self._origin: dict[str, str] = {}
        self._checked: dict[tuple[int, LogId], tuple[int, str]] = {}
        self._held_before: dict[tuple[int, LogId], int] = {}

    def say(self, who: str, words: str) -> None:
        self.trace.append(f"{self._time.now_s:10.3f} {who:6} {words}")

    def fail(self, invariant: str, words: str) -> None:
        self.say("!", f"{invariant}: {words}")
        self.violation = self.violation or f"{invariant}: {words}"
        self._time.stopped = True

    # --- what happens ---

    def said(self, machine: str, words: str) -> None:
        self.say(machine, words)

    def written(self, machine: str, platter: Platter, envelope: Envelope) -> None:
        before = self.written_events.setdefault(envelope.hash, envelope)
        if before != envelope:
            self.fail("I3", f"two events of one hash: {before} and {envelope}")
        if envelope.type == "incarnation_began":
            self.say(machine, f"log {envelope.incarnation[:6]} begins: {envelope.body}")
        self.counts["events"] += 1

    def promised(self, machine: str, held: Held, batch: HqBatch, answer: HqAnswer) -> None:
        """Whoever answers for an event has it; what is rejected is in its quarantine, whole."""
        log, said = LogId(batch.register, batch.incarnation), {v.seq: v.verdict for v in answer.verdicts}
        mark = held.marks().get(log)
        if answer.held_seq > (mark.seq if mark is not None else 0):
            self.fail("I1", f"{machine} says it holds {answer.held_seq} events of {log}, and has {mark.seq if mark else 0}")
        for event in batch.events:
            if (verdict := said.get(event.seq)) == "rejected" and not held.lists(event):
                self.fail("I2", f"{machine} rejects event {event.seq} of {log} and does not list it")
            elif verdict == "stored" and not held.has(event):
                self.fail("I1", f"{machine} says it stored event {event.seq} of {log}, and has another one or none")

    def asked(self, machine: str, sale: Sale) -> None:
        self._asked[sale.key] = (machine, self._time.now_s, self._machine(machine).pauses)

    def answered(self, machine: str, sale: Sale, at: Appended, took_s: float) -> None:
        one = self._machine(machine)
        log = next((log for log in one.platter.logs if log.incarnation == at.incarnation), None)
        if log is None or len(log.events) < at.last_seq or log.events[at.last_seq - 1].hash != at.head_hash:
            self.fail("I1", f"{machine} answered {sale.kind} {sale.key} before event {at.last_seq} was on its disk")
        elif sale.kind == "tender" and not any(sale.key in e.body for e in log.events if e.type == "tender_recorded"):
            self.fail("I1", f"the money of {sale.key} is not on the disk of {machine}")
        _, asked_s, pauses = self._asked[sale.key]
        well = one.pauses == pauses and one.drive.slow == 1.0 and one.drive.well_since_s <= asked_s
        if took_s > MAX_SYNC_S + SECOND_COPY_S and well:
            self.fail("I18", f"{machine} took {took_s:.3f} s for {sale.kind} while its disk was well")
        self.counts["sales"] += 1
        self.counts["minor"] += sale.amount_minor if sale.kind == "tender" else 0

    def refused(self, machine: str, sale: Sale) -> None:
        one = self._machine(machine)
        if not one.drive.trouble and not one.drive.full and self._time.now_s - one.drive.well_since_s > 1.0:
            self.fail("I18", f"{machine} refused {sale.kind} while its disk was well")
        self._refused.add(sale.key)
        self.counts["refused"] += 1

    def moved(self, job_id: str, new_job_id: str) -> None:
        self._origin[new_job_id] = self._origin.get(job_id, job_id)
        self.counts["adopted"] += 1
        self.say("spool", f"ticket {job_id[:6]} adopted as {new_job_id[:6]}")

    def printed(self, machine: str, job: Job) -> None:
        ticket = self._origin.get(job.job_id, job.job_id)
        self.printed_tickets[ticket] += 1
        self.counts["tickets"] += 1
        if POSSIBLE_DUPLICATE not in job.marks:
            self._unmarked[ticket] += 1
            if self._unmarked[ticket] > 1 and ticket in self._copied:
                self.counts["repeats of copied disks"] += 1
            elif self._unmarked[ticket] > 1:
                self.fail("I6", f"{machine} printed ticket {ticket} again without a mark")
        elif self.printed_tickets[ticket] > 1:
            self.counts["marked repeats"] += 1

    def numbered(self, machine: str, check_id: str, number: int) -> None:
        if self._numbers.setdefault(check_id, number) != number or self._of_number.setdefault(number, check_id) != check_id:
            self.fail("I8", f"{machine}: check {check_id} has number {number}, before that {self._numbers[check_id]}")

    def disk_copied(self, platter: Platter) -> None:
        """Tickets that wait on it may be printed by two machines that know nothing of each other."""
        self._copied |= {self._origin.get(job_id, job_id) for job_id, row in platter.jobs.items() if not row.settled}

    def disk_gone(self, old: Sequence[Envelope], stores: Iterable[Iterable[Envelope]]) -> None:
        """A disk with `old` on it went; `stores` are all that are left."""
        left = {event.hash for store in stores for event in store}
        gone = {event.hash for event in old if event.hash not in left}
        self.lost |= gone
        self.say("world", f"{len(gone)} events are gone for good")
        self.counts["lost with a disk"] += len(gone)

    # --- at any moment ---

    def look(self, hq: Shelf, roster: Roster) -> None:
        """Everything that has to hold at every moment."""
        for one in self.machines:
            for log in one.platter.logs:
                self._chain(one.platter.lineage, LogId(one.register, log.incarnation), log.events)
            self._holder(one.name, one.platter.lineage, one.platter.held, roster)
        self._holder("hq", -1, hq, roster)
        for check_id, number in hq.numbers.items():
            self.numbered("hq", check_id, number)

    def _holder(self, name: str, lineage: int, held: Held, roster: Roster) -> None:
        for log, mark in held.marks().items():
            if mark.seq < self._held_before.get((lineage, log), 0):
                self.fail("I2", f"{name} held {self._held_before[lineage, log]} events of {log}, now {mark.seq}")
            self._held_before[lineage, log] = mark.seq
            known, _ = self._checked.get((lineage, log), (0, ""))
            self._chain(lineage, log, held.events(log, known, mark.seq), held.rejected(log))
            if mark.head is not None:
                at = held.events(log, mark.head.seq - 1, 1)
                signed = is_signed(mark.head, roster.keys(log.register), verify_signature)
                if not at or at[0].hash != mark.head.hash or not signed:
                    self.fail("I3", f"{name}: the signed head of {log} at {mark.head.seq} does not hold")

    def _chain(self, lineage: int, log: LogId, events: Sequence[Envelope], rejected: Collection[int] = ()) -> None:
        """From where it was looked at the last time. What does not continue the chain is in quarantine."""
        seq, tip = self._checked.get((lineage, log), (0, GENESIS))
        fresh = [event for event in events if event.seq > seq]
        if not fresh:
            return
        if [event.seq for event in fresh] != list(range(seq + 1, seq + 1 + len(fresh))):
            self.fail("I3", f"{log} has a gap behind {seq}")
            return
        for event in fresh:
            if event != self.written_events.get(event.hash):
                self.fail("I15", f"event {event.seq} of {log} is not what its author wrote")
                return
            try:
                verify([event], tip if event.seq not in rejected else event.prev_hash)
            except ChainBroken as broken:
                self.fail("I3", f"{log}: {broken}")
                return
            tip = event.hash
        self._checked[lineage, log] = (fresh[-1].seq, fresh[-1].hash)

    # --- when all is well again ---

    def missing(self, hq: Shelf) -> str:
        """What HQ or another register still lacks; empty once everything has converged. [I2, I17]"""
        there = {event.hash for event in hq.rows()}
        absent = [event for name, event in self.written_events.items() if name not in there and name not in self.lost]
        if absent:
            event = absent[0]
            return f"HQ lacks {len(absent)} events, the first {event.register} {event.incarnation[:6]} {event.seq} {event.type}"
        for one in self.machines:
            if words := self._behind(one):
                return words
        return ""

    def _behind(self, one: Machine) -> str:
        if one.till is None or one.desk is None:
            return f"{one.name} is not up"
        pending = [row.job_id for row in one.platter.jobs.values() if not row.settled]
        if pending:
            return f"{one.name} has {len(pending)} tickets to print"
        known = self._numbers
        unnumbered = [check for check, number in one.till.numbers.items() if number is None and check in known]
        if unnumbered:
            return f"{one.name} has {len(unnumbered)} checks without their number, {unnumbered[0]} for one"
        others = [other for other in self.machines if other is not one]
        order = one.desk.parts.order
        if len({other.register for other in self.machines}) < len(self.machines):
            return ""  # of two machines with one name only one is heard
        for register in sinks.lines(order, one.register, order):
            other = next(other for other in others if other.register == register)
            marks = other.platter.held.marks()
            for log in one.platter.logs:
                mark = marks.get(LogId(one.register, log.incarnation))
                if mark is None or mark.seq < len(log.events):
                    there = mark.seq if mark is not None else 0
                    return f"{register} holds {there} of {len(log.events)} events of {one.name} {log.incarnation[:6]}"
        return ""

    def judge(self, hq: Shelf) -> None:
        """After everything has converged."""
        self._once(hq)
        self._money(hq)
        self._conflicts(hq)
        self._equal(hq)
        self._refusals()
        self._tickets()
        unnumbered = [
            event.check_id
            for envelope in hq.good()
            if isinstance(event := read_event(envelope), CheckOpened) and event.check_id not in hq.numbers
        ]
        if unnumbered:
            self.fail("I8", f"HQ gave no number to {unnumbered[:3]}")

    def _once(self, hq: Shelf) -> None:
        counts = Counter(event.hash for event in hq.rows())
        if twice := [name for name, count in counts.items() if count > 1]:
            self.fail("I2", f"HQ holds {len(twice)} events twice")
        if strange := [name for name in counts if name not in self.written_events]:
            self.fail("I2", f"HQ holds {len(strange)} events that nobody wrote")
            return
        money = Counter(event.tender_id for envelope in hq.rows() if isinstance(event := read_event(envelope), TenderRecorded))
        if twice := [name for name, count in money.items() if count > 1]:
            self.fail("I2", f"payment {twice[0]} is in the books twice")
        for event in hq.rows():
            if event != self.written_events[event.hash]:
                self.fail("I15", f"HQ has another event {event.seq} of {event.register} than was written")

    def _money(self, hq: Shelf) -> None:
        """To the cent: what HQ counts and what it lists in quarantine is what the registers took."""
        good, aside = {e.hash for e in hq.good()}, {e.hash for e in hq.aside()}
        if good & aside:
            self.fail("I2", f"{len(good & aside)} events are in the books and in quarantine")
        absent = self.lost - good - aside
        taken = _cash(e for name, e in self.written_events.items() if name not in absent)
        counted, listed = _cash(hq.good()), _cash(hq.aside())
        if counted + listed != taken:
            self.fail("I2", f"HQ counts {counted} and lists {listed}, the registers took {taken}")
        self.counts["minor at HQ"], self.counts["minor in quarantine"] = counted, listed
        self.counts["events in quarantine"] = len(hq.aside())

    def _conflicts(self, hq: Shelf) -> None:
        """Of a place that two machines took HQ lists each event but the one that it counts, and says so at who holds them."""
        places: dict[tuple[str, str, int], set[str]] = {}
        for name, event in self.written_events.items():
            if name not in self.lost:
                places.setdefault((event.register, event.incarnation, event.seq), set()).add(name)
        good, listed = {e.hash for e in hq.good()}, {e.hash for e in hq.aside()}
        for place, names in places.items():
            if len(names) > 1 and (len(names & good) > 1 or names - good - listed):
                self.fail("I2", f"{len(names)} events have the place {place}, and HQ does not list {names - good - listed}")
            self.counts["places in conflict"] += len(names) > 1
        for one in self.machines:
            aside = one.platter.held.quarantined(0, MAX_LISTED)
            if unlisted := [a for a in aside if a.envelope.hash not in listed | good]:
                self.fail("I2", f"{one.name} has {len(unlisted)} events in quarantine that HQ does not list")
            if aside and not one.platter.held.alarms:
                self.fail("I2", f"{one.name} has events in quarantine and raises no alarm")

    def _equal(self, hq: Shelf) -> None:
        """[I4] Equal marks, equal events: byte for byte."""
        seen: dict[Mark, tuple[str, list[Envelope]]] = {}
        for name, held in [(one.name, one.platter.held) for one in self.machines] + [("hq", hq)]:
            for log, mark in held.marks().items():
                self._same(seen, name, mark, held.events(log, 0, mark.seq))
        for one in self.machines:
            for rows in one.platter.logs:
                mark = Mark(one.register, rows.incarnation, len(rows.events), rows.head_hash)
                self._same(seen, one.name, mark, rows.events)

    def _same(self, seen: dict[Mark, tuple[str, list[Envelope]]], name: str, mark: Mark, events: list[Envelope]) -> None:
        other, theirs = seen.setdefault(msgspec.structs.replace(mark, head=None), (name, events))
        if theirs != events:
            self.fail("I4", f"{name} and {other} hold {mark.log} with the same mark and not the same events")

    def _refusals(self) -> None:
        """[I16] What was refused is nowhere."""
        for event in self.written_events.values():
            decoded = read_event(event) if event.type == "tender_recorded" else None
            if isinstance(decoded, TenderRecorded) and decoded.tender_id in self._refused:
                self.fail("I16", f"payment {decoded.tender_id} was refused and is in a log")

    def _tickets(self) -> None:
        """[I6] What was fired and has its job on a disk that is still there has been printed."""
        for one in self.machines:
            for job_id, row in one.platter.jobs.items():
                if row.state == "confirmed" and not self.printed_tickets[self._origin.get(job_id, job_id)]:
                    self.fail("I6", f"ticket {job_id} of {one.name} never reached paper")

    def _machine(self, name: str) -> Machine:
        return next(one for one in self.machines if one.name == name)

    def state(self, hq: Shelf) -> str:
        """Of everything, for comparing two runs."""
        lines = [f"{one.name} {fingerprint(one.platter)}" for one in self.machines]
        lines += [f"{e.register} {e.incarnation} {e.seq} {e.hash}" for e in hq.rows()]
        lines += [f"{check} {number}" for check, number in hq.numbers.items()]
        return "\n".join([*lines, *self.trace])


def _cash(events: Iterable[Envelope]) -> int:
    found = (read_event(envelope) for envelope in events if envelope.type == "tender_recorded")
    return sum(event.amount_minor for event in found if isinstance(event, TenderRecorded))
