"""What a receipt says, decided when the sale is accepted: a later change of the configuration does not rewrite it."""

from collections.abc import Iterator

from tillkeeper.config.model import Config
from tillkeeper.contract.values import TaxTotal, Totals
from tillkeeper.kitchen.words import order_type_words
from tillkeeper.sales.model import Check, Payment, Refund
from tillkeeper.sales.money import minor_digits, percent_text, to_text
from tillkeeper.sales.pricing import Priced, price, rules_of
from tillkeeper.sales.refunds import value_of
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
    )


def _lines(check: Check) -> Iterator[ReceiptLine]:
    for line in check.lines:
        if not line.quantity:
            continue
        yield ReceiptLine(line.name, line.quantity, line.quantity * line.unit_price_minor)
        if line.order_type is not None and line.order_type != check.order_type:
            yield ReceiptLine(order_type_words(line.order_type), depth=1)
        for modifier in line.modifiers:
            pieces = line.quantity * modifier.quantity
            yield ReceiptLine(modifier.name, pieces, pieces * modifier.price_minor, depth=1)


def _amounts(check: Check, priced: Priced, totals: Totals, config: Config) -> Iterator[ReceiptAmount]:
    if totals.discount_minor or any(not total.tax.included for total in totals.taxes):
        yield ReceiptAmount("Subtotal", totals.subtotal_minor)
    for discount in check.discounts:
        yield ReceiptAmount(discount.name, -priced.discounts[discount.discount_id])
    yield from (row for total in totals.taxes if not total.tax.included and (row := _tax_row(total, config)))
    yield ReceiptAmount("TOTAL", totals.gross_minor, strong=True)
    yield from (row for total in totals.taxes if total.tax.included and (row := _tax_row(total, config)))
    if totals.rounding_minor:
        yield ReceiptAmount("Rounding", totals.rounding_minor)
    for payment in check.payments:
        yield ReceiptAmount(_tender_label(payment, config), payment.tendered_minor)
    change = sum(payment.change_minor for payment in check.payments)
    if change:
        yield ReceiptAmount("Change", change, strong=True)
    if check.state == "voided":
        for payment in check.payments:
            yield ReceiptAmount(f"Returned {_title(payment.tender, config)}", -payment.amount_minor, strong=True)
    if check.state == "open" and totals.due_minor:
        yield ReceiptAmount("Due", totals.due_minor, strong=True)


def _tax_row(total: TaxTotal, config: Config) -> ReceiptAmount | None:
    rate = config.taxes.rates.get(total.tax.code)
    name = f"{rate.name if rate else total.tax.code} {percent_text(total.tax.rate_ppm)} %"
    if not total.tax.rate_ppm:
        return None
    return ReceiptAmount(f"incl. {name}" if total.tax.included else name, total.tax_minor)


def _tender_label(payment: Payment, config: Config) -> str:
    title = _title(payment.tender, config)
    if not payment.foreign_currency:
        return title
    return f"{title} {to_text(payment.foreign_minor, minor_digits(payment.foreign_currency), payment.foreign_currency)}"


def _title(tender: str, config: Config) -> str:
    known = config.tenders.get(tender)
    return known.title if known else tender


def _refund_lines(check: Check, refund: Refund) -> Iterator[ReceiptLine]:
    """Names and pieces only: what they are worth after discounts is in the sum."""
    for line in check.lines:
        if pieces := refund.quantities.get(line.line_id, 0):
            yield ReceiptLine(line.name, pieces)


def _refund_amounts(refund: Refund, config: Config) -> Iterator[ReceiptAmount]:
    yield ReceiptAmount("REFUND", -value_of(refund), strong=True)
    if refund.tax_minor:
        yield ReceiptAmount("incl. tax", -refund.tax_minor)
    if refund.rounding_minor:
        yield ReceiptAmount("Rounding", -refund.rounding_minor)
    yield ReceiptAmount(_title(refund.tender, config), -refund.amount_minor)
