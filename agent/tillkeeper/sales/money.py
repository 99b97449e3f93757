"""Integer money: division with a named rounding, exact allocation, coins, text. No float takes part anywhere."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Literal

Rounding = Literal["half_up", "half_even"]

PPM = 1_000_000

# ISO 4217 minor digits of the currencies that do not have two (list one of the standard, as of 2024).
_NO_DIGITS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
)
_THREE_DIGITS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def minor_digits(currency: str) -> int:
    """Digits behind the decimal point of a currency (ISO 4217)."""
    if currency in _NO_DIGITS:
        return 0
    return 3 if currency in _THREE_DIGITS else 2


def divide(numerator: int, denominator: int, rounding: Rounding = "half_up") -> int:
    """`numerator / denominator` rounded to the nearest integer; both must not be negative, `denominator` not zero.

    Raises:
        ValueError: a negative numerator, or a denominator that is not positive.
    """
    if numerator < 0 or denominator <= 0:
        raise ValueError(f"divide {numerator} by {denominator}: outside of what money rounding is defined for")
    quotient, rest = divmod(numerator, denominator)
    if 2 * rest > denominator:
        return quotient + 1
    if 2 * rest == denominator and (rounding == "half_up" or quotient % 2 == 1):
        return quotient + 1
    return quotient


def allocate(amount: int, weights: Sequence[int]) -> list[int]:
    """Split `amount` in proportion to `weights` by largest remainder (ties: the earlier one). The parts sum to `amount`
    exactly, and no part is larger than its weight as long as `amount` is not larger than their sum.

    Raises:
        ValueError: a negative amount or weight, or an amount to split over nothing.
    """
    total = sum(weights)
    if amount < 0 or any(weight < 0 for weight in weights) or (amount and not total):
        raise ValueError(f"allocate {amount} over {list(weights)}")
    if not amount:
        return [0] * len(weights)
    parts = [amount * weight // total for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda index: (-(amount * weights[index] % total), index))
    for index in by_remainder[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def round_to(amount: int, coin: int) -> int:
    """The multiple of `coin` nearest to `amount` (not negative); half goes up."""
    return divide(amount, coin) * coin


def exact(value: float | str) -> Decimal:
    """A number of the configuration as a decimal, exactly as it was written ("8.875", 8.875).

    Raises:
        ValueError: not a finite number.
    """
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number") from None
    if not number.is_finite():
        raise ValueError(f"{value!r} is not a finite number")
    return number


def ppm(percent: float | str) -> int:
    """Percent as parts per million: 8.875 -> 88750.

    Raises:
        ValueError: not a number, outside 0 to 100, or with more than four decimals.
    """
    number = exact(percent)
    if not 0 <= number <= 100:
        raise ValueError(f"{percent!r} % is outside 0 to 100")
    parts = number * 10_000
    if parts != parts.to_integral_value():
        raise ValueError(f"{percent!r} % has more than four decimals")
    return int(parts)


def percent_text(rate_ppm: int) -> str:
    """88750 -> "8.875", 190000 -> "19"."""
    whole, parts = divmod(rate_ppm, 10_000)
    return f"{whole}.{parts:04d}".rstrip("0").rstrip(".")


def to_text(minor: int, digits: int, currency: str = "") -> str:
    """Minor units as people read them: `to_text(-123456, 2, "EUR")` is "-1234.56 EUR"."""
    sign, value = ("-", -minor) if minor < 0 else ("", minor)
    whole, parts = divmod(value, 10**digits)
    text = f"{sign}{whole}.{parts:0{digits}d}" if digits else f"{sign}{whole}"
    return f"{text} {currency}" if currency else text
