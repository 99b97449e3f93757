"""An order of a web shop as a command of this register. Pure."""

from tillkeeper.config.online import Online
from tillkeeper.contract.commands import NewLine, NewTender, PlaceOrder
from tillkeeper.contract.online import OnlineDone, OnlineOrder
from tillkeeper.errors import Refused, TillkeeperError

BY = "online"
"""Who rang it, on the ticket and in the journal."""
MAX_REASON = 300


def key_of(order_id: str) -> str:
    """Its idempotency key: however often the order comes to this register, it is placed once."""
    return f"online-{order_id}"


def command_of(order: OnlineOrder, settings: Online, now_ms: int, *, may_be_doubled: bool) -> PlaceOrder:
    """
    Raises:
        Refused: `online_tender_missing`.
    """
    tenders: tuple[NewTender, ...] = ()
    if order.paid_minor is not None:
        if not settings.tender:
            raise Refused(
                "online_tender_missing", "place order", f"online order {order.id}",
                "it is paid to the shop, and no tender is configured for that", "set online.tender",
            )  # fmt: skip
        tenders = (NewTender(settings.tender, order.paid_minor, order.payment_reference),)
    fire_at_ms = None if order.promised_ms is None else order.promised_ms - settings.lead_s * 1000
    return PlaceOrder(
        order_type=order.order_type,
        lines=tuple(NewLine(one.item_id, one.quantity, one.modifiers, note=one.note) for one in order.lines),
        server=BY,
        name=order.name,
        phone=order.phone,
        note=order.note,
        tenders=tenders,
        fire_at_ms=fire_at_ms if fire_at_ms is not None and fire_at_ms > now_ms else None,
        may_be_doubled=may_be_doubled,
        by=BY,
    )


def refused(order_id: str, error: TillkeeperError) -> OnlineDone:
    """What the shop is told."""
    return OnlineDone(order_id, "refused", code=error.code[:64], reason=error.cause[:MAX_REASON])
