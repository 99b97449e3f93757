"""What the logs say about money that an outage left in doubt: authorisations without an end, reversals that are still owed,
checks that two registers went on with. Pure.

A check may change hands, so events of one authorisation may be in several logs, which come in any order: each fact is kept for
itself, and what they come to is seen when somebody asks.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tillkeeper.contract.after import TaskView, Way, task_id
from tillkeeper.contract.authorisations import AuthorisationAsked, AuthorisationReversed, AuthorisationSettled, ReversalOwed
from tillkeeper.contract.base import Event
from tillkeeper.contract.envelope import Envelope
from tillkeeper.contract.events import RefundRecorded
from tillkeeper.contract.together import CheckMerged

MAX_AUTHORISATIONS = 4_000
MAX_MERGES = 1_000
UNDER_WAY_MS = 90_000
"""So long an authorisation may be under way before it is listed: a terminal takes its time."""
KINDS = frozenset(
    ("authorisation_asked", "authorisation_settled", "reversal_owed", "authorisation_reversed", "check_merged",
     "refund_recorded")
)  # fmt: skip


class Authorisation(msgspec.Struct):
    """`asked`: whether its beginning was seen. Times are wall clock."""

    asked: bool = False
    register: str = ""
    check_id: str = ""
    tender: str = ""
    amount_minor: int = 0
    at_ms: int = 0
    day: str = ""
    unknown: bool = False
    ended: bool = False
    owed_at_ms: int | None = None
    reversed: bool = False

    @property
    def is_open(self) -> bool:
        """Nobody knows how it ended, and nobody has given it up."""
        return self.asked and not self.ended and self.owed_at_ms is None and not self.reversed


class Merge(msgspec.Struct):
    """One check that was merged. `overpaid`: what each merge said, by its place in the store's logs, with its time; `back`:
    refund id -> what was given back of it, and when."""

    register: str = ""
    sides: list[str] = []
    codes: list[str] = []
    at_ms: int = 0
    day: str = ""
    state: str = ""
    overpaid: dict[str, tuple[int, int]] = {}
    back: dict[str, tuple[int, int]] = {}

    @property
    def last(self) -> tuple[int, int]:
        """(at, minor units): what the last merge said to be paid twice."""
        return max(((at_ms, minor) for minor, at_ms in self.overpaid.values()), default=(0, 0))

    @property
    def left(self) -> int:
        """Still to be given back, minor units: what the last merge said, without what went back since."""
        last_ms, minor = self.last
        return max(0, minor - sum(given for given, at_ms in self.back.values() if at_ms >= last_ms))


class Money(msgspec.Struct):
    """The fold. It is its own state."""

    cards: dict[str, Authorisation] = {}
    merges: dict[str, Merge] = {}

    def take(self, envelope: Envelope, event: Event) -> None:
        match event:
            case AuthorisationAsked():
                card = self._card(event.authorisation_id, envelope)
                card.asked, card.register, card.check_id = True, envelope.register, event.check_id or card.check_id
                card.tender, card.amount_minor, card.at_ms, card.day = (
                    event.tender, event.amount_minor, envelope.at_ms, envelope.business_day,
                )  # fmt: skip
            case AuthorisationSettled():
                card = self._card(event.authorisation_id, envelope)
                card.unknown |= event.outcome == "unknown"
                card.ended |= event.outcome != "unknown"
            case ReversalOwed():
                card = self._card(event.authorisation_id, envelope)
                card.owed_at_ms = envelope.at_ms
                card.check_id = card.check_id or event.check_id
            case AuthorisationReversed():
                self._card(event.authorisation_id, envelope).reversed = True
            case CheckMerged() if not event.training:
                self._merged(envelope, event)
            case RefundRecorded() if event.of_overpayment and not event.training:
                merge = self._merge(event.check_id)
                merge.back[event.refund_id] = event.amount_minor, envelope.at_ms

    def _card(self, name: str, envelope: Envelope) -> Authorisation:
        new = Authorisation(register=envelope.register, at_ms=envelope.at_ms, day=envelope.business_day)
        card = self.cards.setdefault(name, new)
        if len(self.cards) > MAX_AUTHORISATIONS:
            done = (one for one, kept in self.cards.items() if one != name and _final(kept))
            del self.cards[next(done, next(iter(self.cards)))]
        return card

    def _merge(self, check_id: str) -> Merge:
        merge = self.merges.setdefault(check_id, Merge())
        if len(self.merges) > MAX_MERGES:
            del self.merges[min(self.merges, key=lambda one: self.merges[one].at_ms)]
        return merge

    def _merged(self, envelope: Envelope, event: CheckMerged) -> None:
        merge = self._merge(event.check_id)
        place = f"{envelope.register} {envelope.incarnation} {envelope.seq}"
        merge.overpaid[place] = event.overpaid_minor, envelope.at_ms
        merge.sides = sorted({*merge.sides, event.from_register})
        merge.codes = sorted({*merge.codes, *(one.code for one in event.conflicts)})
        if envelope.at_ms >= merge.at_ms:
            merge.register, merge.at_ms = envelope.register, envelope.at_ms
            merge.day, merge.state = envelope.business_day, event.state

    # --- what it comes to ---

    def tasks(self, me: str, now_ms: int, code: Mapping[str, str]) -> list[TaskView]:
        """`code`: check id -> ticket code, as far as known."""
        return [*self._cards(me, now_ms, code), *self._merges(me, code)]

    def _cards(self, me: str, now_ms: int, code: Mapping[str, str]) -> Iterable[TaskView]:
        for name, card in self.cards.items():
            about: dict[str, Any] = {
                "register": card.register, "business_day": card.day, "amount_minor": card.amount_minor,
                "check_id": card.check_id, "ticket_code": code.get(card.check_id, ""),
            }  # fmt: skip
            if card.owed_at_ms is not None and not card.reversed:
                yield TaskView(
                    task_id=task_id("reversal_owed", name), kind="reversal_owed", at_ms=card.owed_at_ms,
                    words=f"What may have been charged by {card.tender or 'a card'} is to be given back",
                    hint="It goes out by itself before anything else, and is listed until the bank has said so.", **about,
                )  # fmt: skip
            elif card.is_open and (card.unknown or now_ms - card.at_ms > UNDER_WAY_MS):
                yield TaskView(
                    task_id=task_id("frozen_sale", name), kind="frozen_sale", at_ms=card.at_ms,
                    words=f"{card.tender} was asked for and the answer never came: the check is frozen",
                    hint="Ask again what became of it, or have it paid another way.",
                    ways=_ways_out(card.check_id) if card.register == me and card.check_id else (), **about,
                )  # fmt: skip

    def _merges(self, me: str, code: Mapping[str, str]) -> Iterable[TaskView]:
        for check_id, merge in self.merges.items():
            if not merge.overpaid:
                continue
            about: dict[str, Any] = {
                "register": merge.register, "business_day": merge.day, "check_id": check_id,
                "ticket_code": code.get(check_id, ""), "at_ms": merge.at_ms,
            }  # fmt: skip
            left = merge.left
            if left > 0:
                yield TaskView(
                    task_id=task_id("overpaid", check_id, merge.last[1]), kind="overpaid", amount_minor=left,
                    settles=True, words="Two registers took payments for it: more was paid than is due",
                    hint="Give it back to the guest, or say how it was settled.",
                    ways=_give_back(check_id, left) if merge.register == me and merge.state == "closed" else (), **about,
                )  # fmt: skip
            words = ", ".join(one.replace("_", " ") for one in merge.codes) or "nothing contradicts"
            yield TaskView(
                task_id=task_id("merged", check_id, len(merge.sides), len(merge.codes)), kind="merged", settles=True,
                words=f"Two registers went on with it ({', '.join(dict.fromkeys((merge.register, *merge.sides)))}): {words}",
                hint="Items and payments of both count. Look at the check, and tell the kitchen what was made twice.", **about,
            )  # fmt: skip


def _final(card: Authorisation) -> bool:
    return card.reversed or (card.ended and card.owed_at_ms is None)


def _ways_out(check_id: str) -> tuple[Way, ...]:
    at = f"/v1/checks/{check_id}/authorisation"
    return Way("Ask again", f"{at}/query", permission="tender"), Way("Pay another way", f"{at}/abandon", permission="tender")


def _give_back(check_id: str, amount_minor: int) -> tuple[Way, ...]:
    body = {"tender": "cash", "reason": "Paid at two registers", "amount_minor": amount_minor}
    return (Way("Give back in cash", f"/v1/checks/{check_id}/refunds", body, permission="refund", amount_minor=amount_minor),)
