"""Which tax a line takes: its item's tax category, chosen again by the order type of the line, or else of the check."""

from tillkeeper.config.model import Taxes
from tillkeeper.contract.pages import TaxIncluded
from tillkeeper.contract.values import OrderType, Tax
from tillkeeper.sales.money import ppm
from tillkeeper.sales.refusals import found


def tax_for(taxes: Taxes, category: str, order_type: OrderType) -> Tax:
    """
    Raises:
        Refused: `unknown_tax_category` or `unknown_tax_rate`: catalogue and configuration do not fit together.
    """
    rule = found(taxes.categories, category, code="unknown_tax_category", operation="choose tax", what="tax category")
    rate_name = rule.by_order_type.get(order_type, rule.default)
    rate = found(taxes.rates, rate_name, code="unknown_tax_rate", operation="choose tax", what="tax rate")
    return Tax(code=rate_name, rate_ppm=ppm(rate.percent), included=rate.included)


def included(taxes: Taxes) -> TaxIncluded:
    """In which prices tax is contained; a rate of nothing is both."""
    named = {name for rule in taxes.categories.values() for name in (rule.default, *rule.by_order_type.values())}
    found = {rate.included for name, rate in taxes.rates.items() if name in named and ppm(rate.percent)}
    return "some" if len(found) > 1 else "none" if False in found else "all"
