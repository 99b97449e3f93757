"""Decisions about money: tenders, close, void, refund."""

from dataclasses import dataclass

from tillkeeper.config.model import Tender
from tillkeeper.contract import commands as cmd
from tillkeeper.contract import events as ev
from tillkeeper.contract.values import MAX_AMOUNT_MINOR
from tillkeeper.sales.authorisations import given_back
from tillkeeper.sales.context import Draft
from tillkeeper.sales.decide_fire import fire_by_rule, fire_rule
from tillkeeper.sales.merge import overpaid_minor
from tillkeeper.sales.money import divide, exact, minor_digits, round_to, to_text
from tillkeeper.sales.refunds import RefundAmount, left_of, refund_amount, value_of_pieces
from tillkeeper.sales.refusals import found, reason_needed
from tillkeeper.sales.tenders import AuthorisationRequest, Situation, admit, allowed_tenders, needs_world


@dataclass(frozen=True)
class _Taken:
    """What one tender does, in store currency; the names are those of `TenderRecorded`."""

    amount_minor: int
    tendered_minor: int
    change_minor: int = 0
    rounding_minor: int = 0
    foreign_currency: str = ""
    foreign_minor: int = 0


def coin_of(draft: Draft) -> int:
    """The smallest coin of the store's currency in minor units; 1 where cash is not rounded."""
    config = draft.context.config
    return config.cash_rounding.get(config.store.currency, 1)


def _tender(draft: Draft, name: str, situation: Situation) -> Tender:
    context = draft.context
    allowed = allowed_tenders(context.config, context.mode, situation)
    known = context.config.tenders
    return found(known, name, code="unknown_tender", operation=draft.operation, what="tender", allowed=allowed)


def _opens_drawer(tender: Tender) -> bool:
    return tender.kind == "cash" if tender.opens_drawer is None else tender.opens_drawer


def _require_pieces(draft: Draft) -> None:
    if not any(line.quantity for line in draft.check.lines):
        raise draft.refuse("check_empty", "there is nothing on the check", "add lines, or void it")


def _require_session(draft: Draft, subject: str) -> None:
    """Where the store wants all cash counted, it moves only at a drawer with an open session. Not asked of practice."""
    context = draft.context
    if not context.config.cash.session_required or draft.drawer_session or draft.check.training:
        return
    drawer = context.config.place(context.caller.terminal).drawer or ""
    cause = f"drawer {drawer} has no open session" if drawer else "this terminal has no drawer"
    hint = "open one with its float" if drawer else "take cash where there is one"
    tenders = context.config.tenders
    allowed = tuple(name for name in allowed_tenders(context.config, context.mode) if tenders[name].kind != "cash")
    raise draft.refuse("no_drawer_session", cause, hint, subject=subject, drawer=drawer, allowed=allowed)


def require_one_owner(draft: Draft) -> None:
    """Of a check that was forked it is not known whether it was paid where it was."""
    if not draft.check.doubt:
        return
    registers = ", ".join(draft.check.doubt)
    cause = f"register {registers} had this check and is silent: it may be paid there already"
    raise draft.refuse("may_be_paid", cause, "ask the guest; take it although it is silent", registers=draft.check.doubt)


def record_tender(draft: Draft, name: str, *, tendered_minor: int | None, reference: str, by: str) -> None:
    """Take a payment; the check closes as soon as nothing is due."""
    draft.require_open()
    tender = _tender(draft, name, "payment")
    _require_pieces(draft)
    due = draft.totals().due_minor
    if due <= 0:
        raise draft.refuse("nothing_due", "nothing is due", "close the check", due_minor=0)
    take = _cash if tender.kind == "cash" else _other
    taken = take(draft, name, tender, due, tendered_minor)
    if tender.kind == "cash" or taken.change_minor:
        _require_session(draft, name)
    context = draft.context
    tender_id = context.new_id()
    request = AuthorisationRequest(
        "payment", tender_id, name, tender.kind, taken.amount_minor,
        guest_absent=draft.check.awaiting == name, reference=reference,
    )  # fmt: skip
    admission = admit(request, context.config, context.mode, context.authoriser)
    tender_id = admission.authorisation_id or tender_id
    draft.add(
        ev.TenderRecorded(
            check_id=draft.check.check_id,
            tender_id=tender_id,
            tender=name,
            kind=tender.kind,
            amount_minor=taken.amount_minor,
            tendered_minor=taken.tendered_minor,
            change_minor=taken.change_minor,
            rounding_minor=taken.rounding_minor,
            foreign_currency=taken.foreign_currency,
            foreign_minor=taken.foreign_minor,
            reference=admission.reference or reference,
            label=admission.label,
            by=by,
            drawer_session=draft.drawer_session,
            training=draft.check.training,
        )
    )
    draft.change_minor += taken.change_minor
    draft.entity_id = tender_id
    if _opens_drawer(tender):
        draft.opens_drawer = "tender"
    elif taken.change_minor and not draft.opens_drawer:
        draft.opens_drawer = "change"
    if draft.totals().due_minor == 0:
        _close(draft)


def _cash(draft: Draft, name: str, tender: Tender, due: int, tendered: int | None) -> _Taken:
    coin = coin_of(draft)
    to_pay = round_to(due, coin)
    foreign = 0
    currency = tender.currency if tender.currency != draft.context.config.store.currency else ""
    if currency:
        foreign, tendered = _foreign(draft, name, tender, to_pay, tendered)
    elif tendered is None:
        tendered = to_pay
    if tendered % coin:
        cause = f"{draft.money(tendered)} cannot be paid in coins of {draft.money(coin)}"
        hint = f"{draft.money(to_pay)} is to be paid in cash"
        raise draft.refuse("not_payable_in_cash", cause, hint, subject=name, due_minor=to_pay, coin_minor=coin)
    if tendered < to_pay:
        return _Taken(tendered, tendered, foreign_currency=currency, foreign_minor=foreign)
    change = tendered - to_pay
    if change and tender.overpayment == "refuse":
        raise _overpaid(draft, name, tendered, to_pay)
    return _Taken(to_pay, tendered, change, to_pay - due, currency, foreign)


def _other(draft: Draft, name: str, tender: Tender, due: int, tendered: int | None) -> _Taken:
    if tendered is None or tendered <= due:
        amount = due if tendered is None else tendered
        return _Taken(amount, amount)
    if tender.kind != "custom" or tender.overpayment != "change":
        raise _overpaid(draft, name, tendered, due)
    # Change is given in cash, so it is what the coins allow; the difference is the check's rounding.
    change = min(round_to(tendered - due, coin_of(draft)), tendered)
    return _Taken(tendered - change, tendered, change, tendered - change - due)


def _overpaid(draft: Draft, name: str, tendered: int, due: int) -> Exception:
    cause = f"{draft.money(tendered)} is more than the {draft.money(due)} due, and this tender gives no change"
    return draft.refuse("overpayment", cause, f"take {draft.money(due)}", subject=name, due_minor=due)


def _foreign(draft: Draft, name: str, tender: Tender, to_pay: int, foreign: int | None) -> tuple[int, int]:
    """Foreign minor units and their value in store currency; None is the least that pays for everything."""
    config = draft.context.config
    try:
        rate = exact(tender.rate)
    except ValueError as error:
        raise draft.refuse("rate_missing", f"the tender's rate: {error}", "set its rate", subject=name) from None
    if rate <= 0:
        raise draft.refuse("rate_missing", "the tender's rate is not positive", "set its rate", subject=name)
    store_per_unit, units = rate.as_integer_ratio()
    store_per_unit *= 10**config.store.minor_digits
    units *= 10 ** minor_digits(tender.currency)
    if foreign is None:
        coin = config.cash_rounding.get(tender.currency, 1)
        foreign = -(-to_pay * units // (store_per_unit * coin)) * coin
    value = round_to(divide(foreign * store_per_unit, units, config.store.rounding), coin_of(draft))
    given = to_text(foreign, minor_digits(tender.currency), tender.currency)
    if not value and to_pay:
        raise draft.refuse("amount_too_small", f"{given} is worth nothing here", subject=name)
    if value > MAX_AMOUNT_MINOR:
        raise draft.refuse("amount_too_large", f"{given} is worth too much", subject=name, max_minor=MAX_AMOUNT_MINOR)
    return foreign, value


def close_check(draft: Draft) -> None:
    draft.require_open()
    _require_pieces(draft)
    due = draft.totals().due_minor
    if due > 0:
        raise draft.refuse("still_due", f"{draft.money(due)} is still due", "record a tender", due_minor=due)
    _close(draft)


def _close(draft: Draft) -> None:
    """Whatever the rule, what is paid and neither held, timed nor of a later course is owed now: nobody would send it later."""
    draft.add(
        ev.CheckClosed(
            check_id=draft.check.check_id,
            totals=draft.totals(),
            drawer_session=draft.drawer_session,
            training=draft.check.training,
        )
    )
    if not draft.unsent_on_purpose:
        fire_by_rule(draft, "on_tender")


def await_tender(draft: Draft, command: cmd.AwaitTender) -> None:
    """The guest is gone: what a terminal could not take now is settled later. The kitchen owes the order as if it were paid."""
    draft.require_open()
    check = draft.check
    if command.tender is None:
        if check.awaiting:
            draft.add(ev.TenderAwaited(check_id=check.check_id, tender="", by=command.by))
        return
    tenders = draft.context.config.tenders
    later = tuple(name for name, tender in tenders.items() if needs_world(tender.kind))
    tender = found(tenders, command.tender, code="unknown_tender", operation=draft.operation, what="tender", allowed=later)
    if command.tender not in later:
        cause = f"{tender.title} needs nobody's authorisation"
        raise draft.refuse("tender_not_awaited", cause, "take it now", subject=command.tender, allowed=later)
    _require_pieces(draft)
    if draft.totals().due_minor == 0:
        raise draft.refuse("nothing_due", "nothing is due", "close the check", due_minor=0)
    if check.awaiting == command.tender:
        return
    draft.add(ev.TenderAwaited(check_id=check.check_id, tender=command.tender, by=command.by))
    if fire_rule(draft) == "on_tender":
        fire_by_rule(draft, "on_tender")


def void_check(draft: Draft, command: cmd.VoidCheck) -> None:
    """What was paid is given back the way it came; a card payment only by its own call."""
    draft.require_open()
    reason_needed(command.reason, draft.operation, draft.check.check_id)
    context = draft.context
    returned: dict[str, int] = {}
    cash = 0
    for payment in draft.check.payments:
        if payment.returned:
            continue
        request = AuthorisationRequest(
            "refund", payment.tender_id, payment.tender, payment.kind, payment.amount_minor,
            original=payment.tender_id if needs_world(payment.kind) else "",
        )  # fmt: skip
        admit(request, context.config, context.mode, context.authoriser)
        returned[payment.tender] = returned.get(payment.tender, 0) + payment.amount_minor
        if payment.kind == "cash":
            cash += payment.amount_minor
    if cash:
        _require_session(draft, draft.check.check_id)
        draft.opens_drawer = "refund"
    draft.refund_minor = sum(returned.values())
    draft.add(
        ev.CheckVoided(
            check_id=draft.check.check_id,
            reason=command.reason,
            by=command.by,
            returned_minor=returned,
            returned_cash_minor=cash,
            drawer_session=draft.drawer_session,
            training=draft.check.training,
        )
    )


def refund_check(draft: Draft, command: cmd.RefundCheck) -> None:
    check, context = draft.check, draft.context
    if check.state != "closed":
        hint = "void it instead" if check.state == "open" else ""
        raise draft.refuse("check_not_closed", f"the check is {check.state}", hint, state=check.state)
    tender = _tender(draft, command.tender, "refund")
    if tender.kind == "cash" and tender.currency not in ("", context.config.store.currency):
        allowed = allowed_tenders(context.config, context.mode, "refund")
        raise draft.refuse("refund_in_store_currency", "refunds are in store currency", subject=command.tender, allowed=allowed)
    reason_needed(command.reason, draft.operation, check.check_id)
    left = left_of(check, draft.priced())
    nothing = draft.refuse("nothing_to_refund", "there is nothing to give back for this", left_minor=left.money_minor)
    coin = coin_of(draft) if tender.kind == "cash" else 1
    quantities: dict[str, int] = {}
    if over := _of_overpayment(draft, command):
        money = round_to(over, coin)
        amount = RefundAmount(money, 0, money)
    elif not left.value_minor:
        raise nothing
    else:
        quantities, value, tax = _refund_value(draft, command)
        amount = refund_amount(left, value, tax, coin, draft.rules.rounding)
    if amount.money_minor <= 0:
        raise nothing
    refund_id = context.new_id()
    original = _original(draft, command.tender, amount.money_minor) if needs_world(tender.kind) else ""
    request = AuthorisationRequest("refund", refund_id, command.tender, tender.kind, amount.money_minor, original)
    admission = admit(request, context.config, context.mode, context.authoriser)
    refund_id = admission.authorisation_id or refund_id
    if tender.kind == "cash":
        _require_session(draft, command.tender)
    draft.add(
        ev.RefundRecorded(
            check_id=check.check_id,
            refund_id=refund_id,
            tender=command.tender,
            kind=tender.kind,
            amount_minor=amount.money_minor,
            tax_minor=amount.tax_minor,
            reason=command.reason,
            quantities=quantities,
            rounding_minor=amount.rounding_minor,
            by=command.by,
            drawer_session=draft.drawer_session,
            training=draft.check.training,
            of_overpayment=over > 0,
        )
    )
    draft.refund_minor = amount.money_minor
    draft.entity_id = refund_id
    if _opens_drawer(tender):
        draft.opens_drawer = "refund"


def _of_overpayment(draft: Draft, command: cmd.RefundCheck) -> int:
    """The amount where it is no more than what two registers took too much: it takes nothing off the sale. Else 0."""
    if command.quantities or command.amount_minor is None:
        return 0
    return command.amount_minor if command.amount_minor <= overpaid_minor(draft.check, draft.totals()) else 0


def _original(draft: Draft, tender: str, amount_minor: int) -> str:
    """The payment by this tender that can still give back so much; empty where none was made, or all are given back."""
    payments = [one for one in draft.check.payments if one.tender == tender]
    left = {one.tender_id: one.amount_minor - given_back(draft.check, one.tender_id) for one in payments}
    most = max(left.values(), default=0)
    if 0 < most < amount_minor:
        cause = f"no payment by it can give back more than {draft.money(most)}"
        raise draft.refuse("refund_in_parts", cause, "refund it in parts", subject=tender, max_minor=most)
    return next((tender_id for tender_id, minor in left.items() if minor >= amount_minor), "")


def _refund_value(draft: Draft, command: cmd.RefundCheck) -> tuple[dict[str, int], int, int | None]:
    """Pieces, their value, and their tax where pieces are named."""
    priced = draft.priced()
    left = left_of(draft.check, priced)
    if command.quantities and command.amount_minor is not None:
        raise draft.refuse("ambiguous_refund", "both pieces and an amount are named", "name one of them")
    if command.quantities:
        for line_id, quantity in command.quantities.items():
            line = draft.line(line_id)
            if quantity > (there := line.quantity - line.refunded_quantity):
                raise draft.refuse("quantity_too_large", f"only {there} pieces are left to refund", subject=line_id, max=there)
        value, tax = value_of_pieces(priced, command.quantities, draft.rules.rounding)
        most = left.value_minor
        quantities = dict(command.quantities)
    elif command.amount_minor is not None:
        value, tax, quantities = command.amount_minor, None, {}
        most = max(left.value_minor, left.money_minor)
    else:
        value, tax, most = left.value_minor, None, left.value_minor
        pieces = {line.line_id: line.quantity - line.refunded_quantity for line in draft.check.lines}
        quantities = {line_id: quantity for line_id, quantity in pieces.items() if quantity}
    if value > most:
        cause = f"{draft.money(value)} is more than the {draft.money(most)} left"
        raise draft.refuse("refund_too_much", cause, left_minor=most)
    return quantities, value, tax
