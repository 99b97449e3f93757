"""What a command wants of the world, and the command again from that."""

from typing import Any

from tillkeeper.contract.authorisations import Purpose
from tillkeeper.contract.commands import PlaceOrder, RecordTender, RefundCheck, VoidCheck
from tillkeeper.sales.model import Authorisation

Payable = RecordTender | PlaceOrder | VoidCheck | RefundCheck
PAYABLE = (RecordTender, PlaceOrder, VoidCheck, RefundCheck)


def purpose_of(command: Payable) -> Purpose:
    match command:
        case PlaceOrder():
            return Purpose("order")
        case RecordTender(tender=tender, tendered_minor=tendered, reference=reference):
            return Purpose("tender", tender=tender, tendered_minor=tendered, reference=reference)
        case VoidCheck(reason=reason):
            return Purpose("void", reason=reason)
        case RefundCheck(tender=tender, reason=reason, quantities=pieces, amount_minor=amount):
            return Purpose("refund", tender=tender, reason=reason, quantities=pieces, amount_minor=amount)


def command_of(one: Authorisation) -> Payable | None:
    """The command that needed it; None for an order, of which only its own client knows the rest. What came from another
    register pays what it is worth, whatever is due by now. That a check may be paid elsewhere was asked before."""
    purpose = one.purpose
    common: dict[str, Any] = {"check_id": one.check_id, "by": one.by}
    match purpose.kind:
        case "tender":
            tendered = one.amount_minor if one.brought else purpose.tendered_minor
            return RecordTender(
                tender=purpose.tender, tendered_minor=tendered, reference=purpose.reference, although_unreachable=True, **common
            )  # fmt: skip
        case "void":
            return VoidCheck(reason=purpose.reason, **common)
        case "refund":
            return RefundCheck(
                tender=purpose.tender, reason=purpose.reason, quantities=purpose.quantities,
                amount_minor=purpose.amount_minor, **common,
            )  # fmt: skip
        case _:
            return None
