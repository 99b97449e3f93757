"""How a check goes from one register to another. Pure: what the others know and who is heard come in."""

from typing import Any

import msgspec
from msgspec.structs import replace

from tillkeeper.contract.placing import MAX_INT
from tillkeeper.contract.together import MAX_STATE, CheckForked, CheckHandedOver, CheckTaken, CheckYielded
from tillkeeper.errors import Refused
from tillkeeper.sales.model import Check
from tillkeeper.sales.pricing import Rules, totals

_encode = msgspec.json.Encoder(order="deterministic").encode


def hand_over(check: Check, to: str) -> CheckHandedOver:
    """The owner's word. `check` is here.

    Raises:
        Refused: `check_not_open` (voided), `check_too_large`, `moved_on`.
    """
    _claim(check, check.hand + 1)
    if check.state == "voided":
        raise Refused("check_not_open", "take check", f"check {check.ticket_code}", "the check is voided", state=check.state)
    if len(_encode(check)) > MAX_STATE:
        cause = f"it is larger than {MAX_STATE} bytes"
        raise Refused("check_too_large", "take check", f"check {check.ticket_code}", cause, "finish it where it is")
    return CheckHandedOver(check_id=check.check_id, to=to, hand=check.hand + 1, state=check.state, training=check.training)


def yields(check: Check, to: str, hand: int) -> CheckYielded:
    """Of a register that sees a higher claim than its own."""
    return CheckYielded(check_id=check.check_id, to=to, hand=hand, state=check.state, training=check.training)


def taken(check: Check, from_register: str, hand: int, at: dict[str, int], rules: Rules, by: str = "") -> CheckTaken:
    """`check` as its owner handed it over; `at` as in the event."""
    return CheckTaken(**_begun(_arrived(check, hand, at), from_register, at, rules, by))


def forked(
    check: Check, from_register: str, hand: int, at: dict[str, int], rules: Rules, *, lost: bool, by: str = ""
) -> CheckForked:
    """`check` as far as its owner's log is known. `lost`: the owner is there and does not have the check any more, so that it
    can not have gone on with it. Raises: Refused (`moved_on`)."""
    _claim(check, hand)
    arrived = _arrived(check, hand, at)
    doubt = arrived.doubt if lost else tuple(dict.fromkeys((*arrived.doubt, from_register)))
    lines = tuple(replace(line, maybe_fired=not line.fired and line.quantity > 0) for line in arrived.lines)
    return CheckForked(**_begun(replace(arrived, doubt=doubt, lines=lines), from_register, at, rules, by))


def _claim(check: Check, hand: int) -> None:
    """Raises: Refused (`moved_on`): a register that is out of its mind has the highest claim there can be."""
    if hand > MAX_INT:
        cause = "a register has a claim to it above which there is none"
        raise Refused("moved_on", "take check", f"check {check.ticket_code}", cause, "ring it as a new check")


def _arrived(check: Check, hand: int, at: dict[str, int]) -> Check:
    lines = tuple(replace(line, removed={}, owed=0, turns={}) for line in check.lines)
    asked = tuple(replace(one, brought=True) for one in check.authorisations)
    return replace(check, elsewhere="", hand=hand, known=check.known | at, lines=lines, authorisations=asked, turns={}, said={})


def _begun(check: Check, from_register: str, at: dict[str, int], rules: Rules, by: str) -> dict[str, Any]:
    return {
        "check_id": check.check_id,
        "from_register": from_register,
        "hand": check.hand,
        "at": at,
        "check": msgspec.Raw(_encode(check)),
        "ticket_code": check.ticket_code,
        "business_day": check.business_day,
        "state": check.state,
        "number": check.number,
        "totals": check.closed_totals or totals(check, rules),
        "name": check.name,
        "phone": check.phone,
        "note": check.note,
        "by": by,
        "training": check.training,
    }
