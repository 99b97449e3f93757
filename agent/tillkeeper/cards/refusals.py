"""How a command that needed the world is refused: one stable code for each thing that can have become of its call."""

from typing import Any

from tillkeeper.config.model import Config
from tillkeeper.contract.base import Command
from tillkeeper.contract.commands import KeptRefusal
from tillkeeper.errors import Refused
from tillkeeper.sales.asking import is_mine
from tillkeeper.sales.authorisations import frozen_fields
from tillkeeper.sales.model import Authorisation
from tillkeeper.sales.tenders import verdict


def operation_of(command: Command) -> str:
    return str(command.__struct_config__.tag).replace("_", " ")


def unknown(command: Command, one: Authorisation) -> Refused:
    """The call was made and nothing is known of what became of it: the check is frozen until that is."""
    cause = f"what became of it is not known: {one.reason or 'no answer'}"
    return Refused(
        "authorisation_unknown", operation_of(command), one.tender, cause,
        "ask the gateway again, or pay another way; the same key asks again too", **frozen_fields(one),
    )  # fmt: skip


def asked_elsewhere(operation: str, one: Authorisation, config: Config) -> Refused:
    """Another register asked for it, and may have recorded what came of it."""
    asker = next((name for name in config.registers if is_mine(one, config.store.id, name)), "")
    cause = f"register {asker or 'that had the check'} asked for it, and may have recorded what became of it"
    hint = "wait until it is heard: then it goes on by itself"
    if one.situation == "payment":
        hint += "; or give it up all the same: should it be recorded there it counts as given back"
    return Refused(
        "asked_elsewhere", operation, one.tender, cause, hint, register=asker, authorisation_id=one.authorisation_id,
        amount_minor=one.amount_minor, state=one.state,
    )  # fmt: skip


def failed(command: Command, one: Authorisation, config: Config) -> Refused:
    """Nothing comes of it any more. `allowed`: what can be taken whatever the gateway does."""
    allowed = tuple(
        name for name, tender in config.tenders.items() if verdict(tender.kind, "online", one.situation).answer == "allowed"
    )
    extra: dict[str, Any] = {"tender": one.tender, "kind": one.kind, "allowed": allowed, "amount_minor": one.amount_minor}
    extra |= {"authorisation_id": one.authorisation_id, "reason": one.reason}
    hint = f"take {' or '.join(allowed)} instead, or try again" if allowed else "try again"
    operation = operation_of(command)
    if one.state == "declined":
        return Refused("tender_declined", operation, one.tender, one.reason or "the gateway declines it", hint, **extra)
    if one.state == "never_made":
        cause = f"nothing was charged: {one.reason or 'the gateway did not take it'}"
        return Refused("gateway_unreachable", operation, one.tender, cause, hint, **extra)
    if one.cause == "never_heard_of":
        cause = "the gateway has never heard of it; should it come all the same, it is taken back"
        return Refused("gateway_unreachable", operation, one.tender, cause, hint, **extra)
    if one.cause == "order_not_placed":
        cause = f"nothing was placed, and what may have been charged is taken back: {one.reason or 'no answer'}"
        return Refused("order_not_placed", operation, one.tender, cause, hint, **extra)
    if one.cause == "not_needed":
        cause = f"what may have been charged is taken back: {one.reason or 'another amount was approved'}"
        return Refused("tender_declined", operation, one.tender, cause, hint, **extra)
    cause = "this payment was given up; what may have been charged is taken back"
    return Refused("authorisation_abandoned", operation, one.tender, cause, hint, **extra)


def kept(refused: Refused) -> KeptRefusal:
    extra = {name: value for name, value in refused.extra.items() if isinstance(value, str | int | tuple)}
    return KeptRefusal(refused.code, refused.operation, refused.subject, refused.cause, refused.hint, extra)


def raised(kept_one: KeptRefusal) -> Refused:
    return Refused(kept_one.code, kept_one.operation, kept_one.subject, kept_one.cause, kept_one.hint, **kept_one.extra)
