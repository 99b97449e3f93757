from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tillkeeper.sales.money import allocate, divide, minor_digits, percent_text, ppm, round_to, to_text


@pytest.mark.parametrize(
    ("percent", "expected"), [(8.875, 88_750), ("8.875", 88_750), (7, 70_000), ("0.1", 1_000), (0.0001, 1), (100, 1_000_000)]
)
def test_percent_becomes_parts_per_million_exactly(percent: float | str, expected: int) -> None:
    assert ppm(percent) == expected


@pytest.mark.parametrize("percent", ["8.87501", -1, 100.5, "seven", "nan", "inf", ""])
def test_a_percentage_that_cannot_be_exact_is_an_error(percent: float | str) -> None:
    with pytest.raises(ValueError, match=r"%|number"):
        ppm(percent)


def test_halves_round_by_the_named_rule() -> None:
    assert [divide(n, 2, "half_up") for n in range(6)] == [0, 1, 1, 2, 2, 3]
    assert [divide(n, 2, "half_even") for n in range(6)] == [0, 0, 1, 2, 2, 2]


@settings(deadline=None)
@given(st.integers(0, 10**12), st.integers(1, 10**7))
def test_division_is_to_the_nearest(numerator: int, denominator: int) -> None:
    assert abs(divide(numerator, denominator) - Fraction(numerator, denominator)) <= Fraction(1, 2)


@pytest.mark.parametrize(("numerator", "denominator"), [(-1, 2), (1, 0), (1, -1)])
def test_division_outside_of_money_raises(numerator: int, denominator: int) -> None:
    with pytest.raises(ValueError, match="divide"):
        divide(numerator, denominator)


@settings(deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=20), st.data())
def test_an_allocation_is_exact_and_takes_no_more_than_there_is(weights: list[int], data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, sum(weights)))
    parts = allocate(amount, weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert 0 <= part <= weight
        assert abs(part * sum(weights) - amount * weight) < sum(weights) or not weight


def test_largest_remainder_by_hand() -> None:
    assert allocate(100, [1, 1, 1]) == [34, 33, 33]
    assert allocate(10, [6, 3, 2]) == [5, 3, 2]  # 5.45, 2.73, 1.82


def test_nothing_cannot_be_split_over_nothing() -> None:
    assert allocate(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="allocate"):
        allocate(1, [0, 0])


def test_rounding_to_a_coin() -> None:
    assert [round_to(amount, 5) for amount in (1000, 1002, 1003, 1007, 1008)] == [1000, 1000, 1005, 1005, 1010]


def test_texts() -> None:
    assert to_text(-123456, 2, "EUR") == "-1234.56 EUR"
    assert to_text(5, 2) == "0.05"
    assert to_text(1500, 0, "JPY") == "1500 JPY"
    assert to_text(1, 3) == "0.001"
    assert [minor_digits(currency) for currency in ("EUR", "JPY", "KWD")] == [2, 0, 3]
    assert [percent_text(rate) for rate in (88_750, 190_000, 0, 1)] == ["8.875", "19", "0", "0.0001"]
