"""What a check costs: lines, modifiers, discounts, taxes. Integer minor units; every sum is exact by construction.

The order of things: a line's discounts in the order in which they were given, each on what the one before left; then
the discounts of the check, allocated over the lines by largest remainder; then tax, once per tax of the check or for
each line (`Rules.tax_rounding`).
"""

from dataclasses import dataclass

import msgspec

from tillkeeper.config.model import Store
from tillkeeper.contract.values import Modifier, Tax, TaxTotal, Totals
from tillkeeper.sales.model import Check, Line
from tillkeeper.sales.money import PPM, Rounding, allocate, divide


class Rules(msgspec.Struct, frozen=True):
    """`tax_rounding`: "check" (once for each tax of a check) or "line"."""

    tax_rounding: str = "check"
    rounding: Rounding = "half_up"


@dataclass(frozen=True)
class PricedLine:
    """`rung_minor`: quantity x price with modifiers. `amount_minor`: that less all discounts. `gross_minor` = net + tax."""

    line: Line
    rung_minor: int
    amount_minor: int
    gross_minor: int
    tax_minor: int


@dataclass(frozen=True)
class Priced:
    """`discounts`: id -> what it takes off. The lines' taxes sum to those in `totals`, under each rounding rule."""

    lines: tuple[PricedLine, ...]
    discounts: dict[str, int]
    totals: Totals


def rules_of(store: Store) -> Rules:
    return Rules(tax_rounding=store.tax_rounding, rounding=store.rounding)


def piece_price(unit_price_minor: int, modifiers: tuple[Modifier, ...]) -> int:
    """One piece with its modifiers; never below zero."""
    return max(0, unit_price_minor + sum(modifier.price_minor * modifier.quantity for modifier in modifiers))


def totals(check: Check, rules: Rules) -> Totals:
    """The check's sums. paid + due = gross + rounding at every moment; see `Totals`."""
    return price(check, rules).totals


def price(check: Check, rules: Rules) -> Priced:
    """Lines, discounts and sums together. Lines without pieces are there, at zero."""
    rung = [line.quantity * piece_price(line.unit_price_minor, line.modifiers) for line in check.lines]
    amounts, discounts = _discounted(check, rung, rules)
    gross, tax, taxes = _taxed(check, amounts, rules)
    lines = tuple(
        PricedLine(line, rung_minor=rung[index], amount_minor=amounts[index], gross_minor=gross[index], tax_minor=tax[index])
        for index, line in enumerate(check.lines)
    )
    kept = [payment for payment in check.payments if not payment.returned]
    paid = sum(payment.amount_minor for payment in kept)
    rounding = sum(payment.rounding_minor for payment in kept)
    sums = Totals(
        subtotal_minor=sum(rung),
        discount_minor=sum(rung) - sum(amounts),
        net_minor=sum(gross) - sum(tax),
        tax_minor=sum(tax),
        gross_minor=sum(gross),
        rounding_minor=rounding,
        paid_minor=paid,
        due_minor=sum(gross) + rounding - paid,
        taxes=taxes,
    )
    # A closed check stays what it was closed with, whatever the configuration says later.
    return Priced(lines, discounts, check.closed_totals or sums)


def _discounted(check: Check, rung: list[int], rules: Rules) -> tuple[list[int], dict[str, int]]:
    amounts = list(rung)
    taken: dict[str, int] = {}
    place = {line.line_id: index for index, line in enumerate(check.lines)}
    for discount in sorted(check.discounts, key=lambda discount: not discount.line_id):
        over = [place[discount.line_id]] if discount.line_id else range(len(amounts))
        base = sum(amounts[index] for index in over)
        wanted = divide(base * discount.rate_ppm, PPM, rules.rounding) if discount.rate_ppm else discount.amount_minor
        taken[discount.discount_id] = min(wanted, base)
        shares = allocate(taken[discount.discount_id], [amounts[index] for index in over])
        for index, share in zip(over, shares, strict=True):
            amounts[index] -= share
    return amounts, taken


def tax_of(amount: int, tax: Tax, rounding: Rounding) -> int:
    """The tax in `amount` where prices include it, else the tax on top of it."""
    return divide(amount * tax.rate_ppm, PPM + tax.rate_ppm if tax.included else PPM, rounding)


def _taxed(check: Check, amounts: list[int], rules: Rules) -> tuple[list[int], list[int], tuple[TaxTotal, ...]]:
    """Gross and tax of each line, and the sums for each tax in the order in which the taxes first appear."""
    groups: dict[Tax, list[int]] = {}
    for index, line in enumerate(check.lines):
        if line.quantity:
            groups.setdefault(line.tax, []).append(index)
    taxes = [0] * len(amounts)
    sums: list[TaxTotal] = []
    for tax, members in groups.items():
        of_members = [amounts[index] for index in members]
        if rules.tax_rounding == "line":
            shares = [tax_of(amount, tax, rules.rounding) for amount in of_members]
        else:
            shares = allocate(tax_of(sum(of_members), tax, rules.rounding), of_members)
        for index, share in zip(members, shares, strict=True):
            taxes[index] = share
        tax_minor = sum(shares)
        sums.append(TaxTotal(tax, net_minor=sum(of_members) - (tax_minor if tax.included else 0), tax_minor=tax_minor))
    gross = [
        amount if line.tax.included else amount + taxes[index]
        for index, (line, amount) in enumerate(zip(check.lines, amounts, strict=True))
    ]
    return gross, taxes, tuple(sums)
