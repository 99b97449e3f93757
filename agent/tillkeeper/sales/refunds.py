"""How much a refund is. Never more than was paid; and once all of a check is refunded, in whatever pieces, the refunds' taxes
sum to the check's tax exactly."""

from dataclasses import dataclass

from tillkeeper.sales.model import Check, Refund
from tillkeeper.sales.money import Rounding, divide, round_to
from tillkeeper.sales.pricing import Priced


@dataclass(frozen=True)
class Left:
    """What is left of a closed check: `value_minor` of its gross, `tax_minor` within it, `money_minor` of what was paid
    (the two differ by cash rounding)."""

    value_minor: int
    tax_minor: int
    money_minor: int


@dataclass(frozen=True)
class RefundAmount:
    """`money_minor` is handed back, `rounding_minor` = money - value."""

    money_minor: int
    tax_minor: int
    rounding_minor: int


def value_of(refund: Refund) -> int:
    """What a refund takes off the check's gross."""
    return refund.amount_minor - refund.rounding_minor


def left_of(check: Check, priced: Priced) -> Left:
    return Left(
        value_minor=priced.totals.gross_minor - sum(value_of(refund) for refund in check.refunds),
        tax_minor=priced.totals.tax_minor - sum(refund.tax_minor for refund in check.refunds),
        money_minor=priced.totals.paid_minor - sum(refund.amount_minor for refund in check.refunds),
    )


def value_of_pieces(priced: Priced, quantities: dict[str, int], rounding: Rounding) -> tuple[int, int]:
    """Gross and tax of some pieces. Cumulative: the first k of n pieces cost round(gross * k / n), so all sum exactly."""
    value = tax = 0
    for entry in priced.lines:
        pieces = quantities.get(entry.line.line_id, 0)
        if not pieces:
            continue
        before, of = entry.line.refunded_quantity, entry.line.quantity
        for sign, upto in ((1, before + pieces), (-1, before)):
            value += sign * divide(entry.gross_minor * upto, of, rounding)
            tax += sign * divide(entry.tax_minor * upto, of, rounding)
    return value, tax


def refund_amount(left: Left, value: int, tax: int | None, coin: int, rounding: Rounding) -> RefundAmount:
    """Money and tax for refunding `value`. `tax`: of the pieces, or None for its share of what is left. `coin`: the smallest
    that can be handed out, 1 without cash rounding. The refund that uses up either the value or the money takes the rest
    of everything, so that no tax is left behind."""
    whole_coins = left.money_minor // coin * coin
    all_of_it = value >= left.value_minor
    money = min(round_to(left.money_minor if all_of_it else value, coin), whole_coins)
    if all_of_it or money >= whole_coins:
        return RefundAmount(money, left.tax_minor, money - left.value_minor)
    share = divide(left.tax_minor * value, left.value_minor, rounding) if tax is None else tax
    # The rest must stay able to hold the rest of the tax.
    share = max(min(share, left.tax_minor, value), left.tax_minor - (left.value_minor - value))
    return RefundAmount(money, share, money - value)
