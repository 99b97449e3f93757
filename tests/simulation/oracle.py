"""The witness of a run: it writes down what was promised and what reached a disk or paper, and compares. Knows no cause.

Numbers in brackets are the invariants of docs/promises.md.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from tests.simulation import judging
from tests.simulation.books import BooksWitness
from tests.simulation.closing import Said
from tests.simulation.days import DayWitness
from tests.simulation.disk import Held, Platter, fingerprint
from tests.simulation.hq import Shelf
from tests.simulation.loops import Time
from tests.simulation.register import SECOND_COPY_S, Machine
from tests.simulation.till import Sale
from tests.simulation.together import CHANGED_HANDS, PAYING, Together

from tillkeeper.across.taking import ASK_S
from tillkeeper.contract.chain import GENESIS, ChainBroken, verify
from tillkeeper.contract.ed25519 import verify as verify_signature
from tillkeeper.contract.envelope import Envelope, HqAnswer, HqBatch
from tillkeeper.contract.events import CheckOpened
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.roster import Roster
from tillkeeper.contract.signing import is_signed
from tillkeeper.replication.model import LogId
from tillkeeper.spool.model import Job
from tillkeeper.spool.policy import POSSIBLE_DUPLICATE

AT_ONCE = ("open_check", "add_lines", "send_order", "void_line", "take_check")
"""Commands that never wait for the world."""
STORAGE = ("storage_refused", "overloaded")
MAX_SYNC_S = 0.2
"""What a sale may take on a disk that is well, and a second copy not counted."""


class Oracle(Together):
    """`written`: every event that ever was durable on its author's disk, by hash. `lost`: those whose last copy went with a
    disk. `trace`: words, newest last. `violation`: the first one that was seen; the run ends with it."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self.books, self.days = BooksWitness(self), DayWitness(self)
        self._time = time
        self.violation = ""
        self.trace: list[str] = []
        self.written_events: dict[str, Envelope] = {}
        self.lost: set[str] = set()
        self._asked: dict[str, tuple[str, float, int]] = {}
        self._refused: set[str] = set()
        self.numbers: dict[str, int] = {}
        self._of_number: dict[int, str] = {}
        self._unmarked: Counter[str] = Counter()
        self.printed_tickets: Counter[str] = Counter()
        self._copied: set[str] = set()
        self._late: set[str] = set()
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

    def cards_forgotten(self) -> bool:
        left = {event.hash for one in self.machines for event in one.platter.everything()}
        return self.cloned or any(event.type in PAYING for name, event in self.written_events.items() if name not in left)

    def said(self, machine: str, words: str) -> None:
        self.say(machine, words)

    def written(self, machine: str, platter: Platter, envelope: Envelope) -> None:
        before = self.written_events.setdefault(envelope.hash, envelope)
        if before != envelope:
            self.fail("I3", f"two events of one hash: {before} and {envelope}")
        if envelope.type == "incarnation_began":
            self.say(machine, f"log {envelope.incarnation[:6]} begins: {envelope.body}")
        self.counts["events"] += 1
        if envelope.type == "roles_assigned":
            self.assigned(machine, envelope)
        elif envelope.type in (*PAYING, *CHANGED_HANDS, "check_merged"):
            self.paid(machine, platter.lineage, envelope)
        elif envelope.type == "day_closed":
            self.days.closed(machine, platter, envelope)

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

    def answered(self, machine: str, sale: Sale, took_s: float) -> None:
        one = self._machine(machine)
        if sale.key not in one.platter.commands:
            self.fail("I1", f"{machine} answered {sale.kind} {sale.key} before it was on its disk")
        _, asked_s, pauses = self._asked[sale.key]
        well = one.pauses == pauses and one.drive.slow == 1.0 and one.drive.well_since_s <= asked_s
        asks = ASK_S if sale.kind == "take_check" else 0.0
        if took_s > MAX_SYNC_S + SECOND_COPY_S + asks and well and sale.kind in AT_ONCE:
            self.fail("I18", f"{machine} took {took_s:.3f} s for {sale.kind} while its disk was well")
        self.counts["sales"] += 1
        self.counts[sale.kind] += 1

    def refused(self, machine: str, sale: Sale, code: str) -> None:
        if code == "internal":
            self.fail("agent", f"{machine} can not do {sale.kind}: a mistake of the register that was asked")
        if code not in STORAGE:
            self.counts[f"refused {code}"] += 1
            return
        one = self._machine(machine)
        well = not one.drive.trouble and not one.drive.full and self._time.now_s - one.drive.well_since_s > 1.0
        if well and sale.kind != "take_check":  # that one needs the disk of another register too
            self.fail("I18", f"{machine} refused {sale.kind} while its disk was well")
        self._refused.add(sale.key)
        self.counts["refused"] += 1

    def moved(self, job_id: str, new_job_id: str) -> None:
        self._origin[new_job_id] = self._origin.get(job_id, job_id)
        self.counts["adopted"] += 1
        self.say("spool", f"ticket {job_id[:6]} adopted as {new_job_id[:6]}")

    def known_before(self, job_id: str) -> None:
        self.counts["tickets told to have come out"] += 1

    def doubted_late(self, job_id: str) -> None:
        """It was being sent when it was heard that this disk is an older copy."""
        self._late.add(self._origin.get(job_id, job_id))

    def printed(self, machine: str, job: Job) -> None:
        ticket = self._origin.get(job.job_id, job.job_id)
        self.printed_tickets[ticket] += 1
        self.counts["tickets"] += 1
        if POSSIBLE_DUPLICATE not in job.marks:
            self._unmarked[ticket] += 1
            if self._unmarked[ticket] > 1 and ticket in self._copied and not (other := self._knew(machine, ticket)):
                self.counts["repeats of copied disks"] += 1
            elif self._unmarked[ticket] > 1 and ticket in self._copied:
                self.fail("I6", f"{machine} printed ticket {ticket} again without a mark, and {other} had told it before")
            elif self._unmarked[ticket] > 1:
                self.fail("I6", f"{machine} printed ticket {ticket} again without a mark")
        elif self.printed_tickets[ticket] > 1:
            self.counts["marked repeats"] += 1

    def _knew(self, machine: str, ticket: str) -> str:
        """Who was met at the start of that machine and holds the event that says that its ticket came out."""
        one = self._machine(machine)
        if ticket in self._late or len({other.register for other in self.machines}) < len(self.machines):
            return ""
        ends = [event for event in self.written_events.values() if event.type == "document_settled" and ticket in event.body]
        for event in (event for event in ends if event.register == one.register):
            for other in self.machines:
                if other.name in one.met and other.running and other.platter.held.has(event):
                    return other.name
        return ""

    def numbered(self, machine: str, check_id: str, number: int) -> None:
        if self.numbers.setdefault(check_id, number) != number or self._of_number.setdefault(number, check_id) != check_id:
            self.fail("I8", f"{machine}: check {check_id} has number {number}, before that {self.numbers[check_id]}")

    def disk_copied(self, platter: Platter) -> None:
        """Tickets that wait on it may be printed by two machines that know nothing of each other."""
        self._copied |= {self._origin.get(job_id, job_id) for job_id, row in platter.jobs.items() if not row.settled}

    def disk_gone(self, old: Platter, hq: Shelf) -> None:
        """`old` is in no machine any more."""
        left = {event.hash for one in self.machines for event in one.platter.everything()} | {e.hash for e in hq.rows()}
        gone = {event.hash for event in old.everything() if event.hash not in left}
        self.lost |= gone
        self.say("world", f"{len(gone)} events are gone for good")
        self.counts["lost with a disk"] += len(gone)
        self.days.disk_gone(old)

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
        for one in self.machines:
            for kept in one.platter.checks.values():
                if kept.row.number is not None:
                    self.numbered(one.name, kept.row.check_id, kept.row.number)

    def _holder(self, name: str, lineage: int, held: Held, roster: Roster) -> None:
        for log, mark in held.marks().items():
            if mark.seq < self._held_before.get((lineage, log), 0):
                self.fail("I2", f"{name} held {self._held_before[lineage, log]} events of {log}, now {mark.seq}")
            self._held_before[lineage, log] = mark.seq
            known, _ = self._checked.get((lineage, log), (0, ""))
            self._chain(lineage, log, held.events(log, known, mark.seq), held.rejected(log, known, mark.seq))
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

    def judge(self, hq: Shelf, said: Mapping[str, Said]) -> None:
        """After everything has converged. `said`: of the days, by each machine."""
        self.books.judge(hq)
        self._refusals()
        self._tickets()
        self.judge_together(hq)
        self.days.judge(hq.good(), said)
        order = {name: place for place, name in enumerate(self.written_events)}
        for one in [] if self.cloned else self.machines:
            for words in judging.not_here(one.platter, order):
                self.fail("I11", words)
        unnumbered = [
            event.check_id
            for envelope in hq.good()
            if isinstance(event := read_event(envelope), CheckOpened) and event.check_id not in hq.numbers
        ]
        if unnumbered:
            self.fail("I8", f"HQ gave no number to {unnumbered[:3]}")

    def _refusals(self) -> None:
        """[I16] What was refused is nowhere."""
        for one in self.machines:
            if found := self._refused & one.platter.commands.keys():
                self.fail("I16", f"{sorted(found)[0]} was refused, and is on the disk of {one.name}")

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
