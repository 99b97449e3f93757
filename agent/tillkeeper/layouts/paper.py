"""A layout filled with a job: blocks for the driver. Pure.

Every amount and every item was decided when the command was accepted; here they are only set. What no layout may leave out
(`rules.py`) is set from the job alone, whatever the layout's options.
"""

from collections.abc import Callable, Iterator

from tillkeeper.layouts import copies, receipts, reports, tickets
from tillkeeper.layouts.fields import Sheet, fields
from tillkeeper.layouts.marks import mark_texts, training_of
from tillkeeper.layouts.model import Element, Kind, Layout, option, times
from tillkeeper.layouts.placeholders import fill
from tillkeeper.spool.model import ReceiptData, ReportData, TicketData
from tillkeeper_drivers.api import Block, Columns, Feed, Logo, Qr, Rule, Text

Fields = dict[str, str]


def blocks(layout: Layout, sheet: Sheet) -> tuple[Block, ...]:
    """The document from top to bottom. Raises TypeError: a drawer pulse is not printed."""
    known = fields(sheet)
    said: list[Block] = []
    for element in layout.elements:
        if element.when and not known.get(element.when):
            continue
        if element.unless and known.get(element.unless):
            continue
        said += _SET[element.element](element, sheet, known)
    return tuple(said)


def styled(element: Element, text: str) -> list[Block]:
    """The text in the element's style; nothing where it is empty."""
    if not text.strip():
        return []
    return [
        Text(
            text,
            align=option(element, "align") or "left",
            width=times(element, "width"),
            height=times(element, "height"),
            bold=bool(option(element, "bold")),
            invert=bool(option(element, "invert")),
            colour=option(element, "colour") or "black",
        )
    ]


def _marks(element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    width, height = times(element, "width"), times(element, "height")
    said = [_mark(text, width, height) for text in mark_texts(sheet)]
    data = sheet.job.data
    if isinstance(data, ReceiptData | ReportData) and data.copy:
        rule = copies.rule(sheet.config)
        text = f"{rule.word} {data.copy}" if rule.word else sheet.language.word("marks.copy", copy=str(data.copy))
        said.append(_mark(text, max(width, rule.width), max(height, rule.height)))
    return said


def _mark(text: str, width: int, height: int) -> Block:
    """Marks stand above everything, white on black."""
    return Text(f" {text} ", align="centre", width=width, height=height, bold=True, invert=True)


def _training(element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    if not training_of(sheet.job.data):
        return []
    return [_mark(sheet.language.word("marks.training"), times(element, "width"), times(element, "height"))]


def _text(element: Element, sheet: Sheet, known: Fields) -> list[Block]:
    return styled(element, fill(element.text, known, sheet.language.words))


def _row(element: Element, sheet: Sheet, known: Fields) -> list[Block]:
    left, right = (fill(text, known, sheet.language.words) for text in (element.text, element.right))
    if not left.strip() and not right.strip():
        return []
    return [columns(element, left, right.strip())]


def columns(element: Element, left: str, right: str, *, strong: bool = True, hang: int = 0) -> Columns:
    """A row in the element's size and weight, or in normal ones where it is not `strong`."""
    if not strong:
        return Columns(left, right)
    size = {"width": times(element, "width"), "height": times(element, "height")}
    return Columns(left, right, bold=bool(option(element, "bold")), hang=hang, **size)


def _rule(element: Element, _sheet: Sheet, _known: Fields) -> list[Block]:
    return [Rule(element.character)]


def _feed(element: Element, _sheet: Sheet, _known: Fields) -> list[Block]:
    return [Feed(element.lines)] if element.lines else []


def _qr(element: Element, sheet: Sheet, known: Fields) -> list[Block]:
    data = fill(element.text, known, sheet.language.words)
    return [Qr(data, element.module_dots)] if data else []


def _logo(_element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    return [Logo()] if sheet.config.store.logo else []


def _header(element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    return [block for line in sheet.config.store.receipt_header for block in styled(element, line)]


def _footer(element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    return [block for line in sheet.config.store.receipt_footer for block in styled(element, line)]


def _title(element: Element, sheet: Sheet, known: Fields) -> list[Block]:
    data = sheet.job.data
    if isinstance(data, ReportData):
        return styled(element, sheet.language.word(f"report.title_{_report_kind(data)}", number=known["number"]))
    return styled(element, receipts.title(sheet, data)) if isinstance(data, ReceiptData) else []


def _report_kind(data: ReportData) -> str:
    return "day" if data.whole_store else data.kind


def _field(name: str) -> Callable[[Element, Sheet, Fields], list[Block]]:
    return lambda element, _sheet, known: styled(element, known.get(name, ""))


def _change(element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    return tickets.change(element, sheet, sheet.job.data) if isinstance(sheet.job.data, TicketData) else []


def _items(element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    return tickets.items(element, sheet, sheet.job.data) if isinstance(sheet.job.data, TicketData) else []


def _lines(element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    return list(_rows(element, sheet))


def _rows(element: Element, sheet: Sheet) -> Iterator[Block]:
    data = sheet.job.data
    if isinstance(data, ReceiptData):
        for left, right in receipts.lines(sheet, data):
            yield columns(element, left, right, hang=receipts.HANG)
    elif isinstance(data, ReportData):
        yield from reports.lines(element, sheet, data)


def _amounts(element: Element, sheet: Sheet, _known: Fields) -> list[Block]:
    data = sheet.job.data
    if not isinstance(data, ReceiptData):
        return []
    return [
        columns(element, left, right, strong=strong or element.element == "taxes")
        for left, right, strong in receipts.amounts(sheet, data, element.element)
    ]


_SET: dict[Kind, Callable[[Element, Sheet, Fields], list[Block]]] = {
    "marks": _marks,
    "training_banner": _training,
    "text": _text,
    "row": _row,
    "rule": _rule,
    "feed": _feed,
    "qr": _qr,
    "logo": _logo,
    "header": _header,
    "footer": _footer,
    "title": _title,
    "order_type": _field("order_type"),
    "ticket_code": _field("ticket_code"),
    "change": _change,
    "items": _items,
    "lines": _lines,
    "totals": _amounts,
    "taxes": _amounts,
    "payments": _amounts,
}
