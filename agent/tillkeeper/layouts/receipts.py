"""Lines and amounts of a receipt, in words."""

from collections.abc import Iterator

from tillkeeper.layouts.fields import Sheet
from tillkeeper.layouts.model import Kind
from tillkeeper.sales.money import minor_digits
from tillkeeper.spool.model import AmountKind, ReceiptAmount, ReceiptData, ReceiptLine

_GROUPS: dict[AmountKind, Kind] = {
    "included_tax": "taxes",
    "rounding": "payments",
    "tender": "payments",
    "change": "payments",
    "returned": "payments",
    "due": "payments",
}
"""Which element prints a row; all others are `totals`, rows of older releases among them."""

_TITLES = {"REFUND": "receipt.title_refund", "VOID": "receipt.title_void"}


def title(sheet: Sheet, data: ReceiptData) -> str:
    """What this receipt is besides a sale's; a title of another version as it is."""
    return sheet.language.word(_TITLES[data.title]) if data.title in _TITLES else data.title


HANG = 4
"""Where a long name goes on: under the name, not under the quantity."""


def lines(sheet: Sheet, data: ReceiptData) -> Iterator[tuple[str, str]]:
    """What was sold: name and amount, modifiers indented."""
    for line in data.lines:
        yield _line(sheet, line)


def _line(sheet: Sheet, line: ReceiptLine) -> tuple[str, str]:
    indent = "  " * line.depth
    if line.order_type:
        return f"{indent}{sheet.language.order_type(line.order_type)}", ""
    # A modifier without a price shows none: a column of 0.00 hides the prices that count.
    hidden = line.depth and not line.amount_minor
    amount = "" if hidden else sheet.language.amount(line.amount_minor, sheet.config.store.minor_digits)
    quantity = f"{line.quantity} x " if not line.depth or line.quantity > 1 else ""
    return f"{indent}{quantity}{line.text}", amount


def amounts(sheet: Sheet, data: ReceiptData, group: Kind) -> Iterator[tuple[str, str, bool]]:
    """The rows below the lines that `group` (totals, taxes, payments) prints: label, amount, and whether it counts most."""
    store = sheet.config.store
    for row in data.amounts:
        if _GROUPS.get(row.kind, "totals") != group:
            continue
        if row.strong:
            yield _label(sheet, row), sheet.language.money(row.amount_minor, store.minor_digits, store.currency), True
        else:
            yield _label(sheet, row), sheet.language.amount(row.amount_minor, store.minor_digits), False


def _label(sheet: Sheet, row: ReceiptAmount) -> str:
    language = sheet.language
    if row.kind == "tax":
        return f"{row.label} {language.percent(row.rate_ppm)}"
    if row.kind == "included_tax":
        if not row.label:
            return language.word("receipt.included_tax")
        return language.word("receipt.included", tax=f"{row.label} {language.percent(row.rate_ppm)}")
    if row.kind == "returned":
        return language.word("receipt.returned", tender=row.label)
    if row.kind == "tender" and row.currency:
        return f"{row.label} {language.amount(row.foreign_minor, minor_digits(row.currency))} {row.currency}"
    return row.label or language.word(f"receipt.{row.kind}")
