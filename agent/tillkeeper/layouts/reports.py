"""Rows of an X or Z report, in words."""

from collections.abc import Iterator

from tillkeeper.layouts.fields import Sheet
from tillkeeper.layouts.model import Element, option, times
from tillkeeper.sales.money import minor_digits
from tillkeeper.spool.model import ReportData, ReportLine
from tillkeeper_drivers.api import Block, Columns, Text

_STRONG_HEIGHT = 2


def lines(element: Element, sheet: Sheet, data: ReportData) -> Iterator[Block]:
    """Each row of the report; one with nothing on the right is a heading."""
    width, height, bold = times(element, "width"), times(element, "height"), bool(option(element, "bold"))
    for line in data.lines:
        label, value = _label(sheet, line), _value(sheet, line)
        tall = max(height, _STRONG_HEIGHT) if line.strong else height
        if value:
            yield Columns(label, value, bold=bold or line.strong, width=width, height=tall)
        else:
            yield Text(label, bold=True, width=width, height=tall)


def _label(sheet: Sheet, line: ReportLine) -> str:
    word = sheet.language.word(f"report.{line.word}") if line.word else ""
    return "  " * line.depth + " ".join(part for part in (word, line.label) if part)


def _value(sheet: Sheet, line: ReportLine) -> str:
    store = sheet.config.store
    if line.amount_minor is None:
        return line.text if line.count is None else str(line.count)
    if line.currency and line.currency != store.currency:
        return sheet.language.money(line.amount_minor, minor_digits(line.currency), line.currency)
    if line.strong:
        return sheet.language.money(line.amount_minor, store.minor_digits, store.currency)
    return sheet.language.amount(line.amount_minor, store.minor_digits)
