"""What becomes of an authorisation, and what that means for its check. Pure.

One table says which step may follow on which; what is final stays. A check is frozen while the outcome of one of its
authorisations is open, or while one is approved and what it was for is not recorded yet. What a register may do about one
whose check changes hands says another table, in `asking`.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tillkeeper.contract.authorisations import (
    WAYS_OUT,
    AuthorisationAsked,
    AuthorisationReversed,
    AuthorisationSettled,
    AuthorisationState,
    ReversalOwed,
)
from tillkeeper.contract.base import Event
from tillkeeper.sales.model import Authorisation, Check

STEPS: dict[tuple[AuthorisationState, str], AuthorisationState] = {
    ("asked", "approved"): "approved",
    ("asked", "declined"): "declined",
    ("asked", "never_made"): "never_made",
    ("asked", "unknown"): "unknown",
    ("asked", "owed"): "reversal_owed",
    ("unknown", "approved"): "approved",
    ("unknown", "declined"): "declined",
    ("unknown", "never_made"): "never_made",
    ("unknown", "owed"): "reversal_owed",
    ("approved", "owed"): "reversal_owed",
    ("reversal_owed", "reversed"): "reversed",
}
FINAL: frozenset[AuthorisationState] = frozenset(("declined", "never_made", "reversed"))
FAILED: frozenset[AuthorisationState] = FINAL | {"reversal_owed"}
"""What it was for can not come of it any more."""
OPEN: frozenset[AuthorisationState] = frozenset(("asked", "unknown"))
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
Step = AuthorisationSettled | ReversalOwed | AuthorisationReversed


class IllegalStep(ValueError):
    """A step that can not follow: a mistake of whoever made it."""


def authorisation_id(store: str, register: str, key_sha256: str, index: int) -> str:
    """Of call `index` of the command with this idempotency key: 26 characters of Crockford's base 32, as all our ids."""
    named = "\n".join(("tillkeeper authorisation", store, register, key_sha256, str(index)))
    number = int.from_bytes(hashlib.sha256(named.encode()).digest()[:16])
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def begun(event: AuthorisationAsked, at_ms: int) -> Authorisation:
    """`at_ms`: of the event's envelope."""
    fields = {name: getattr(event, name) for name in AuthorisationAsked.__struct_fields__}
    return Authorisation(**fields, asked_at_ms=at_ms)


def after(one: Authorisation, event: Step) -> Authorisation:
    """
    Raises:
        IllegalStep: it can not follow, is of another authorisation, or the money of an approved one is recorded already.
    """
    if event.authorisation_id != one.authorisation_id:
        raise IllegalStep(f"{event.authorisation_id} is not {one.authorisation_id}")
    match event:
        case AuthorisationSettled(outcome=outcome):
            state = _next(one, outcome)
            words = {"reference": event.reference, "label": event.label, "reason": event.reason}
            return replace(one, state=state, **words)
        case ReversalOwed():
            return replace(one, state=_next(one, "owed"), cause=event.cause)
        case AuthorisationReversed():
            return replace(one, state=_next(one, "reversed"), made=event.made)


def _next(one: Authorisation, step: str) -> AuthorisationState:
    state = STEPS.get((one.state, step))
    if state is None or one.used:
        raise IllegalStep(f"{step} after {one.state}{', used' if one.used else ''}")
    return state


def used(one: Authorisation) -> Authorisation:
    """What it was for is recorded. Raises: IllegalStep: it is not approved, or was used before."""
    if one.state != "approved" or one.used:
        raise IllegalStep(f"used while {one.state}{', again' if one.used else ''}")
    return replace(one, used=True)


def freezes(one: Authorisation) -> bool:
    return one.state in OPEN or (one.state == "approved" and not one.used)


def settled_for_good(one: Authorisation) -> bool:
    """Nothing is to be done about it any more."""
    return one.used or one.state in FINAL


def frozen(check: Check) -> tuple[Authorisation, ...]:
    """What the check waits for; empty for one that is not frozen."""
    return tuple(one for one in check.authorisations if freezes(one))


def frozen_fields(one: Authorisation) -> dict[str, Any]:
    """What a refusal says of it, for programs."""
    return {
        "authorisation_id": one.authorisation_id,
        "tender": one.tender,
        "amount_minor": one.amount_minor,
        "state": one.state,
        "ways_out": WAYS_OUT,
    }


def reversals_owed(check: Check) -> tuple[Authorisation, ...]:
    return tuple(one for one in check.authorisations if one.state == "reversal_owed")


def of_key(check: Check, key_sha256: str) -> tuple[Authorisation, ...]:
    """Those of one command, in the order in which they were asked."""
    found = (one for one in check.authorisations if one.key_sha256 == key_sha256)
    return tuple(sorted(found, key=lambda one: one.index))


def on_check(check: Check, event: Event, at_ms: int) -> Check:
    """The check with what the event, one of an authorisation, says. One that it does not hold (it came from another
    register) changes nothing; nor does a step that can not follow where others may have gone on with it.

    Raises:
        IllegalStep.
    """
    match event:
        case AuthorisationAsked():
            if any(one.authorisation_id == event.authorisation_id for one in check.authorisations):
                raise IllegalStep(f"there is an authorisation {event.authorisation_id} already")
            return replace(check, authorisations=(*check.authorisations, begun(event, at_ms)))
        case AuthorisationSettled() | ReversalOwed() | AuthorisationReversed():
            return _with(check, event.authorisation_id, lambda one: one if _moved_on(check, one, event) else after(one, event))
    return check


def _moved_on(check: Check, one: Authorisation, event: Step) -> bool:
    return (one.brought or bool(check.elsewhere)) and not may_follow(one, event)


def may_follow(one: Authorisation, event: Step) -> bool:
    """Whether `after` takes it."""
    try:
        after(one, event)
    except IllegalStep:
        return False
    return True


def with_used(check: Check, authorisation_id: str) -> Check:
    """The check once money under this id is recorded; as it is where the id is of no authorisation. Raises: IllegalStep."""
    return _with(check, authorisation_id, used)


def _with(check: Check, authorisation_id: str, change: Callable[[Authorisation], Authorisation]) -> Check:
    changed = tuple(change(one) if one.authorisation_id == authorisation_id else one for one in check.authorisations)
    return replace(check, authorisations=changed)


def given_back(check: Check, original: str) -> int:
    """What refunds have given back of the payment with this authorisation."""
    return sum(one.amount_minor for one in check.authorisations if one.used and one.original == original)
