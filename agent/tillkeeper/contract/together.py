"""Checks that go from one register to another: handed over, forked where the owner is silent, merged when it is back.

Who has a check: whoever opened it, until somebody has a higher claim to it. A claim is `(hand, register)`: `hand` rises by one
with each hand-over and each fork, so two claims are never equal. Amounts are in minor units of the store's currency.
"""

from typing import Literal

import msgspec

from tillkeeper.contract.base import CheckCommand, Event, View
from tillkeeper.contract.values import CheckState, Personal, Totals

MAX_STATE = 400_000
"""Bytes of a check that can change hands; an event is sent whole, and 512 KiB are taken at a time."""
MAX_CONFLICTS = 100
"""Kept of one check, the first."""

ConflictCode = Literal[
    "voided_elsewhere",  # `subject` (a line) was voided there, and is here now as well
    "changed_on_both",  # `subject` (a line, or the order type) was changed on both sides to different things
    "discount_on_both",  # the same discount was given on both sides; it counts once
    "paid_on_both",  # both sides took payments
    "closed_on_both",  # both sides closed it
    "returned_elsewhere",  # payment `subject` was given back there
    "returned_on_both",  # payment `subject` was given back on both sides
    "taken_back",  # payment (or refund) `subject` was recorded on one side, and the other had the gateway take it back
    "reopened",  # it was closed, and with what came it is not paid in full
]


class Conflict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person should look at after a merge. `register`: the other side."""

    code: ConflictCode
    register: str
    subject: str = ""
    detail: str = ""


# --- events ---


class CheckHandedOver(Event, frozen=True):
    """Register `to` has the check from here on; this one writes no more about it. `state`: of the check."""

    check_id: str
    to: str
    hand: int
    state: CheckState = "open"
    training: bool = False


class _Begun(Event, frozen=True):
    """The check goes on at this register. `check` is all of it (`sales.model.Check` as JSON). `at`: up to where the logs of
    `from_register` are in it, incarnation -> seq. The other fields repeat what is in it, for those that do not know its form.
    """

    check_id: str
    from_register: str
    hand: int
    at: dict[str, int]
    check: msgspec.Raw
    ticket_code: str
    business_day: str
    state: CheckState = "open"
    number: int | None = None
    totals: Totals | None = None
    name: Personal | None = None
    phone: Personal | None = None
    note: Personal | None = None
    by: str = ""
    training: bool = False


class CheckTaken(_Begun, frozen=True):
    """Its owner has handed it over, with the same `hand`."""


class CheckForked(_Begun, frozen=True):
    """Its owner is silent, or has lost it. It may have gone on with it: that is merged when it is heard of."""


class CheckYielded(Event, frozen=True):
    """Register `to` has a higher claim: this one writes no more about the check. `state`: of the check here."""

    check_id: str
    to: str
    hand: int
    state: CheckState = "open"
    training: bool = False


class Twice(msgspec.Struct, frozen=True, omit_defaults=True):
    """One payment, or `refund`, that the books have once too often: both sides have recorded the same authorisation, or it was
    recorded on one and taken back on the other. `tender_id`: of a refund its id.
    `tax_minor`: of a refund."""

    tender_id: str
    tender: str
    amount_minor: int
    tax_minor: int = 0
    refund: bool = False


class CheckMerged(Event, frozen=True):
    """What register `from_register` did with the check beside this one is in it now. `at`: up to where its logs are in it.

    `check`, `state`: as it is after that; `totals`: where it is closed then; `was`: what it was here before. The books count a
    check once: what closes of either side have counted is in `taken_back`, and in `put_back` what the other side took back
    itself; `voids` is what the number of voids changes by. `lines`, `payments`, `refunds`: ids of what came. `yielded`: the
    other side writes no more about it. `twice`: what the books have once too often, an entry for each time."""

    check_id: str
    from_register: str
    at: dict[str, int]
    check: msgspec.Raw
    was: CheckState
    state: CheckState
    totals: Totals | None = None
    taken_back: tuple[Totals, ...] = ()
    put_back: tuple[Totals, ...] = ()
    voids: int = 0
    lines: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()
    refunds: tuple[str, ...] = ()
    overpaid_minor: int = 0
    due_minor: int = 0
    conflicts: tuple[Conflict, ...] = ()
    yielded: bool = False
    twice: tuple[Twice, ...] = ()
    training: bool = False


# --- commands ---


class TakeCheck(CheckCommand, frozen=True, tag="take_check"):
    """Go on with a check of another register at this one. `although_unreachable`: also where its register does not answer; it
    may have been changed or paid there since."""

    although_unreachable: bool = False


# --- what registers ask each other (topic `check.take`, `check.catalogue`) ---


class TakeAsk(msgspec.Struct, frozen=True):
    check_id: str


class TakeSaid(msgspec.Struct, frozen=True):
    """The same again for the same question, until the taker's log says that it has it. `at`, `check`: as in `CheckTaken`.
    `texts`: digest -> (salt, text) of persons."""

    hand: int
    at: dict[str, int]
    check: msgspec.Raw
    texts: dict[str, tuple[str, str]] = {}


class CatalogueAsk(msgspec.Struct, frozen=True):
    """The answer is the catalogue, deflated (RFC 1950)."""

    version: str


# --- views ---


class ElsewhereView(View, frozen=True):
    """Who has a check that is not here. `reachable`: it is heard now. `heard_s`: how long ago it was heard, None for never
    since the start. `as_of_ms`: the newest that is known of the check (wall clock). `mine`: this register had it and lost its
    disk."""

    register: str
    reachable: bool
    heard_s: float | None
    as_of_ms: int
    mine: bool = False


class MergedCheck(View, frozen=True):
    """A check that was merged, of the list after an outage. `overpaid_minor`: to be given back; `due_minor`: to be paid."""

    check_id: str
    ticket_code: str
    register: str
    from_register: str
    merged_at_ms: int
    state: CheckState
    overpaid_minor: int
    due_minor: int
    conflicts: tuple[Conflict, ...] = ()
