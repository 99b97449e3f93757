"""One command in, the events that it comes to out - or a refusal, and nothing has changed.

Pure: time, ids, ticket codes and the outcome of authorisations are arguments. Documents (tickets, receipts, drawer pulses)
follow from the decision; the till adds them.
"""

import unicodedata
from collections.abc import Iterator

import msgspec

from tillkeeper.contract import commands as cmd
from tillkeeper.contract import events as ev
from tillkeeper.contract.availability import SetAvailability
from tillkeeper.contract.base import Command
from tillkeeper.contract.documents import NoSaleRecorded
from tillkeeper.errors import Refused
from tillkeeper.sales import availability, decide_fire, decide_lines, decide_money
from tillkeeper.sales.context import Context, Decision, Draft
from tillkeeper.sales.decide_fire import due_fires, next_fire_at_ms
from tillkeeper.sales.decide_paper import KnownSlips, enter_slip
from tillkeeper.sales.model import Check
from tillkeeper.sales.refusals import found, reason_needed
from tillkeeper.sales.training import in_training

__all__ = ["Context", "Decidable", "Decision", "decide", "due_fires", "next_fire_at_ms", "require_plain_text"]

Decidable = (
    cmd.OpenCheck
    | cmd.PlaceOrder
    | cmd.AddLines
    | cmd.ChangeLine
    | cmd.VoidLine
    | cmd.ChangeOrderType
    | cmd.ApplyDiscount
    | cmd.RemoveDiscount
    | cmd.SendOrder
    | cmd.HoldLines
    | cmd.FireLines
    | cmd.RecordTender
    | cmd.CloseCheck
    | cmd.AwaitTender
    | cmd.VoidCheck
    | cmd.RefundCheck
    | cmd.RecordNoSale
    | SetAvailability
)


_ALTERS = (
    cmd.AddLines, cmd.ChangeLine, cmd.VoidLine, cmd.ChangeOrderType, cmd.ApplyDiscount, cmd.RemoveDiscount,
    cmd.RecordTender, cmd.CloseCheck, cmd.AwaitTender, cmd.VoidCheck, cmd.RefundCheck,
)  # fmt: skip
"""What a frozen check refuses. What is rung already may go to the kitchen: the sum stays as it is."""


def decide(command: Decidable, check: Check | None, context: Context) -> Decision:
    """What the command comes to. `check` is the one that it names (already looked up); None for commands without one.

    Raises:
        Refused: a rule says no; see `docs/refusals.md` for all codes. Nothing has changed.
    """
    operation = str(command.__struct_config__.tag).replace("_", " ")
    require_plain_text(command, operation)
    draft = Draft(operation, context, check)
    if isinstance(command, _ALTERS):
        draft.require_thawed()
    match command:
        case cmd.OpenCheck():
            _open(draft, command)
            decide_lines.ring(draft, command.lines)
            decide_fire.fire_when_rung(draft)
        case cmd.PlaceOrder():
            _place(draft, command)
        case cmd.AddLines():
            decide_lines.ring(draft, command.lines)
            decide_fire.fire_when_rung(draft)
        case cmd.ChangeLine():
            decide_lines.change_line(draft, command)
        case cmd.VoidLine():
            decide_lines.void_line(draft, command)
        case cmd.ChangeOrderType():
            decide_lines.change_order_type(draft, command)
        case cmd.ApplyDiscount(code=code, line_id=line_id, amount_minor=amount, reason=reason, by=by):
            decide_lines.apply_discount(draft, code, line_id=line_id, amount_minor=amount, reason=reason, by=by)
        case cmd.RemoveDiscount():
            decide_lines.remove_discount(draft, command)
        case cmd.SendOrder():
            decide_fire.send(draft)
        case cmd.HoldLines():
            decide_fire.hold(draft, command)
        case cmd.FireLines():
            decide_fire.fire(draft, command)
        case cmd.RecordTender(although_unreachable=False) if draft.check.doubt:
            decide_money.require_one_owner(draft)
        case cmd.RecordTender(tender=tender, tendered_minor=tendered, reference=reference, by=by):
            decide_money.record_tender(draft, tender, tendered_minor=tendered, reference=reference, by=by)
        case cmd.CloseCheck():
            decide_money.close_check(draft)
        case cmd.AwaitTender():
            decide_money.await_tender(draft, command)
        case cmd.VoidCheck():
            decide_money.void_check(draft, command)
        case cmd.RefundCheck():
            decide_money.refund_check(draft, command)
        case cmd.RecordNoSale():
            return _no_sale(command, context)
        case SetAvailability():
            if context.caller.training:
                cause = "this is practice: what guests can order stays as it is"
                raise Refused("training_availability", operation, command.subject_id, cause, "switch training off first")
            change = availability.put(command, context.stock, context.catalogue, context.now_ms, context.new_id)
            return Decision(events=change.events if change else (), stock=change)
    return draft.decision()


def enter_from_paper(command: cmd.EnterFromPaper, context: Context, known_slip: KnownSlips) -> Decision:
    """As an order; nothing of it goes to the kitchen, and what was sold out meanwhile had been sold.

    Raises:
        Refused: as `decide`, and `slip_known`, `slip_from_the_future`.
    """
    operation = "enter from paper"
    require_plain_text(command, operation)
    draft = Draft(operation, context, None)
    draft.from_paper = True
    _open(draft, command)
    decide_lines.ring(draft, command.lines)
    _discount(draft, command)
    enter_slip(draft, command, known_slip)
    _pay(draft, command)
    return draft.decision()


def _open(draft: Draft, command: cmd.OpenCheck | cmd.PlaceOrder | cmd.EnterFromPaper) -> None:
    context = draft.context
    draft.add(
        ev.CheckOpened(
            check_id=context.new_id(),
            ticket_code=context.ticket_code,
            order_type=command.order_type,
            catalogue_version=context.catalogue.version,
            terminal=context.caller.terminal or context.config.this_register,
            server=command.server,
            table=command.table,
            covers=command.covers,
            name=draft.personal_of(command.name),
            phone=draft.personal_of(command.phone),
            note=draft.personal_of(command.note),
            training=in_training(command, context.caller),
            car=context.car,
        )
    )


def _place(draft: Draft, command: cmd.PlaceOrder) -> None:
    """Opened, rung, discounted, sent, paid: each part by its own rules, and none of it if one refuses."""
    _open(draft, command)
    decide_lines.ring(draft, command.lines, maybe_fired=command.may_be_doubled)
    _discount(draft, command)
    decide_fire.fire_order(draft, command)
    draft.unsent_on_purpose = not command.send and decide_fire.fire_rule(draft) != "on_tender"
    _pay(draft, command)


def _discount(draft: Draft, command: cmd.Order) -> None:
    for new in command.discounts:
        if new.line is not None and not 0 <= new.line < len(draft.line_ids):
            cause = f"the order has no line {new.line}"
            raise draft.refuse("unknown_line", cause, "lines count from 0", subject=new.code, lines=len(draft.line_ids))
        line_id = None if new.line is None else draft.line_ids[new.line]
        decide_lines.apply_discount(
            draft, new.code, line_id=line_id, amount_minor=new.amount_minor, reason=new.reason, by=command.by
        )


def _pay(draft: Draft, command: cmd.Order) -> None:
    for tender in command.tenders:
        decide_money.record_tender(
            draft, tender.tender, tendered_minor=tender.tendered_minor, reference=tender.reference, by=command.by
        )
    draft.entity_id = ""


def _no_sale(command: cmd.RecordNoSale, context: Context) -> Decision:
    operation = "record no sale"
    drawers = {name: device for name, device in context.config.devices.items() if device.kind == "drawer"}
    found(drawers, command.drawer, code="unknown_drawer", operation=operation, what="drawer")
    reason_needed(command.reason, operation, command.drawer)
    if context.caller.training:
        cause = "this is practice: the drawer stays shut and nothing is recorded"
        raise Refused("training_no_sale", operation, command.drawer, cause, "switch training off to open it")
    event = NoSaleRecorded(
        no_sale_id=context.new_id(),
        drawer=command.drawer,
        reason=command.reason,
        by=command.by,
        drawer_session=context.drawer_session,
    )
    return Decision(events=(event,), entity_id=event.no_sale_id, opens_drawer="no_sale")


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a command with its path, `lines[2].note`."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from _texts(getattr(value, name), f"{path}.{name}" if path else name)
    elif isinstance(value, tuple):
        for index, part in enumerate(value):
            yield from _texts(part, f"{path}[{index}]")


def require_plain_text(command: Command, operation: str) -> None:
    """Control characters are commands to a device, never part of a name. A note may have several lines."""
    encoded = msgspec.json.encode(command).decode()
    if encoded.isprintable() and "\\" not in encoded:
        return  # the usual case, without a look at each text
    for path, text in _texts(command):
        harmless = "\n\t" if path.endswith("note") else ""
        for character in text:
            if unicodedata.category(character) in ("Cc", "Cs") and character not in harmless:
                cause = f"the text holds the control character U+{ord(character):04X}"
                raise Refused("control_characters", operation, path, cause, "send plain text", field=path)
