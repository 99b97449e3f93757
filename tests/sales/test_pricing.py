"""Sums computed by hand, on paper, before the code was run."""

import pytest
from tests.sales.world import US, World, config, line

from tillkeeper.config.model import TaxCategory, Taxes, TaxRate
from tillkeeper.contract import commands as cmd
from tillkeeper.sales.pricing import rules_of, totals
from tillkeeper.sales.taxes import included


def test_us_sales_tax_is_added_once_per_check() -> None:
    world = World(config(**US))
    sums = world.order(line("burger"), line("burger"), line("beer")).totals
    # 23.33 x 8.875 % = 2.0705375
    assert sums is not None
    assert (sums.net_minor, sums.tax_minor, sums.gross_minor) == (2333, 207, 2540)


def test_us_sales_tax_per_line_differs_by_a_cent() -> None:
    world = World(config(**US | {"store": {**US["store"], "tax_rounding": "line"}}))
    sums = world.order(line("burger"), line("burger"), line("beer")).totals
    # 10.00 -> 0.8875 -> 0.89, twice; 3.33 -> 0.2955 -> 0.30
    assert sums is not None
    assert (sums.net_minor, sums.tax_minor, sums.gross_minor) == (2333, 208, 2541)


def test_german_tax_is_included_and_follows_the_order_type() -> None:
    world = World()
    sums = world.order(line("burger"), line("beer")).totals
    # all 19 %: 13.33 x 19 / 119 = 2.1283
    assert sums is not None
    assert (sums.net_minor, sums.tax_minor, sums.gross_minor) == (1120, 213, 1333)
    sums = world.do(cmd.ChangeOrderType(check_id="c", order_type="takeout")).totals
    # food 7 %: 10.00 x 7 / 107 = 0.6542; drink stays 19 %: 3.33 x 19 / 119 = 0.5317
    assert sums is not None
    assert [(total.tax.code, total.net_minor, total.tax_minor) for total in sums.taxes] == [("low", 935, 65), ("full", 280, 53)]
    assert sums.gross_minor == 1333


def test_a_lines_own_order_type_wins_over_the_checks() -> None:
    world = World()
    world.order(line("burger", order_type="takeout"), line("burger"))
    assert [rung.tax.rate_ppm for rung in world.open_check.lines] == [70_000, 190_000]
    world.do(cmd.ChangeOrderType(check_id="c", order_type="delivery"))
    assert [rung.tax.rate_ppm for rung in world.open_check.lines] == [70_000, 190_000]


@pytest.mark.parametrize(("rounding", "tax"), [("half_up", 13), ("half_even", 12)])
def test_the_stores_rounding_decides_the_half_cent(rounding: str, tax: int) -> None:
    rate = {
        "rates": {"t": {"name": "Tax", "percent": "12.5"}},
        "categories": {"food": {"default": "t"}, "drink": {"default": "t"}},
    }
    world = World(config(store={**US["store"], "rounding": rounding}, taxes=rate))
    sums = world.order(line("penny", 100)).totals
    assert sums is not None
    assert sums.tax_minor == tax


def test_modifiers_cost_by_the_piece() -> None:
    world = World()
    cheese = cmd.ChosenModifier("cheese", quantity=2)
    sums = world.order(cmd.NewLine("burger", 3, (cheese, cmd.ChosenModifier("no-bun")))).totals
    assert sums is not None
    assert sums.subtotal_minor == 3 * (1000 + 2 * 75 - 100)


def test_discounts_line_first_then_check_by_largest_remainder() -> None:
    world = World()
    order = world.order(
        line("burger"),
        line("beer"),
        line("penny"),
        discounts=(cmd.NewDiscount("five"), cmd.NewDiscount("happy", line=0)),
    )
    # 10.00 - 33.33 % = 6.67; over 6.67 + 3.33 + 0.01 = 10.01 five off: 3.332, 1.663, 0.005 -> 3.33, 1.66 + 1, 0.00
    assert order.totals is not None
    assert (order.totals.subtotal_minor, order.totals.discount_minor, order.totals.gross_minor) == (1334, 833, 501)


def test_a_fixed_discount_never_makes_a_check_negative() -> None:
    world = World()
    order = world.order(line("beer"), discounts=(cmd.NewDiscount("five"),))
    assert order.totals is not None
    assert (order.totals.discount_minor, order.totals.gross_minor) == (333, 0)


def test_a_discount_follows_the_lines_that_come_and_go() -> None:
    world = World()
    world.order(line("burger"), discounts=(cmd.NewDiscount("staff", reason="crew"),))
    added = world.do(cmd.AddLines(check_id="c", lines=(line("burger"),)))
    assert added.totals is not None
    assert added.totals.gross_minor == 1600
    removed = world.do(cmd.RemoveDiscount(check_id="c", discount_id=world.open_check.discounts[0].discount_id))
    assert removed.totals is not None
    assert removed.totals.gross_minor == 2000


def test_a_closed_check_keeps_its_sums_when_the_store_rounds_otherwise_later() -> None:
    world = World(config(**US))
    closed = world.order(line("burger"), line("burger"), line("beer"), tenders=(cmd.NewTender("cash"),))
    later = config(**US | {"store": {**US["store"], "tax_rounding": "line"}})
    assert totals(world.open_check, rules_of(later.store)) == closed.totals


@pytest.mark.parametrize(
    ("rates", "expected"),
    [
        ({"a": ("19", True), "b": ("7", True)}, "all"),
        ({"a": ("8.875", False), "b": ("0", True)}, "none"),
        ({"a": ("19", True), "b": ("2", False)}, "some"),
        ({"a": ("0", False)}, "all"),
        ({"a": ("19", True), "unused": ("5", False)}, "all"),
    ],
)
def test_in_which_prices_tax_is_contained(rates: dict[str, tuple[str, bool]], expected: str) -> None:
    taxes = Taxes(
        rates={name: TaxRate(name=name, percent=percent, included=inside) for name, (percent, inside) in rates.items()},
        categories={name: TaxCategory(default=name) for name in rates if name != "unused"},
    )
    assert included(taxes) == expected
