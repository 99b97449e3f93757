"""What a receipt says, decided when the sale is accepted: a later change of the configuration does not rewrite it.

Amounts with what they are, names as the store has them; the words around them are the layout's (`layouts`).
"""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from tillkeeper.config.model import Config
from tillkeeper.contract.paper import Slip
from tillkeeper.contract.values import TaxTotal, Totals
from tillkeeper.sales.model import Check, Payment, Refund
from tillkeeper.sales.pricing import Priced, price, rules_of
from tillkeeper.sales.refunds import value_of
from tillkeeper.sales.tenders import needs_world
from tillkeeper.spool.model import ReceiptAmount, ReceiptData, ReceiptLine


def receipt_data(
    check: Check, totals: Totals, config: Config, printed_at_ms: int, *, copy: int = 0, refund: Refund | None = None
) -> ReceiptData:
    """The receipt of a check; of one of its refunds where `refund` is given. A voided check's is titled VOID."""
    priced = price(check, rules_of(config.store))
    if refund is not None:
        title, lines, amounts = "REFUND", tuple(_refund_lines(check, refund)), tuple(_refund_amounts(refund, config))
    else:
        title = "VOID" if check.state == "voided" else ""
        lines, amounts = tuple(_lines(check)), tuple(_amounts(check, priced, totals, config))
    return ReceiptData(
        check_id=check.check_id,
        ticket_code=check.ticket_code,
        order_type=check.order_type,
        printed_at_ms=printed_at_ms,
        terminal=check.terminal,
        server=check.server,
        table=check.table,
        lines=lines,
        amounts=amounts,
        title=title,
        check_number=check.number,
        copy=copy,
        original_at_ms=check.closed_at_ms if copy else None,
        training=check.training,
    )


def paper_mark(slip: Slip, timezone: str) -> str:
    """"FROM PAPER 17, 2026-11-22 14:35": the number and the time that were on the slip, in the store's time zone."""
    if not slip.slip_at_ms:
        return f"FROM PAPER {slip.slip}"
    at = datetime.fromtimestamp(slip.slip_at_ms / 1000, ZoneInfo(timezone))
    return f"FROM PAPER {slip.slip}, {at:%Y-%m-%d %H:%M}"


def _lines(check: Check) -> Iterator[ReceiptLine]:
    for line in check.lines:
        if not line.quantity:
            continue
        yield ReceiptLine(line.name, line.quantity, line.quantity * line.unit_price_minor)
        if line.order_type is not None and line.order_type != check.order_type:
            yield ReceiptLine("", depth=1, order_type=line.order_type)
        for modifier in line.modifiers:
            pieces = line.quantity * modifier.quantity
            yield ReceiptLine(modifier.name, pieces, pieces * modifier.price_minor, depth=1)


def _amounts(check: Check, priced: Priced, totals: Totals, config: Config) -> Iterator[ReceiptAmount]:
    if totals.discount_minor or any(not total.tax.included for total in totals.taxes):
        yield ReceiptAmount("", totals.subtotal_minor, kind="subtotal")
    for discount in check.discounts:
        yield ReceiptAmount(discount.name, -priced.discounts[discount.discount_id], kind="discount")
    yield from (row for total in totals.taxes if not total.tax.included and (row := _tax_row(total, config)))
    yield ReceiptAmount("", totals.gross_minor, strong=True, kind="total")
    yield from (row for total in totals.taxes if total.tax.included and (row := _tax_row(total, config)))
    if totals.rounding_minor:
        yield ReceiptAmount("", totals.rounding_minor, kind="rounding")
    for payment in check.payments:
        yield _tender_row(payment, config)
    change = sum(payment.change_minor for payment in check.payments)
    if change:
        yield ReceiptAmount("", change, strong=True, kind="change")
    if check.state == "voided":
        for payment in check.payments:
            yield ReceiptAmount(_title(payment.tender, config), -payment.amount_minor, strong=True, kind="returned")
    if check.state == "open" and totals.due_minor:
        yield ReceiptAmount("", totals.due_minor, strong=True, kind="due")


def _tax_row(total: TaxTotal, config: Config) -> ReceiptAmount | None:
    rate = config.taxes.rates.get(total.tax.code)
    if not total.tax.rate_ppm:
        return None
    return ReceiptAmount(
        rate.name if rate else total.tax.code,
        total.tax_minor,
        kind="included_tax" if total.tax.included else "tax",
        rate_ppm=total.tax.rate_ppm,
        net_minor=total.net_minor,
    )


def _tender_row(payment: Payment, config: Config) -> ReceiptAmount:
    """With what the gateway says of the card and its own reference, where there was one."""
    words = (_title(payment.tender, config), payment.label, payment.reference if needs_world(payment.kind) else "")
    return ReceiptAmount(
        " ".join(word for word in words if word),
        payment.tendered_minor,
        kind="tender",
        foreign_minor=payment.foreign_minor,
        currency=payment.foreign_currency,
    )


def _title(tender: str, config: Config) -> str:
    known = config.tenders.get(tender)
    return known.title if known else tender


def _refund_lines(check: Check, refund: Refund) -> Iterator[ReceiptLine]:
    """Names and pieces only: what they are worth after discounts is in the sum."""
    for line in check.lines:
        if pieces := refund.quantities.get(line.line_id, 0):
            yield ReceiptLine(line.name, pieces)


def _refund_amounts(refund: Refund, config: Config) -> Iterator[ReceiptAmount]:
    yield ReceiptAmount("", -value_of(refund), strong=True, kind="refund")
    if refund.tax_minor:
        yield ReceiptAmount("", -refund.tax_minor, kind="included_tax")
    if refund.rounding_minor:
        yield ReceiptAmount("", -refund.rounding_minor, kind="rounding")
    yield ReceiptAmount(_title(refund.tender, config), -refund.amount_minor, kind="tender")
