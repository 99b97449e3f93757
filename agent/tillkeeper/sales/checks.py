"""The fold: a check is what its events make of it. Pure; an event that the state does not allow raises and changes nothing."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from tillkeeper.contract import authorisations as auth
from tillkeeper.contract import events as ev
from tillkeeper.contract.base import Event
from tillkeeper.contract.documents import ReceiptIssued, TicketFired
from tillkeeper.contract.paper import Slip, SlipEntered
from tillkeeper.contract.together import CheckForked, CheckHandedOver, CheckMerged, CheckTaken, CheckYielded
from tillkeeper.errors import TillkeeperError
from tillkeeper.kitchen.tickets import learn
from tillkeeper.sales import authorisations
from tillkeeper.sales.model import Check, Discount, Line, Payment, Refund, StationView


class IllegalEvent(TillkeeperError):
    """An event that cannot follow on the state: a mistake of whoever made it, never of a guest or a clerk."""

    code = "illegal_event"
    retry_safe = False


def _illegal(check_id: str, event: Event, cause: str) -> IllegalEvent:
    return IllegalEvent("apply", f"{type(event).__name__} to check {check_id}", cause)


def apply(check: Check | None, event: Event, business_day: str, at_ms: int) -> Check:
    """The check after the event. Events that tell nothing about a check itself leave it as it is. `business_day` and
    `at_ms` are those of the event's envelope.

    Raises:
        IllegalEvent: the event does not fit the state, or another check.
    """
    if isinstance(event, ev.CheckOpened):
        if check is not None:
            raise _illegal(check.check_id, event, "the check is open already")
        return _opened(event, business_day, at_ms)
    if isinstance(event, CheckTaken | CheckForked | CheckMerged):
        return _arrived(check, event)
    check_id = getattr(event, "check_id", "")
    if check is None or check.check_id != check_id:
        raise _illegal(check.check_id if check else check_id, event, f"there is no check {check_id}")
    if check.elsewhere and type(event) in {*_FOLD, ev.CheckClosed} and not isinstance(event, _OF_ANYWHERE):
        raise _illegal(check_id, event, f"the check is at register {check.elsewhere}")
    if isinstance(event, ev.CheckClosed):
        _require(check, event, "open")
        if authorisations.frozen(check):
            raise _illegal(check_id, event, "the check is frozen until an authorisation is settled")
        return replace(check, state="closed", closed_at_ms=at_ms, closed_totals=event.totals, awaiting="")
    if isinstance(event, _OF_AUTHORISATIONS):
        _require(check, event, *(_SOLD if isinstance(event, auth.AuthorisationAsked) else _ANY))
        return _authorisation(check, event, at_ms)
    entry = _FOLD.get(type(event))
    if entry is None:
        return check
    states, handler = entry
    _require(check, event, *states)
    return handler(check, event)


def fold(events: Iterable[tuple[Event, str, int]]) -> dict[str, Check]:
    """All checks of a run of (event, business day, at_ms), by id. Events that belong to no check are skipped.

    Raises:
        IllegalEvent: see `apply`.
    """
    checks: dict[str, Check] = {}
    for event, business_day, at_ms in events:
        if check_id := getattr(event, "check_id", ""):
            checks[check_id] = apply(checks.get(check_id), event, business_day, at_ms)
    return checks


def _require(check: Check, event: Event, *states: str) -> None:
    if check.state not in states:
        raise _illegal(check.check_id, event, f"the check is {check.state}")


def _opened(event: ev.CheckOpened, business_day: str, at_ms: int) -> Check:
    return Check(
        check_id=event.check_id,
        ticket_code=event.ticket_code,
        order_type=event.order_type,
        catalogue_version=event.catalogue_version,
        terminal=event.terminal,
        business_day=business_day,
        opened_at_ms=at_ms,
        server=event.server,
        table=event.table,
        covers=event.covers,
        name=event.name,
        phone=event.phone,
        note=event.note,
        training=event.training,
        car=event.car,
    )


def _arrived(check: Check | None, event: CheckTaken | CheckForked | CheckMerged) -> Check:
    """The event holds all of the check: who reads it need not have read what was before."""
    if isinstance(event, CheckMerged) and (check is None or check.elsewhere):
        raise _illegal(event.check_id, event, "the check is not at this register")
    if check is not None and not check.elsewhere and isinstance(event, CheckTaken):
        raise _illegal(event.check_id, event, "the check is at this register")
    try:
        arrived = _decode(event.check)
    except msgspec.DecodeError as error:
        raise _illegal(event.check_id, event, f"it can not be read: {error}") from error
    if arrived.check_id != event.check_id:
        raise _illegal(event.check_id, event, f"it holds check {arrived.check_id}")
    return arrived


def _gone(check: Check, event: CheckHandedOver | CheckYielded) -> Check:
    return replace(check, elsewhere=event.to, hand=event.hand)


def _authorisation(check: Check, event: Event, at_ms: int) -> Check:
    try:
        return authorisations.on_check(check, event, at_ms)
    except authorisations.IllegalStep as error:
        raise _illegal(check.check_id, event, str(error)) from error


def _used(check: Check, event: Event, authorisation_id: str) -> Check:
    """Money that needed an authorisation is recorded under its id."""
    try:
        return authorisations.with_used(check, authorisation_id)
    except authorisations.IllegalStep as error:
        raise _illegal(check.check_id, event, str(error)) from error


def _line(check: Check, event: Event, line_id: str) -> Line:
    for line in check.lines:
        if line.line_id == line_id:
            return line
    raise _illegal(check.check_id, event, f"there is no line {line_id}")


def _with_lines(check: Check, event: Event, line_ids: Iterable[str], change: Callable[[Line], Line]) -> Check:
    chosen = {_line(check, event, line_id).line_id for line_id in line_ids}
    return replace(check, lines=tuple(change(line) if line.line_id in chosen else line for line in check.lines))


def _line_added(check: Check, event: ev.LineAdded) -> Check:
    if any(line.line_id == event.line_id for line in check.lines):
        raise _illegal(check.check_id, event, f"there is a line {event.line_id} already")
    if event.quantity < 1 or event.unit_price_minor < 0:
        raise _illegal(check.check_id, event, "quantity or price is out of range")
    fields = {name: getattr(event, name) for name in ev.LineAdded.__struct_fields__ if name != "check_id"}
    return replace(check, lines=(*check.lines, msgspec.convert(fields, Line, from_attributes=True)))


def _line_changed(check: Check, event: ev.LineChanged) -> Check:
    line = _line(check, event, event.line_id)
    if event.quantity < 1 or line.quantity < 1:
        raise _illegal(check.check_id, event, "a line of no pieces cannot change")
    changed = _say(
        replace(_removed(check, line, line.quantity - event.quantity), quantity=event.quantity, owed=0),
        tax=event.tax,
        modifiers=event.modifiers,
        seat=event.seat,
        course=event.course,
        order_type=event.order_type,
        note=event.note,
    )
    return _with_lines(check, event, (event.line_id,), lambda _: changed)


def _say(line: Line, **values: Any) -> Line:
    """With these attributes; how often each was changed is kept (`sales/sayings.py`)."""
    turns = {name: line.turns.get(name, 0) + 1 for name, value in values.items() if getattr(line, name) != value}
    return replace(line, **values, turns=line.turns | turns) if turns else line


def _removed(check: Check, line: Line, pieces: int) -> Line:
    """Of a check that came from another register it is kept who took what off: see `merge`."""
    if not check.hand or pieces <= 0:
        return line
    return replace(line, removed=line.removed | {"": max(line.removed.values(), default=0) + pieces})


def _line_voided(check: Check, event: ev.LineVoided) -> Check:
    line = _line(check, event, event.line_id)
    if not 1 <= event.quantity <= line.quantity:
        raise _illegal(check.check_id, event, f"{event.quantity} pieces of {line.quantity}")
    left = line.quantity - event.quantity
    line = _removed(check, line, event.quantity)
    voided = replace(line, quantity=left, voided_quantity=line.voided_quantity + event.quantity)
    if not left:
        voided = replace(voided, fire_at_ms=None)
    return _with_lines(check, event, (event.line_id,), lambda _: voided)


def _order_type_changed(check: Check, event: ev.OrderTypeChanged) -> Check:
    check = _with_lines(check, event, event.taxes, lambda line: _say(line, tax=event.taxes[line.line_id]))
    turns = check.turns | {"order_type": check.turns.get("order_type", 0) + 1}
    return replace(check, order_type=event.order_type, turns=turns)


def _discount_applied(check: Check, event: ev.DiscountApplied) -> Check:
    if any(discount.discount_id == event.discount_id for discount in check.discounts):
        raise _illegal(check.check_id, event, f"there is a discount {event.discount_id} already")
    if (event.rate_ppm > 0) == (event.amount_minor > 0) or min(event.rate_ppm, event.amount_minor) < 0:
        raise _illegal(check.check_id, event, "needs exactly one of rate and amount")
    if event.line_id:
        _line(check, event, event.line_id)
    discount = Discount(
        discount_id=event.discount_id,
        code=event.code,
        name=event.name,
        line_id=event.line_id,
        rate_ppm=event.rate_ppm,
        amount_minor=event.amount_minor,
    )
    return replace(check, discounts=(*check.discounts, discount))


def _discount_removed(check: Check, event: ev.DiscountRemoved) -> Check:
    left = tuple(discount for discount in check.discounts if discount.discount_id != event.discount_id)
    if len(left) == len(check.discounts):
        raise _illegal(check.check_id, event, f"there is no discount {event.discount_id}")
    return replace(check, discounts=left)


def _not_fired(check: Check, event: Event, line_ids: Iterable[str]) -> None:
    for line_id in line_ids:
        if _line(check, event, line_id).fired:
            raise _illegal(check.check_id, event, f"line {line_id} is fired already")


def _lines_held(check: Check, event: ev.LinesHeld) -> Check:
    _not_fired(check, event, event.line_ids)
    return _with_lines(check, event, event.line_ids, lambda line: _say(line, held=True, fire_at_ms=None))


def _fire_scheduled(check: Check, event: ev.FireScheduled) -> Check:
    _not_fired(check, event, event.line_ids)
    return _with_lines(check, event, event.line_ids, lambda line: _say(line, held=False, fire_at_ms=event.fire_at_ms))


def _lines_fired(check: Check, event: ev.LinesFired) -> Check:
    _not_fired(check, event, event.line_ids)
    return _with_lines(check, event, event.line_ids, lambda line: replace(line, held=False, fire_at_ms=None, fired=True))


def _slip_entered(check: Check, event: SlipEntered) -> Check:
    _not_fired(check, event, event.line_ids)
    check = _with_lines(
        check, event, event.line_ids, lambda line: replace(line, held=False, fire_at_ms=None, fired=True, from_paper=True)
    )
    return replace(check, slip=Slip(event.slip, event.slip_at_ms, event.doubled))


def _tender_recorded(check: Check, event: ev.TenderRecorded) -> Check:
    if any(payment.tender_id == event.tender_id for payment in check.payments):
        raise _illegal(check.check_id, event, f"there is a tender {event.tender_id} already")
    if min(event.amount_minor, event.change_minor) < 0 or event.tendered_minor != event.amount_minor + event.change_minor:
        raise _illegal(check.check_id, event, "tendered is not amount + change")
    check = _used(check, event, event.tender_id)
    return replace(check, payments=(*check.payments, msgspec.convert(event, Payment, from_attributes=True)))


def _tender_awaited(check: Check, event: ev.TenderAwaited) -> Check:
    return replace(check, awaiting=event.tender)


def _check_voided(check: Check, event: ev.CheckVoided) -> Check:
    for one in authorisations.frozen(check):  # what was given back by calls for this
        check = _used(check, event, one.authorisation_id)
    lines = tuple(line if line.fire_at_ms is None else replace(line, fire_at_ms=None) for line in check.lines)
    return replace(check, state="voided", void_reason=event.reason, lines=lines, awaiting="")


def _refund_recorded(check: Check, event: ev.RefundRecorded) -> Check:
    if any(refund.refund_id == event.refund_id for refund in check.refunds):
        raise _illegal(check.check_id, event, f"there is a refund {event.refund_id} already")
    for line_id, quantity in event.quantities.items():
        line = _line(check, event, line_id)
        if not 1 <= quantity <= line.quantity - line.refunded_quantity:
            raise _illegal(check.check_id, event, f"{quantity} pieces of line {line_id} are not there to refund")
    if event.amount_minor < 0 or event.tax_minor < 0:
        raise _illegal(check.check_id, event, "a refund is not negative")
    check = _with_lines(
        _used(check, event, event.refund_id),
        event,
        event.quantities,
        lambda line: replace(line, refunded_quantity=line.refunded_quantity + event.quantities[line.line_id]),
    )
    fields = {name: getattr(event, name) for name in Refund.__struct_fields__}
    return replace(check, refunds=(*check.refunds, Refund(**fields)))


def _check_numbered(check: Check, event: ev.CheckNumbered) -> Check:
    if check.number not in (None, event.number):
        raise _illegal(check.check_id, event, f"the check has the number {check.number}")
    return replace(check, number=event.number)


def _ticket_fired(check: Check, event: TicketFired) -> Check:
    """A station with several devices gets one event a device, of the same revision: both teach the same."""
    view = check.stations.get(event.station, StationView())
    if event.revision < view.revision:
        raise _illegal(check.check_id, event, f"revision {event.revision} after {view.revision}")
    return replace(check, stations={**check.stations, event.station: learn(view, event)})


def _receipt_issued(check: Check, event: ReceiptIssued) -> Check:
    return check if event.refund_id else replace(check, receipts=check.receipts + 1)


_ANY = ("open", "closed", "voided")
_SOLD = ("open", "closed")
_OF_AUTHORISATIONS = (
    auth.AuthorisationAsked, auth.AuthorisationSettled, auth.ReversalOwed, auth.AuthorisationReversed,
)  # fmt: skip
_OF_ANYWHERE = (
    ev.CheckNumbered, CheckHandedOver, CheckYielded, TicketFired, ReceiptIssued,
    auth.AuthorisationSettled, auth.ReversalOwed, auth.AuthorisationReversed,
)  # fmt: skip
"""What may come of a check that another register has: a later owner, and what was under way."""
_decode = msgspec.json.Decoder(Check).decode

# Which event may come in which state, and what it does. What is not here tells nothing about the check itself.
_FOLD: dict[type[Event], tuple[tuple[str, ...], Callable[[Check, Any], Check]]] = {
    ev.LineAdded: (("open",), _line_added),
    ev.LineChanged: (("open",), _line_changed),
    ev.LineVoided: (("open",), _line_voided),
    ev.OrderTypeChanged: (("open",), _order_type_changed),
    ev.DiscountApplied: (("open",), _discount_applied),
    ev.DiscountRemoved: (("open",), _discount_removed),
    ev.LinesHeld: (_SOLD, _lines_held),
    ev.FireScheduled: (_SOLD, _fire_scheduled),
    ev.LinesFired: (_SOLD, _lines_fired),
    SlipEntered: (("open",), _slip_entered),
    ev.TenderRecorded: (("open",), _tender_recorded),
    ev.TenderAwaited: (("open",), _tender_awaited),
    ev.CheckVoided: (("open",), _check_voided),
    ev.RefundRecorded: (("closed",), _refund_recorded),
    ev.CheckNumbered: (_ANY, _check_numbered),
    CheckHandedOver: (_SOLD, _gone),
    CheckYielded: (_ANY, _gone),
    TicketFired: (_ANY, _ticket_fired),
    ReceiptIssued: (_ANY, _receipt_issued),
}
