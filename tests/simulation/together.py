"""The witness of what registers do together: who acts as the primary, which checks change hands."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from tests.simulation import judging, stocking
from tests.simulation.bank import Bank
from tests.simulation.hq import Hq, Shelf
from tests.simulation.online import placements, wrong_orders

from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationSettled, ReversalOwed
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import CheckClosed, CheckVoided, RefundRecorded, TenderRecorded
from tillkeeper.contract.placing import read_event
from tillkeeper.contract.roles import Epoch, RolesAssigned
from tillkeeper.contract.together import CheckForked, CheckMerged, CheckTaken
from tillkeeper.sales.authorisations import frozen as waits
from tillkeeper.sales.model import Check

if TYPE_CHECKING:
    from tests.simulation.register import Machine

CHANGED_HANDS = ("check_taken", "check_forked")
check_in = msgspec.json.Decoder(Check).decode
PAYING = ("authorisation_asked", "authorisation_settled", "reversal_owed", "tender_recorded", "check_closed")


class Together(ABC):
    """`forgetful`: disks are lost, put back or copied, so that who promised something may not know it any more."""

    def __init__(self) -> None:
        self.machines: list[Machine] = []
        self.counts: Counter[str] = Counter()
        self.forgetful = self.cloned = False
        self.bank: Bank
        self._frozen: dict[tuple[int, str], set[str]] = {}
        self._acted: dict[Epoch, str] = {}
        self._records: dict[tuple[int, str], str] = {}
        self._obeyed: dict[int, Epoch] = {}

    @abstractmethod
    def say(self, who: str, words: str) -> None:
        """Into the trace."""

    @abstractmethod
    def cards_forgotten(self) -> bool:
        """Whether what a register knew of a card is on no disk in the store any more, or two machines had one name."""

    @abstractmethod
    def fail(self, invariant: str, words: str) -> None:
        """The run ends with it."""

    def register_of(self, machine: str) -> str:
        return next(one.register for one in self.machines if one.name == machine)

    def assigned(self, machine: str, envelope: Envelope) -> None:
        event = read_event(envelope)
        assert isinstance(event, RolesAssigned)
        self.say(machine, f"{event.primary}, backup {event.backup or 'none'}, epoch {event.epoch}: {event.cause}")
        self.counts[f"roles {event.cause}"] += 1
        if self._records.setdefault((event.counter, event.register), envelope.body) != envelope.body:
            self.broken_promise(f"two records of epoch {event.epoch}")

    def paid(self, machine: str, lineage: int, envelope: Envelope) -> None:
        """[I7] No money of a card without its authorisation. [I13] While one is in doubt nothing is paid and nothing closes."""
        event = read_event(envelope)
        frozen = self._frozen.setdefault((lineage, getattr(event, "check_id", "")), set())
        match event:
            case AuthorisationAsked(situation="payment", authorisation_id=one) if event.check_id:
                frozen.add(one)
            case AuthorisationSettled(authorisation_id=one, outcome=outcome) if outcome != "unknown":
                frozen.discard(one)
            case ReversalOwed(authorisation_id=one):
                frozen.discard(one)
            case CheckTaken() | CheckForked() | CheckMerged():
                frozen &= {one.authorisation_id for one in waits(check_in(event.check))}
            case TenderRecorded(kind="card"):
                entry = self.bank.ledger.get(event.tender_id)
                if entry is None or entry.state != "approved" or entry.amount_minor != event.amount_minor:
                    self.fail("I7", f"{machine} takes {event.amount_minor} by card, and the bank has {entry}")
                self.counts["paid by card"] += 1
        if isinstance(event, TenderRecorded | CheckClosed) and frozen:
            self.fail("I13", f"{machine}: {envelope.type} on check {event.check_id}, which {sorted(frozen)} freezes")

    def _cards(self, events: Iterable[Envelope]) -> None:
        """[I7] To the cent: what the bank keeps is what the books say; and each payment by itself. What was recorded is taken
        back by a person's word alone."""
        books, recorded, ever, by_word = 0, Counter[str](), set[str](), set[str]()
        for envelope in events:
            match read_event(envelope):
                case TenderRecorded(kind="card", amount_minor=amount, tender_id=name):
                    books += amount
                    recorded[name] += 1
                    ever.add(name)
                case ReversalOwed(authorisation_id=name, cause="paid_another_way"):
                    by_word.add(name)
                case RefundRecorded(kind="card", amount_minor=amount):
                    books -= amount
                case CheckMerged(twice=twice):
                    for one in twice:
                        sign = -1 if one.refund else 1
                        books -= sign * one.amount_minor if one.tender == "card" else 0
                        recorded[one.tender_id] -= 0 if one.refund else sign
                    self.counts["payments that a merge put right"] += len(twice)
                case CheckVoided(returned_minor=returned):
                    books -= returned.get("card", 0)
        for name, entry in self.bank.ledger.items():
            if entry.payment and recorded[name] != (entry.state == "approved"):
                self.of_cards(f"payment {name} is {entry.state}, and {recorded[name]} times in the books")
            if entry.state == "reversed" and name in ever - by_word:
                self.of_cards(f"payment {name} was recorded, and taken back without anybody's word")
        if books != self.bank.kept_minor():
            self.of_cards(f"the bank keeps {self.bank.kept_minor()}, and {books} are in the books")

    def of_cards(self, words: str) -> None:
        if self.cards_forgotten():
            self.broken_promise(words, "I7")
        else:
            self.fail("I7", words)

    def acted(self, machine: str, epoch: Epoch) -> None:
        """Did what only one may."""
        holders = [one.name for one in self.machines if one.holds()]
        if holders != [machine]:
            self.broken_promise(f"{holders} hold the primary's role when {machine} acts")
        register = self.register_of(machine)
        if self._acted.setdefault(epoch, register) != register:
            self.broken_promise(f"{machine} acts under epoch {epoch}, as {self._acted[epoch]} did")
        self.counts["exclusive acts"] += 1

    def obeyed(self, machine: str, lineage: int, epoch: Epoch) -> None:
        if epoch < self._obeyed.get(lineage, epoch):
            self.fail("I5", f"{machine} obeys epoch {epoch}, and has obeyed {self._obeyed[lineage]}")
        self._obeyed[lineage] = epoch
        self.counts["work of other registers"] += 1

    def broken_promise(self, words: str, invariant: str = "I5") -> None:
        if self.forgetful:
            self.counts["promises forgotten with a disk"] += 1
        else:
            self.fail(invariant, words)

    def refused_close(self, machine: str, code: str) -> None:
        self.counts[f"manager refused {code}"] += 1

    def roles_apart(self) -> str:
        """All go by one assignment, and one of them may do what only one may."""
        duties = [one.duties for one in self.machines if one.duties is not None]
        if len({other.register for other in self.machines}) < len(self.machines):
            return ""
        records = {one.keeper.record: None for one in duties}
        if len(records) > 1:
            return f"roles: {[one.words() for one in records]}"
        if len(duties) > 1 and not all(one.backup for one in records):
            return "roles: the primary has no backup again yet"
        return "" if sum(one.holds() for one in duties) == 1 else f"nobody may be primary: {duties[0].keeper.record.words()}"

    def shelves_apart(self) -> str:
        """All say the same is left."""
        if self.forgetful:
            return ""
        known = {one.name: stocking.known(one.till.stock.durable) for one in self.machines if one.till is not None}
        return f"86: {known}" if len({str(sorted(of_one.items())) for of_one in known.values()}) > 1 else ""

    def judge_orders(self, hq: Hq) -> None:
        """Orders of the web shop, and 86."""
        events, states = hq.shelf.good(), hq.orders.states()
        for one in states:
            self.counts[f"orders {one.state}"] += 1
        self.counts["orders handed out twice"] += sum(one.may_be_doubled for one in states)
        self.counts["orders placed twice, marked"] += sum(len(checks) > 1 for checks in placements(events).values())
        for words in wrong_orders(states, events):
            self.broken_promise(words, "online")
        said = stocking.said(events)
        for machine in self.machines:
            known = stocking.known(machine.till.stock.durable) if machine.till is not None else {}
            if known != said:
                self.broken_promise(f"{machine.name} knows {known}, and what was said is {said}", "86")

    def judge_together(self, hq: Shelf) -> None:
        """Checks of several registers."""
        events, here = hq.good(), judging.owners(one.platter for one in self.machines)
        self.counts["checks that changed hands"] += len({e.body[:60] for e in events if e.type in CHANGED_HANDS})
        self.counts["merges"] += sum(event.type == "check_merged" for event in events)
        self._cards(events)
        for words in judging.lost_parts(events, here):
            self.broken_promise(words, "I11")
        if judging.gross_minor(events) != judging.sold_minor(here):
            words = f"the books say {judging.gross_minor(events)} was sold, the checks {judging.sold_minor(here)}"
            self.broken_promise(words, "I11")
