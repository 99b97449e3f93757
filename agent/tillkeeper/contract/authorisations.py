"""Tenders that need the world: what was asked of a payment gateway, what it said, what is still open. Events, commands, views.

An authorisation is one attempt to move money by a card, a gift card or loyalty points: out of the guest's account (`payment`)
or back into it (`refund`). Its id follows from the idempotency key of the command that needed it, so the same command asked
again is the same attempt. It is durable before anybody is called:

    asked -> approved | declined | never_made | unknown
    asked, unknown -> reversal_owed (given up, or the gateway has never heard of it)
    unknown -> approved | declined | never_made (queried)
    approved, but what it was for could not be done -> reversal_owed
    reversal_owed -> reversed

While one of a check is asked, unknown, or approved and not yet used, the check is frozen: nothing may change its sum.
Amounts are in minor units of the store's currency. No card number is in any of this: `label` is what the gateway says of the
card for people, masked by it.
"""

from typing import Literal

import msgspec

from tillkeeper.contract.base import CheckCommand, Event, View
from tillkeeper.contract.values import TenderKind

Situation = Literal["payment", "refund"]
AuthorisationState = Literal["asked", "approved", "declined", "never_made", "unknown", "reversal_owed", "reversed"]
Outcome = Literal["approved", "declined", "never_made", "unknown"]
PurposeKind = Literal["tender", "void", "refund", "order"]
WAYS_OUT = ("query_authorisation", "abandon_authorisation")
"""Commands that end a freeze: ask the gateway what became of it; pay another way."""


class Purpose(msgspec.Struct, frozen=True, omit_defaults=True):
    """The command that needed it, so that it can be finished once the outcome is known, by another run of the agent too.
    `order`: a whole order, which only its own key asked again can finish. The other fields are those of the command."""

    kind: PurposeKind
    tender: str = ""
    tendered_minor: int | None = None
    reference: str = ""
    reason: str = ""
    quantities: dict[str, int] = {}
    amount_minor: int | None = None


# --- events ---


class AuthorisationAsked(Event, frozen=True):
    """Durable before the call. `check_id` is empty for an order that opens its check only once it is paid. `authorisation_id`
    is the `tender_id` or `refund_id` of what comes of it. `key_sha256`: of the command's idempotency key. `index`: which call
    of that command, from 0. `original`: the authorisation of the payment that a refund gives back, where there is one."""

    authorisation_id: str
    situation: Situation
    tender: str
    kind: TenderKind
    gateway: str
    amount_minor: int
    purpose: Purpose
    key_sha256: str
    check_id: str = ""
    index: int = 0
    original: str = ""
    guest_absent: bool = False
    terminal: str = ""
    by: str = ""


class AuthorisationSettled(Event, frozen=True):
    """What the gateway said. `unknown`: nothing that could be understood, or nothing at all; it may have been made.
    `never_made`: it was not, and never will be. `reference` is the gateway's; `reason` its words for a refusal."""

    authorisation_id: str
    outcome: Outcome
    check_id: str = ""
    reference: str = ""
    label: str = ""
    reason: str = ""


class ReversalOwed(Event, frozen=True):
    """It was given up: whatever was made of it is to be taken back, by the register that writes this, before anything else of
    that gateway. `cause`: paid_another_way, order_not_placed, not_needed, never_heard_of (by the gateway)."""

    authorisation_id: str
    cause: str
    check_id: str = ""
    by: str = ""


class AuthorisationReversed(Event, frozen=True):
    """Final: the gateway has taken it back, or it was never made (`made` False) and can not be made any more."""

    authorisation_id: str
    check_id: str = ""
    made: bool = True
    reference: str = ""


# --- commands ---


class QueryAuthorisation(CheckCommand, frozen=True, tag="query_authorisation"):
    """Ask the gateway what became of what the check is frozen by, and finish what it was for."""


class AbandonAuthorisation(CheckCommand, frozen=True, tag="abandon_authorisation"):
    """Pay another way: what may have been authorised is taken back, and the check is free again at once.
    `although_unreachable`: also where another register asked for it that may have recorded it meanwhile (payments only)."""

    although_unreachable: bool = False


# --- views ---


class AuthorisationView(View, frozen=True):
    """`asked_at_ms` wall clock. `tries`, `last_error`: of the queries or reversals since the agent started. `ticket_code` and
    `check_id` are empty where no check was opened. `register`: who asked."""

    authorisation_id: str
    state: AuthorisationState
    situation: Situation
    tender: str
    kind: TenderKind
    gateway: str
    amount_minor: int
    asked_at_ms: int
    register: str
    check_id: str = ""
    ticket_code: str = ""
    purpose: PurposeKind = "tender"
    original: str = ""
    reference: str = ""
    label: str = ""
    reason: str = ""
    under_way: bool = False
    """The gateway is being asked at this moment."""
    tries: int = 0
    last_error: str = ""


class FrozenView(View, frozen=True):
    """What a check is frozen by."""

    authorisation_id: str
    state: AuthorisationState
    situation: Situation
    tender: str
    amount_minor: int
    asked_at_ms: int
    reason: str = ""


class AwaitingView(View, frozen=True):
    """A check that is to be settled later by `tender`, the guest gone."""

    check_id: str
    ticket_code: str
    tender: str
    due_minor: int
    opened_at_ms: int


class GatewayView(View, frozen=True):
    """`reachable` None: not asked yet since the agent started. `owed`: reversals that go out before anything else."""

    gateway: str
    tenders: tuple[str, ...]
    reachable: bool | None = None
    last_error: str = ""
    owed: int = 0


class AuthorisationsView(View, frozen=True):
    """`frozen`: their checks wait for them. `reversals_owed`: until each is final. `awaiting`: checks to be settled later."""

    frozen: tuple[AuthorisationView, ...] = ()
    reversals_owed: tuple[AuthorisationView, ...] = ()
    awaiting: tuple[AwaitingView, ...] = ()
    gateways: tuple[GatewayView, ...] = ()
